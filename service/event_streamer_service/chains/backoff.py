"""How long to wait before a question that failed is put again: the one back-off of the service. Pure."""

from __future__ import annotations

from collections.abc import Callable

_LONGEST_ASKED = 300.0
"""Seconds: a node that asks for more patience than this is asked all the same."""


class Backoff:
    """
    Counts failures in a row and says how long to wait after each.

    Args:
        delays: Seconds to wait after the failure of this number, from 1 on.

    Example:
        >>> backoff = Backoff.doubling(0.25, 10)
        >>> [backoff.next() for _ in range(7)]
        [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10]
    """

    def __init__(self, delays: Callable[[int], float]) -> None:
        self._delays = delays
        self.failures = 0
        """Failures in a row."""

    @classmethod
    def doubling(cls, first: float, longest: float) -> Backoff:
        """Wait `first` seconds, then twice as long each time, `longest` at most."""
        return cls(lambda failures: min(first * 2 ** min(failures - 1, 32), longest))

    @classmethod
    def rounds(cls, retries: int, retry_delay: float, reconnect_delay: float) -> Backoff:
        """Wait `retry_delay` seconds `retries` times, then once `reconnect_delay`, and so on."""
        return cls(lambda failures: retry_delay if failures % (retries + 1) else reconnect_delay)

    def next(self, error: Exception | None = None) -> float:
        """Note a failure; return the seconds to wait, more where the error asks for it (`retry_after`)."""
        self.failures += 1
        asked = getattr(error, "retry_after", None) or 0.0
        return max(self._delays(self.failures), min(asked, _LONGEST_ASKED))

    def reset(self) -> None:
        """Note a success."""
        self.failures = 0

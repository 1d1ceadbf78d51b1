"""How far a fetch is, and the line that shows it."""

from __future__ import annotations

import sys
from collections.abc import Callable

from attrs import frozen

from event_streamer_api.errors import EventStreamerValidationError

__all__ = ["FetchProgress", "ProgressOption", "teller"]


@frozen(kw_only=True)
class FetchProgress:
    """
    How far a fetch is; `progress=` functions get it.

    Attributes:
        first_block: The first block that is fetched.
        last_block: The last one.
        block: The last block that is done; `None` before the first.
        events: Events that came so far.
    """

    first_block: int
    last_block: int
    block: int | None
    events: int

    @property
    def share(self) -> float:
        """The share of blocks that is done, 0 to 1."""
        if self.block is None:
            return 0.0
        done = (self.block - self.first_block + 1) / (self.last_block - self.first_block + 1)
        return min(max(0.0, done), 1.0)

    def __str__(self) -> str:
        block = self.first_block if self.block is None else self.block
        return f"block {block:,} of {self.last_block:,} ({self.share:.0%}), {self.events:,} events"


ProgressOption = bool | Callable[[FetchProgress], object]
"""`True` for a line on standard error, or a function that is called now and then."""


def teller(option: ProgressOption) -> Callable[[FetchProgress], object]:
    """
    Make the function that is told how far a fetch is.

    Raises:
        EventStreamerValidationError: It is neither true, false nor a function.
    """
    if option is False:
        return lambda _: None
    if option is True:
        return _Line()
    if not callable(option):
        raise EventStreamerValidationError(f"progress must be True, False or a function, not {option!r}")
    return option


class _Line:
    """One line on standard error: written over again on a terminal and in a notebook, else one a call."""

    def __init__(self) -> None:
        self._length = 0

    def __call__(self, progress: FetchProgress) -> None:
        text = str(progress)
        if sys.stderr.isatty() or "ipykernel" in sys.modules:
            end = "\n" if progress.share == 1 else ""
            sys.stderr.write(f"\r{text.ljust(self._length)}{end}")
        else:
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
        self._length = len(text)

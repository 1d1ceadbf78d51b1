"""How long to wait before the next try: exponential back-off with full jitter, and what resets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from event_streamer_api.errors import EventStreamerValidationError

RETRY_AFTER_SPREAD = 0.25
"""Most jitter that is added to a `Retry-After`, as a share of it; at least as much as on a first wait."""


def _positive(_: object, attribute: Any, value: float) -> None:
    if not value > 0:
        raise EventStreamerValidationError(f"{attribute.name} must be above 0, not {value!r}")


def _not_negative(_: object, attribute: Any, value: float) -> None:
    if not value >= 0:
        raise EventStreamerValidationError(f"{attribute.name} must be 0 or more, not {value!r}")


@frozen(kw_only=True)
class Reconnect:
    """
    When a lost stream is taken up again.

    The n-th wait is drawn evenly from 0 to `min(maximum, initial * multiplier**n)` ("full jitter"), so
    that many clients of a service that comes back don't all knock at once. Without `attempts` the bound of a
    stream's waits grows with the time waited instead, to `initial + (multiplier - 1) * waited`: the same
    where each wait is as long as it may be, and less after short ones. So streams are back soon after a short
    outage: with the default multiplier no wait is longer than the outage has lasted and half a second.

    Attributes:
        initial: Upper bound of the first wait, seconds.
        multiplier: Growth of the bound from one failed try to the next, 1 or more.
        maximum: Upper bound of every wait, seconds.
        retry_after_limit: The longest `Retry-After` that is obeyed, seconds; a longer one counts as this. A
            quarter of it at most, or `initial` where that is more, comes on top by chance, lest all who were
            sent away come back at once.
        healthy_after: A connection that has lived so long (seconds) starts the waits anew, as does a
            committed batch.
        attempts: Tries in a row before the stream ends with the error; `None` goes on for ever.
        conflicts: Answers 409 in a row before the stream ends with the error.

    Example:
        >>> policy = Reconnect(initial=0.2, maximum=5.0, attempts=20)
    """

    initial: float = field(default=0.5, validator=_positive)
    multiplier: float = field(default=2.0, validator=_positive)
    maximum: float = field(default=30.0, validator=_positive)
    retry_after_limit: float = field(default=120.0, validator=_not_negative)
    healthy_after: float = field(default=60.0, validator=_not_negative)
    attempts: int | None = None
    conflicts: int = field(default=10, validator=_not_negative)

    def bound(self, failures: int) -> float:
        """
        Give the upper bound of a wait.

        Args:
            failures: Failed tries before it, 0 or more.

        Returns:
            Seconds.
        """
        # The exponent is capped: 2.0**1100 would overflow after a very long outage.
        return min(self.maximum, self.initial * self.multiplier ** min(failures, 100))


class Backoff:
    """
    Counts failures in a row and draws the waits of a `Reconnect` policy.

    Args:
        policy: The policy.
        random: Draws from 0 to 1.
        by_time: The waits grow with the time waited, not with the tries: for those who try for as long as it
            takes. Tries that are counted are worth their full wait.
    """

    def __init__(self, policy: Reconnect, random: Callable[[], float], *, by_time: bool = False) -> None:
        self.policy = policy
        self.failures = 0
        self._random = random
        self._by_time = by_time
        self._waited = 0.0

    def reset(self) -> None:
        """Start anew: the last try went well."""
        self.failures = 0
        self._waited = 0.0

    def next_delay(self, retry_after: float | None = None) -> float:
        """
        Count a failure and say how long to wait now.

        Args:
            retry_after: Seconds the service asked for, where it did; obeyed up to the policy's limit. The
                wait is drawn from above it, since all whom it has sent away would come back together. How
                often it was tried before doesn't matter: the service knows when there is room. 0 asks for
                nothing.

        Returns:
            Seconds to wait, 0 or more.
        """
        delay = self._random() * self._bound() if not retry_after else self._asked(retry_after)
        self.failures += 1
        self._waited += delay
        return delay

    def _bound(self) -> float:
        policy = self.policy
        bound = policy.bound(self.failures)
        if self._by_time:
            bound = min(bound, policy.initial + max(0.0, policy.multiplier - 1) * self._waited)
        return bound

    def _asked(self, retry_after: float) -> float:
        asked = min(max(retry_after, 0.0), self.policy.retry_after_limit)
        spread = max(self.policy.bound(0), RETRY_AFTER_SPREAD * asked)
        return asked + self._random() * spread

    @property
    def exhausted(self) -> bool:
        """Whether the policy allows no further try."""
        return self.policy.attempts is not None and self.failures >= self.policy.attempts

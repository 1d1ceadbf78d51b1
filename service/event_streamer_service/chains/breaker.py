"""
A circuit breaker for one RPC URL: after some failures it is left alone for a while, then tried with care.

    closed ──failure_threshold failures in a row──▶ open ──recovery_timeout──▶ half_open
      ▲                                               ▲                            │
      │                                               └────────── a failure ───────┤
      └───────────────────────── success_threshold successes ──────────────────────┘

Pure but for the clocks, which are given. The pattern: Michael Nygard, "Release It!", "Circuit Breaker".
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from attrs import field, frozen
from attrs.validators import ge, gt

CLOSED = "closed"
OPEN = "open"
HALF_OPEN = "half_open"


@frozen(kw_only=True)
class BreakerSettings:
    """
    When a circuit breaker opens and closes.

    Attributes:
        failure_threshold: Failures in a row that open it, 1 or more.
        recovery_timeout: Seconds that it stays open before it is tried again.
        success_threshold: Successes while half open that close it, 1 or more.
        timeout: Seconds that one call may take; longer is a failure.
        half_open_max_calls: Calls under way at a time while half open, 1 or more.
    """

    failure_threshold: int = field(default=5, validator=ge(1))
    recovery_timeout: float = field(default=60.0, validator=ge(0))
    success_threshold: int = field(default=2, validator=ge(1))
    timeout: float = field(default=30.0, validator=gt(0))
    half_open_max_calls: int = field(default=3, validator=ge(1))


class CircuitBreaker:
    """
    Guards the calls to one RPC URL and counts how they went.

    Args:
        name: How the REST calls name it.
        settings: Its thresholds.
        clock: Monotonic seconds.
        wall_clock: Seconds since the Unix epoch, for the metrics' times.
    """

    def __init__(
        self,
        name: str,
        settings: BreakerSettings | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.settings = settings or BreakerSettings()
        self._clock = clock
        self._wall_clock = wall_clock
        self._state = CLOSED
        self._opened_at = 0.0
        self._half_open_successes = 0
        self._seconds = 0.0
        self._timed_calls = 0
        self.failure_count = 0
        """Failed calls, all told."""
        self.success_count = 0
        """Answered calls, all told."""
        self.consecutive_failures = 0
        """Failures since the last success."""
        self.consecutive_successes = 0
        """Successes since the last failure."""
        self.rejected_count = 0
        """Calls that were not made because the breaker was open."""
        self.half_open_calls = 0
        """Trial calls under way."""
        self.last_failure_time: float | None = None
        """Unix time of the last failure."""
        self.last_error: str | None = None
        """Why a call failed last, in the node's words where it gave some."""
        self.last_success_time: float | None = None
        """Unix time of the last success."""
        self.state_transitions: Counter[str] = Counter()
        """How often it went from one state to another, as `closed_to_open`."""

    @property
    def state(self) -> str:
        """`closed`, `open` or `half_open`."""
        return self._state

    @property
    def total_calls(self) -> int:
        """Calls that were made and ended."""
        return self.failure_count + self.success_count

    @property
    def success_rate(self) -> float:
        """Share of the calls that were answered, 0 to 1; 1 before the first call."""
        return self.success_count / self.total_calls if self.total_calls else 1.0

    @property
    def failure_rate(self) -> float:
        """Share of the calls that failed, 0 to 1."""
        return 1.0 - self.success_rate

    @property
    def average_response_time(self) -> float:
        """Mean time of a call in milliseconds, failed ones included; 0 before the first call."""
        return 1000 * self._seconds / self._timed_calls if self._timed_calls else 0.0

    @property
    def is_healthy(self) -> bool:
        """Whether calls are made without reserve."""
        return self._state == CLOSED

    @property
    def retry_after(self) -> float:
        """Seconds until a call may be tried; 0 where it may now."""
        if self._state != OPEN:
            return 0.0
        return max(0.0, self._opened_at + self.settings.recovery_timeout - self._clock())

    def allow(self) -> bool:
        """Ask leave for one call; each leave is followed by `succeeded`, `failed` or `abandoned`."""
        if self._state == OPEN and self.retry_after <= 0:
            self._become(HALF_OPEN)
        if self._state == OPEN or (
            self._state == HALF_OPEN and self.half_open_calls >= self.settings.half_open_max_calls
        ):
            self.rejected_count += 1
            return False
        if self._state == HALF_OPEN:
            self.half_open_calls += 1
        return True

    def succeeded(self, seconds: float) -> None:
        """Note that a call was answered after `seconds`."""
        self._ended(seconds)
        self.success_count += 1
        self.consecutive_successes += 1
        self.consecutive_failures = 0
        self.last_success_time = self._wall_clock()
        if self._state == HALF_OPEN:
            self._half_open_successes += 1
            if self._half_open_successes >= self.settings.success_threshold:
                self._become(CLOSED)

    def failed(self, seconds: float | None, cause: str | None = None) -> None:
        """
        Note that a call failed.

        Args:
            seconds: How long it took; `None` where it is not a call but a lost connection.
            cause: Why, for people.
        """
        self._ended(seconds)
        self.last_error = cause
        self.failure_count += 1
        self.consecutive_failures += 1
        self.consecutive_successes = 0
        self.last_failure_time = self._wall_clock()
        if self._state == HALF_OPEN or (
            self._state == CLOSED and self.consecutive_failures >= self.settings.failure_threshold
        ):
            self._become(OPEN)

    def abandoned(self) -> None:
        """Note that a call was given up by its caller; it says nothing about the node."""
        self.half_open_calls = max(0, self.half_open_calls - 1)

    def reset(self) -> None:
        """Close it and forget the failures that led here; the totals stay."""
        self.consecutive_failures = 0
        self._become(CLOSED)

    def _ended(self, seconds: float | None) -> None:
        if seconds is not None:
            self._seconds += seconds
            self._timed_calls += 1
        self.half_open_calls = max(0, self.half_open_calls - 1)

    def _become(self, state: str) -> None:
        if state == self._state:
            return
        self.state_transitions[f"{self._state}_to_{state}"] += 1
        self._state = state
        self._half_open_successes = 0
        self.half_open_calls = 0
        if state == OPEN:
            self._opened_at = self._clock()

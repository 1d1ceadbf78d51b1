"""
Streams that come back after a restart: all at once, unless somebody tells them when.

Every client was connected, every client lost its connection in the same moment, and each start costs a read
of the database and a place in the chain. So for a while after the start they are let in at a steady rate, and
those beyond it are told, each another second, when there is room (503 with Retry-After). Pure, no I/O.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from event_streamer_service.errors import Unavailable


class Admission:
    """
    Lets streams in at a steady rate, some of them at once (a leaky bucket, as nginx's `limit_req`).

    Args:
        per_second: Streams a second.
        lasts: Seconds from now on for which it limits anything.
        now: The time, in seconds, on a clock that only goes forward.
    """

    _AT_ONCE = 0.8
    """Seconds whose streams may come together. Retry-After knows whole seconds, so those of one nearly do."""

    def __init__(self, per_second: float, *, lasts: float, now: Callable[[], float]) -> None:
        self._interval = 1 / per_second
        self._now = now
        self._ends_at = now() + lasts
        self._free_at = 0.0
        self._next_slot = 0.0

    def admit(self) -> None:
        """
        Let a stream in.

        Raises:
            Unavailable: It is one too many at this moment; tells when to come again.
        """
        now = self._now()
        if now >= self._ends_at:
            return
        if self._free_at - now <= self._AT_ONCE:
            self._free_at = max(self._free_at, now) + self._interval
            return
        self._next_slot = max(self._next_slot, now) + self._interval
        wait = math.ceil(self._next_slot - now)
        raise Unavailable(
            f"The service has just started, and many streams come back. Come again in {wait} s.",
            code="STARTING",
            retry_after=wait,
        )

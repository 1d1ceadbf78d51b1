"""
Streams that come back after a restart: all at once, unless somebody tells them when.

Every client was connected, every client lost its connection in the same moment, and each start costs a read
of the database and a place in the chain. So for a while after the start they are let in at a steady rate:
each waits for its turn before it is answered, and those for whom that would take too long are told, each
another second, when there is room (503 with Retry-After). Pure, no I/O.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from event_streamer_service.errors import Unavailable


class Admission:
    """
    Lets streams in at a steady rate (a leaky bucket that delays, as nginx's `limit_req`).

    Args:
        per_second: Streams a second.
        lasts: Seconds from now on for which it limits anything.
        now: The time, in seconds, on a clock that only goes forward.
    """

    _LONGEST_WAIT = 8.0
    """Seconds that a stream waits for its turn: less than clients and proxies wait for an answer."""

    def __init__(self, per_second: float, *, lasts: float, now: Callable[[], float]) -> None:
        self._interval = 1 / per_second
        self._now = now
        self._ends_at = now() + lasts
        self._next_turn = 0.0
        self._next_room = 0.0

    def admit(self) -> float:
        """
        Give a stream its turn.

        Returns:
            Seconds to wait before it is let in.

        Raises:
            Unavailable: Too many wait already; tells when to come again.
        """
        now = self._now()
        if now >= self._ends_at:
            return 0.0
        turn = max(self._next_turn, now)
        if turn - now <= self._LONGEST_WAIT:
            self._next_turn = turn + self._interval
            return turn - now
        self._next_room = max(self._next_room, now) + self._interval
        wait = math.ceil(self._next_room - now)
        raise Unavailable(
            f"The service has just started, and many streams come back. Try again in {wait} s.",
            code="STARTING",
            retry_after=wait,
        )

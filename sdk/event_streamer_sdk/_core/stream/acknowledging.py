"""
The acknowledge lane: sends ids of committed batches, and what is left of them before a run ends.

    AckBuffer      the ids: bound to a connection, in chunks, bounded in number and in tries
    Acknowledger   the lane: when they are sent, and what comes of it
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum

from ..backoff import Backoff, Reconnect
from ..words import counted
from .commands import Acknowledged, Steps, Wait, acknowledge
from .failures import connection_gone
from .in_hand import InHand
from .lease import RunLease
from .link import Connection
from .session import Session

logger = logging.getLogger(__name__)

ACK_BACKOFF = Reconnect(initial=1.0, maximum=30.0)
"""Waits between tries that failed."""
REPORT_AFTER = 3
"""Failures in a row after which `on_error` hears of it."""
FINAL_TRIES = 3
"""How often the last acknowledgements are tried before the connection is closed."""


class Sent(Enum):
    """What came of sending acknowledgements."""

    ALL = "all"
    """Nothing that can be sent is left."""
    SOME = "some"
    """The service refused single ids."""
    NOTHING = "nothing"
    """It could not be reached, or refused the request."""


class AckBuffer:
    """
    Batch ids that are committed and not yet acknowledged.

    They belong to the connection that delivered the batches: on a new one the old ones are dropped, since the
    resume token covers them.

    Args:
        limit: Most ids that wait or are on their way; beyond it the one that has waited longest is given up
            (the service may send its batch again).
        chunk: Most ids in one request.
        attempts: How often an id is sent before it is given up.
        on_due: Called when the first id waits, and when a chunk is full.
        on_given_up: Called when an id is given up because too many wait.
    """

    def __init__(
        self,
        *,
        limit: int,
        chunk: int,
        attempts: int,
        on_due: Callable[[], None],
        on_given_up: Callable[[], None],
    ) -> None:
        self.chunk = chunk
        self._limit = limit
        self._attempts = attempts
        self._on_due = on_due
        self._on_given_up = on_given_up
        self._waiting: deque[str] = deque()
        self._append = self._waiting.append
        self._sending: list[str] = []
        self._failures: dict[str, int] = {}
        self._quiet = 0  # how many may still be added before there is something to look at

    def __len__(self) -> int:
        return len(self._sending) + len(self._waiting)

    def add(self, batch_id: str) -> None:
        """Let a committed batch wait for its acknowledgement."""
        self._append(batch_id)
        self._quiet -= 1
        if self._quiet < 0:
            self._look()

    def _look(self) -> None:
        """Tell what an id more means, and count how many more mean nothing."""
        waiting = len(self._waiting)
        room = self._limit - waiting - len(self._sending)
        if room < 0:
            self._failures.pop(self._waiting.popleft(), None)
            self._on_given_up()
        elif waiting == 1 or waiting == self.chunk:
            self._on_due()
        self._quiet = max(0, min(room, self.chunk - waiting - 1 if waiting < self.chunk else room))

    def clear(self) -> None:
        """Drop all: a new connection has begun."""
        self._waiting.clear()
        self._sending.clear()
        self._failures.clear()
        self._quiet = 0

    def next_chunk(self) -> list[str]:
        """
        Say what to send now.

        Returns:
            The oldest ids, at most one chunk, each of them once; the same ones again until `sent` or `failed`
            tells what came of them.
        """
        if not self._sending:
            oldest = [self._waiting.popleft() for _ in range(min(self.chunk, len(self._waiting)))]
            self._sending = list(dict.fromkeys(oldest))
            self._quiet = 0
        return list(self._sending)

    def sent(self, batch_ids: Sequence[str]) -> None:
        """Forget ids that the service took."""
        self._settle(batch_ids)
        if self._failures:
            for batch_id in batch_ids:
                self._failures.pop(batch_id, None)

    def failed(self, batch_ids: Sequence[str]) -> list[str]:
        """
        Count a failed try of single ids, which the service named.

        Args:
            batch_ids: Ids out of the chunk; they go to the end of the line, so that one bad id doesn't hold
                up others.

        Returns:
            The ids that are given up now.
        """
        given_up = []
        for batch_id in self._settle(batch_ids):
            failures = self._failures.pop(batch_id, 0) + 1
            if failures >= self._attempts:
                given_up.append(batch_id)
            else:
                self._failures[batch_id] = failures
                self._waiting.append(batch_id)
        self._quiet = 0
        return given_up

    def _settle(self, batch_ids: Sequence[str]) -> list[str]:
        """Take ids out of the chunk; give those that were in it, for it may have been dropped meanwhile."""
        self._quiet = 0
        if list(batch_ids) == self._sending:
            settled, self._sending = self._sending, []
            return settled
        wanted = set(batch_ids)
        settled = [batch_id for batch_id in self._sending if batch_id in wanted]
        self._sending = [batch_id for batch_id in self._sending if batch_id not in wanted]
        return settled


class Acknowledger:
    """The acknowledge lane."""

    def __init__(self, session: Session, acks: AckBuffer, in_hand: InHand, lease: RunLease) -> None:
        self._session = session
        self._acks = acks
        self._in_hand = in_hand
        self._lease = lease

    def steps(self) -> Steps[None]:
        """Run the lane."""
        session, acks = self._session, self._acks
        interval = session.settings.batch_ack_interval
        chunk = session.settings.ack_chunk
        backoff = Backoff(ACK_BACKOFF, session.random)
        outages = 0
        next_at = session.clock() + interval
        while not (session.delivered or (session.over and self._in_hand.handed_over)):
            now = session.clock()
            waiting = len(acks)
            due = next_at if waiting < chunk or backoff.failures else now
            if not waiting or now < due or self._connection() is None:
                yield Wait(due - now if waiting and now < due else None)
                continue
            sent, retry_after = yield from self._flush()
            if sent is Sent.ALL:
                backoff.reset()
                outages = 0
                next_at = session.clock() + interval
                continue
            next_at = session.clock() + max(interval, backoff.next_delay(retry_after))
            outages += sent is Sent.NOTHING
            if outages == REPORT_AFTER:
                self._report(
                    f"{counted(len(acks), 'batch', 'batches')} could not be acknowledged; still trying"
                )
        yield from self._final()
        yield from self._lease.give_back()
        session.flush_has_ended()

    def _flush(self) -> Steps[tuple[Sent, float | None]]:
        """Send all that waits by now; tell what came of it, and the seconds the service asks to wait."""
        session, acks = self._session, self._acks
        left = len(acks)  # what comes meanwhile has its time, else a fast stream never lets a chunk fill
        while left > 0 and len(acks):
            connection = self._connection()
            if connection is None or connection.id is None:
                return Sent.ALL, None
            batch_ids = acks.next_chunk()
            left -= len(batch_ids)
            outcome = yield from acknowledge(connection.id, batch_ids)
            if session.link.connection is not connection:
                return Sent.ALL, None
            if isinstance(outcome, Acknowledged):
                refused = set(outcome.failed)
                taken = [each for each in batch_ids if each not in refused] if refused else batch_ids
                acks.sent(taken)
                session.counters.add("acks", len(taken))
                if refused:
                    self._give_up(acks.failed([each for each in batch_ids if each in refused]))
                    return Sent.SOME, None
            elif connection_gone(outcome.error):
                # The committed token covers them: there is nothing to repeat.
                acks.clear()
                session.link.gone(connection)
                return Sent.ALL, None
            else:
                logger.warning(
                    "subscription %s: acknowledging failed: %s", session.subscription_id, outcome.error
                )
                if getattr(outcome.error, "status_code", None) in {400, 422}:
                    self._give_up(acks.failed(batch_ids))
                return Sent.NOTHING, getattr(outcome.error, "retry_after", None)
        return Sent.ALL, None

    def _connection(self) -> Connection | None:
        """Give the connection that acknowledgements can be sent for, where there is one."""
        connection = self._session.link.connection
        if connection is None or connection.id is None or connection.dropped is not None:
            return None
        return connection

    def _final(self) -> Steps[None]:
        """Send what is left while the connection is still open, for at most half of the time to stop."""
        session = self._session
        until = session.clock() + session.settings.stop_timeout / 2
        backoff = Backoff(Reconnect(initial=0.2, maximum=1.0), session.random)
        for _ in range(FINAL_TRIES):
            sent, retry_after = yield from self._flush()
            if sent is Sent.ALL:
                return
            pause = backoff.next_delay(retry_after)
            if session.clock() + pause >= until:
                break
            resume_at = session.clock() + pause
            while (left := resume_at - session.clock()) > 0:
                yield Wait(left)
        logger.warning(
            "subscription %s: %d batches stay unacknowledged; the resume token covers them",
            session.subscription_id,
            len(self._acks),
        )

    def _give_up(self, batch_ids: list[str]) -> None:
        if not batch_ids:
            return
        self._session.counters.add("ack_failures", len(batch_ids))
        shown = ", ".join(batch_ids[:5]) + (", …" if len(batch_ids) > 5 else "")
        refused = counted(len(batch_ids), "batch", "batches")
        self._report(f"the service refused the acknowledgement of {refused} for good: {shown}")

    def _report(self, message: str) -> None:
        logger.error("subscription %s: %s", self._session.subscription_id, message)
        self._session.notices.tell_error("ACKNOWLEDGEMENT_FAILED", message)

"""The acknowledge lane: sends ids of committed batches, and what is left of them before a run ends."""

from __future__ import annotations

import logging
from enum import Enum

from ..backoff import Backoff, Reconnect
from .classify import connection_gone
from .commands import (
    Acknowledged,
    Lane,
    ReleaseLease,
    Steps,
    Wait,
    acknowledge,
)
from .session import Connection, Session

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


def acknowledge_lane(session: Session) -> Steps[None]:
    """
    Run the acknowledge lane.

    Args:
        session: The run.
    """
    interval = session.settings.batch_ack_interval
    chunk = session.settings.ack_chunk
    backoff = Backoff(ACK_BACKOFF, session.random)
    outages = 0
    next_at = session.clock() + interval
    while not (session.delivered or (session.over and session.handed_over)):
        now = session.clock()
        waiting = len(session.acks)
        due = next_at if waiting < chunk or backoff.failures else now
        if not waiting or now < due or _connection(session) is None:
            yield Wait(due - now if waiting and now < due else None)
            continue
        sent, retry_after = yield from _flush(session)
        if sent is Sent.ALL:
            backoff.reset()
            outages = 0
            next_at = session.clock() + interval
            continue
        next_at = session.clock() + max(interval, backoff.next_delay(retry_after))
        outages += sent is Sent.NOTHING
        if outages == REPORT_AFTER:
            _report(session, f"{len(session.acks)} batches could not be acknowledged; still trying")
    yield from _final(session)
    if session.lease_held:
        session.lease_held = False
        yield ReleaseLease()
    session.flushed = True
    session.break_off()
    session.wake(*Lane)


def _flush(session: Session) -> Steps[tuple[Sent, float | None]]:
    """Send all that waits by now; tell what came of it, and the seconds the service asks to wait."""
    left = len(session.acks)  # what comes meanwhile has its time, else a fast stream never lets a chunk fill
    while left > 0 and len(session.acks):
        connection = _connection(session)
        if connection is None or connection.id is None:
            return Sent.ALL, None
        batch_ids = session.acks.next_chunk()
        left -= len(batch_ids)
        outcome = yield from acknowledge(connection.id, batch_ids)
        if session.connection is not connection:
            return Sent.ALL, None
        if isinstance(outcome, Acknowledged):
            refused = set(outcome.failed)
            taken = [batch_id for batch_id in batch_ids if batch_id not in refused] if refused else batch_ids
            session.acks.sent(taken)
            session.counters.acks += len(taken)
            if refused:
                _give_up(session, session.acks.failed([i for i in batch_ids if i in refused]))
                return Sent.SOME, None
        elif connection_gone(outcome.error):
            # The committed token covers them: there is nothing to repeat.
            session.acks.clear()
            session.connection_gone(connection)
            return Sent.ALL, None
        else:
            logger.warning(
                "subscription %s: acknowledging failed: %s", session.subscription_id, outcome.error
            )
            if getattr(outcome.error, "status_code", None) in {400, 422}:
                _give_up(session, session.acks.failed(batch_ids))
            return Sent.NOTHING, getattr(outcome.error, "retry_after", None)
    return Sent.ALL, None


def _connection(session: Session) -> Connection | None:
    """Give the connection that acknowledgements can be sent for, where there is one."""
    connection = session.connection
    if connection is None or connection.id is None or connection.dropped is not None:
        return None
    return connection


def _final(session: Session) -> Steps[None]:
    """Send what is left while the connection is still open, for at most half of the time to stop."""
    until = session.clock() + session.settings.stop_timeout / 2
    backoff = Backoff(Reconnect(initial=0.2, maximum=1.0), session.random)
    for _ in range(FINAL_TRIES):
        sent, retry_after = yield from _flush(session)
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
        len(session.acks),
    )


def _give_up(session: Session, batch_ids: list[str]) -> None:
    if not batch_ids:
        return
    session.counters.ack_failures += len(batch_ids)
    shown = ", ".join(batch_ids[:5]) + (", …" if len(batch_ids) > 5 else "")
    _report(session, f"the service refused the acknowledgement of {len(batch_ids)} batches for good: {shown}")


def _report(session: Session, message: str) -> None:
    logger.error("subscription %s: %s", session.subscription_id, message)
    session.notify_error("ACKNOWLEDGEMENT_FAILED", message)

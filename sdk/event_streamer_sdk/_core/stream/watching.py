"""The watch lane: our heartbeats, the service's silence, limits on time, and the lease."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from event_streamer_sdk.exceptions import EventStreamerTimeoutError, LeaseLostError

from .classify import connection_gone
from .commands import (
    Failed,
    Steps,
    Wait,
    renew_lease,
    send_heartbeat,
)
from .reports import EndReason
from .session import Connection, Session

logger = logging.getLogger(__name__)

SILENT_INTERVALS = 3
"""Heartbeat intervals without a byte after which a connection is dead."""
CONNECT_LIMIT = 30.0
"""Longest time from the start of a connect to the response's headers, seconds."""
HEARTBEAT_TIMEOUT = 10.0
"""Longest time one heartbeat may take, seconds."""
LATE = 1.0
"""Seconds behind time from which on the process counts as held up."""
RENEW_SECONDS = 5.0
"""How often a lease is prolonged, seconds."""


def watch_lane(session: Session) -> Steps[None]:
    """
    Run the watch lane.

    Args:
        session: The run.
    """
    renew_at = session.clock() + RENEW_SECONDS
    while not session.flushed:
        now = session.clock()
        due = min(_due(session, now, renew_at), default=None)
        yield Wait(None if due is None else max(0.0, due - now))
        now = session.clock()
        if due is not None and now - due > LATE:
            _held_up(session, now, now - due)
        if session.connecting_since is not None and now >= session.connecting_since + CONNECT_LIMIT:
            session.connecting_since = None
            session.break_off()
        if session.lease_held and now >= renew_at:
            renew_at = now + RENEW_SECONDS
            outcome = yield from renew_lease()
            if isinstance(outcome, Failed):
                logger.warning("subscription %s: %s", session.subscription_id, outcome.error)
                if isinstance(outcome.error, LeaseLostError):
                    session.conclude(EndReason.LEASE_LOST, outcome.error)
        connection = session.connection
        if connection is not None and connection.dropped is None:
            _look_for_silence(session, connection, now)
            if connection.dropped is None and now >= connection.next_heartbeat_at:
                yield from _heartbeat(session, connection, now)


def _due(session: Session, now: float, renew_at: float) -> Iterator[float]:
    """List the times at which there is something to do, or to look at."""
    if session.connecting_since is not None:
        yield session.connecting_since + CONNECT_LIMIT
    if session.lease_held:
        yield renew_at
    connection = session.connection
    if connection is None or connection.dropped is not None:
        return
    yield connection.next_heartbeat_at
    if connection.reading:
        yield connection.last_byte_at + SILENT_INTERVALS * connection.interval
        # Between lines, too: the read lane doesn't wake this one each time that a line begins.
        yield (connection.line_since or now) + session.settings.line_timeout


def _held_up(session: Session, now: float, late: float) -> None:
    """Warn, and don't take our own sleep for the service's silence."""
    logger.warning(
        "subscription %s: this process was held up for %.1f s, and heartbeats were late. "
        "A handler that blocks the event loop? Run it with asyncio.to_thread.",
        session.subscription_id,
        late,
    )
    if session.connection is not None:
        session.connection.last_byte_at = now


def _look_for_silence(session: Session, connection: Connection, now: float) -> None:
    if not connection.reading:
        return
    # The sums are those of _due: a difference could be rounded to the other side, and the lane would spin.
    if now >= connection.last_byte_at + SILENT_INTERVALS * connection.interval:
        problem = f"no byte for {now - connection.last_byte_at:.1f} s"
        session.drop_connection(connection.epoch, Failed(EventStreamerTimeoutError(problem)), "silence")
    elif connection.line_since is not None and now >= connection.line_since + session.settings.line_timeout:
        problem = f"one line takes longer than line_timeout={session.settings.line_timeout:g} s"
        session.drop_connection(connection.epoch, Failed(EventStreamerTimeoutError(problem)), "slow line")


def _heartbeat(session: Session, connection: Connection, now: float) -> Steps[None]:
    connection.next_heartbeat_at = now + connection.interval
    if connection.id is None:
        return
    since = session.handler_since
    if since is not None and now - since >= session.settings.handler_stall_timeout:
        logger.warning(
            "subscription %s: a handler has been running for %.0f s; no heartbeat is sent for it",
            session.subscription_id,
            now - since,
        )
        return
    timeout = min(HEARTBEAT_TIMEOUT, connection.interval)
    if connection.reading:
        # Never so long that the end of the silence would be noticed late.
        silent_at = connection.last_byte_at + SILENT_INTERVALS * connection.interval
        timeout = max(0.05, min(timeout, silent_at - now))
    session.heartbeat_sequence += 1
    outcome = yield from send_heartbeat(connection.id, session.heartbeat_sequence, timeout)
    if isinstance(outcome, Failed):
        logger.debug("subscription %s: heartbeat failed: %s", session.subscription_id, outcome.error)
        if connection_gone(outcome.error):
            session.connection_gone(connection)

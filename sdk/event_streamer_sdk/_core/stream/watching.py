"""The watch lane: our heartbeats, the service's silence, limits on time, and the lease."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from event_streamer_sdk.exceptions import EventStreamerTimeoutError

from .commands import Failed, Steps, Wait, send_heartbeat
from .failures import connection_gone
from .in_hand import InHand
from .lease import RunLease
from .link import Connection
from .session import Session

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


class Watcher:
    """The watch lane."""

    def __init__(self, session: Session, in_hand: InHand, lease: RunLease) -> None:
        self._session = session
        self._in_hand = in_hand
        self._lease = lease
        self._renew_at = session.clock() + RENEW_SECONDS
        self._sequence = 0

    def next_sequence(self) -> int:
        """Give the number of the next heartbeat, also of one that the user sends."""
        self._sequence += 1
        return self._sequence

    def steps(self) -> Steps[None]:
        """Run the lane."""
        session, link, lease = self._session, self._session.link, self._lease
        self._renew_at = session.clock() + RENEW_SECONDS
        while not session.flushed:
            now = session.clock()
            due = min(self._due(now), default=None)
            yield Wait(None if due is None else max(0.0, due - now))
            now = session.clock()
            if due is not None and now - due > LATE:
                self._held_up(now, now - due)
            if link.connecting_since is not None and now >= link.connecting_since + CONNECT_LIMIT:
                link.give_up_connecting()
            if lease.held and now >= self._renew_at:
                self._renew_at = now + RENEW_SECONDS
                yield from lease.renew()
            connection = link.connection
            if connection is not None and connection.dropped is None:
                self._look_for_silence(connection, now)
                if connection.dropped is None and now >= connection.next_heartbeat_at:
                    yield from self._heartbeat(connection, now)

    def _due(self, now: float) -> Iterator[float]:
        """List the times at which there is something to do, or to look at."""
        link = self._session.link
        if link.connecting_since is not None:
            yield link.connecting_since + CONNECT_LIMIT
        if self._lease.held:
            yield self._renew_at
        connection = link.connection
        if connection is None or connection.dropped is not None:
            return
        yield connection.next_heartbeat_at
        if connection.reading:
            yield connection.silent_since + SILENT_INTERVALS * connection.interval
            # Between lines, too: the read lane doesn't wake this one each time that a line begins.
            yield (connection.line_since or now) + self._session.settings.line_timeout

    def _held_up(self, now: float, late: float) -> None:
        """Warn, and don't take our own sleep for the service's silence."""
        logger.warning(
            "subscription %s: this process was held up for %.1f s, and heartbeats were late. "
            "A handler that blocks the event loop? Run it with asyncio.to_thread.",
            self._session.subscription_id,
            late,
        )
        if self._session.link.connection is not None:
            self._session.link.connection.excuse(now)

    def _look_for_silence(self, connection: Connection, now: float) -> None:
        if not connection.reading:
            return
        link, limit = self._session.link, self._session.settings.line_timeout
        # The sums are those of _due: a difference could be rounded the other way, and the lane would spin.
        if now >= connection.silent_since + SILENT_INTERVALS * connection.interval:
            problem = f"nothing received for {now - connection.silent_since:.1f} s"
            link.drop(connection.epoch, Failed(EventStreamerTimeoutError(problem)), "silence")
        elif connection.line_since is not None and now >= connection.line_since + limit:
            problem = f"one line takes longer than line_timeout={limit:g} s"
            link.drop(connection.epoch, Failed(EventStreamerTimeoutError(problem)), "slow line")

    def _heartbeat(self, connection: Connection, now: float) -> Steps[None]:
        session = self._session
        connection.heartbeat_sent(now)
        if connection.id is None:
            return
        since = self._in_hand.since
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
            silent_at = connection.silent_since + SILENT_INTERVALS * connection.interval
            timeout = max(0.05, min(timeout, silent_at - now))
        outcome = yield from send_heartbeat(connection.id, self.next_sequence(), timeout)
        if isinstance(outcome, Failed):
            logger.debug("subscription %s: heartbeat failed: %s", session.subscription_id, outcome.error)
            if connection_gone(outcome.error):
                session.link.gone(connection)

"""The read lane: connect, read into the queue, and after a loss decide whether and when to connect again."""

from __future__ import annotations

import logging
import zlib

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_sdk.exceptions import EventStreamerConnectionError

from ..backoff import Backoff, Reconnect
from ..inflate import Inflater
from ..words import counted
from .acknowledging import AckBuffer
from .commands import (
    Answer,
    Connected,
    Disconnect,
    EndOfResponse,
    Failed,
    Lane,
    NoContent,
    Steps,
    Wait,
    ask,
    ask_for_subscription,
    connect,
    load_checkpoint,
    read,
)
from .committing import Progress
from .delivering import Deliverer
from .failures import Action, Verdict, classify
from .lease import RunLease
from .lines import LineBuffer
from .link import Connection
from .options import MAX_HEARTBEAT_INTERVAL
from .queue import Lost, ReadQueue, Tail
from .reports import EndReason, Gap, GapKind, Status, StatusKind
from .session import Session
from .storing import ask_store

logger = logging.getLogger(__name__)

HEARTBEAT_INTERVAL = 30.0
"""Seconds between heartbeats where neither the user nor the service says it."""


class Reader:
    """The read lane."""

    def __init__(
        self,
        session: Session,
        queue: ReadQueue,
        progress: Progress,
        acks: AckBuffer,
        deliverer: Deliverer,
        lease: RunLease,
    ) -> None:
        self._session = session
        self._queue = queue
        self._progress = progress
        self._acks = acks
        self._deliverer = deliverer
        self._lease = lease
        policy = session.settings.reconnect or Reconnect()
        self._backoff = Backoff(policy, session.random, by_time=policy.attempts is None)
        self._lost_token_at: int | None = None
        self._store_is_empty = False
        """Whether it held no position, and the service has not been asked yet how far it is."""

    def steps(self) -> Steps[None]:
        """Run the lane."""
        session, link = self._session, self._session.link
        if link.adopted is None:
            yield from self._prepare()
        lost_reason = ""
        conflicts = 0
        while not session.over:
            outcome = yield from self._connect()
            if self._store_is_empty and not isinstance(outcome, Failed):
                yield from self._tell_what_is_left_out()
            if isinstance(outcome, Connected):
                if session.over:
                    # It comes too late: the position may belong to the next run by now.
                    break
                if lost_reason:
                    session.counters.reconnected(lost_reason)
                conflicts = 0
                connection = self._opened(outcome)
                opened_at, commits = session.clock(), self._progress.commits
                failure, lost_reason = yield from self._read(connection, outcome.encoding)
                if session.over:
                    break
                connection.end()
                yield Disconnect()
                yield from self._settle(connection, failure, lost_reason)
                lived = session.clock() - opened_at
                if self._progress.commits > commits or lived >= self._backoff.policy.healthy_after:
                    self._backoff.reset()
                if session.over:
                    # It stays known: a service takes acknowledgements for a while after a response has ended.
                    break
                link.closed()
            elif isinstance(outcome, NoContent):
                session.conclude(EndReason.FINISHED)
                break
            else:
                failure = outcome
                if session.over:
                    # A stop has broken the connect off: nothing is lost, and nobody tries again.
                    break
            verdict = classify(failure)
            conflicts += verdict.action is Action.CONFLICT
            yield from self._after_failure(failure, verdict, lost_reason or verdict.reason, conflicts)
        # The connection stays open until the acknowledgements are out.
        while not session.flushed:
            yield Wait()
        yield Disconnect()
        link.closed()
        # It may have been given to us when the acknowledge lane, which gives it back, had ended already.
        yield from self._lease.give_back()

    # --- ahead of a run --------------------------------------------------------------------------

    def connect_once(self) -> Steps[Connected | NoContent | Failed]:
        """Open a connection ahead of the run, which will take it over."""
        session = self._session
        yield from self._prepare(patient=False)
        if not session.over:
            outcome = yield from connect(self._progress.token)
            if isinstance(outcome, Connected) and not session.over:
                session.link.adopt(outcome)
                return outcome
        yield from self.give_back()
        if session.end is not None:
            problem = EventStreamerConnectionError("stopped while it was connecting")
            return Failed(session.end.error or problem)
        return outcome

    def give_back(self) -> Steps[None]:
        """Give up what `connect_once` has taken, for a run that does not start: connection and lease."""
        self._session.link.closed()
        self._session.effects.break_off()
        yield Disconnect()
        yield from self._lease.give_back()

    def _prepare(self, *, patient: bool = True) -> Steps[None]:
        """Take the lease and load the position, where the store has them; `patient` as there."""
        session, settings = self._session, self._session.settings
        if settings.has_lease:
            yield from self._lease.take(patient=patient)
        if settings.has_store and not self._progress.is_chosen and not session.over:
            stored = yield from ask_store(session, load_checkpoint, patient=patient)
            if isinstance(stored, Failed):
                session.conclude(EndReason.CHECKPOINT_FAILED, stored.error)
            elif stored is not None and not session.over:
                # Else it may come too late: the next run has gone on.
                self._progress.restore(stored)
            self._store_is_empty = stored is None and self._progress.token is None

    def _tell_what_is_left_out(self) -> Steps[None]:
        """Warn where a store without a position meets a subscription that was read before: it may be lost."""
        session = self._session
        self._store_is_empty = False
        known = yield from ask_for_subscription()
        if not isinstance(known, Failed) and known.events_delivered:
            logger.warning(
                "subscription %s: no position is stored here, but %s before, and won't come again. "
                "subscribe(new=True) starts over",
                session.subscription_id,
                f"{counted(known.events_delivered, 'event was', 'events were')} delivered",
            )

    # --- one connection --------------------------------------------------------------------------

    def _connect(self) -> Steps[Connected | NoContent | Failed]:
        """Take over the connection that `connect()` opened, or open one."""
        link = self._session.link
        adopted = link.take_adopted()
        if adopted is not None:
            return adopted
        link.connecting()
        outcome = yield from connect(self._progress.token)
        link.connect_ended()
        return outcome

    def _opened(self, outcome: Connected) -> Connection:
        """Begin a connection: what the last one left behind comes again from the committed position."""
        session = self._session
        told = outcome.heartbeat_interval
        if told is not None and not 0 < told <= MAX_HEARTBEAT_INTERVAL:
            told = None
        interval = session.settings.heartbeat_interval or told or HEARTBEAT_INTERVAL
        self._acks.clear()
        self._progress.connected()
        self._deliverer.connection_has_opened()
        connection = session.link.opened(outcome.connection_id, interval)
        logger.info("subscription %s: connected (%s)", session.subscription_id, outcome.connection_id)
        first = connection.epoch == 1 and self._progress.token is None
        session.notices.tell(
            "status",
            Status(
                kind=StatusKind.CONNECTED if first else StatusKind.RESUMED,
                connection_id=outcome.connection_id,
                attempt=self._backoff.failures,
            ),
        )
        return connection

    def _read(self, connection: Connection, encoding: str | None) -> Steps[tuple[Failed, str]]:
        """Read a connection to its end; give why it ended, and the same in a few words."""
        session, queue = self._session, self._queue
        lines = LineBuffer(session.settings.max_line_bytes)
        inflater = None
        if encoding is not None:
            try:
                inflater = Inflater(encoding)
            except EventStreamerValidationError as error:
                session.conclude(EndReason.REFUSED, error)
                return Failed(error), "compressed"
        while True:
            if connection.dropped is not None:
                return connection.dropped, connection.dropped_reason
            if session.over:
                return Failed(EventStreamerConnectionError("stopped")), "stopped"
            if queue.full:
                yield from self._wait_for_room(connection)
                continue
            outcome = yield from read()
            if not isinstance(outcome, bytes):
                break
            connection.heard(session.clock())
            if inflater is None:
                self._take_in(connection, lines, outcome)
                continue
            try:
                for piece in inflater.feed(outcome):
                    self._take_in(connection, lines, piece)
                    while queue.full and not session.over and connection.dropped is None:
                        yield from self._wait_for_room(connection)
                    if session.over or connection.dropped is not None:
                        break
            except zlib.error as error:
                problem = f"the compressed stream is damaged: {error}"
                return Failed(EventStreamerConnectionError(problem)), "damaged"
        connection.stop_reading()
        if connection.dropped is not None:
            return connection.dropped, connection.dropped_reason
        if isinstance(outcome, EndOfResponse):
            rest = lines.finish()
            if rest and not rest.isspace():
                queue.put(connection.epoch, Tail(rest))
            return Failed(EventStreamerConnectionError("the service ended the response")), "end of response"
        return outcome, classify(outcome).reason

    def _take_in(self, connection: Connection, lines: LineBuffer, data: bytes) -> None:
        """Queue what some bytes completed, and note since when a line is arriving."""
        completed = lines.feed(data)
        for item in completed:
            self._queue.put(connection.epoch, item)
        if completed:
            self._session.effects.wake(Lane.DELIVER)
        connection.lines_came(completed=bool(completed), pending=lines.pending > 0)

    def _wait_for_room(self, connection: Connection) -> Steps[None]:
        """Leave the socket alone until the handlers have caught up; silence means nothing meanwhile."""
        connection.stop_reading()
        yield Wait()
        connection.read_on(self._session.clock())
        self._session.effects.wake(Lane.WATCH)

    def _settle(self, connection: Connection, failure: Failed, reason: str) -> Steps[None]:
        """Wait until all that a lost connection delivered is handled, so that nothing of it comes twice."""
        session = self._session
        self._queue.put(connection.epoch, Lost(connection.epoch, failure, reason))
        session.effects.wake(Lane.DELIVER)
        while session.link.settled_epoch < connection.epoch and not session.over:
            yield Wait()

    # --- after a loss ----------------------------------------------------------------------------

    def _after_failure(self, failure: Failed, verdict: Verdict, reason: str, conflicts: int) -> Steps[None]:
        """Give up, ask for a new token, or rest before the next try."""
        session, policy = self._session, self._session.settings.reconnect
        if verdict.action is Action.GIVE_UP:
            code = "SUBSCRIPTION_NOT_FOUND" if verdict.reason == "status 404" else "STREAM_ERROR"
            session.notices.tell_error(code, str(failure.error), recoverable=False)
            session.conclude(EndReason.REFUSED, failure.error)
            return
        if verdict.action is Action.TOKEN_LOST:
            yield from self._token_lost(failure)
            return
        delay = self._backoff.next_delay(verdict.retry_after)
        if policy is None or self._backoff.exhausted or conflicts > policy.conflicts:
            session.conclude(EndReason.CONNECTION_LOST, failure.error)
            return
        logger.warning(
            "subscription %s: %s (%s); next try in %.1f s",
            session.subscription_id,
            reason,
            failure.error,
            delay,
        )
        session.notices.tell(
            "status",
            Status(
                kind=StatusKind.RECONNECTING,
                reason=reason,
                attempt=self._backoff.failures,
                delay=delay,
                error=failure.error,
            ),
        )
        yield from session.rest(delay)

    def _token_lost(self, failure: Failed) -> Steps[None]:
        """Do as the policy says, and never twice without progress: a service may refuse every token."""
        session, progress, error = self._session, self._progress, failure.error
        problem = (
            "The resume token has expired or is invalid: from here on, events may be missing or come again."
        )
        session.notices.tell("gap", Gap(kind=GapKind.TOKEN_LOST, message=problem, from_block=progress.block))
        policy = session.settings.on_token_lost
        repeated = self._lost_token_at == progress.commits
        self._lost_token_at = progress.commits
        if policy == "raise" or repeated:
            if isinstance(getattr(error, "status_code", None), int):
                # Where the service said so in the stream, its own message has told it.
                session.notices.tell_error("INVALID_RESUME_TOKEN", str(error), recoverable=False)
            if session.settings.has_store:
                error.add_note(
                    "The token came from the checkpoint store. If the service was set up anew, delete the "
                    'stored position, or let the stream begin anew by itself with on_token_lost="restart".'
                )
            session.conclude(EndReason.REFUSED, error)
            return
        token = None
        if callable(policy):
            outcome = yield from ask(policy, error)
            if not isinstance(outcome, Answer):
                session.conclude(EndReason.REFUSED, outcome.error)
                return
            token = outcome.value
            if token is not None and not isinstance(token, str):
                wrong = f"on_token_lost must return a token or None, not {type(token).__name__}"
                session.conclude(EndReason.REFUSED, EventStreamerValidationError(wrong))
                return
        progress.restart(token)

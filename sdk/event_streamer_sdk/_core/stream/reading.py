"""The read lane: connect, read into the queue, and after a loss decide whether and when to connect again."""

from __future__ import annotations

import logging
import zlib

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_sdk.exceptions import EventStreamerConnectionError

from ..inflate import Inflater
from .classify import Action, Verdict, classify
from .commands import (
    Answer,
    Connected,
    Disconnect,
    EndOfResponse,
    Failed,
    Lane,
    NoContent,
    ReleaseLease,
    Steps,
    Wait,
    acquire_lease,
    ask,
    connect,
    load_checkpoint,
    read,
)
from .lines import LineBuffer
from .queue import Lost, Tail
from .reports import EndReason, Gap, GapKind, Status, StatusKind
from .session import Connection, Session
from .storing import ask_store

logger = logging.getLogger(__name__)

STANDBY_SECONDS = 2.0
"""How often a worker in standby asks for the lease, seconds."""


def read_lane(session: Session) -> Steps[None]:
    """
    Run the read lane.

    Args:
        session: The run.
    """
    if session.adopted is None:
        yield from prepare(session)
    lost_reason = ""
    conflicts = 0
    while not session.over:
        outcome = yield from _connect(session)
        if isinstance(outcome, Connected):
            if session.over:
                # It comes too late: the position may belong to the next run by now.
                break
            if lost_reason:
                session.counters.reconnects[lost_reason] += 1
            conflicts = 0
            connection = session.opened(outcome)
            failure, lost_reason = yield from _read(session, connection, outcome.encoding)
            if session.over:
                break
            connection.open = False
            yield Disconnect()
            yield from _settle(session, connection, failure, lost_reason)
            if session.over:
                # It stays known: a service takes acknowledgements for a while after a response has ended.
                break
            session.connection = None
        elif isinstance(outcome, NoContent):
            session.conclude(EndReason.FINISHED)
            break
        else:
            failure = outcome
        verdict = classify(failure)
        conflicts += verdict.action is Action.CONFLICT
        yield from _after_failure(session, failure, verdict, lost_reason or verdict.reason, conflicts)
    # The connection stays open until the acknowledgements are out.
    while not session.flushed:
        yield Wait()
    yield Disconnect()
    session.closed()
    if session.lease_held:
        # It was given to us when the acknowledge lane, which gives it back, had ended already.
        session.lease_held = False
        yield ReleaseLease()


def prepare(session: Session, *, patient: bool = True) -> Steps[None]:
    """
    Take the lease and load the position, where the store has them.

    Args:
        session: The run; it is concluded where that fails.
        patient: Whether a store that is away is waited for.
    """
    settings = session.settings
    if settings.has_lease:
        waiting = False
        while not session.over:
            outcome = yield from ask_store(session, acquire_lease, patient=patient)
            if isinstance(outcome, Failed):
                session.conclude(EndReason.CHECKPOINT_FAILED, outcome.error)
                return
            if outcome:
                session.lease_held = True
                session.wake(Lane.WATCH)
                break
            if not waiting:
                waiting = True
                logger.info("subscription %s: another worker has the lease", session.subscription_id)
                session.notify(
                    "status", Status(kind=StatusKind.STANDBY, reason="another worker has the lease")
                )
            yield from session.rest(STANDBY_SECONDS)
    if settings.has_store and not session.progress.is_chosen and not session.over:
        stored = yield from ask_store(session, load_checkpoint, patient=patient)
        if isinstance(stored, Failed):
            session.conclude(EndReason.CHECKPOINT_FAILED, stored.error)
        elif stored is not None and not session.over:  # else it may come too late: the next run has gone on
            session.progress.restore(stored)


def connect_once(session: Session) -> Steps[Connected | NoContent | Failed]:
    """
    Open a connection ahead of the run, which will take it over.

    Args:
        session: The run.

    Returns:
        `Connected`, `NoContent` or `Failed`.
    """
    yield from prepare(session, patient=False)
    if not session.over:
        outcome = yield from connect(session.progress.token)
        if isinstance(outcome, Connected) and not session.over:
            session.adopted = outcome
            return outcome
    yield from give_back(session)
    if session.end is not None:
        return Failed(session.end.error or EventStreamerConnectionError("stopped while it was connecting"))
    return outcome


def give_back(session: Session) -> Steps[None]:
    """
    Give up what `connect_once` has taken, for a run that does not start: the connection and the lease.

    Args:
        session: The run.
    """
    session.adopted = None
    session.break_off()
    yield Disconnect()
    if session.lease_held:
        session.lease_held = False
        yield ReleaseLease()


def _connect(session: Session) -> Steps[Connected | NoContent | Failed]:
    """Take over the connection that `connect()` opened, or open one."""
    if session.adopted is not None:
        adopted, session.adopted = session.adopted, None
        return adopted
    session.connecting_since = session.clock()
    session.wake(Lane.WATCH)
    outcome = yield from connect(session.progress.token)
    session.connecting_since = None
    return outcome


def _read(session: Session, connection: Connection, encoding: str | None) -> Steps[tuple[Failed, str]]:
    """Read a connection to its end; give why it ended, and the same in a few words."""
    lines = LineBuffer(session.settings.max_line_bytes)
    inflater = None
    if encoding is not None:
        try:
            inflater = Inflater(encoding)
        except EventStreamerValidationError as error:
            session.conclude(EndReason.REFUSED, error)
            return Failed(error), "compressed"
    queue = session.queue
    while True:
        if connection.dropped is not None:
            return connection.dropped, connection.dropped_reason
        if session.over:
            return Failed(EventStreamerConnectionError("stopped")), "stopped"
        if queue.full:
            yield from _wait_for_room(session, connection)
            continue
        outcome = yield from read()
        if not isinstance(outcome, bytes):
            break
        connection.last_byte_at = session.last_byte_at = session.clock()
        if inflater is None:
            _take_in(session, connection, lines, outcome)
            continue
        try:
            for piece in inflater.feed(outcome):
                _take_in(session, connection, lines, piece)
                while queue.full and not session.over and connection.dropped is None:
                    yield from _wait_for_room(session, connection)
                if session.over or connection.dropped is not None:
                    break
        except zlib.error as error:
            return Failed(
                EventStreamerConnectionError(f"the compressed stream is damaged: {error}")
            ), "damaged"
    connection.reading = False
    if connection.dropped is not None:
        return connection.dropped, connection.dropped_reason
    if isinstance(outcome, EndOfResponse):
        rest = lines.finish()
        if rest and not rest.isspace():
            queue.put(connection.epoch, Tail(rest))
        return Failed(EventStreamerConnectionError("the service ended the response")), "end of response"
    return outcome, classify(outcome).reason


def _take_in(session: Session, connection: Connection, lines: LineBuffer, data: bytes) -> None:
    """Queue what some bytes completed, and note since when a line is arriving."""
    completed = lines.feed(data)
    for item in completed:
        session.queue.put(connection.epoch, item)
    if completed:
        session.wake(Lane.DELIVER)
    if not lines.pending:
        connection.line_since = None
    elif completed or connection.line_since is None:
        connection.line_since = connection.last_byte_at


def _wait_for_room(session: Session, connection: Connection) -> Steps[None]:
    """Leave the socket alone until the handlers have caught up; silence means nothing meanwhile."""
    connection.reading = False
    yield Wait()
    connection.reading = True
    connection.last_byte_at = session.clock()
    session.wake(Lane.WATCH)


def _settle(session: Session, connection: Connection, failure: Failed, reason: str) -> Steps[None]:
    """Wait until all that a lost connection delivered is handled, so that nothing of it comes twice."""
    session.queue.put(connection.epoch, Lost(connection.epoch, failure, reason))
    session.wake(Lane.DELIVER)
    while session.settled_epoch < connection.epoch and not session.over:
        yield Wait()
    lived = session.clock() - connection.opened_at
    if session.progress.commits > connection.commits_before or lived >= session.backoff.policy.healthy_after:
        session.backoff.reset()


def _after_failure(
    session: Session, failure: Failed, verdict: Verdict, reason: str, conflicts: int
) -> Steps[None]:
    """Give up, ask for a new token, or rest before the next try."""
    policy = session.settings.reconnect
    if verdict.action is Action.GIVE_UP:
        code = "SUBSCRIPTION_NOT_FOUND" if verdict.reason == "status 404" else "STREAM_ERROR"
        session.notify_error(code, str(failure.error), recoverable=False)
        session.conclude(EndReason.REFUSED, failure.error)
        return
    if verdict.action is Action.TOKEN_LOST:
        yield from _token_lost(session, failure)
        return
    delay = session.backoff.next_delay(verdict.retry_after)
    if policy is None or session.backoff.exhausted or conflicts > policy.conflicts:
        session.conclude(EndReason.CONNECTION_LOST, failure.error)
        return
    logger.warning(
        "subscription %s: %s (%s); next try in %.1f s", session.subscription_id, reason, failure.error, delay
    )
    session.notify(
        "status",
        Status(
            kind=StatusKind.RECONNECTING,
            reason=reason,
            attempt=session.backoff.failures,
            delay=delay,
            error=failure.error,
        ),
    )
    yield from session.rest(delay)


def _token_lost(session: Session, failure: Failed) -> Steps[None]:
    """Do as the policy says, and never twice without progress: a service may refuse every token."""
    error = failure.error
    session.notify(
        "gap",
        Gap(
            kind=GapKind.TOKEN_LOST,
            message="The resume token is expired or invalid: events may be missing or come again from here.",
            from_block=session.progress.block,
        ),
    )
    policy = session.settings.on_token_lost
    repeated = session.lost_token_at == session.progress.commits
    session.lost_token_at = session.progress.commits
    if policy == "raise" or repeated:
        if isinstance(getattr(error, "status_code", None), int):
            # Where the service said so in the stream, its own message has told it.
            session.notify_error("INVALID_RESUME_TOKEN", str(error), recoverable=False)
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
            problem = f"on_token_lost must return a token or None, not {type(token).__name__}"
            session.conclude(EndReason.REFUSED, EventStreamerValidationError(problem))
            return
    session.progress.restart(token)

"""The deliver lane: messages out of the queue, one at a time, to handlers, checkpoint and acks."""

from __future__ import annotations

import logging
from typing import Any, assert_never

from event_streamer_api.models import StreamingEnd, StreamingError, StreamingHeartbeat, StreamingReorg
from event_streamer_sdk.exceptions import StreamEndedError, StreamLineError

from .commands import (
    Call,
    Failed,
    HandOver,
    Lane,
    Steps,
    Wait,
)
from .committing import commit, save, until_save
from .fast_path import applies, take_plain_batches
from .handlers import current_batch_var
from .lines import Block, LongLine, whole_line
from .messages import Batch, Events, Message, Unknown, decode_block, decode_line, to_message
from .naming import check_names, names_are_due
from .progress import Entry
from .queue import Item, Lost, Tail
from .reports import EndReason, Gap, GapKind, Status, StatusKind
from .session import Session
from .unhandled import Result, attempt, bad_line

logger = logging.getLogger(__name__)


def deliver_lane(session: Session) -> Steps[None]:
    """
    Run the deliver lane.

    Args:
        session: The run.
    """
    session.fast_path = applies(session)
    try:
        while not session.over:
            if session.notices:
                yield from session.call_notices()
                continue
            if names_are_due(session):
                yield from check_names(session)
                continue
            taken = session.queue.take()
            if taken is None:
                if not session.unsaved:
                    yield Wait()
                elif session.settings.checkpoint_when_idle or (pause := until_save(session)) <= 0:
                    yield from save(session)
                else:
                    yield Wait(pause)
                continue
            epoch, item = taken
            if type(item) is Block:
                yield from _deliver_block(session, epoch, item)
            elif not session.discarded(epoch) or type(item) is Lost:
                yield from _deliver_other(session, epoch, item)
            session.queue.done(item)
        if session.unsaved:
            yield from save(session)
    finally:
        # Also when a user's loop was left: the other lanes must not wait for a batch that nobody handles.
        session.current = None
        session.delivered = True
        session.wake(*Lane)
    if session.end is not None:
        session.notify(
            "status", Status(kind=StatusKind.ENDED, reason=session.end.reason, error=session.end.error)
        )
    yield from session.call_notices()


def _deliver_block(session: Session, epoch: int, block: Block) -> Steps[None]:
    for values in decode_block(block):
        position = 0
        while position < len(values):
            if session.over or session.discarded(epoch):
                return
            if session.fast_path:
                reached = yield from take_plain_batches(session, values, position)
                if reached > position:
                    position = reached
                    continue
            value = values[position]
            position += 1
            if session.notices:
                yield from session.call_notices()
            try:
                message = to_message(value, session.batch_class)
            except StreamLineError as error:
                yield from bad_line(session, epoch, error, value)
                continue
            if isinstance(message, Batch):
                message.epoch = epoch
                message.owner = session.owner
                # Told of what comes next, and not of batches before it that are held back.
                message.goes_back, session.may_go_back = session.may_go_back, False
                if session.holding is None:
                    yield from handle_batch(session, message)
                    continue
            yield from _message(session, epoch, message)
        values.clear()  # else these would be alive while the next ones are decoded


def _deliver_other(session: Session, epoch: int, item: Item) -> Steps[None]:
    if type(item) is LongLine:
        problem = (
            f"a line is longer than max_line_bytes={item.limit}; raise that option if the service means it"
        )
        yield from bad_line(session, epoch, StreamLineError(problem, item.head), None)
    elif type(item) is Tail:
        value = decode_line(item.data)
        if isinstance(value, StreamLineError):
            logger.debug("subscription %s: the response ended within a line", session.subscription_id)
        else:
            yield from _deliver_block(session, epoch, whole_line(item.data))
    elif type(item) is Lost:
        if session.unsaved:
            yield from save(session)
        if item.reason != "token lost":
            session.notify_error("CONNECTION_LOST", f"{item.reason}: {item.cause.error}")
        session.settled_epoch = item.epoch
        session.wake(Lane.READ)


def _message(session: Session, epoch: int, message: Message) -> Steps[None]:
    """Handle what is no plain batch."""
    connection = session.connection
    if connection is not None and connection.id is None:
        connection.id = getattr(message, "connection_id", None)
        session.wake(Lane.ACKNOWLEDGE, Lane.WATCH)
    if isinstance(message, StreamingHeartbeat):
        session.counters.heartbeats += 1
        _saw_head(session, message.additional_properties.get("head_block"))
        yield from session.call_each("heartbeat", message)
        yield from _release(session)
    elif isinstance(message, Batch | StreamingReorg):
        if session.holding is not None:
            session.holding.hold(message)
            yield from _release(session)
        elif isinstance(message, StreamingReorg):
            yield from _handle_reorg(session, message)
    elif isinstance(message, StreamingError):
        yield from _error(session, epoch, message)
    elif isinstance(message, StreamingEnd):
        yield from _end(session, message)
    elif isinstance(message, Unknown):
        session.counters.unknown += 1
        if not session.registry.notice("unknown"):
            logger.info("subscription %s: a message of an unknown type", session.subscription_id)
        yield from session.call_each("unknown", message.message)
    else:
        assert_never(message)  # a message type that `messages.Message` has, and no branch here


def handle_batch(session: Session, batch: Batch) -> Steps[None]:
    """
    Hand a batch to the handlers and the user's loop, and commit it.

    Args:
        session: The run.
        batch: The batch.
    """
    connection = session.connection
    if connection is not None and connection.id is None and batch.connection_id is not None:
        connection.id = batch.connection_id
        session.wake(Lane.ACKNOWLEDGE, Lane.WATCH)
    _note_blocks(session, batch)
    if session.notices:
        yield from session.call_notices()
    events = batch.events
    counters = session.counters
    entry = Entry(batch.batch_id, batch.resume_token, batch.last_block)
    entry.goes_back = batch.goes_back
    if session.dedupe is not None:
        events, entry.keys, held_back = session.dedupe.fresh(batch)
        batch.events = events
        counters.duplicates += held_back
    settings = session.settings
    calls = session.registry.calls(events, settings.handler_timeout)
    wanted = bool(calls) or (session.iterating and (bool(events) or not batch.size))
    if wanted and not settings.auto_acknowledge:
        yield from _wait_for_user(session, batch)
        if session.over or session.discarded(batch.epoch):
            return
        entry.by_user = True
        session.progress.wait_for_user(entry)
    if not calls and events and not session.iterating:
        _warn_unheard(session, batch)
    session.current = batch
    current_batch_var.set(batch)
    session.handler_since = session.clock()
    result = Result.HANDLED
    if calls:
        result = yield from attempt(session, calls, batch.batch_id, batch.message)
    if result is Result.HANDLED and session.iterating and wanted:
        session.handed_over = True
        session.wake(Lane.ACKNOWLEDGE)
        yield HandOver(batch)
        session.handed_over = False
    session.handler_since = None
    session.current = None
    current_batch_var.set(None)
    if result is Result.NOT_HANDLED:
        return
    counters.batches += 1
    counters.events += batch.size
    counters.handled_block = batch.last_block
    counters.newest = _newest(events)
    yield from _finish_or_wait(session, entry, result)


def _finish_or_wait(session: Session, entry: Entry, result: Result) -> Steps[None]:
    """Commit what is handled, or leave that to the user, who can't say so of a batch that was given up."""
    if result is Result.GIVEN_UP:
        entry.by_user = False
    if result is not Result.NOT_HANDLED and not entry.by_user:
        yield from commit(session, entry)


def _handle_reorg(session: Session, reorg: StreamingReorg) -> Steps[None]:
    ancestor = reorg.common_ancestor
    session.seen_block = ancestor
    if session.dedupe is not None:
        session.dedupe.forget_above(ancestor)
    handlers = session.registry.notice("reorg")
    entry = Entry(reorg.batch_id, reorg.resume_token, ancestor, reorg.chain_id)
    entry.goes_back = True
    settings = session.settings
    if not settings.auto_acknowledge and handlers:
        entry.by_user = True
        session.progress.wait_for_user(entry)
    calls = [Call(handler, reorg, settings.handler_timeout) for handler in handlers]
    session.handler_since = session.clock()
    result = Result.HANDLED
    if calls:
        result = yield from attempt(session, calls, reorg.batch_id, reorg.to_dict())
    session.handler_since = None
    yield from _finish_or_wait(session, entry, result)


def _release(session: Session) -> Steps[None]:
    """Deliver what has its confirmations now."""
    holding = session.holding
    while holding is not None and not session.over and (item := holding.ready()) is not None:
        if isinstance(item, Batch):
            yield from handle_batch(session, item)
        else:
            yield from _handle_reorg(session, item)


def _error(session: Session, epoch: int, error: StreamingError) -> Steps[None]:
    logger.warning(
        "subscription %s: the service reports %s: %s",
        session.subscription_id,
        error.error_code,
        error.error_message,
    )
    yield from session.call_each("error", error)
    problem = StreamEndedError(f"{error.error_code}: {error.error_message}", error.error_code)
    if error.error_code == "INVALID_RESUME_TOKEN":
        session.drop_connection(epoch, Failed(problem), "token lost")
    elif error.recoverable is False:
        session.conclude(EndReason.NOT_RECOVERABLE, problem)


def _end(session: Session, end: StreamingEnd) -> Steps[None]:
    holding = session.holding
    if holding is not None and len(holding):
        if holding.head_is_told:
            # The service has no more to say, but the chain goes on: ask again until all is deep enough.
            return
        holding.release_all()
        yield from _release(session)
        if session.over:
            return
    if end.resume_token and session.progress.token:
        yield from commit(session, Entry("", end.resume_token, None))
    session.conclude(EndReason.FINISHED)


def _wait_for_user(session: Session, batch: Batch) -> Steps[None]:
    """Pause while too many batches wait for the user's acknowledgement."""
    limit = session.settings.max_unacknowledged
    if len(session.progress.open) < limit:
        return
    logger.warning(
        "subscription %s: %d batches wait for acknowledge_batch(); delivery pauses until then",
        session.subscription_id,
        limit,
    )
    while len(session.progress.open) >= limit and not session.over and not session.discarded(batch.epoch):
        yield Wait()


def _note_blocks(session: Session, batch: Batch) -> None:
    """Follow the block numbers, and give notice of one that goes back."""
    _saw_head(session, batch.message.get("head_block"))
    first, last, seen = batch.first_block, batch.last_block, session.seen_block
    if first is None or last is None:
        return
    if seen is not None and first < seen:
        session.notify(
            "gap",
            Gap(
                kind=GapKind.OUT_OF_ORDER,
                message=f"Batch {batch.batch_id} begins at block {first}, after block {seen} was delivered.",
                batch_id=batch.batch_id,
                from_block=first,
                to_block=seen,
            ),
        )
    if seen is None or last > seen:
        session.seen_block = last


def _saw_head(session: Session, head: Any) -> None:
    if type(head) is not int:
        return
    session.counters.head_block = head
    if session.holding is not None:
        session.holding.saw_head(head)
        session.holding.head_is_told = True


def _newest(events: Events) -> Any:
    """Find a batch's newest event."""
    return next((group[-1] for group in reversed(events.values()) if group), None)


def _warn_unheard(session: Session, batch: Batch) -> None:
    for name in session.registry.unheard(batch.events):
        logger.warning(
            "subscription %s: no handler for %r; its batches count as handled", session.subscription_id, name
        )

"""The deliver lane: messages out of the queue, one at a time, to handlers, checkpoint and acks."""

from __future__ import annotations

import logging
from typing import Any, assert_never

from event_streamer_api.models import StreamingEnd, StreamingError, StreamingHeartbeat, StreamingReorg
from event_streamer_sdk.exceptions import StreamEndedError, StreamLineError

from .blocks import Blocks
from .commands import Call, Failed, HandOver, Lane, Steps, Wait
from .committing import Committer, Entry
from .confirmations import ConfirmationBuffer
from .decoding import Decoded, decode_block, decode_line
from .dedupe import Deduplicator
from .event_names import EventNameCheck, without_handler
from .fast_path import FastPath, applies
from .handler_errors import Result, Unhandled
from .in_hand import InHand
from .lines import Block, LongLine, whole_line
from .messages import Batch, Events, Unknown, to_message
from .queue import Item, Lost, ReadQueue, Tail
from .reports import EndReason, Gap, GapKind, Status, StatusKind
from .session import Session

logger = logging.getLogger(__name__)


class Deliverer:
    """The deliver lane."""

    def __init__(
        self,
        session: Session,
        queue: ReadQueue,
        committer: Committer,
        in_hand: InHand,
        dedupe: Deduplicator | None,
        *,
        iterating: bool,
    ) -> None:
        confirmations = session.settings.confirmations
        self._session = session
        self._queue = queue
        self._committer = committer
        self._in_hand = in_hand
        self._dedupe = dedupe
        self.iterating = iterating
        self._holding = ConfirmationBuffer(confirmations) if confirmations else None
        self._blocks = Blocks()
        self._event_names = EventNameCheck(session)
        self._unhandled = Unhandled(
            session, committer, in_hand, self._blocks, holds_back=lambda: self.held_batches > 0
        )
        self._fast_path = FastPath(session, committer, in_hand, self._blocks, self._unhandled)
        self._is_fast = False

    @property
    def held_batches(self) -> int:
        """How many batches wait for confirmations."""
        return len(self._holding) if self._holding is not None else 0

    def iterate(self, iterating: bool) -> None:
        """Choose where batches go, before the lane runs."""
        self.iterating = iterating

    def connection_has_opened(self) -> None:
        """Begin anew at the committed position: what was held back comes again."""
        if self._holding is not None:
            self._holding.drop()
        self._blocks.begin(self._committer.progress.block)

    def steps(self) -> Steps[None]:
        """Run the lane."""
        session, queue, committer = self._session, self._queue, self._committer
        self._is_fast = applies(session.settings, iterating=self.iterating, dedupes=self._dedupe is not None)
        try:
            while not session.over:
                if session.notices.waiting:
                    yield from session.notices.call_waiting()
                    continue
                if self._event_names.is_due():
                    yield from self._event_names.check(iterating=self.iterating)
                    continue
                taken = queue.take()
                if taken is None:
                    if not committer.has_unsaved:
                        yield Wait()
                    elif session.settings.checkpoint_when_idle or (pause := committer.until_save()) <= 0:
                        yield from committer.save()
                    else:
                        yield Wait(pause)
                    continue
                epoch, item = taken
                if type(item) is Block:
                    yield from self._deliver_block(epoch, item)
                else:
                    yield from self._deliver_other(epoch, item)
                queue.done(item)
            if committer.has_unsaved:
                yield from committer.save()
        finally:
            # Also when a user's loop was left: the other lanes must not wait for a batch that nobody handles.
            self._in_hand.leave()
            session.delivery_has_ended()
        if session.end is not None and not session.gives_way:
            ended = Status(kind=StatusKind.ENDED, reason=session.end.reason, error=session.end.error)
            session.notices.tell("status", ended)
        yield from session.notices.call_waiting()

    # --- out of the queue ------------------------------------------------------------------------

    def _deliver_block(self, epoch: int, block: Block) -> Steps[None]:
        session = self._session
        for values in decode_block(block):
            position, is_fast = 0, self._is_fast
            while position < len(values):
                if session.over or session.link.discarded(epoch):
                    return
                if is_fast:
                    reached = yield from self._fast_path.take(values, position)
                    if reached > position:
                        position = reached
                        continue
                    is_fast = False  # where one is not plain, the next ones seldom are: asking costs a tenth
                value = values[position]
                position += 1
                if session.notices.waiting:
                    yield from session.notices.call_waiting()
                yield from self._deliver_value(epoch, value)
            values.clear()  # else these would be alive while the next ones are decoded

    def _deliver_value(self, epoch: int, value: Decoded) -> Steps[None]:
        """Handle one decoded line."""
        session, holding = self._session, self._holding
        try:
            message = to_message(value, self._in_hand.new_batch)
        except StreamLineError as error:
            yield from self._unhandled.bad_line(epoch, error, value)
            return
        session.link.learn_id(message.connection_id)
        if isinstance(message, Batch):
            self._saw_head(message.message.get("head_block"))
            # Told of what comes next, and not of batches before it that are held back.
            if self._blocks.take_doubt():
                message.doubt()
            if holding is None:
                yield from self._handle_batch(message)
            else:
                holding.hold(message)
                yield from self._release(holding)
        elif isinstance(message, StreamingReorg):
            if holding is None:
                yield from self._handle_reorg(message)
            else:
                holding.hold(message)
                yield from self._release(holding)
        elif isinstance(message, StreamingHeartbeat):
            session.counters.add("heartbeats")
            self._saw_head(message.additional_properties.get("head_block"))
            yield from session.notices.call_now("heartbeat", message)
            if holding is not None:
                yield from self._release(holding)
        elif isinstance(message, StreamingError):
            yield from self._handle_error(epoch, message)
        elif isinstance(message, StreamingEnd):
            yield from self._handle_end(message)
        elif isinstance(message, Unknown):
            session.counters.add("unknown")
            if not session.registry.notice("unknown"):
                logger.info("subscription %s: a message of an unknown type", session.subscription_id)
            yield from session.notices.call_now("unknown", message.message)
        else:
            assert_never(message)  # a message type that `messages.Message` has, and no branch here

    def _deliver_other(self, epoch: int, item: Item) -> Steps[None]:
        """Handle what is in the queue besides whole lines; what nobody wants any more is passed over."""
        session = self._session
        if isinstance(item, Lost):
            if self._committer.has_unsaved:
                yield from self._committer.save()
            if item.reason != "token lost":
                session.notices.tell_error("CONNECTION_LOST", f"{item.reason}: {item.cause.error}")
            session.link.settled(item.epoch)
        elif session.link.discarded(epoch):
            return
        elif isinstance(item, LongLine):
            limit = f"max_line_bytes={item.limit}"
            problem = f"a line is longer than {limit}; raise that option if you expect longer ones"
            yield from self._unhandled.bad_line(epoch, StreamLineError(problem, item.head), None)
        elif isinstance(item, Tail):
            if isinstance(decode_line(item.data), StreamLineError):
                logger.debug("subscription %s: the response ended within a line", session.subscription_id)
            else:
                yield from self._deliver_block(epoch, whole_line(item.data))
        elif isinstance(item, Block):
            yield from self._deliver_block(epoch, item)
        else:
            assert_never(item)  # something that `queue.Item` has, and no branch here

    # --- batches and reorganisations -------------------------------------------------------------

    def _release(self, holding: ConfirmationBuffer) -> Steps[None]:
        """Deliver what has its confirmations now."""
        while not self._session.over and (message := holding.ready()) is not None:
            if isinstance(message, Batch):
                yield from self._handle_batch(message)
            else:
                yield from self._handle_reorg(message)

    def _handle_batch(self, batch: Batch) -> Steps[None]:
        """Hand a batch to the handlers and the user's loop, and commit it."""
        session, settings, in_hand = self._session, self._session.settings, self._in_hand
        self._follow_blocks(batch)
        if session.notices.waiting:
            yield from session.notices.call_waiting()
        keys = None
        if self._dedupe is not None:
            events, keys, held_back = self._dedupe.fresh(batch)
            batch.keep(events)
            session.counters.add("duplicates", held_back)
        events = batch.events
        entry = Entry(
            batch.batch_id, batch.resume_token, batch.last_block, goes_back=batch.goes_back, keys=keys
        )
        calls = session.registry.calls(events, settings.handler_timeout)
        wanted = bool(calls) or (self.iterating and (bool(events) or not batch.size))
        if wanted and not settings.auto_acknowledge:
            yield from self._wait_for_user(batch)
            if session.over or session.link.discarded(batch.epoch):
                return
            self._committer.leave_to_user(entry)
        if not calls and events and not self.iterating:
            if not session.registry.hears_events:
                session.conclude(EndReason.REFUSED, without_handler(session.subscription_id))
                return
            self._warn_unheard(events)
        in_hand.take(batch)
        result = Result.HANDLED
        if calls:
            result = yield from self._unhandled.attempt(calls, batch.batch_id, batch.message)
        if result is Result.HANDLED and self.iterating and wanted:
            in_hand.hand_over()
            session.effects.wake(Lane.ACKNOWLEDGE)
            yield HandOver(batch)
            in_hand.take_back()
        in_hand.put_down()
        if result is not Result.NOT_HANDLED:
            session.counters.handled(batch.size, batch.last_block, _newest(events))
            yield from self._committer.commit(entry, given_up=result is Result.GIVEN_UP)

    def _handle_reorg(self, reorg: StreamingReorg) -> Steps[None]:
        session, settings = self._session, self._session.settings
        ancestor = reorg.common_ancestor
        self._blocks.go_back(ancestor)
        if self._dedupe is not None:
            self._dedupe.forget_above(ancestor)
        handlers = session.registry.notice("reorg")
        entry = Entry(reorg.batch_id, reorg.resume_token, ancestor, reorg.chain_id, goes_back=True)
        if not settings.auto_acknowledge and handlers:
            self._committer.leave_to_user(entry)
        calls = [Call(handler, reorg, settings.handler_timeout) for handler in handlers]
        self._in_hand.work()
        result = Result.HANDLED
        if calls:
            result = yield from self._unhandled.attempt(calls, reorg.batch_id, reorg.to_dict())
        self._in_hand.pause()
        if result is not Result.NOT_HANDLED:
            yield from self._committer.commit(entry, given_up=result is Result.GIVEN_UP)

    def _wait_for_user(self, batch: Batch) -> Steps[None]:
        """Pause while too many batches wait for the user's acknowledgement."""
        session, progress = self._session, self._committer.progress
        limit = session.settings.max_unacknowledged
        if len(progress.open) < limit:
            return
        logger.warning(
            "subscription %s: %d batches wait for acknowledge_batch(); delivery pauses until it is called",
            session.subscription_id,
            limit,
        )
        while len(progress.open) >= limit and not session.over and not session.link.discarded(batch.epoch):
            yield Wait()

    def _follow_blocks(self, batch: Batch) -> None:
        """Follow the block numbers, and give notice of one that goes back."""
        first, last, seen = batch.first_block, batch.last_block, self._blocks.seen
        if first is None or last is None or self._blocks.follow(first, last):
            return
        self._session.notices.tell(
            "gap",
            Gap(
                kind=GapKind.OUT_OF_ORDER,
                message=f"Batch {batch.batch_id} begins at block {first}, after block {seen} was delivered.",
                batch_id=batch.batch_id,
                from_block=first,
                to_block=seen,
            ),
        )

    def _saw_head(self, head: object) -> None:
        if type(head) is int:
            self._session.counters.saw_head(head)
            if self._holding is not None:
                self._holding.head_told(head)

    def _warn_unheard(self, events: Events) -> None:
        session = self._session
        for name in session.registry.unheard(events):
            logger.warning(
                "subscription %s: no handler for %r; its batches count as handled",
                session.subscription_id,
                name,
            )

    # --- the service's word ----------------------------------------------------------------------

    def _handle_error(self, epoch: int, error: StreamingError) -> Steps[None]:
        session = self._session
        logger.warning(
            "subscription %s: the service reports %s: %s",
            session.subscription_id,
            error.error_code,
            error.error_message,
        )
        yield from session.notices.call_now("error", error)
        problem = StreamEndedError(f"{error.error_code}: {error.error_message}", error.error_code)
        if error.error_code == "INVALID_RESUME_TOKEN":
            session.link.drop(epoch, Failed(problem), "token lost")
        elif error.recoverable is False:
            session.conclude(EndReason.NOT_RECOVERABLE, problem)

    def _handle_end(self, end: StreamingEnd) -> Steps[None]:
        session, holding = self._session, self._holding
        if holding is not None and len(holding):
            if holding.head_is_told:
                # The service has no more to say, but the chain goes on: ask again until all is deep enough.
                return
            holding.release_all()
            yield from self._release(holding)
            if session.over:
                return
        if end.resume_token and self._committer.progress.token:
            yield from self._committer.commit(Entry("", end.resume_token, None))
        session.conclude(EndReason.FINISHED)


def _newest(events: Events) -> dict[str, Any] | None:
    """Find a batch's newest event."""
    for group in reversed(events.values()):
        if group:
            return group[-1]
    return None

"""
One run of a streaming client: what its lanes share, and the rules between them.

A run has four lanes, each a generator that yields commands (`commands.py`) and gets their outcomes:

    read lane (reading.py)            connect → read → queue; after a loss wait, back off, connect again
    deliver lane (delivering.py)      queue → messages → handlers → checkpoint → acks
    acknowledge lane (acknowledging.py)   acks → service, in chunks, with back-off
    watch lane (watching.py)          heartbeats, silence, time limits, the lease

The lanes hold all decisions. A shell runs them on threads, on an event loop or in virtual time, and after
each step carries out `take_effects()`: which lanes to wake, and whether to break off the connection under
way. With threads it runs every step under one lock, so that a lane never sees another one's half-done change.

Stopping, from the point of view of the lanes: `stop()` → the deliver lane ends behind the batch in hand → the
acknowledge lane sends what is left → the connection is broken off → all lanes end. The connection stays open
until the acks are out, since a service forgets a connection whose reader is gone.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import define

from event_streamer_api.models import StreamingError
from event_streamer_sdk.exceptions import EventStreamerConnectionError

from ..backoff import Backoff, Reconnect
from .acks import AckBuffer
from .commands import (
    Call,
    Connected,
    Failed,
    Lane,
    Steps,
    Wait,
    call,
)
from .confirmations import ConfirmationBuffer
from .dedupe import Deduplicator
from .handlers import HandlerRegistry
from .messages import Batch
from .options import MAX_HEARTBEAT_INTERVAL, Settings
from .progress import Entry, Progress
from .queue import ReadQueue
from .reports import Counters, EndReason, Gap, Gauges, Report, Status, StatusKind

logger = logging.getLogger(__name__)

SLICE = 1.0
"""Longest piece of a rest, seconds."""

Notice = tuple[str, StreamingError | Gap | Status | Mapping[str, Any]]
"""A kind of `handlers.NOTICES` and what its handlers get."""


@define
class Connection:
    """
    The connection of the moment.

    Attributes:
        epoch: Counts connections within a run, from 1.
        id: The service's name for it.
        opened_at: Monotonic seconds.
        last_byte_at: Monotonic seconds of the last sign of life.
        interval: Seconds between heartbeats.
        next_heartbeat_at: When ours is due.
        line_since: When the line began that is arriving, `None` between lines.
        reading: Whether somebody reads; a stream that nobody reads is not silent.
        open: Whether the response has not ended.
        commits_before: Commits when it was opened.
        dropped: Why it has to go, once that is decided.
    """

    epoch: int
    id: str | None
    opened_at: float
    last_byte_at: float
    interval: float
    next_heartbeat_at: float
    commits_before: int
    line_since: float | None = None
    reading: bool = True
    open: bool = True
    dropped: Failed | None = None
    dropped_reason: str = ""


@define
class End:
    """How a run ends: its reason, and the error where it is a bad end."""

    reason: EndReason
    error: BaseException | None = None


class Session:
    """
    The state of one run.

    Args:
        settings: The options.
        registry: The handlers.
        progress: The committed position, carried from run to run.
        counters: The figures, carried from run to run.
        dedupe: What was handled before, carried from run to run; `None` where it isn't asked for.
        subscription_id: The subscription.
        clock: Gives monotonic seconds.
        utc_now: Gives the time of day, for messages only.
        random: Gives numbers from 0 to 1.
        iterating: Whether batches go to a loop of the user's.
        batch_class: What batches are made of: a shell's class has its `ack()`.
        owner: What such a batch needs to know of its client.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        registry: HandlerRegistry,
        progress: Progress,
        counters: Counters,
        dedupe: Deduplicator | None,
        subscription_id: int,
        clock: Callable[[], float],
        utc_now: Callable[[], datetime],
        random: Callable[[], float],
        iterating: bool = False,
        batch_class: type[Batch] = Batch,
        owner: object = None,
    ) -> None:
        self.settings = settings
        self.registry = registry
        self.progress = progress
        self.counters = counters
        self.dedupe = dedupe
        self.subscription_id = subscription_id
        self.clock = clock
        self.utc_now = utc_now
        self.random = random
        self.iterating = iterating
        self.batch_class = batch_class
        self.owner = owner

        self.queue = ReadQueue(settings.queue_batches, settings.queue_bytes, lambda: self.wake(Lane.READ))
        self.acks = AckBuffer(
            limit=settings.ack_buffer,
            chunk=settings.ack_chunk,
            attempts=settings.ack_attempts,
            on_due=lambda: self.wake(Lane.ACKNOWLEDGE),
            on_given_up=self._ack_given_up,
        )
        self.holding = ConfirmationBuffer(settings.confirmations) if settings.confirmations else None
        self.notices: deque[Notice] = deque()
        self.backoff = Backoff(settings.reconnect or Reconnect(), random)

        self.connection: Connection | None = None
        self.adopted: Connected | None = None
        self.connecting_since: float | None = None
        self.epoch = 0
        self.settled_epoch = 0
        self.heartbeat_sequence = 0
        self.last_byte_at: float | None = None
        self.bad_places: set[tuple[str | None, int]] = set()
        self.passed_over: tuple[str | None, int] = (None, 0)
        self.may_go_back = False
        self.lost_token_at: int | None = None
        self.seen_block: int | None = None
        self.lease_held = False
        self.start = Counters(
            events=counters.events,
            batches=counters.batches,
            acks=counters.acks,
            reconnects=counters.reconnects.copy(),
        )

        self.current: Batch | dict[str, Any] | None = None
        self.handler_since: float | None = None
        self.names_asked_at = 0
        self.handed_over = False
        self.fast_path = False
        self.unsaved: list[Entry] = []
        self.committing = False
        self.saved_at = clock()

        self.stopping = False
        self.end: End | None = None
        self.delivered = False
        self.flushed = False

        self.has_effects = False
        """Whether `take_effects` would tell anything."""
        self._wake: set[Lane] = set()
        self._break_off = False

    # --- what the shell asks -------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether no further batch will be delivered."""
        return self.stopping or self.end is not None

    def take_effects(self) -> tuple[set[Lane], bool]:
        """
        Tell what the last steps mean for other lanes.

        Returns:
            The lanes to wake, and whether the connection under way (connect or read) must be broken off.
        """
        wake, self._wake = self._wake, set()
        break_off, self._break_off = self._break_off, False
        self.has_effects = False
        return wake, break_off

    def stop(self, reason: EndReason = EndReason.STOPPED) -> None:
        """
        Stop: the batch in hand is finished, committed and acknowledged, nothing else.

        Args:
            reason: Why.
        """
        if self.end is None:
            self.end = End(reason)
        self.stopping = True
        self.wake(*Lane)

    def conclude(self, reason: EndReason, error: BaseException | None = None) -> None:
        """
        End the run by itself. The first conclusion counts, but an error is never lost to a good end.

        Args:
            reason: Why.
            error: What went wrong, where something did.
        """
        if self.end is None or (self.end.error is None and error is not None):
            self.end = End(reason, error)
            if error is not None:
                # With the traceback of what is the user's own: in the background nobody else shows it.
                logger.error(
                    "subscription %s: the stream ended (%s): %s: %s",
                    self.subscription_id,
                    reason,
                    type(error).__name__,
                    error,
                    exc_info=error if reason is EndReason.HANDLER_FAILED else None,
                )
            else:
                logger.info("subscription %s: ended (%s)", self.subscription_id, reason)
        self.wake(*Lane)

    def report(self, signal: int | None = None) -> Report:
        """
        Sum the run up.

        Args:
            signal: The signal that ended it, where one did.

        Returns:
            The report.
        """
        end = self.end or End(EndReason.STOPPED)
        return Report(
            reason=end.reason,
            events=self.counters.events - self.start.events,
            batches=self.counters.batches - self.start.batches,
            acks=self.counters.acks - self.start.acks,
            reconnects=self.counters.reconnects.total() - self.start.reconnects.total(),
            error=end.error,
            signal=signal,
        )

    @property
    def gauges(self) -> Gauges:
        """What the run holds just now."""
        return Gauges(
            pending_acks=len(self.acks),
            queued_batches=self.queue.batches,
            queued_bytes=self.queue.bytes,
            held_batches=len(self.holding) if self.holding is not None else 0,
            last_byte_at=self.last_byte_at,
        )

    # --- what the lanes share ------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether a connection is open."""
        if self.adopted is not None:
            return True
        connection = self.connection
        return connection is not None and connection.open and connection.dropped is None

    @property
    def current_batch(self) -> Batch | None:
        """The batch that is being handled, `None` between two batches."""
        current = self.current
        return self.batch_of(current) if isinstance(current, dict) else current

    def batch_of(self, message: dict[str, Any]) -> Batch:
        """
        Make a batch of a message that has been found to be one.

        Args:
            message: The decoded line.

        Returns:
            The batch; the same one for each call while it is being handled.
        """
        current = self.current
        if isinstance(current, Batch) and current.message is message:
            return current
        batch = self.batch_class(message)
        batch.epoch = self.epoch
        batch.owner = self.owner
        if current is message:
            self.current = batch
        return batch

    def wake(self, *lanes: Lane) -> None:
        """Have lanes look again, should they wait."""
        self._wake.update(lanes)
        self.has_effects = True

    def rest(self, seconds: float, *, hearing: bool = False) -> Steps[None]:
        """
        Let the lane that runs this rest for so long, or until the run is over.

        Args:
            seconds: How long.
            hearing: Whether to call the handlers of notices meanwhile (the deliver lane).
        """
        until = self.clock() + seconds
        while not self.over:
            if hearing:
                yield from self.call_notices()
            left = until - self.clock()
            if left <= 0:
                return
            # In slices, since not every strand that rests is a lane that `stop` wakes.
            yield Wait(min(left, SLICE))

    def opened(self, outcome: Connected) -> Connection:
        """
        Begin a connection.

        Args:
            outcome: What the shell said of it.

        Returns:
            The connection.
        """
        now = self.clock()
        self.epoch += 1
        told = outcome.heartbeat_interval
        if told is not None and not 0 < told <= MAX_HEARTBEAT_INTERVAL:
            told = None
        interval = self.settings.heartbeat_interval or told or 30.0
        first = self.epoch == 1 and self.progress.token is None
        self.acks.clear()
        if self.holding is not None:
            self.holding.drop()
        self.progress.connected()
        self.may_go_back = False
        self.seen_block = self.progress.block
        self.connection = Connection(
            epoch=self.epoch,
            id=outcome.connection_id,
            opened_at=now,
            last_byte_at=now,
            interval=interval,
            next_heartbeat_at=now + interval,
            commits_before=self.progress.commits,
        )
        self.last_byte_at = now
        self.wake(Lane.WATCH, Lane.ACKNOWLEDGE, Lane.DELIVER)
        logger.info("subscription %s: connected (%s)", self.subscription_id, outcome.connection_id)
        self.notify(
            "status",
            Status(
                kind=StatusKind.CONNECTED if first else StatusKind.RESUMED,
                connection_id=outcome.connection_id,
                attempt=self.backoff.failures,
            ),
        )
        return self.connection

    def closed(self) -> None:
        """Note that the run has no connection any more, not even one that it never came to take over."""
        self.connection = None
        self.adopted = None

    def drop_connection(self, epoch: int, failure: Failed, reason: str) -> None:
        """
        Give up a connection: the read lane will connect again from the committed token.

        Args:
            epoch: Which one; an earlier one is gone already.
            failure: Why.
            reason: The same in a few words.
        """
        connection = self.connection
        if connection is None or connection.epoch != epoch or connection.dropped is not None:
            return
        connection.dropped = failure
        connection.dropped_reason = reason
        self.wake(Lane.DELIVER)
        self.break_off()

    def connection_gone(self, connection: Connection) -> None:
        """
        Give up a connection that the service doesn't know any more; the subscription may be as well as ever.

        Args:
            connection: The connection.
        """
        problem = f"the service doesn't know the connection {connection.id} any more"
        self.drop_connection(
            connection.epoch, Failed(EventStreamerConnectionError(problem)), "connection gone"
        )

    def break_off(self) -> None:
        """Have the shell break off a connect or a read that is under way."""
        self._break_off = True
        self.wake(Lane.READ)

    def discarded(self, epoch: int) -> bool:
        """Tell whether what a connection delivered is not wanted any more."""
        connection = self.connection
        return connection is None or connection.epoch != epoch or connection.dropped is not None

    def notify(self, kind: str, notice: StreamingError | Gap | Status | Mapping[str, Any]) -> None:
        """
        Have the deliver lane call the handlers of a notice, between two batches.

        Args:
            kind: One of `handlers.NOTICES`.
            notice: What they get.
        """
        if self.registry.notice(kind):
            self.notices.append((kind, notice))
            self.wake(Lane.DELIVER)

    def notify_error(self, code: str, message: str, *, recoverable: bool = True) -> None:
        """
        Tell `on_error` of a trouble that the client found itself.

        Args:
            code: The error code.
            message: One sentence.
            recoverable: Whether the client goes on by itself.
        """
        self.notify(
            "error",
            StreamingError(
                connection_id=self.connection.id if self.connection else None,
                subscription_id=self.subscription_id,
                error_code=code,
                error_message=message,
                timestamp=self.utc_now(),
                recoverable=recoverable,
            ),
        )

    def call_notices(self) -> Steps[None]:
        """Call the handlers of all notices that wait: in the deliver lane, between two batches."""
        while self.notices:
            kind, notice = self.notices.popleft()
            yield from self.call_each(kind, notice)

    def call_each(self, kind: str, notice: Any) -> Steps[None]:
        """
        Call the handlers of a notice. One that raises is logged: there is no batch to send again.

        Args:
            kind: One of `handlers.NOTICES`.
            notice: What they get.
        """
        for handler in self.registry.notice(kind):
            outcome = yield from call(Call(handler, notice, self.settings.handler_timeout))
            if outcome is not None:
                self.counters.handler_errors += 1
                logger.error(
                    "subscription %s: a handler of on_%s raised",
                    self.subscription_id,
                    kind,
                    exc_info=outcome,
                )

    def _ack_given_up(self) -> None:
        self.counters.ack_failures += 1

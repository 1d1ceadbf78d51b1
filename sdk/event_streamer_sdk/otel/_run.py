"""
One run, told as spans: reads off the commands of the lanes, and changes none of them.

The lanes are generators, and both clients run the same ones. So this is written once: it stands between a
lane and the shell, passes commands down and outcomes up, and times what lies between.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from event_streamer_api.models import StreamingReorg

from .._core.stream import commands as do
from .._core.stream.observing import Run
from .._core.stream.queue import Item, ReadQueue
from . import _names as names
from ._current import WhileOpen

if TYPE_CHECKING:
    from ._instruments import Instruments

T = TypeVar("T")

MOST_LINKS = 128
"""Links of a span, at most: the default limit of OpenTelemetry's SDK."""
REMEMBERED = 10_000
"""Batches whose spans an acknowledgement is linked with; beyond it the oldest are forgotten."""

Attributes = Mapping[str, Any]


class TimedQueue(ReadQueue):
    """A queue that remembers when what is taken was put into it."""

    def __init__(self, batches: int, size: int, on_room: Callable[[], None]) -> None:
        super().__init__(batches, size, on_room)
        self._times: deque[int] = deque()
        self.arrived = 0
        """When the item that was taken last had come, nanoseconds since the epoch."""

    def put(self, epoch: int, item: Item) -> None:
        """Add what was read."""
        self._times.append(time.time_ns())
        super().put(epoch, item)

    def take(self) -> tuple[int, Item] | None:
        """Take the oldest item."""
        taken = super().take()
        if taken is not None:
            self.arrived = self._times.popleft()
        return taken


class RunTelemetry:
    """
    Looks at one run.

    Args:
        lanes: The run's lanes.
        tracer: Makes the spans.
        instruments: What is measured.
        attributes: What all spans and metrics of the run say.
    """

    queue_class: type[ReadQueue] | None = TimedQueue

    def __init__(self, lanes: Run, tracer: Tracer, instruments: Instruments, attributes: Attributes) -> None:
        self.lanes = lanes
        self.tracer = tracer
        self.instruments = instruments
        self.attributes = attributes
        self._handled: dict[str, tuple[SpanContext, int]] = {}
        self._uncommitted: deque[SpanContext] = deque(maxlen=MOST_LINKS)

    def watch(self, steps: do.Steps[T]) -> do.Steps[T]:
        """
        Look at a lane, or a part of one.

        Args:
            steps: Its generator.

        Returns:
            A generator of the same commands.
        """
        return _Watch(self).run(steps)

    @contextmanager
    def settling(self, batch_ids: Sequence[str]) -> Iterator[None]:
        """
        Tell of a call of the user's that acknowledges batches.

        Args:
            batch_ids: The batches.
        """
        operation = self.acknowledging(batch_ids, contexts.get_current())
        try:
            with trace.use_span(operation.span, record_exception=False, set_status_on_exception=False):
                yield
        except BaseException as error:
            operation.end(error)
            raise
        operation.end()

    # --- spans ---------------------------------------------------------------------------------

    def span(
        self,
        name: str,
        kind: SpanKind,
        operation_type: str | None = None,
        *,
        context: Context | None = None,
        links: Sequence[Link] = (),
        start: int | None = None,
        about: Attributes | None = None,
    ) -> Span:
        """
        Begin a span.

        Args:
            name: The operation's name.
            kind: The span's kind.
            operation_type: The operation's type, where the conventions have one for it.
            context: Whose child it is; by default nobody's: what was under way when a stream was started
                has nothing to do with all that comes over it later.
            links: Other spans.
            start: When it began, nanoseconds since the epoch; by default now.
            about: More attributes; those that are None are left out.
        """
        kept = {**self.attributes, names.OPERATION_NAME: name}
        if operation_type is not None:
            kept[names.OPERATION_TYPE] = operation_type
        kept.update((each, value) for each, value in (about or {}).items() if value is not None)
        return self.tracer.start_span(
            f"{name} {self.attributes[names.DESTINATION]}",
            context=Context() if context is None else context,
            kind=kind,
            attributes=kept,
            links=links,
            start_time=start,
        )

    def connecting(self) -> Operation:
        """Begin to tell of opening the stream."""
        return Operation(self, self.span("connect", SpanKind.CLIENT), "connect")

    def committing(self) -> Operation:
        """Begin to tell of storing the position: in the trace of the last batch that it covers."""
        covered = [Link(each) for each in self._uncommitted]
        self._uncommitted.clear()
        last = covered.pop().context if covered else None
        parent = None if last is None else trace.set_span_in_context(trace.NonRecordingSpan(last), Context())
        span = self.span("commit", SpanKind.CLIENT, "settle", context=parent, links=covered)
        return Operation(self, span, "commit")

    def acknowledging(self, batch_ids: Sequence[str], context: Context | None = None) -> Operation:
        """
        Begin to tell of an acknowledgement.

        Args:
            batch_ids: What is acknowledged.
            context: As in `span`.
        """
        known = [found for each in batch_ids if (found := self._handled.get(each)) is not None]
        span = self.span(
            "ack",
            SpanKind.CLIENT,
            "settle",
            context=context,
            links=[Link(each) for each, _ in known[-MOST_LINKS:]],
            about={
                names.MESSAGE_COUNT: sum(size for _, size in known) if len(known) == len(batch_ids) else None,
                names.BATCH_COUNT: len(batch_ids),
                names.BATCH_ID: batch_ids[0] if len(batch_ids) == 1 else None,
            },
        )
        return Operation(self, span, "ack")

    def handled(self, batch_id: str, context: SpanContext, size: int) -> None:
        """
        Remember the span of a batch, for its commit and its acknowledgement.

        Args:
            batch_id: The batch.
            context: The span of its processing.
            size: Its events.
        """
        if context.is_valid:
            self._uncommitted.append(context)
            self._handled[batch_id] = context, size
            if len(self._handled) > REMEMBERED:
                del self._handled[next(iter(self._handled))]


class Operation:
    """
    A request or a write that is under way.

    Args:
        run: The run.
        span: Its span.
        name: Its name.
    """

    def __init__(self, run: RunTelemetry, span: Span, name: str) -> None:
        self.span = span
        self._run = run
        self._name = name
        self._began = time.perf_counter()

    def end(self, error: BaseException | None = None) -> None:
        """
        End the span, and measure it.

        Args:
            error: What went wrong, where something did.
        """
        measured = {**self._run.attributes, names.OPERATION_NAME: self._name}
        if error is not None:
            measured[names.ERROR_TYPE] = _failed(self.span, error)
        self.span.end()
        self._run.instruments.operation.record(time.perf_counter() - self._began, measured)


class Processing:
    """
    A batch, or a reorganisation, in the hands of its handlers.

    Args:
        run: The run.
        work: The message.
        reorg: Whether it is a reorganisation.
    """

    def __init__(self, run: RunTelemetry, work: object, *, reorg: bool) -> None:
        self.work = work
        self._run = run
        self._began = self._ended = time.perf_counter()
        self._ended_ns = time.time_ns()
        self._failure: str | None = None
        batch = None if reorg else run.lanes.in_hand.batch
        self._batch_id = batch.batch_id if batch is not None else getattr(work, "batch_id", None) or ""
        self._size = batch.size if batch is not None else 0
        message = batch.message if batch is not None else {}
        about = {
            names.MESSAGE_COUNT: self._size,
            names.BATCH_ID: self._batch_id,
            names.CHAIN_ID: message.get("chain_id"),
            names.CONNECTION_ID: run.lanes.session.link.connection_id,
            names.FIRST_BLOCK: batch.first_block if batch is not None else None,
            names.LAST_BLOCK: batch.last_block
            if batch is not None
            else getattr(work, "common_ancestor", None),
            names.HEAD_BLOCK: message.get("head_block"),
        }
        links = _links(message)
        queue = run.lanes.queue
        arrived = queue.arrived if isinstance(queue, TimedQueue) else None
        received = run.span("receive", SpanKind.CLIENT, "receive", links=links, start=arrived, about=about)
        received.end()
        self.span = run.span(
            "process",
            SpanKind.CONSUMER,
            "process",
            context=trace.set_span_in_context(received, Context()),
            links=links,
            about=about,
        )

    def called(self, error: BaseException | None) -> None:
        """
        Note that a handler has ended.

        Args:
            error: What it raised.
        """
        self._ended, self._ended_ns = time.perf_counter(), time.time_ns()
        self._failure = None if error is None else _qualified(error)
        if error is not None and self.span.is_recording():
            self.span.record_exception(error)

    def broken_off(self) -> None:
        """Note that a handler was cancelled, or left behind."""
        self.called(None)
        self._failure = "cancelled"

    def end(self) -> None:
        """End the span at the moment when the last handler ended, and measure it."""
        run = self._run
        measured = {**run.attributes, names.OPERATION_NAME: "process"}
        run.instruments.consumed.add(self._size, measured)
        if self._failure is not None:
            self.span.set_attribute(names.ERROR_TYPE, self._failure)
            self.span.set_status(StatusCode.ERROR)
            measured[names.ERROR_TYPE] = self._failure
        self.span.end(self._ended_ns)
        run.instruments.process.record(self._ended - self._began, measured)
        run.handled(self._batch_id, self.span.get_span_context(), self._size)


class _Watch:
    """Looks at one lane."""

    def __init__(self, run: RunTelemetry) -> None:
        self._run = run
        self._in_hand = run.lanes.in_hand
        self._processing: Processing | None = None
        self._watched: dict[type, Callable[[Any], Generator[Any, Any, Any]]] = {
            do.Call: self._call,
            do.HandOver: self._hand_over,
            do.Connect: self._connect,
            do.SaveCheckpoint: self._save,
            do.Acknowledge: self._acknowledge,
            do.WriteDeadLetter: self._dead_letter,
        }

    def run(self, steps: do.Steps[T]) -> do.Steps[T]:
        """Pass commands down and outcomes up."""
        outcome: Any = None
        try:
            while True:
                try:
                    command = steps.send(outcome)
                except StopIteration as end:
                    ended: T = end.value
                    return ended
                processing = self._processing
                if processing is not None and not self._belongs(command, processing):
                    self._processing = None
                    processing.end()
                watch = self._watched.get(type(command))
                if watch is None:
                    outcome = yield command
                else:
                    outcome = yield from watch(command)
        finally:
            steps.close()
            if self._processing is not None:
                self._processing.end()

    def _belongs(self, command: do.Command, processing: Processing) -> bool:
        """Whether a command is part of handling the message whose handlers were called last."""
        if type(command) is do.SaveCheckpoint:
            return False
        work = self._in_hand.message
        return work is processing.work if work is not None else _reorg(command) is processing.work

    def _call(self, command: do.Call) -> Generator[Any, Any, Any]:
        reorg = _reorg(command)
        events = isinstance(command.argument, list | dict)
        work = reorg if reorg is not None else self._in_hand.message if events else None
        if work is None:
            return (yield command)  # a notice
        processing = self._of(work, reorg=reorg is not None)
        outcome = yield from _within(processing.span, command, processing.broken_off)
        processing.called(outcome)
        return outcome

    def _hand_over(self, command: do.HandOver) -> Generator[Any, Any, Any]:
        processing = self._of(command.batch.message, reorg=False)
        current = WhileOpen(processing.span, trace.get_current_span())
        try:
            outcome = yield from _within(current, command, processing.broken_off)
        finally:
            current.close()
        processing.called(None)
        return outcome

    def _of(self, work: object, *, reorg: bool) -> Processing:
        if self._processing is None:
            self._processing = Processing(self._run, work, reorg=reorg)
        return self._processing

    def _connect(self, command: do.Connect) -> Generator[Any, Any, Any]:
        operation = self._run.connecting()
        outcome = yield from _within(operation.span, command, operation.end)
        if isinstance(outcome, do.Connected) and outcome.connection_id is not None:
            operation.span.set_attribute(names.CONNECTION_ID, outcome.connection_id)
        operation.end(_error(outcome))
        return outcome

    def _save(self, command: do.SaveCheckpoint) -> Generator[Any, Any, Any]:
        operation = self._run.committing()
        if command.checkpoint.block is not None:
            operation.span.set_attribute(names.LAST_BLOCK, command.checkpoint.block)
        outcome = yield from _within(operation.span, command, operation.end)
        operation.end(_error(outcome))
        return outcome

    def _acknowledge(self, command: do.Acknowledge) -> Generator[Any, Any, Any]:
        operation = self._run.acknowledging(command.batch_ids)
        operation.span.set_attribute(names.CONNECTION_ID, command.connection_id)
        outcome = yield from _within(operation.span, command, operation.end)
        error = _error(outcome)
        if isinstance(outcome, do.Acknowledged) and outcome.failed:
            error = RefusedError(f"{len(outcome.failed)} of {len(command.batch_ids)} batches were refused")
        operation.end(error)
        return outcome

    def _dead_letter(self, command: do.WriteDeadLetter) -> Generator[Any, Any, Any]:
        outcome = yield command
        if self._processing is not None and not isinstance(outcome, do.Failed):
            self._processing.span.add_event("dead letter", {"reason": command.record.reason})
        return outcome


def _within(
    span: Span, command: do.Command, broken_off: Callable[[], object]
) -> Generator[do.Command, Any, Any]:
    """Have a command carried out within a span; `broken_off` is called where its lane ends meanwhile."""
    token = contexts.attach(trace.set_span_in_context(span))
    try:
        return (yield command)
    except GeneratorExit:  # a handler was broken off, or the user's loop was left
        broken_off()
        raise
    finally:
        # Else it was closed from another thread or task, whose context is not the one that was changed.
        if trace.get_current_span() is span:
            contexts.detach(token)


_W3C = TraceContextTextMapPropagator()
"""Reads what the service writes into a batch, whatever propagators the program has chosen for headers."""


class RefusedError(Exception):
    """The service did not take some of the batches that were acknowledged."""


def _reorg(command: do.Command) -> StreamingReorg | None:
    argument = command.argument if type(command) is do.Call else None
    return argument if isinstance(argument, StreamingReorg) else None


def _links(message: Mapping[str, Any]) -> list[Link]:
    """Link with the service's span of the batch, where the message tells it."""
    parent = message.get("traceparent")
    if not isinstance(parent, str):
        return []
    found = _W3C.extract({"traceparent": parent}, Context())
    sent = trace.get_current_span(found).get_span_context()
    return [Link(sent)] if sent.is_valid else []


def _error(outcome: object) -> BaseException | None:
    return outcome.error if isinstance(outcome, do.Failed) else None


def _qualified(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _failed(span: Span, error: BaseException) -> str:
    """Mark a span as failed; give the error's type."""
    kind = _qualified(error)
    if span.is_recording():
        span.record_exception(error)
        span.set_attribute(names.ERROR_TYPE, kind)
        span.set_status(StatusCode.ERROR, str(error))
    return kind

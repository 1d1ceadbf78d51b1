"""The spans of one run: what they say, how they hang together, and what is measured beside them."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, Tracer

from .._core.stream.observing import Run
from .._core.stream.queue import Item, ReadQueue
from . import _names as names

if TYPE_CHECKING:
    from ._instruments import Instruments

MOST_LINKS = 128
"""Links of a span, at most: the default limit of OpenTelemetry's SDK."""
REMEMBERED = 10_000
"""Batches whose spans an acknowledgement is linked with; beyond it the oldest are forgotten."""

Attributes = Mapping[str, Any]

NOBODY = Context()
"""Whose child a span is by default: what was under way when a stream was started has nothing to do with all
that comes over it later."""

KINDS: Mapping[str, tuple[SpanKind, str | None]] = {
    "connect": (SpanKind.CLIENT, None),
    "receive": (SpanKind.CLIENT, "receive"),
    "process": (SpanKind.CONSUMER, "process"),
    "commit": (SpanKind.CLIENT, "settle"),
    "ack": (SpanKind.CLIENT, "settle"),
}
"""Operation → its span's kind, and its type, where the conventions have one for it."""


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


class RunSpans:
    """Begins the spans of one run, and says what its measurements say."""

    def __init__(self, lanes: Run, tracer: Tracer, instruments: Instruments, attributes: Attributes) -> None:
        self.lanes = lanes
        self.instruments = instruments
        self.consumed = instruments.consumed(measured(attributes, "process"))
        self._tracer = tracer
        self._names = {name: f"{name} {attributes[names.DESTINATION]}" for name in KINDS}
        self._about = {name: spanned(attributes, name) for name in KINDS}
        self._measured = {name: measured(attributes, name) for name in KINDS}
        self._handled: dict[str, tuple[SpanContext, int]] = {}
        self._uncommitted: deque[SpanContext] = deque(maxlen=MOST_LINKS)

    def span(
        self,
        name: str,
        *,
        context: Context = NOBODY,
        links: Sequence[Link] = (),
        start: int | None = None,
    ) -> Span:
        """
        Begin a span. What is said of it later, by `set_attributes`, no sampler has to know.

        Args:
            name: The operation's name.
            context: Whose child it is.
            links: Other spans, which a sampler may go by.
            start: When it began, nanoseconds since the epoch; by default now.
        """
        return self._tracer.start_span(
            self._names[name],
            context=context,
            kind=KINDS[name][0],
            attributes=self._about[name],
            links=links,
            start_time=start,
        )

    def measured(self, name: str, error: str | None = None) -> Attributes:
        """Give the attributes of a measurement."""
        found = self._measured[name]
        return found if error is None else {**found, names.ERROR_TYPE: error}

    def connecting(self) -> Operation:
        """Begin to tell of opening the stream."""
        return Operation(self, self.span("connect"), "connect")

    def committing(self) -> Operation:
        """Begin to tell of storing the position: in the trace of the last batch that it covers."""
        covered = list(self._uncommitted)
        self._uncommitted.clear()
        context = NOBODY
        if covered:
            context = trace.set_span_in_context(trace.NonRecordingSpan(covered.pop()), NOBODY)
        span = self.span("commit", context=context)
        if span.is_recording():
            for each in covered:
                span.add_link(each)
        return Operation(self, span, "commit")

    def acknowledging(self, batch_ids: Sequence[str], context: Context = NOBODY) -> Operation:
        """Begin to tell of an acknowledgement."""
        span = self.span("ack", context=context)
        if span.is_recording():
            known = [found for each in batch_ids if (found := self._handled.get(each)) is not None]
            for each, _ in known[-MOST_LINKS:]:
                span.add_link(each)
            say(
                span,
                {
                    names.MESSAGE_COUNT: sum(size for _, size in known)
                    if len(known) == len(batch_ids)
                    else None,
                    names.BATCH_COUNT: len(batch_ids),
                    names.BATCH_ID: batch_ids[0] if len(batch_ids) == 1 else None,
                },
            )
        return Operation(self, span, "ack")

    def handled(self, batch_id: str, context: SpanContext, size: int) -> None:
        """Remember the span of a batch, for its commit and its acknowledgement."""
        if context.is_valid:
            self._uncommitted.append(context)
            self._handled[batch_id] = context, size
            if len(self._handled) > REMEMBERED:
                del self._handled[next(iter(self._handled))]


class Operation:
    """A request or a write that is under way."""

    def __init__(self, run: RunSpans, span: Span, name: str) -> None:
        self.span = span
        self._run = run
        self._name = name
        self._began = time.perf_counter()

    def end(self, error: BaseException | None = None) -> None:
        """End the span, and measure it."""
        kind = None if error is None else _failed(self.span, error)
        self.span.end()
        measured = self._run.measured(self._name, kind)
        self._run.instruments.operation.record(time.perf_counter() - self._began, measured)


class Processing:
    """A batch, or a reorganisation, in the hands of its handlers."""

    def __init__(self, run: RunSpans, work: object, *, reorg: bool) -> None:
        self.work = work
        self._run = run
        self._began = self._ended = time.perf_counter()
        self._ended_ns = time.time_ns()
        self._failure: str | None = None
        message = (None if reorg else run.lanes.in_hand.message) or {}
        self._batch_id: str = message.get("batch_id") or message.get("response_id") or ""
        self._size = sum(map(len, message["events"].values())) if message else 0
        self.span = self._receive_and_process(message)

    def _receive_and_process(self, message: Attributes) -> Span:
        """Tell that it was received, and begin to tell of its processing."""
        run, queue = self._run, self._run.lanes.queue
        links = _links(message)
        arrived = queue.arrived if isinstance(queue, TimedQueue) else None
        received = run.span("receive", links=links, start=arrived)
        if not received.is_recording():
            # A sampler would say the same of the same trace again. What a handler begins is its child.
            received.end()
            return received
        batch = run.lanes.in_hand.batch if message else None
        about = {
            names.MESSAGE_COUNT: self._size,
            names.BATCH_ID: self._batch_id,
            names.CHAIN_ID: message.get("chain_id"),
            names.CONNECTION_ID: run.lanes.session.link.connection_id,
            names.FIRST_BLOCK: batch.first_block if batch is not None else None,
            names.LAST_BLOCK: batch.last_block
            if batch is not None
            else getattr(self.work, "common_ancestor", None),
            names.HEAD_BLOCK: message.get("head_block"),
        }
        say(received, about)
        received.end()
        processing = run.span("process", context=trace.set_span_in_context(received, NOBODY), links=links)
        say(processing, about)
        return processing

    def called(self, error: BaseException | None) -> None:
        """Note that a handler has ended."""
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
        run.consumed.add(self._size)
        if self._failure is not None:
            self.span.set_attribute(names.ERROR_TYPE, self._failure)
            self.span.set_status(StatusCode.ERROR)
        self.span.end(self._ended_ns)
        run.instruments.process.record(self._ended - self._began, run.measured("process", self._failure))
        run.handled(self._batch_id, self.span.get_span_context(), self._size)


_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
"""
What the service writes into a batch (W3C Trace Context; of later versions what version 00 has), whatever
propagators the program has chosen for headers. Read so, it costs a fifth of what a propagator takes.
"""


def spanned(attributes: Attributes, name: str) -> Attributes:
    """Give what all spans of an operation say."""
    kind = KINDS[name][1]
    return {**measured(attributes, name), **({} if kind is None else {names.OPERATION_TYPE: kind})}


def measured(attributes: Attributes, name: str) -> Attributes:
    """Give what all measurements of an operation say."""
    return {**attributes, names.OPERATION_NAME: name}


def say(span: Span, about: Attributes) -> None:
    """
    Say more of a span that is recorded.

    Args:
        span: The span.
        about: Attributes; those that are None are left out.
    """
    span.set_attributes({each: value for each, value in about.items() if value is not None})


def _links(message: Mapping[str, Any]) -> list[Link]:
    """Link with the service's span of the batch, where the message tells it."""
    parent = message.get("traceparent")
    if not isinstance(parent, str):
        return []
    found = _TRACEPARENT.fullmatch(parent)
    if found is None:
        return []
    trace_id, span_id, flags = (int(each, 16) for each in found.groups())
    sent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(flags))
    return [Link(sent)] if sent.is_valid else []


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

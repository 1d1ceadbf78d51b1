"""What traces cost where nobody wants them: nothing. Calls are counted, as times differ."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased

from event_streamer_sdk import EventStreamer, otel

from .conftest import Told

BATCHES = 300
ACKNOWLEDGED = {
    "total_batches": BATCHES,
    "acknowledged_batches": BATCHES,
    "failed_batches": 0,
    "failed_batch_ids": [],
    "total_events_acknowledged": BATCHES,
}


def body() -> bytes:
    event = {"value": "1", "block_number": 7, "log_index": 0}
    lines = [
        {
            "type": "event_batch",
            "response_id": f"b{number}",
            "batch_id": f"b{number}",
            "resume_token": f"t{number}",
            "events": {"Transfer": [event]},
            "batch_size": 1,
        }
        for number in range(BATCHES)
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


class Memory(httpx.AsyncBaseTransport):
    """A service that streams once, from memory, in one piece."""

    def __init__(self) -> None:
        self._left: bytes | None = body()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/stream"):
            return httpx.Response(200, json=ACKNOWLEDGED)
        left, self._left = self._left, None
        if left is None:
            return httpx.Response(204)
        return httpx.Response(200, headers={"X-Connection-Id": "c"}, stream=Piece(left))


class Piece(httpx.AsyncByteStream):
    def __init__(self, data: bytes) -> None:
        self._data = data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._data


class Counter:
    """Counts what Python calls, from `begin` to `end`."""

    def __init__(self) -> None:
        self.calls = 0

    def begin(self) -> None:
        sys.setprofile(self._count)

    def end(self) -> None:
        sys.setprofile(None)

    def _count(self, _frame: object, event: str, _argument: object) -> None:
        self.calls += event in {"call", "c_call"}


def calls_of_a_batch(providers: dict[str, Any] | None) -> float:
    """Count what Python calls while handlers run: from the first batch to the last."""
    counter = Counter()
    handled = 0

    def handle(events: list[dict[str, Any]]) -> None:
        nonlocal handled
        handled += 1
        if handled == 1:
            counter.begin()
        elif handled == BATCHES:
            counter.end()

    async def run() -> None:
        async with EventStreamer("http://service", "tester", transport=Memory()) as client:
            if providers is not None:
                otel.instrument(client, **providers)
            stream = client.create_streaming_client(1)
            stream.on_event("Transfer")(handle)
            await stream.run()

    before = sys.getprofile()
    try:
        asyncio.run(run())
    finally:
        sys.setprofile(before)
    assert handled == BATCHES
    return counter.calls / (BATCHES - 1)


def calls_that_are_due(tracer_provider: TracerProvider, meter_provider: MeterProvider) -> float:
    """Count the least that a batch can do: ask the sampler, be the current span, measure a duration."""
    counter = Counter()
    tracer, meter = tracer_provider.get_tracer("due"), meter_provider.get_meter("due")
    histogram = meter.create_histogram("due")
    about = {f"name.of.attribute.{number}": "a value" for number in range(7)}
    before = sys.getprofile()
    counter.begin()
    try:
        for _ in range(100):
            span = tracer.start_span("due", context=Context(), attributes=about)
            contexts.detach(contexts.attach(trace.set_span_in_context(span)))
            span.end()
            histogram.record(0.1, about)
    finally:
        sys.setprofile(before)
    return counter.calls / 100


@pytest.mark.quick
def test_without_a_provider_a_batch_costs_no_call_more(told: Told) -> None:
    off, idle, on = calls_of_a_batch(None), calls_of_a_batch({}), calls_of_a_batch(told.providers)
    print(f"calls a batch: {off:.1f} off, {idle:.1f} without a provider, {on:.1f} with exporters in memory")
    assert idle == pytest.approx(off, abs=0.5)
    assert on > 2 * off, "else it was not counted"


@pytest.mark.quick
@pytest.mark.parametrize(
    "sampler",
    [TraceIdRatioBased(0), ParentBased(TraceIdRatioBased(0))],
    ids=["ratio", "by the parent"],
)
def test_a_batch_that_is_not_sampled_costs_little_more_than_asking(sampler: Sampler, told: Told) -> None:
    sampled = TracerProvider(sampler=sampler)
    off = calls_of_a_batch(None)
    on = calls_of_a_batch({"tracer_provider": sampled, "meter_provider": told.meter_provider})
    due = calls_that_are_due(sampled, told.meter_provider)
    print(f"calls a batch: {off:.1f} off, {on:.1f} not sampled, {due:.1f} of them OpenTelemetry's own")
    assert on > off + due / 2, "else it was not counted"
    assert on < off + due + 70

"""What traces and metrics say of a stream, from a read of the chain to its acknowledgement."""

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode

from event_streamer_sdk import EventStreamer, SyncEventStreamer, otel
from event_streamer_sdk.checkpoints import MemoryCheckpoint
from event_streamer_service import LocalService
from support.listener import KINDS, passing_over
from support.raw_client import RawClient

from .conftest import Told

kinds = pytest.mark.parametrize("kind", KINDS)
LAST = 20
TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"

Handler = Callable[[list[dict[str, Any]]], Any]


def stream(
    kind: str,
    url: str,
    told: Told,
    handler: Handler | None = None,
    *,
    use: Callable[[Any], Any] | None = None,
    client: dict[str, Any] | None = None,
    **options: Any,
) -> None:
    """Stream blocks 0 to 20 of the development chain with either client, to the end."""
    options = {"handler_retry_delay": 0.01, **options}

    async def asynchronous() -> None:
        async with EventStreamer(url, "tester", **(client or {})) as made:
            otel.instrument(made, **told.providers)
            subscription = await made.subscribe(TRANSFER, chain_id=31_337, start_block=0, end_block=LAST)
            streaming = made.create_streaming_client(subscription.id, **options)
            if use is not None:
                await use(streaming)
                return
            streaming.on_event("Transfer")(handler or _nothing)
            await streaming.run()

    def blocking() -> None:
        with SyncEventStreamer(url, "tester", **(client or {})) as made:
            otel.instrument(made, **told.providers)
            subscription = made.subscribe(TRANSFER, chain_id=31_337, start_block=0, end_block=LAST)
            streaming = made.create_streaming_client(subscription.id, **options)
            if use is not None:
                use(streaming)
                return
            streaming.on_event("Transfer")(handler or _nothing)
            streaming.run()

    if kind == "async":
        asyncio.run(asynchronous())
    else:
        blocking()


def _nothing(events: list[dict[str, Any]]) -> None:
    """Take the events."""


def by_id(spans: list[ReadableSpan]) -> dict[int, ReadableSpan]:
    return {span.context.span_id: span for span in spans}


def attribute(span: ReadableSpan, name: str) -> Any:
    return (span.attributes or {}).get(name)


def in_time_order(*spans: ReadableSpan) -> bool:
    times = [(span.start_time or 0, span.end_time or 0) for span in spans]
    return all(before[1] <= after[0] for before, after in itertools.pairwise(times))


@kinds
@pytest.mark.quick
def test_a_batch_is_followed_over_the_wire(kind: str, told: Told) -> None:
    with LocalService(tracer_provider=told.tracer_provider) as service:
        stream(kind, service.url, told, checkpoint=MemoryCheckpoint())
    spans = by_id(told.spans())
    (connect,) = told.spans("connect ")
    opened = next(s for s in told.spans("GET /subscriptions/{subscription_id}/stream"))
    assert opened.parent is not None
    assert opened.parent.span_id == connect.context.span_id, "the service's span is a child of the client's"
    received, processed, sent = (told.spans(name) for name in ("receive ", "process ", "send "))
    assert len(received) == len(processed) == len(sent) >= 2
    for got, handled in zip(received, processed, strict=True):
        assert got.parent is None, "a stream lasts for weeks, and no trace does"
        assert handled.parent == got.context
        assert in_time_order(got, handled)
        (link,) = got.links
        delivery = spans[link.context.span_id]
        assert delivery.name == "send subscriptions/1"
        assert [each.context.span_id for each in delivery.links] == [opened.context.span_id]
        for same in ("event_streamer.batch.id", "event_streamer.block.first", "event_streamer.block.last",
                     "messaging.batch.message_count", "messaging.destination.name"):  # fmt: skip
            assert attribute(got, same) == attribute(delivery, same) == attribute(handled, same)
    commits = told.spans("commit ")
    assert [commits[0].parent, commits[1].parent] == [each.context for each in processed[:2]]
    acks = told.spans("ack ")
    assert {link.context.span_id for ack in acks for link in ack.links} == {
        each.context.span_id for each in processed
    }
    settled = [s for s in told.spans("POST ") if "/ack/batch/bulk" in s.name]
    assert [s.parent and s.parent.span_id for s in settled] == [ack.context.span_id for ack in acks]
    reads = told.spans("eth_getLogs")
    assert {attribute(each, "event_streamer.chain.id") for each in reads} == {31_337}
    assert min(attribute(each, "event_streamer.block.first") for each in reads) == 0
    assert max(attribute(each, "event_streamer.block.last") for each in reads) >= LAST


@kinds
def test_spans_are_named_by_the_conventions(kind: str, told: Told) -> None:
    with LocalService() as service:
        stream(kind, service.url, told, checkpoint=MemoryCheckpoint())
        port = int(service.url.rpartition(":")[2])
    kinds_of = {
        "connect": (SpanKind.CLIENT, None),
        "receive": (SpanKind.CLIENT, "receive"),
        "process": (SpanKind.CONSUMER, "process"),
        "commit": (SpanKind.CLIENT, "settle"),
        "ack": (SpanKind.CLIENT, "settle"),
    }
    assert {span.name for span in told.spans()} == {f"{name} subscriptions/1" for name in kinds_of}
    for span in told.spans():
        name = span.name.partition(" ")[0]
        assert (span.kind, attribute(span, "messaging.operation.type")) == kinds_of[name]
        assert span.status.status_code is StatusCode.UNSET
        common = {
            "messaging.system": "event_streamer",
            "messaging.operation.name": name,
            "messaging.destination.name": "subscriptions/1",
            "messaging.consumer.group.name": "tester",
            "server.address": "127.0.0.1",
            "server.port": port,
        }
        assert common.items() <= dict(span.attributes or {}).items()
    batches = told.spans("process ")
    assert sum(attribute(each, "messaging.batch.message_count") for each in batches) == 5 * (LAST + 1)
    assert attribute(batches[-1], "event_streamer.block.last") == LAST
    acks = told.spans("ack ")
    assert sum(attribute(each, "messaging.batch.message_count") for each in acks) == 5 * (LAST + 1)


@kinds
@pytest.mark.parametrize("timeout", [None, 20.0], ids=["", "handler_timeout"])
def test_what_a_handler_does_is_part_of_its_span(kind: str, timeout: float | None, told: Told) -> None:
    tracer = told.tracer_provider.get_tracer("user")

    def handle(events: list[dict[str, Any]]) -> None:
        with tracer.start_as_current_span("write"):
            pass

    async def handle_later(events: list[dict[str, Any]]) -> None:
        await asyncio.sleep(0)
        handle(events)

    with LocalService() as service:
        handler = handle_later if kind == "async" else handle
        stream(kind, service.url, told, handler, handler_timeout=timeout)
    assert [span.parent for span in told.spans("write")] == [span.context for span in told.spans("process ")]
    assert trace.get_current_span() is trace.INVALID_SPAN


@kinds
def test_an_error_of_a_handler_is_told_of_its_batch(kind: str, told: Told) -> None:
    tries: list[int] = []

    def handle(events: list[dict[str, Any]]) -> None:
        tries.append(events[0]["block_number"])
        if tries.count(LAST) and tries[-1] == LAST and tries.count(LAST) < 3:
            raise ValueError("not yet")

    with LocalService() as service:
        stream(kind, service.url, told, handle)
    *_, last = told.spans("process ")
    raised = [event for event in last.events if event.name == "exception"]
    assert [(event.attributes or {})["exception.message"] for event in raised] == ["not yet"] * 2
    assert last.status.status_code is StatusCode.UNSET, "it was handled in the end"
    assert attribute(last, "error.type") is None


@kinds
@pytest.mark.parametrize("policy", ["stop", "dead_letter"])
def test_a_batch_that_is_not_handled_is_marked(kind: str, policy: str, told: Told, tmp_path: Path) -> None:
    def handle(events: list[dict[str, Any]]) -> None:
        raise ValueError("never")

    options: dict[str, Any] = {"on_handler_error": policy, "handler_retries": 1}
    if policy == "dead_letter":
        options["dead_letter"] = tmp_path / "letters.jsonl"
    with LocalService() as service:
        if policy == "stop":
            with pytest.raises(ValueError, match="never"):
                stream(kind, service.url, told, handle, **options)
        else:
            stream(kind, service.url, told, handle, **options)
    first = told.spans("process ")[0]
    assert first.status.status_code is StatusCode.ERROR
    assert attribute(first, "error.type") == "ValueError"
    expected = ["exception"] * 2 + (["dead letter"] if policy == "dead_letter" else [])
    assert [event.name for event in first.events] == expected
    (point,) = [p for p in told.points("messaging.process.duration") if p.attributes.get("error.type")]
    assert point.attributes["error.type"] == "ValueError"


@kinds
def test_a_loop_of_the_users_is_the_processing(kind: str, told: Told) -> None:
    tracer = told.tracer_provider.get_tracer("user")

    async def loop(streaming: Any) -> None:
        async for batch in streaming:
            with tracer.start_as_current_span("write"):
                pass
            if batch.last_block == LAST:
                break
        await asyncio.sleep(0.1)  # the loop is left in another task, behind this one's back
        assert not trace.get_current_span().get_span_context().is_valid

    def blocking_loop(streaming: Any) -> None:
        for batch in streaming:
            with tracer.start_as_current_span("write"):
                pass
            if batch.last_block == LAST:
                break
        assert trace.get_current_span() is trace.INVALID_SPAN

    with LocalService() as service:
        stream(kind, service.url, told, use=loop if kind == "async" else blocking_loop)
    processed = told.spans("process ")
    assert [span.parent for span in told.spans("write")] == [span.context for span in processed]
    assert [attribute(span, "error.type") for span in processed] == [None] * (len(processed) - 1) + [
        "cancelled"
    ]


@kinds
def test_acknowledging_by_hand_is_told_too(kind: str, told: Told) -> None:
    async def loop(streaming: Any) -> None:
        async for batch in streaming:
            await batch.ack()

    def blocking_loop(streaming: Any) -> None:
        for batch in streaming:
            batch.ack()

    with LocalService(tracer_provider=told.tracer_provider) as service:
        use = loop if kind == "async" else blocking_loop
        stream(kind, service.url, told, use=use, auto_acknowledge=False, checkpoint=MemoryCheckpoint())
    acks, processed = told.spans("ack "), told.spans("process ")
    assert [attribute(ack, "event_streamer.batch.id") for ack in acks] == [
        attribute(each, "event_streamer.batch.id") for each in processed
    ]
    # It was called within the processing, so it is a part of that.
    assert [ack.parent for ack in acks] == [each.context for each in processed]
    assert len(told.spans("commit ")) >= len(processed)


@kinds
def test_a_service_that_refuses_is_told(kind: str, told: Told) -> None:
    with LocalService(api_keys={"right-key": "tester"}) as service:
        with pytest.raises(Exception, match="401"):
            stream(kind, service.url, told, client={"api_key": "wrong-key"})
        with RawClient(service.url, key="right-key") as client:
            number = client.subscribe(subscriber_id="tester")

        async def asynchronous() -> None:
            async with EventStreamer(service.url, "tester", api_key="wrong-key") as made:
                otel.instrument(made, **told.providers)
                with pytest.raises(Exception, match="401"):
                    await passing_over(made.create_streaming_client(number)).run()

        if kind == "async":
            asyncio.run(asynchronous())
        else:
            with SyncEventStreamer(service.url, "tester", api_key="wrong-key") as made:
                otel.instrument(made, **told.providers)
                with pytest.raises(Exception, match="401"):
                    passing_over(made.create_streaming_client(number)).run()
    (connect,) = told.spans("connect ")
    assert connect.status.status_code is StatusCode.ERROR
    assert str(attribute(connect, "error.type")).endswith("EventStreamerAuthError")


@kinds
def test_no_key_and_no_token_is_told(kind: str, told: Told) -> None:
    tokens: list[str] = []

    with LocalService(tracer_provider=told.tracer_provider, api_keys={"a-secret-key": "tester"}) as service:
        store = MemoryCheckpoint()
        stream(kind, service.url, told, client={"api_key": "a-secret-key"}, checkpoint=store)
        kept = store.load("tester:1")
        assert kept is not None
        tokens.append(kept.resume_token)
        tokens += [entry.detail["resume_token"] for entry in service.journal.entries("batch")]
    said = json.dumps([span.to_json() for span in told.spans()])
    assert len(told.spans()) > 10
    assert "a-secret-key" not in said
    assert all(tokens)
    for token in tokens:
        assert token not in said


@kinds
def test_metrics_are_named_by_the_conventions(kind: str, told: Told) -> None:
    with LocalService() as service:
        stream(kind, service.url, told, checkpoint=MemoryCheckpoint())
    batches = len(told.spans("process "))
    (consumed,) = told.points("messaging.client.consumed.messages")
    assert consumed.value == 5 * (LAST + 1)
    assert consumed.attributes["messaging.destination.name"] == "subscriptions/1"
    (process,) = told.points("messaging.process.duration")
    assert process.count == batches
    spans = told.spans("process ")
    took = sum((span.end_time or 0) - (span.start_time or 0) for span in spans) / 1e9
    assert process.sum == pytest.approx(took, abs=0.05)
    assert process.explicit_bounds[0] == 0.005
    operations = {
        p.attributes["messaging.operation.name"]: p
        for p in told.points("messaging.client.operation.duration")
    }
    assert set(operations) == {"connect", "commit", "ack"}


@kinds
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_sampling_keeps_or_drops_a_batch_as_a_whole(kind: str, share: float, told: Told) -> None:
    sampled = TracerProvider(sampler=ParentBased(TraceIdRatioBased(share)))
    sampled.add_span_processor(SimpleSpanProcessor(told.exporter))
    tracer = sampled.get_tracer("user")

    def handle(events: list[dict[str, Any]]) -> None:
        with tracer.start_as_current_span("write"):
            pass

    telling = evolve(told, tracer_provider=sampled)
    with LocalService() as service:
        stream(kind, service.url, telling, handle, checkpoint=MemoryCheckpoint())
    received, processed = told.spans("receive "), told.spans("process ")
    assert [each.parent for each in processed] == [each.context for each in received]
    assert [each.parent for each in told.spans("write")] == [each.context for each in processed]
    # A commit that covers no further batch, as at a subscription's end, is a trace of its own.
    commits = [each.parent.span_id for each in told.spans("commit ") if each.parent is not None]
    assert set(commits) <= {each.context.span_id for each in processed}
    if not share:
        assert told.spans() == []
    (consumed,) = told.points("messaging.client.consumed.messages")
    assert consumed.value == 5 * (LAST + 1), "metrics count what isn't sampled"


def test_a_provider_hears_of_all_its_clients(told: Told) -> None:
    with LocalService() as service, SyncEventStreamer(service.url, "first") as first:
        otel.instrument(first, **told.providers)
        assert first.subscribe(TRANSFER, chain_id=31_337, start_block=0, end_block=3)
        assert list(first.create_streaming_client(1).events())
        with SyncEventStreamer(service.url, "second") as second:
            otel.instrument(second, **told.providers)
            later = second.subscribe(TRANSFER, chain_id=31_337, start_block=0, end_block=LAST)
            for _ in second.create_streaming_client(later.id).events():
                lag = told.points("event_streamer.client.blocks_behind")
                if lag:
                    break
    assert [point.attributes["messaging.consumer.group.name"] for point in lag] == ["second"]
    consumed = told.points("messaging.client.consumed.messages")
    assert {point.attributes["messaging.consumer.group.name"] for point in consumed} == {"first", "second"}


@kinds
def test_the_lag_is_told_while_a_stream_runs(kind: str, told: Told) -> None:
    seen: list[Any] = []

    def handle(events: list[dict[str, Any]]) -> None:
        if events[0]["block_number"] == LAST:
            seen.extend(told.points("event_streamer.client.blocks_behind"))

    with LocalService() as service:
        stream(kind, service.url, told, handle)
    assert [point.attributes["messaging.destination.name"] for point in seen] == ["subscriptions/1"]
    assert seen[0].value > 0
    assert told.points("event_streamer.client.blocks_behind") == []


def test_who_sends_no_trace_gets_none(told: Told) -> None:
    with LocalService(tracer_provider=told.tracer_provider) as service, RawClient(service.url) as client:
        number = client.subscribe(end_block=3)
        traced = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        for headers, expected in (({}, False), (traced, True)):
            with client.http.stream("GET", f"/subscriptions/{number}/stream", headers=headers) as response:
                first = json.loads(next(response.iter_lines()))
            assert first["type"] == "event_batch"
            assert ("traceparent" in first) is expected
    opened = told.spans("GET /subscriptions/{subscription_id}/stream")
    assert [span.parent is not None for span in opened] == [False, True]
    assert opened[1].context.trace_id == 0x0AF7651916CD43DD8448EB211C80319C


def test_a_refusal_of_the_service_is_told(told: Told) -> None:
    with LocalService(tracer_provider=told.tracer_provider) as service, RawClient(service.url) as client:
        client.get("/subscriptions/77", 404)
        client.get("/health")
    (span,) = told.spans()
    assert span.name == "GET /subscriptions/{subscription_id}"
    assert attribute(span, "http.response.status_code") == 404
    assert span.status.status_code is StatusCode.UNSET, "404 is no failure of the server"


IMPORTS = """
import sys
{before}
from event_streamer_sdk import SyncEventStreamer, otel
from event_streamer_service import LocalService
with LocalService() as service, SyncEventStreamer(service.url, "tester") as client:
    client.subscribe({transfer!r}, chain_id=31337, start_block=0, end_block=2)
    assert list(client.create_streaming_client(1).events())
    assert not [name for name in sys.modules if name.startswith("opentelemetry")]
    {after}
"""


def test_nothing_of_opentelemetry_is_imported_unasked() -> None:
    program = IMPORTS.format(before="", after="", transfer=TRANSFER)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_what_is_missing_is_said_in_one_sentence() -> None:
    program = IMPORTS.format(
        before="sys.modules['opentelemetry'] = None",
        after="otel.instrument(client)",
        transfer=TRANSFER,
    ).replace('startswith("opentelemetry")', 'startswith("opentelemetry.")')
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, timeout=60, capture_output=True, text=True
    )
    assert "MissingExtraError: opentelemetry-api is needed for this" in done.stderr
    assert "pip install 'event-streamer-sdk[otel]>=1'" in done.stderr

"""What Prometheus is told of a client's streams, by both clients."""

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from event_streamer_sdk.metrics import StreamCollector
from support.listener import KINDS, Listener, both, until
from support.stream_server import HEARTBEAT, Wire, batch, stream_server

kinds = pytest.mark.parametrize("kind", KINDS)
OF_ONE = {"subscription_id": "1"}


def figure(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"event_streamer_client_{name}", OF_ONE | labels)


def break_off(wire: Wire) -> None:
    wire.begin()
    wire.send(batch(0, head_block=110, first_block=100, last_block=100))
    wire.reset()


def go_on(wire: Wire) -> None:
    wire.begin()
    wire.send(batch(1, head_block=112, first_block=101, last_block=101))
    wire.send(HEARTBEAT)
    wire.vanish()


@kinds
@pytest.mark.quick
def test_figures_of_a_stream_that_was_broken_off_once(kind: str) -> None:
    registry = CollectorRegistry()
    fails = [True]

    def handle(number: int) -> Any:
        if number == 1 and fails:
            fails.clear()
            raise ValueError("once")
        return asyncio.sleep(0.02) if kind == "async" else None

    async def scenario(stream: Any, call: Any) -> None:
        assert figure(registry, "running") == 0
        await call(stream.start_streaming())
        await until(lambda: figure(registry, "batches_total") == 2)
        assert figure(registry, "running") == figure(registry, "connected") == 1
        assert figure(registry, "last_processed_block") == 101
        assert figure(registry, "head_block") == 112
        assert figure(registry, "blocks_behind") == 11
        await call(stream.stop_streaming())
        assert figure(registry, "running") == figure(registry, "connected") == 0

    with stream_server(break_off, go_on) as server:
        listener = Listener(kind, server.url, handler=handle)
        client = listener.async_client if kind == "async" else listener.sync_client

        def watched() -> Any:
            made = client()
            registry.register(StreamCollector(made))
            return made

        setattr(listener, f"{kind}_client", watched)
        both(kind, listener, scenario)
    assert figure(registry, "batches_total") == figure(registry, "events_total") == 2
    assert figure(registry, "handler_errors_total") == 1
    lost = [
        (sample.labels["reason"], sample.value)
        for family in registry.collect()
        if family.name == "event_streamer_client_reconnects"
        for sample in family.samples
    ]
    assert [value for _, value in lost] == [1]
    assert figure(registry, "handler_seconds_count") == 3
    least = 0.04 if kind == "async" else 0.0
    assert least <= (figure(registry, "handler_seconds_sum") or 0) < 5

"""Our asyncio client, looked at by nobody, by OpenTelemetry or by Prometheus."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from meter import WARM, WARM_EVENTS, Meter, quiet

from event_streamer_sdk import EventStreamer, otel


def look_at(client: EventStreamer, way: str) -> None:
    if way == "api":
        otel.instrument(client)
    elif way in {"sampled", "memory"}:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON, TraceIdRatioBased

        provider = TracerProvider(sampler=TraceIdRatioBased(0.01) if way == "sampled" else ALWAYS_ON)
        provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
        meters = MeterProvider([InMemoryMetricReader()])
        otel.instrument(client, tracer_provider=provider, meter_provider=meters)
    elif way == "prometheus":
        from prometheus_client import CollectorRegistry

        from event_streamer_sdk.metrics import StreamCollector

        CollectorRegistry().register(StreamCollector(client))


async def main(url: str, subscription_id: int, events: int, way: str) -> int:
    seen = 0
    done = asyncio.Event()
    async with EventStreamer(service_url=url, subscriber_id="bench") as client:
        look_at(client, way)
        stream = client.create_streaming_client(subscription_id=subscription_id)

        @stream.on_event("Transfer")
        async def handle(batch: list[dict[str, Any]]) -> None:
            nonlocal seen
            seen += len(batch)
            if seen >= events:
                done.set()

        await stream.start_streaming()
        await done.wait()
        await stream.disconnect()
    return seen


if __name__ == "__main__":
    meter = Meter()
    with quiet():
        asyncio.run(main(sys.argv[1], int(WARM), WARM_EVENTS, sys.argv[4]))
        meter.start()
        seen = asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
        meter.stop()
    meter.report(events=seen)

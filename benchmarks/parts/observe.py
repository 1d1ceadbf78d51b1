"""What traces and figures cost: the stream of our asyncio client, looked at in each way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..report import Row, compared
from ..rounds import Sample, interleave, middle, ratio, work
from ..streamer import running

SHAPES = ((1, 100_000), (100, 400_000))
"""Events a batch, events in all."""
WAYS = {
    "not looked at": "off",
    "OpenTelemetry, no provider": "api",
    "Prometheus": "prometheus",
    "OpenTelemetry, 1 % of traces": "sampled",
    "OpenTelemetry, exporters in memory": "memory",
}
FREE = 0.95
"""Of the speed of a stream that is not looked at: where no provider is set nothing may be spent."""


def run(*, quick: bool) -> Iterator[Row]:
    """Yield a row for each way at each shape."""
    shapes = [(size, events // 4 if quick else events) for size, events in SHAPES]
    names = [f"{number}:{size}:{events // size}" for number, (size, events) in enumerate(shapes, 1)]
    with running(*names) as server:
        for number, (size, events) in enumerate(shapes, 1):
            contestants: dict[str, Callable[[], Sample]] = {
                name: partial(work, "observed", "stream_observed", server.url, number, events, way)
                for name, way in WAYS.items()
            }
            results = interleave(contestants, 3 if quick else 7)
            base = results["not looked at"]
            for name, samples in results.items():
                if any(sample["events"] != events for sample in samples):
                    raise RuntimeError(f"{name} did not handle {events} events")
                share = ratio(base, samples, "cpu")
                yield compared(
                    f"stream, {size:,} a batch, async, fast: {name}",
                    samples,
                    ratio=share,
                    against="not looked at",
                    bound=FREE if WAYS[name] == "api" else None,
                    rate=events / middle(samples, "cpu"),
                )

"""Memory while streaming ten million events: flat, and below the published client's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

from ..report import Goal, Row
from ..rounds import Sample, work
from ..streamer import running

EVENTS = 10_000_000
BATCH = 1_000
SAMPLES = 100
FLAT = 1.03
"""
Median resident size in the second half of the run over that in the first half: above it memory grows.

Python takes memory by the MiB and single samples jump by two of them, some 5 %; a byte lost for each event
would be 10 MB.
"""

PUBLISHED = "published 0.5.0"


def run(*, quick: bool) -> Iterator[Row]:
    """Yield a row for each client; one run each: what else the machine does changes no memory."""
    events = EVENTS // 20 if quick else EVENTS
    with running(f"1:{BATCH}:{events // BATCH}:lazy") as server:
        contestants: dict[str, Callable[[], Sample]] = {
            name: partial(work, environment, script, server.url, 1, events, events // SAMPLES)
            for name, environment, script in (
                (PUBLISHED, "published", "stream_async"),
                ("async, fast", "fast", "stream_async"),
                ("sync, fast", "fast", "stream_sync"),
                ("async, plain", "plain", "stream_async"),
                ("sync, plain", "plain", "stream_sync"),
            )
        }
        results = {name: contestant() for name, contestant in contestants.items()}
    peak = float(results[PUBLISHED]["peak_rss"])
    for name, sample in results.items():
        resident = sample["samples"]
        half = len(resident) // 2
        growth = median(resident[half:]) / median(resident[:half])
        good = growth <= FLAT and sample["peak_rss"] <= peak
        yield Row(
            what=f"memory over {events:,} events: {name}",
            ratio=peak / sample["peak_rss"],
            against=PUBLISHED,
            goal=None if name == PUBLISHED else Goal("flat, ≥ 1 ×", good),
            cpu=sample["cpu"],
            wall=sample["wall"],
            rate=events / sample["cpu"],
            rss=sample["peak_rss"],
            note=f"second half against first: {growth:.3f}",
        )

"""REST calls a second, one after another on a kept connection, answer read into a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..report import Row, target
from ..rounds import Sample, interleave, middle, ratio, work
from ..streamer import running

CALLS = 3_000
PUBLISHED = "published 0.5.0"


def run(*, quick: bool) -> Iterator[Row]:
    """Yield a row for each client."""
    calls = CALLS // 3 if quick else CALLS
    with running("1:1:1") as server:
        contestants: dict[str, Callable[[], Sample]] = {
            PUBLISHED: partial(work, "published", "rest_async", server.url, calls),
            "async, fast": partial(work, "fast", "rest_async", server.url, calls),
            "sync, fast": partial(work, "fast", "rest_sync", server.url, calls),
            "async, plain": partial(work, "plain", "rest_async", server.url, calls),
            "sync, plain": partial(work, "plain", "rest_sync", server.url, calls),
        }
        results = interleave(contestants, 2 if quick else 7)
    for name, samples in results.items():
        value = ratio(results[PUBLISHED], samples, "cpu")
        wall = ratio(results[PUBLISHED], samples, "wall")
        yield Row(
            what=f"REST get_subscription: {name}",
            against=PUBLISHED,
            **({"ratio": value} if name == PUBLISHED else target(value, 1.0)),  # type: ignore[arg-type]
            cpu=middle(samples, "cpu"),
            wall=middle(samples, "wall"),
            rate=calls / middle(samples, "cpu"),
            rss=middle(samples, "peak_rss"),
            note=f"by the clock {calls / middle(samples, 'wall'):,.0f} a second, {wall:.2f} × the peer's",
        )

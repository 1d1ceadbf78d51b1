"""REST calls a second, one after another on a kept connection, answer read into a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..report import Row, compared
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
        wall = ratio(results[PUBLISHED], samples, "wall")
        yield compared(
            f"REST get_subscription: {name}",
            samples,
            ratio=ratio(results[PUBLISHED], samples, "cpu"),
            against=PUBLISHED,
            bound=None if name == PUBLISHED else 1.0,
            rate=calls / middle(samples, "cpu"),
            note=f"by the clock {calls / middle(samples, 'wall'):,.0f} a second, {wall:.2f} × the peer's",
        )

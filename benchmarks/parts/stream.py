"""Stream to handler: events through the client to a handler, acknowledgements included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..report import Row, at_least, compared
from ..rounds import Sample, interleave, middle, ratio, work
from ..streamer import Server, running

SHAPES = ((1, 100_000), (100, 400_000), (1000, 400_000))
"""Events a batch, events in all."""

TARGETS = {
    "async, fast": (3.0, 2.5, 2.5),
    "sync, fast": (2.3, 2.0, 2.5),
    "async, plain": (1.0, 1.0, 1.0),
    "sync, plain": (1.0, 1.0, 1.0),
}
"""Contestant → the ratio wanted at each of the shapes."""
FLOOR_SHARE = 0.55
"""Of the floor's speed, at the largest batches, with the fast transport."""

PUBLISHED = "published 0.5.0"
FLOOR = "socket + orjson"


def run(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of every shape."""
    shapes = [(size, events // 4 if quick else events) for size, events in SHAPES]
    names = [f"{number}:{size}:{events // size}" for number, (size, events) in enumerate(shapes, 1)]
    with running(*names) as server:
        for number, (size, events) in enumerate(shapes, 1):
            yield from _shape(server, number, size, events, quick=quick)


def _shape(server: Server, number: int, size: int, events: int, *, quick: bool) -> Iterator[Row]:
    def client(environment: str, script: str) -> Sample:
        sample = work(environment, script, server.url, number, events)
        acknowledged = server.acknowledged(number)
        if sample["events"] != events or acknowledged != events // size:
            raise RuntimeError(
                f"{script} in {environment} handled {sample['events']} of {events} events"
                f" and acknowledged {acknowledged} of {events // size} batches"
            )
        return sample

    def bare(*arguments: str) -> Sample:
        return work("by_hand", "stream_floor", server.url, number, events, *arguments)

    contestants: dict[str, Callable[[], Sample]] = {
        PUBLISHED: partial(client, "published", "stream_async"),
        "async, fast": partial(client, "fast", "stream_async"),
        "sync, fast": partial(client, "fast", "stream_sync"),
        "async, plain": partial(client, "plain", "stream_async"),
        "sync, plain": partial(client, "plain", "stream_sync"),
        "aiohttp + orjson by hand": partial(client, "by_hand", "stream_by_hand"),
        FLOOR: bare,
        "socket, nothing parsed": partial(bare, "--raw"),
    }
    results = interleave(contestants, 3 if quick else 7)
    for name, samples in results.items():
        yield compared(
            f"stream, {size:,} a batch: {name}",
            samples,
            ratio=ratio(results[PUBLISHED], samples, "cpu"),
            against=PUBLISHED,
            bound=TARGETS[name][number - 1] if name in TARGETS else None,
            rate=events / middle(samples, "cpu"),
        )
    if number == len(SHAPES):
        for name in ("async, fast", "sync, fast"):
            share = ratio(results[FLOOR], results[name], "cpu")
            yield Row(
                what=f"share of the floor, {size:,} a batch: {name}",
                ratio=share,
                against=FLOOR,
                goal=at_least(FLOOR_SHARE, share, "%"),
            )

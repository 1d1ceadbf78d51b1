"""The time that importing the package takes, in a fresh process each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..report import Row, compared
from ..rounds import Sample, interleave, middle, ratio, work

PUBLISHED = "published 0.5.0"


def run(*, quick: bool) -> Iterator[Row]:
    """Yield a row for each environment."""
    contestants: dict[str, Callable[[], Sample]] = {
        PUBLISHED: partial(work, "published", "import_time"),
        "plain": partial(work, "plain", "import_time"),
        "fast": partial(work, "fast", "import_time"),
    }
    results = interleave(contestants, 3 if quick else 15)
    for name, samples in results.items():
        yield compared(
            f"import event_streamer_sdk: {name}",
            samples,
            ratio=ratio(results[PUBLISHED], samples, "cpu"),
            against=PUBLISHED,
            bound=None if name == PUBLISHED else 2.0,
            note=f"{middle(samples, 'modules'):.0f} modules",
        )

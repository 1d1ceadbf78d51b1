"""The time that importing the package takes, in a fresh process each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..report import Row, target
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
        value = ratio(results[PUBLISHED], samples, "cpu")
        yield Row(
            what=f"import event_streamer_sdk: {name}",
            against=PUBLISHED,
            **({"ratio": value} if name == PUBLISHED else target(value, 2.0)),  # type: ignore[arg-type]
            cpu=middle(samples, "cpu"),
            wall=middle(samples, "wall"),
            rss=middle(samples, "peak_rss"),
            note=f"{middle(samples, 'modules'):.0f} modules",
        )

"""When a service looks for cyclic garbage: seldom at everything, and still none of it stays."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from event_streamer_service.collector import Collector


class _Knot:
    """Refers to itself."""

    def __init__(self) -> None:
        self.itself = self
        self.more = [[] for _ in range(20)]


@pytest.fixture
def looked() -> Iterator[list[int]]:
    """Which generations were looked through."""
    generations: list[int] = []
    threshold = gc.get_threshold()

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            generations.append(info["generation"])

    gc.callbacks.append(note)
    yield generations
    gc.callbacks.remove(note)
    gc.unfreeze()
    gc.set_threshold(*threshold)


@pytest.mark.quick
def test_streams_that_stay_open_are_not_looked_through_again(looked: list[int]) -> None:
    collector = Collector()
    gc.set_threshold(2_000, 5, 1_000_000)
    collector.look_at_everything()
    looked.clear()
    kept = []
    for _ in range(20):
        kept.append([[] for _ in range(3_000)])
        collector.look()
    assert gc.get_freeze_count() > 20 * 2_000, "they are not left alone"
    assert 2 not in looked
    assert set(looked) == {0, 1}


@pytest.mark.quick
def test_what_has_grown_twice_as_much_is_looked_through_and_garbage_goes(looked: list[int]) -> None:
    collector = Collector()
    gc.set_threshold(2_000, 5, 1_000_000)
    collector.look_at_everything()
    old = _Knot()
    gc.freeze()  # it has become old
    gone = weakref.ref(old)
    del old
    looked.clear()
    left = gc.get_freeze_count()
    knots = []
    while gone() is not None and len(knots) * 20 < 4 * left:
        knots += [_Knot() for _ in range(500)]
        collector.look()
    assert gone() is None
    assert looked.count(2) == 1

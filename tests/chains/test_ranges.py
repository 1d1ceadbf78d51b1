"""The adaptive size of ranges."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_service.chains.range_size import TARGET_LOGS, AdaptiveSize

pytestmark = pytest.mark.quick


def read(first: int, last: int, sizes: AdaptiveSize, limit: int, density: float = 0.0) -> list[int]:
    """Read a range against a node with a fixed limit; return the sizes that were answered."""
    answered = []
    while first <= last:
        blocks = min(sizes.size, last - first + 1)
        if blocks > limit:
            sizes.refused(blocks)
            continue
        sizes.answered(blocks, int(blocks * density))
        answered.append(blocks)
        first += blocks
    return answered


def test_it_grows_while_nothing_is_refused() -> None:
    sizes = AdaptiveSize(10_000)
    answered = read(0, 100_000, sizes, limit=10_000)
    assert answered[:4] == sorted(answered[:4])
    assert sizes.size == 10_000
    assert len(answered) < 20


def test_a_refusal_halves_it_and_it_grows_again() -> None:
    sizes = AdaptiveSize(10_000, first=1_000)
    sizes.refused(1_000)
    assert sizes.size == 500
    for _ in range(100):
        sizes.answered(sizes.size, 0)
    assert sizes.size > 1_000


def test_a_refused_size_is_not_tried_again_at_once() -> None:
    sizes = AdaptiveSize(10_000, first=1_000)
    refusals = 0
    for _ in range(170):
        if sizes.size > 800:
            sizes.refused(sizes.size)
            refusals += 1
        else:
            sizes.answered(sizes.size, 0)
    assert 1 < refusals < 16


def test_the_nodes_limit_is_kept() -> None:
    sizes = AdaptiveSize(10_000, first=10_000)
    sizes.refused(10_000, limit=2_000)
    assert sizes.size == sizes.largest == 2_000
    for _ in range(50):
        sizes.answered(sizes.size, 0)
    assert sizes.size == 2_000


def test_the_nodes_suggestion_is_tried() -> None:
    sizes = AdaptiveSize(10_000, first=1_000)
    sizes.refused(1_000, suggested=37)
    assert sizes.size == 37


@pytest.mark.parametrize("nonsense", [0, -5, 1_000, 99_999])
def test_a_useless_hint_is_no_reason_to_repeat_the_question(nonsense: int) -> None:
    sizes = AdaptiveSize(10_000, first=1_000)
    sizes.refused(1_000, suggested=nonsense)
    assert sizes.size == 500
    sizes.refused(500, limit=nonsense)
    assert sizes.size == 250


def test_the_size_follows_the_density_of_logs() -> None:
    sizes = AdaptiveSize(10_000)
    read(0, 50_000, sizes, limit=10_000, density=50)
    assert sizes.size == TARGET_LOGS // 50


@given(
    first=st.integers(0, 10_000),
    blocks=st.integers(1, 20_000),
    largest=st.integers(1, 20_000),
    limit=st.integers(1, 20_000),
    density=st.floats(0, 1_000),
)
def test_any_limit_is_found_with_few_refusals(
    first: int, blocks: int, largest: int, limit: int, density: float
) -> None:
    sizes = AdaptiveSize(largest)
    refusals = 0
    answers = 0
    at, last = first, first + blocks - 1
    while at <= last and answers < 1_000:
        size = min(sizes.size, last - at + 1)
        assert 1 <= size <= largest
        if size > limit:
            sizes.refused(size)
            refusals += 1
        else:
            sizes.answered(size, int(size * density))
            answers += 1
            at += size
    assert refusals <= 16 + answers / 8


@given(from_block=st.integers(0, 10**9), blocks=st.integers(2, 5_000), size=st.integers(1, 5_000))
def test_the_parts_of_a_refused_range_are_the_range(from_block: int, blocks: int, size: int) -> None:
    sizes = AdaptiveSize(5_000, first=size)
    to_block = from_block + blocks - 1
    parts = sizes.split(from_block, to_block)
    assert len(parts) >= 2
    assert parts[0][0] == from_block
    assert parts[-1][1] == to_block
    assert all(a <= b for a, b in parts)
    assert all(before[1] + 1 == after[0] for before, after in pairwise(parts))

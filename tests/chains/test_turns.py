"""Turns: owners get them one after the other, and none is lost where those who wait go away."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_service.chains.turns import Turns


def test_a_hundred_of_one_hold_up_another_by_one_turn() -> None:
    order: list[str] = []

    async def main() -> None:
        turns = Turns(1)

        async def work(owner: str) -> None:
            async with turns.turn(owner):
                order.append(owner)
                await asyncio.sleep(0)

        many = [asyncio.create_task(work("many")) for _ in range(100)]
        await asyncio.sleep(0)
        few = [asyncio.create_task(work("few")) for _ in range(3)]
        await asyncio.gather(*many, *few)

    asyncio.run(main())
    assert len(order) == 103
    assert [index for index, owner in enumerate(order) if owner == "few"][-1] < 10


@given(
    at_once=st.integers(1, 3),
    owners=st.lists(st.sampled_from("abc"), min_size=1, max_size=12),
    cancelled=st.sets(st.integers(0, 11)),
    after=st.integers(0, 6),
)
def test_no_turn_is_lost_and_no_more_are_taken_than_there_are(
    at_once: int, owners: list[str], cancelled: set[int], after: int
) -> None:
    async def main() -> None:
        turns, having, most, done = Turns(at_once), 0, 0, 0

        async def work(owner: str) -> None:
            nonlocal having, most, done
            async with turns.turn(owner):
                having += 1
                most = max(most, having)
                try:
                    await asyncio.sleep(0)
                finally:
                    having -= 1
                done += 1

        tasks = [asyncio.create_task(work(owner)) for owner in owners]
        for _ in range(after):
            await asyncio.sleep(0)
        for index in cancelled & set(range(len(tasks))):
            tasks[index].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert most <= at_once
        assert done >= len(owners) - len(cancelled)
        async with asyncio.timeout(1):  # all turns are free again
            await asyncio.gather(*(work("late") for _ in range(at_once)))

    asyncio.run(main())


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_turn_that_is_free_is_taken_at_once(at_once: int) -> None:
    async def main() -> None:
        turns = Turns(at_once)
        async with turns.turn("a"):
            pass
        async with asyncio.timeout(0.1), turns.turn("b"):
            pass

    asyncio.run(main())

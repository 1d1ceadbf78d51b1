"""Many who wait for the same news."""

import asyncio

import pytest

from event_streamer_service.chains.news import AT_ONCE, News


@pytest.mark.quick
def test_all_are_woken_in_their_order_and_others_get_their_turn_meanwhile() -> None:
    async def run() -> list[int | str]:
        news, woken = News(), []

        async def wait(number: int) -> None:
            await news.wait()
            woken.append(number)

        async with asyncio.TaskGroup() as waiting:
            for number in range(4 * AT_ONCE):
                waiting.create_task(wait(number))
            await asyncio.sleep(0)
            news.tell()
            for _ in range(3):
                await asyncio.sleep(0)
                woken.append("somebody else")
        return woken

    woken = asyncio.run(run())
    assert [each for each in woken if each != "somebody else"] == list(range(4 * AT_ONCE))
    assert woken.index("somebody else") <= AT_ONCE
    assert woken[-1] == 4 * AT_ONCE - 1


@pytest.mark.quick
def test_who_waits_again_waits_for_the_next_news_and_who_was_cancelled_leaves_nothing_behind() -> None:
    async def run() -> None:
        news, told = News(), []

        async def follow() -> None:
            while True:
                await news.wait()
                told.append(len(told))

        task = asyncio.create_task(follow())
        for number in range(3):
            await asyncio.sleep(0)
            news.tell()
            await asyncio.sleep(0)
            assert told == list(range(number + 1))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        news.tell()
        assert not news._waiting
        assert told == [0, 1, 2]

    asyncio.run(run())

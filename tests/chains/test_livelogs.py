"""The logs of new blocks: one answer for all who ask for the same, handed out in groups."""

import asyncio
from collections.abc import Sequence

import pytest

from event_streamer_service import DevChain
from event_streamer_service.chains.errors import ChainClosed
from event_streamer_service.chains.livelogs import LiveLogs
from event_streamer_service.chains.news import AT_ONCE
from event_streamer_service.chains.types import Block, Log, LogFilter
from support.raw_client import TRANSFER_TOPIC

TOKENS = LogFilter(TRANSFER_TOPIC)


class _Slow:
    """A chain that answers when it is told to."""

    def __init__(self, chain: DevChain) -> None:
        self._chain = chain
        self.answers = asyncio.Event()

    async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        await self.answers.wait()
        return await self._chain.block_logs(blocks, log_filter)


async def _asking(live: LiveLogs, block: Block, log_filter: LogFilter, got: list[tuple[Log, ...]]) -> None:
    (logs,) = await live.of([block], log_filter)
    got.append(logs)


@pytest.mark.quick
@pytest.mark.parametrize("by_address", [False, True], ids=["by topic", "by address"])
def test_a_thousand_who_wait_for_a_block_get_one_answer_and_leave_others_their_turn(by_address: bool) -> None:
    async def scenario() -> None:
        chain = DevChain(blocks=4)
        source = _Slow(chain)
        live = LiveLogs(source)  # type: ignore[arg-type]
        block = await chain.block(3)
        assert block is not None
        found = await chain.logs(3, 3, TOKENS)
        asked = LogFilter(TOKENS.topic0, frozenset({found[0].address})) if by_address else TOKENS
        live.join(asked)
        got: list[tuple[Log, ...]] = []
        assert live.at_hand([block], asked) is None
        async with asyncio.TaskGroup() as many:
            for _ in range(1_000):
                many.create_task(_asking(live, block, asked, got))
            await asyncio.sleep(0)
            source.answers.set()
            turns, most = 0, 0
            while len(got) < 1_000:
                before = len(got)
                await asyncio.sleep(0)
                turns, most = turns + 1, max(most, len(got) - before)
                assert turns < 1_000
        assert live.calls == 1
        assert most <= 2 * AT_ONCE, "so many were handed out while somebody else waited"
        at_hand = live.at_hand([block], asked)
        assert at_hand is not None
        assert len({id(logs) for logs in (*got, *at_hand)}) == 1, "each has a copy of its own"
        assert list(got[0]) == [log for log in found if asked.matches(log)]
        assert live.at_hand([block], LogFilter(None)) is None, "it was asked for less"

    asyncio.run(scenario())


@pytest.mark.quick
def test_who_waits_when_the_chain_is_closed_is_told_so() -> None:
    async def scenario() -> None:
        chain = DevChain(blocks=4)
        live = LiveLogs(_Slow(chain))  # type: ignore[arg-type]
        block = await chain.block(3)
        assert block is not None
        asking = [asyncio.create_task(_asking(live, block, TOKENS, [])) for _ in range(3)]
        await asyncio.sleep(0)
        await live.close()
        for told in await asyncio.gather(*asking, return_exceptions=True):
            assert isinstance(told, ChainClosed)

    asyncio.run(scenario())

"""Whatever a chain and its node do, a feed gives exactly the final logs, with reorg notices in between."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_service.chains import (
    Block,
    BlockGone,
    Chain,
    ChainConfig,
    ChainTimeout,
    ChainUnavailable,
    Log,
    LogFilter,
    MemoryHeaderStore,
    RangeTooLarge,
    history,
)
from event_streamer_service.devchain import DevChain
from event_streamer_service.devchain.logs import TOKEN, TRANSFER
from support.chains import Reader, eventually, run

REORG_DEPTH = 6
FIRST = 100


class Whims:
    """A source over the development chain whose next answers are chosen by the test."""

    def __init__(self, chain: DevChain) -> None:
        self._chain = chain
        self.planned: deque[str] = deque()
        self.largest = 1_000

    async def chain_id(self) -> int:
        return await self._chain.chain_id()

    async def head(self) -> Block:
        await self._whim()
        return await self._chain.head()

    async def block(self, number: int) -> Block | None:
        await self._whim()
        return await self._chain.block(number)

    async def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
        await self._whim()
        return await self._chain.blocks(numbers)

    async def logs(self, from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
        blocks = to_block - from_block + 1
        await self._whim(blocks)
        if blocks > self.largest:
            raise RangeTooLarge("too many blocks")
        return await self._chain.logs(from_block, to_block, log_filter)

    async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        await self._whim(len(blocks), by_hash=True)
        return await self._chain.block_logs(blocks, log_filter)

    async def new_heads(self) -> AsyncGenerator[Block, None]:
        async for head in self._chain.new_heads():
            await self._whim()
            yield head

    async def close(self) -> None:
        await self._chain.close()

    async def _whim(self, blocks: int = 1, *, by_hash: bool = False) -> None:
        whim = self.planned.popleft() if self.planned else "answer"
        if whim == "slow":
            await asyncio.sleep(0.001)
        elif whim == "down":
            raise ChainUnavailable("down")
        elif whim == "refuse" and blocks > 1:
            raise RangeTooLarge("query returned more than 10000 results")
        elif whim == "time out" and blocks > 1:
            raise ChainTimeout("no answer")
        elif whim == "gone" and by_hash:
            raise BlockGone("unknown block")


mines = st.tuples(st.just("mine"), st.integers(1, 30))
reorgs = st.tuples(st.just("reorg"), st.tuples(st.integers(1, REORG_DEPTH), st.integers(0, REORG_DEPTH + 2)))
whims = st.tuples(
    st.just("whims"),
    st.lists(st.sampled_from(["answer", "slow", "down", "refuse", "time out", "gone"]), max_size=6),
)
limits = st.tuples(st.just("limit"), st.integers(1, 20))
restarts = st.tuples(st.just("restart"), st.sampled_from(["feed", "process", "process without headers"]))
waits = st.tuples(st.just("wait"), st.integers(0, 12))
schedules = st.lists(st.one_of(mines, reorgs, whims, limits, restarts, waits), max_size=25)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_FIRST_RETRY_DELAY", 0.0)


@pytest.mark.quick
@given(
    schedule=schedules,
    blocks=st.integers(1, 60),
    start=st.integers(0, 80),
    confirmations=st.integers(0, 4),
    gap=st.sampled_from([0, 1, 5, 1000]),
    sparse=st.booleans(),
)
def test_any_schedule_gives_exactly_the_final_logs(
    schedule: list[tuple[str, object]], blocks: int, start: int, confirmations: int, gap: int, sparse: bool
) -> None:
    run(play(schedule, blocks, FIRST + start, confirmations, gap, sparse))


async def play(
    schedule: list[tuple[str, object]], blocks: int, start: int, confirmations: int, gap: int, sparse: bool
) -> None:
    chain = DevChain(first_block=FIRST, blocks=blocks, logs_per_block=0 if sparse else 3)
    source = Whims(chain)
    store = MemoryHeaderStore()
    config = ChainConfig(
        chain_id=31_337,
        name="test",
        rpc_urls=["embedded:test"],
        confirmation_blocks=confirmations,
        historical_max_retries=1,
        live_max_retries=1,
        live_retry_delay=0,
        live_reconnect_delay=0,
        live_max_gap_size=gap,
        live_gap_fill_chunk_size=4,
    )

    def new_chain() -> Chain:
        return Chain(config, source, header_store=store, reorg_depth=REORG_DEPTH)

    followed = new_chain()
    reader = Reader(LogFilter(TRANSFER, frozenset({TOKEN.address})), start_block=start)
    reading = asyncio.create_task(reader.read(followed, patient=True))
    highest = chain.head_number
    try:
        for step, argument in schedule:
            if step == "mine":
                if sparse:
                    chain.transfer("0x" + "01" * 20, "0x" + "02" * 20, chain.head_number)
                chain.mine(int(str(argument)))
            elif step == "reorg":
                assert isinstance(argument, tuple)
                # Blocks deeper than REORG_DEPTH below a head are final: that is what the depth promises.
                depth = min(argument[0], chain.head_number - max(highest - REORG_DEPTH, FIRST))
                if depth > 0:
                    chain.reorg(depth, blocks=argument[1])
            elif step == "whims":
                assert isinstance(argument, list)
                source.planned.extend(argument)
            elif step == "limit":
                source.largest = int(str(argument))
            elif step == "restart":
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                if argument != "feed":
                    await followed.close()
                    if argument == "process without headers":
                        store = MemoryHeaderStore()
                    followed = new_chain()
                reading = asyncio.create_task(reader.read(followed, patient=True))
            else:
                for _ in range(int(str(argument))):
                    await asyncio.sleep(0)
            highest = max(highest, chain.head_number)
        source.planned.clear()
        chain.mine(max(1, highest + confirmations - chain.head_number + 1, start - chain.head_number + 5))
        await eventually(
            lambda: reading.done() or reader.done_to == chain.head_number - confirmations, seconds=5
        )
        if reading.done():
            await reading
        assert reader.logs == await chain.logs(start, reader.done_to, reader.filter)
        for reorg in reader.reorgs:
            assert all(chain.block_by_hash(block.hash) is None for block in reorg.removed)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await followed.close()

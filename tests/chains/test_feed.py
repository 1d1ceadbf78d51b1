"""A feed's single promises, one by one; all of them together are in the properties."""

import asyncio

import pytest

from event_streamer_service.chains import (
    Block,
    Chain,
    ChainConfig,
    ChainUnavailable,
    LogFilter,
    LogRange,
    MemoryHeaderStore,
    Position,
    Reorg,
)
from event_streamer_service.chains.livelogs import union
from event_streamer_service.devchain import DevChain
from event_streamer_service.devchain.logs import SWAP, TOKEN, TRANSFER
from support.chains import Reader, eventually, run

pytestmark = pytest.mark.quick

TOKENS = LogFilter(TRANSFER, frozenset({TOKEN.address}))
CONFIG = ChainConfig(chain_id=31_337, name="test", rpc_urls=["embedded:test"], live_retry_delay=0.01)


def follow(source: DevChain, store: MemoryHeaderStore | None = None, *, depth: int = 64) -> Chain:
    return Chain(CONFIG, source, header_store=store, reorg_depth=depth)


async def read_until(chain: Chain, reader: Reader, block: int) -> None:
    reading = asyncio.create_task(reader.read(chain))
    await eventually(lambda: reader.done_to >= block or reading.done())
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


@pytest.mark.parametrize("block", [10, 195], ids=["history", "live"])
def test_a_block_delivered_in_part_goes_on_behind_the_last_log(block: int) -> None:
    async def scenario() -> None:
        source = DevChain(blocks=200)
        chain = follow(source)
        of_block = await source.logs(block, block, TOKENS)
        assert len(of_block) >= 3
        after = Position(block, log_index=of_block[1].log_index, block_hash=of_block[0].block_hash)
        got = [
            log
            async for piece in chain.follow(TOKENS, start_block=0, end_block=199, after=after)
            if isinstance(piece, LogRange)
            for log in piece.logs
        ]
        assert got == of_block[2:] + await source.logs(block + 1, 199, TOKENS)
        await chain.close()

    run(scenario())


def test_a_block_delivered_in_part_and_lost_is_sent_anew() -> None:
    async def scenario() -> None:
        source = DevChain(blocks=200)
        store = MemoryHeaderStore()
        before = await source.logs(199, 199, TOKENS)
        await read_until(follow(source, store), Reader(TOKENS, start_block=150), 199)
        source.reorg(1)
        chain = follow(source, store)
        after = Position(199, log_index=before[0].log_index, block_hash=before[0].block_hash)
        pieces = [p async for p in chain.follow(TOKENS, start_block=150, end_block=199, after=after)]
        assert isinstance(pieces[0], Reorg)
        assert [block.hash for block in pieces[0].removed] == [before[0].block_hash]
        assert isinstance(pieces[1], LogRange)
        assert list(pieces[1].logs) == await source.logs(199, 199, TOKENS)
        await chain.close()

    run(scenario())


def test_a_start_ahead_of_the_head_is_waited_for() -> None:
    async def scenario() -> None:
        source = DevChain(blocks=10)
        chain = follow(source)
        reader = Reader(TOKENS, start_block=15, end_block=16)
        reading = asyncio.create_task(reader.read(chain))
        await eventually(lambda: chain.head_number == 9)
        source.mine(5)
        await eventually(lambda: chain.head_number == 14)
        assert reader.pieces == []
        source.mine(5)
        await reading
        assert reader.logs == await source.logs(15, 16, TOKENS)
        await chain.close()

    run(scenario())


def test_a_shorter_chain_after_a_restart_is_waited_for_and_then_compared() -> None:
    async def scenario() -> None:
        source = DevChain(blocks=100)
        store = MemoryHeaderStore()
        reader = Reader(TOKENS, start_block=0)
        first = follow(source, store)
        await read_until(first, reader, 99)
        await first.close()
        source.reorg(5, blocks=0)
        second = follow(source, store)
        reading = asyncio.create_task(reader.read(second))
        await eventually(lambda: second.head_number == 94)
        await asyncio.sleep(0.02)
        assert reader.reorgs == []  # the node may only be behind
        source.mine(3)
        await eventually(lambda: reader.reorgs and reader.done_to == 97)
        (reorg,) = reader.reorgs
        assert (reorg.common_ancestor, [block.number for block in reorg.removed]) == (
            94,
            [95, 96, 97, 98, 99],
        )
        assert reader.logs == await source.logs(0, 97, TOKENS)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await second.close()

    run(scenario())


def test_a_lost_block_that_nobody_remembers_costs_a_repetition_and_no_log() -> None:
    async def scenario() -> None:
        source = DevChain(blocks=300)
        reader = Reader(TOKENS, start_block=0)
        first = follow(source, depth=20)
        await read_until(first, reader, 299)
        await first.close()
        source.reorg(10)
        second = follow(source, MemoryHeaderStore(), depth=20)
        reading = asyncio.create_task(reader.read(second))
        await eventually(lambda: reader.reorgs and reader.done_to == 299)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await second.close()
        (reorg,) = reader.reorgs
        assert reorg.common_ancestor < 289
        assert reader.logs == await source.logs(0, 299, TOKENS)

    run(scenario())


def test_a_reorg_deeper_than_expected_while_live_is_still_found() -> None:
    async def scenario() -> None:
        source = DevChain(blocks=300)
        chain = follow(source, depth=8)
        reader = Reader(TOKENS, start_block=250)
        reading = asyncio.create_task(reader.read(chain))
        await eventually(lambda: reader.done_to == 299)
        source.mine(60)
        await eventually(lambda: reader.done_to == 359)
        source.reorg(50)
        source.mine()
        await eventually(lambda: reader.reorgs and reader.done_to == 360)
        assert reader.logs == await source.logs(250, 360, TOKENS)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await chain.close()

    run(scenario())


def test_a_slow_reader_does_not_hold_up_another() -> None:
    async def scenario() -> None:
        source = DevChain(blocks=100)
        chain = follow(source)
        slow = chain.follow(TOKENS, start_block=90)
        await anext(slow)
        quick = Reader(TOKENS, start_block=90)
        reading = asyncio.create_task(quick.read(chain))
        for _ in range(200):
            source.mine()
            await asyncio.sleep(0)
        await eventually(lambda: quick.done_to == 299)
        rest = Reader(TOKENS, start_block=90)
        rest.done_to = 99
        async for piece in slow:
            rest.take(piece)
            if rest.done_to == 299:
                break
        assert rest.logs == await source.logs(100, 299, TOKENS)
        await slow.aclose()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await chain.close()

    run(scenario())


def test_a_feed_left_early_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        source = DevChain(blocks=5_000)
        chain = follow(source)
        feed = chain.follow(TOKENS, start_block=0)
        await anext(feed)
        assert chain.feeds == 1
        await feed.aclose()
        assert chain.feeds == 0
        await chain.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        assert not rest

    run(scenario())


def test_runs_without_logs_tell_the_progress() -> None:
    async def scenario() -> None:
        source = DevChain(blocks=500, logs_per_block=0)
        chain = follow(source)
        reader = Reader(TOKENS, start_block=0, end_block=499)
        await reader.read(chain)
        assert reader.logs == []
        assert reader.pieces[-1].to_block == 499
        assert reader.pieces[-1].blocks[499].hash == (await source.head()).hash
        assert all(piece.head == 499 for piece in reader.pieces)
        await chain.close()

    run(scenario())


def test_the_head_is_left_alone_when_nobody_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("event_streamer_service.chains.tracker.IDLE_SECONDS", 0.02)

    async def scenario() -> None:
        source = DevChain(blocks=100)
        chain = follow(source)
        reader = Reader(TOKENS, start_block=0)
        await read_until(chain, reader, 99)
        await eventually(lambda: not source._watchers)
        source.mine(10)
        source.reorg(3)
        await read_until(chain, reader, 109)
        assert reader.logs == await source.logs(0, 109, TOKENS)
        await chain.close()

    run(scenario())


def test_a_union_covers_what_it_is_made_of() -> None:
    filters = [
        TOKENS,
        LogFilter("0x" + "11" * 32, frozenset({"0x" + "aa" * 20})),
        LogFilter(frozenset({"0x" + "22" * 32})),
        LogFilter(None, frozenset({"0x" + "bb" * 20})),
    ]
    for count in range(1, len(filters) + 1):
        whole = union(filters[:count])
        assert all(whole.covers(part) for part in filters[:count])
    assert not TOKENS.covers(LogFilter(None))
    assert not TOKENS.covers(LogFilter(TRANSFER))
    assert union([LogFilter(f"0x{i:064x}") for i in range(10_001)]) == LogFilter(None)


def test_a_feed_that_comes_later_asks_for_what_was_not_asked_before() -> None:
    async def scenario() -> None:
        source = DevChain(blocks=100)
        chain = follow(source)
        first, second = Reader(TOKENS, start_block=60), Reader(LogFilter(SWAP), start_block=60)
        reading = asyncio.create_task(first.read(chain))
        await eventually(lambda: first.done_to == 99)
        calls = chain.live.calls
        await read_until(chain, second, 99)
        assert second.logs == await source.logs(60, 99, second.filter) != []
        assert chain.live.calls > calls
        third = Reader(TOKENS, start_block=60)
        calls = chain.live.calls
        await read_until(chain, third, 99)
        assert third.logs == first.logs
        assert chain.live.calls == calls
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await chain.close()

    run(scenario())


@pytest.mark.parametrize("step", [9, 70])
def test_stored_headers_do_not_pile_up(step: int) -> None:
    async def scenario() -> None:
        source = DevChain(blocks=10, logs_per_block=0)
        store = MemoryHeaderStore()
        chain = follow(source, store)
        reading = asyncio.create_task(Reader(TOKENS, start_block=0).read(chain))
        await eventually(lambda: chain.head_number == 9)
        for _ in range(2_400 // step):
            source.mine(step)
            await eventually(lambda: chain.head_number == source.head_number)
        stored = await store.load(31_337)
        assert 1_024 <= len(stored) <= 1_024 + 64 + step + 1
        assert max(block.number for block in stored) == source.head_number
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await chain.close()

    run(scenario())


def test_nothing_is_read_above_blocks_whose_fate_is_unknown() -> None:
    """A reorg during an absence, and the node fails just when the fate of the last block is asked."""

    class Failing(DevChain):
        failures = 0

        async def block(self, number: int) -> Block | None:
            if self.failures and number == 99:
                self.failures -= 1
                raise ChainUnavailable("down")
            return await super().block(number)

    async def scenario() -> None:
        source = Failing(blocks=100)
        store = MemoryHeaderStore()
        reader = Reader(TOKENS, start_block=0)
        first = follow(source, store, depth=10)
        await read_until(first, reader, 99)
        await first.close()
        source.reorg(5)
        source.mine(200)
        source.failures = 3
        second = follow(source, store, depth=10)
        reading = asyncio.create_task(reader.read(second))
        await eventually(lambda: reader.done_to == 299)
        (reorg,) = reader.reorgs
        assert [block.number for block in reorg.removed] == [95, 96, 97, 98, 99]
        assert reader.logs == await source.logs(0, 299, TOKENS)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await second.close()

    run(scenario())


def test_very_many_confirmations_cost_no_headers_of_all_of_them() -> None:
    async def scenario() -> None:
        source = DevChain(blocks=6_000)
        config = ChainConfig(
            chain_id=31_337, name="test", rpc_urls=["embedded:test"], confirmation_blocks=5_000
        )
        store = MemoryHeaderStore()
        chain = Chain(config, source, header_store=store)
        reader = Reader(TOKENS, start_block=900)
        reading = asyncio.create_task(reader.read(chain))
        await eventually(lambda: reader.done_to == 999)
        assert len(await store.load(31_337)) == 512 + 1  # and block 0, which tells chains apart
        source.mine(3)
        await eventually(lambda: reader.done_to == 1_002)
        assert reader.logs == await source.logs(900, 1_002, TOKENS)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await chain.close()

    run(scenario())


def test_a_lost_block_that_only_another_process_saw_is_known_by_the_store() -> None:
    """Else its stream would be told of a reorg of all the blocks that may have been lost."""

    async def scenario() -> None:
        source, store = DevChain(blocks=200), MemoryHeaderStore()
        chain = follow(source, store)
        reader = Reader(TOKENS, start_block=190)
        await read_until(chain, reader, 199)
        parent = await source.block(198)
        assert parent is not None
        lost = Block(199, "0x" + "ab" * 32, parent.hash, 1)
        await store.save(31_337, [lost])
        assert await chain.tracker.fate(199, lost.hash) == Reorg(198, (lost,))
        await chain.close()

    run(scenario())

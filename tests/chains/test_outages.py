"""What holds a reader up is told within seconds, in the node's words; and chains that start anew."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from event_streamer_service.chains import (
    Block,
    BlockGone,
    BreakerSettings,
    Chain,
    ChainManager,
    ChainUnavailable,
    JsonRpcSource,
    Log,
    LogFilter,
    MemoryHeaderStore,
    Position,
    trouble,
)
from event_streamer_service.chains.backoff import Backoff
from event_streamer_service.devchain import DevChain
from support.chains import Reader, eventually, run
from support.odd_nodes import failure, odd_node
from support.scripted_nodes import SETTINGS, TOKENS, A, B, Scripted, config, managed

pytestmark = pytest.mark.quick

SLOW = {"live_retry_delay": 5.0, "live_reconnect_delay": 30.0, "live_max_retries": 5}
"""As the defaults are: long delays, which must not delay the telling."""


@pytest.fixture(autouse=True)
def told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds in life."""
    for module in ("trouble", "feed"):
        monkeypatch.setattr(f"event_streamer_service.chains.{module}.TELL_AFTER", 0.1)


@pytest.fixture
def silence_told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five seconds in life."""
    monkeypatch.setattr("event_streamer_service.chains.failover.TELL_SILENCE_AFTER", 0.1)


async def stop(reading: asyncio.Task[None]) -> None:
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


def test_a_head_that_cant_be_read_is_told_long_before_it_counts_as_lost() -> None:
    async def scenario() -> None:
        node = Scripted()
        async with managed({A: node}, config(A, **SLOW), settings=BreakerSettings()) as manager:
            reader = Reader(TOKENS, start_block=150)
            reading = asyncio.create_task(reader.read(manager.get(1)))
            await eventually(lambda: reader.done_to == 199)
            node.failure = ChainUnavailable("https://a.example: out of coffee")
            await eventually(lambda: reader.outages, seconds=3)
            assert reader.outages == ["https://a.example: out of coffee"]
            assert manager.breakers["ethereum_rpc"].last_error == "https://a.example: out of coffee"
            await stop(reading)

    run(scenario())


def test_a_dead_node_at_the_start_is_told_while_it_is_tried_again() -> None:
    async def scenario() -> None:
        node = Scripted()
        node.failure = ChainUnavailable("connection refused")
        async with managed({A: node}, config(A, **SLOW), settings=BreakerSettings()) as manager:
            reader = Reader(TOKENS, start_block=150)
            reading = asyncio.create_task(reader.read(manager.get(1)))
            await eventually(lambda: reader.outages, seconds=3)
            assert reader.failures == []
            await stop(reading)

    run(scenario())


@pytest.mark.usefixtures("silence_told_soon")
@pytest.mark.parametrize("known_before", [False, True], ids=["from the start", "later"])
def test_a_node_that_accepts_and_never_answers_is_told_long_before_its_time_out(known_before: bool) -> None:
    async def scenario() -> None:
        node = Scripted()
        node.silent = not known_before
        settings = BreakerSettings(timeout=60.0)
        async with managed({A: node}, config(A, **SLOW), settings=settings) as manager:
            reader = Reader(TOKENS, start_block=150)
            reading = asyncio.create_task(reader.read(manager.get(1)))
            if known_before:
                await eventually(lambda: reader.done_to == 199)
                node.silent = True
                node.mine()
            await eventually(lambda: reader.outages, seconds=3)
            assert reader.outages == ["ethereum_rpc: no answer for 0.1 s, and up to 60 s are waited for it"]
            assert manager.breakers["ethereum_rpc"].failure_count == 0
            await stop(reading)

    run(scenario())


@pytest.mark.usefixtures("silence_told_soon")
def test_live_logs_that_never_come_are_told_and_what_is_told_ends_with_the_answer() -> None:
    class Dawdling(Scripted):
        answer = asyncio.Event()

        async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
            await self.answer.wait()
            return await super().block_logs(blocks, log_filter)

    async def scenario() -> None:
        node = Dawdling()
        async with managed({A: node}, config(A, **SLOW), settings=BreakerSettings(timeout=60.0)) as manager:
            chain = manager.get(1)
            reader = Reader(TOKENS, start_block=150)
            reading = asyncio.create_task(reader.read(chain))
            await eventually(lambda: reader.outages, seconds=3)
            assert reader.outages == ["ethereum_rpc: no answer for 0.1 s, and up to 60 s are waited for it"]
            assert chain.error is not None
            node.answer.set()
            await eventually(lambda: reader.done_to == 199)
            assert chain.error is None
            await stop(reading)

    run(scenario())


def test_live_logs_that_fail_are_told_at_once_and_go_on() -> None:
    class NoLogs(Scripted):
        words: str | None = None

        async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
            if self.words:
                raise ChainUnavailable(self.words)
            return await super().block_logs(blocks, log_filter)

    async def scenario() -> None:
        node = NoLogs()
        async with managed({A: node}, config(A, live_retry_delay=0.2)) as manager:
            reader = Reader(TOKENS, start_block=150)
            reading = asyncio.create_task(reader.read(manager.get(1)))
            await eventually(lambda: reader.done_to == 199)
            node.words = "the log index is broken"
            node.mine()
            await eventually(lambda: reader.outages)
            node.words = "the log index is being built"
            await eventually(lambda: len(reader.outages) == 2)
            assert reader.outages == ["the log index is broken", "the log index is being built"]
            node.words = None
            await eventually(lambda: reader.done_to == 200)
            assert len(reader.outages) == 2
            await stop(reading)

    run(scenario())


def test_a_block_that_stays_unknown_is_told_but_not_a_moments_lag() -> None:
    class Lagging(Scripted):
        lags = False

        async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
            if self.lags:
                raise BlockGone("node a does not have block 200")
            return await super().block_logs(blocks, log_filter)

    async def scenario() -> None:
        node = Lagging()
        async with managed({A: node}, config(A, live_retry_delay=0.2)) as manager:
            reader = Reader(TOKENS, start_block=150)
            reading = asyncio.create_task(reader.read(manager.get(1)))
            await eventually(lambda: reader.done_to == 199)
            node.lags = True
            node.mine()
            await asyncio.sleep(0.05)
            assert reader.outages == []
            await eventually(lambda: reader.outages)
            assert reader.outages == ["node a does not have block 200"]
            node.lags = False
            await eventually(lambda: reader.done_to == 200)
            await stop(reading)

    run(scenario())


def test_all_nodes_words_are_told_and_open_breakers_say_why() -> None:
    async def scenario() -> None:
        first, second = Scripted(), Scripted()
        first.failure, second.failure = ChainUnavailable("a: no disk"), ChainUnavailable("b: no network")
        async with managed({A: first, B: second}) as manager:
            for _ in range(3):
                with pytest.raises(ChainUnavailable, match=r"a: no disk; b: no network"):
                    await manager.get(1).head()
            with pytest.raises(ChainUnavailable, match="breaker is open") as told:
                await manager.get(1).head()
            assert told.value.circuit_open
            assert "ethereum_rpc: a: no disk" in str(told.value)
            assert "ethereum_rpc_2: b: no network" in str(told.value)

    run(scenario())


def test_no_event_is_dated_by_zero() -> None:
    """The time comes from the logs where the header has none; where neither has one that is told."""

    def bend(request: Any, answer: Any) -> Any:
        for block in [answer["result"]] if request["method"].startswith("eth_getBlockBy") else []:
            block["timestamp"] = "0x0"
        for log in answer["result"] if request["method"] == "eth_getLogs" else []:
            log["blockTimestamp"] = log["blockTimestamp"] if int(log["blockNumber"], 16) < 199 else "0x0"
        return answer

    async def scenario(start: int, history: bool) -> Reader:
        chain = DevChain(1, blocks=200)
        with odd_node(chain, bend) as front:
            source = JsonRpcSource(front.url, poll_interval=0.02)
            followed = Chain(config("http://127.0.0.1"), source, reorg_depth=1 if history else 64)
            reader = Reader(TOKENS, start_block=start)
            reading = asyncio.create_task(reader.read(followed))
            await eventually(lambda: reader.outages or reader.failures or reading.done())
            assert reader.done_to == 198
            dates = {
                piece.blocks[log.block_number].timestamp for piece in reader.pieces for log in piece.logs
            }
            assert dates
            assert 0 not in dates
            assert "has no time" in str([*reader.outages, reading.done() and reading.exception()])
            await stop(reading)
            await followed.close()
            await source.close()
        return reader

    run(scenario(190, history=False))
    run(scenario(150, history=True))


# --- development nodes --------------------------------------------------------------------------------------


class Swapped:
    """A node behind which a test puts another chain, or bends headers. A `ChainSource`."""

    def __init__(self, bend: Callable[[Block], Block] = lambda block: block) -> None:
        self.behind = DevChain(1, blocks=200)
        self.bend = bend
        self.asked = 0

    async def chain_id(self) -> int:
        return await self.behind.chain_id()

    async def head(self) -> Block:
        self.asked += 1
        return self.bend(await self.behind.head())

    async def block(self, number: int) -> Block | None:
        return (await self.blocks([number]))[0]

    async def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
        self.asked += 1
        return [block and self.bend(block) for block in await self.behind.blocks(numbers)]

    async def logs(self, from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
        return await self.behind.logs(from_block, to_block, log_filter)

    async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        now = await self.behind.blocks([block.number for block in blocks])
        if [block and block.hash for block in now] != [block.hash for block in blocks]:
            raise BlockGone("unknown block")
        return [await self.behind.logs(block.number, block.number, log_filter) for block in blocks]

    async def new_heads(self) -> AsyncGenerator[Block, None]:
        seen = ""
        while True:
            head = await self.head()
            if head.hash != seen:
                seen = head.hash
                yield head
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        pass


@asynccontextmanager
async def following(node: Swapped, reader: Reader) -> AsyncIterator[None]:
    """Let a reader follow a node."""
    manager = ChainManager([config(A)], breaker_settings=SETTINGS, open_source=lambda *_: node)
    reading = asyncio.create_task(reader.read(manager.get(1)))
    try:
        yield
    finally:
        await stop(reading)
        await manager.close()


@pytest.mark.parametrize("zero", ["0x" + "00" * 32, "0x0", ""])
def test_blocks_that_name_no_parent_are_followed_by_number(zero: str) -> None:
    """`hardhat_mine` mines all blocks but the last one so."""

    def bend(block: Block) -> Block:
        return block if block.number % 5 == 0 else msgspec.structs.replace(block, parent_hash=zero)

    async def scenario() -> None:
        node, reader = Swapped(bend), Reader(TOKENS, start_block=0)
        async with following(node, reader):
            await eventually(lambda: reader.done_to == 199)
            node.behind.mine(37)
            await eventually(lambda: reader.done_to == 236)
            node.behind.reorg(3)
            await eventually(lambda: reader.reorgs and reader.done_to == 236)
            assert reader.reorgs[-1].common_ancestor == 233
            assert reader.logs == await node.logs(0, 236, TOKENS)
            asked = node.asked
            await asyncio.sleep(0.2)
            assert node.asked - asked < 60, "it polls, and no more"
            assert reader.outages == []

    run(scenario())


def test_a_block_that_names_another_parent_than_there_is_is_told_and_followed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """RSK's block 1 names a parent that block 0 isn't."""

    def bend(block: Block) -> Block:
        return block if block.number != 203 else msgspec.structs.replace(block, parent_hash="0x" + "77" * 32)

    async def scenario() -> None:
        node, reader = Swapped(bend), Reader(TOKENS, start_block=150)
        async with following(node, reader):
            await eventually(lambda: reader.done_to == 199)
            node.behind.mine(6)
            await eventually(lambda: reader.done_to == 205)
            assert reader.logs == await node.logs(150, 205, TOKENS)
            assert reader.reorgs == []

    run(scenario())
    assert "block 203 names 0x7777" in caplog.text


@pytest.mark.parametrize("blocks", [1, 4, 150, 260])
@pytest.mark.parametrize("start", [0, 120])
def test_a_chain_that_starts_anew_is_followed(blocks: int, start: int) -> None:
    """A development node started again: block 0 differs, and the chain is shorter or longer than before."""

    async def scenario() -> None:
        node, reader = Swapped(), Reader(TOKENS, start_block=start)
        async with following(node, reader):
            await eventually(lambda: reader.done_to == 199)
            node.behind = DevChain(1, seed=99, blocks=blocks)
            await eventually(lambda: reader.reorgs and reader.done_to == max(blocks - 1, start - 1))
            asked = node.asked
            await asyncio.sleep(0.1)
            assert node.asked - asked < 40, "it polls, and no more"
            node.behind.mine(300)
            await eventually(lambda: reader.done_to == blocks + 299)
            assert reader.logs == await node.logs(start, blocks + 299, TOKENS)

    run(scenario())


@pytest.mark.parametrize("blocks", [3, 900])
def test_a_chain_that_started_anew_while_nobody_looked_is_followed(blocks: int) -> None:
    """The stored headers tell that block 0 was another one; the position lies far above what they hold."""

    async def scenario() -> None:
        old, store = DevChain(1, blocks=600), MemoryHeaderStore()
        reader = Reader(TOKENS, start_block=0)
        first = Chain(config("embedded:a"), old, header_store=store)
        reading = asyncio.create_task(reader.read(first))
        await eventually(lambda: reader.done_to == 599)
        await stop(reading)
        await first.close()
        new = DevChain(1, seed=99, blocks=blocks)
        second = Chain(config("embedded:a"), new, header_store=store)
        reading = asyncio.create_task(reader.read(second))
        await eventually(lambda: reader.reorgs and reader.done_to == blocks - 1)
        assert reader.reorgs[0].common_ancestor == -1
        assert reader.logs == await new.logs(0, blocks - 1, TOKENS)
        await stop(reading)
        await second.close()

    run(scenario())


@pytest.mark.parametrize("blocks", [150, 200, 260, 2_000])
def test_another_chain_behind_a_node_that_never_failed_is_not_believed(blocks: int) -> None:
    """Its blocks would pass for a reorganisation, and readers would take back all that they have."""

    async def scenario() -> None:
        node, reader = Swapped(), Reader(TOKENS, start_block=0)
        right = node.behind
        async with following(node, reader):
            await eventually(lambda: reader.done_to == 199)
            node.behind = DevChain(5, blocks=blocks)
            await eventually(
                lambda: any("serves chain 5, not chain 1" in str(each) for each in reader.outages)
            )
            assert (reader.reorgs, reader.done_to) == ([], 199)
            node.behind = right
            right.mine()
            await eventually(lambda: reader.done_to == 200)
            assert reader.reorgs == []

    run(scenario())


def test_a_chain_shorter_than_what_was_delivered_is_told() -> None:
    async def scenario() -> None:
        short = Chain(config("embedded:a"), DevChain(1, blocks=20))
        reader = Reader(TOKENS, start_block=0)
        reader.position = Position(500, block_hash="0x" + "77" * 32)
        reading = asyncio.create_task(reader.read(short))
        await eventually(lambda: reader.outages)
        assert "block 500 was delivered, and the chain's newest block is 19" in reader.outages[0]
        await stop(reading)
        await short.close()

    run(scenario())


def test_a_chain_set_back_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """`evm_revert`, without a block mined after it."""
    monkeypatch.setattr(trouble, "_TELL_BEHIND_AFTER", 0.1)

    async def scenario() -> None:
        node, reader = Swapped(), Reader(TOKENS, start_block=150)
        async with following(node, reader):
            await eventually(lambda: reader.done_to == 199)
            node.behind = DevChain(1, blocks=190)
            await eventually(lambda: reader.outages)
            assert "is 189 now, and was 199" in reader.outages[0]
            node.behind.mine(30)
            await eventually(lambda: reader.done_to == 219)

    run(scenario())


# --- the one back-off ---------------------------------------------------------------------------------------


def test_the_back_off_waits_as_long_as_a_node_asks() -> None:
    backoff = Backoff.doubling(0.5, 8)
    assert backoff.next(ChainUnavailable("later", retry_after=3)) == 3
    assert backoff.next(ChainUnavailable("later", retry_after=10**9)) == 300
    assert backoff.next() == 2
    backoff.reset()
    assert backoff.next() == 0.5


def test_rounds_are_short_delays_and_then_a_long_one() -> None:
    backoff = Backoff.rounds(2, 1, 30)
    assert [backoff.next() for _ in range(7)] == [1, 1, 30, 1, 1, 30, 1]
    assert [Backoff.rounds(0, 1, 30).next() for _ in range(2)] == [30, 30]


def test_a_refusal_is_told_in_the_nodes_words() -> None:
    def bend(request: Any, answer: Any) -> Any:
        if request["method"] == "eth_getLogs":
            return failure(-32000, "pruned history unavailable")
        return failure(-32601, "no") if request["method"] == "eth_getBlockReceipts" else answer

    async def scenario() -> None:
        with odd_node(DevChain(1, blocks=200), bend) as front:
            source = JsonRpcSource(front.url, poll_interval=0.02)
            chain = Chain(config("http://127.0.0.1"), source)
            reader = Reader(TOKENS, start_block=195)
            reading = asyncio.create_task(reader.read(chain))
            await eventually(lambda: reader.outages)
            assert reader.outages[0].startswith("http://127.0.0.1:")
            assert "pruned history unavailable" in reader.outages[0]
            await stop(reading)
            await chain.close()
            await source.close()

    run(scenario())

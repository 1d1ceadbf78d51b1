"""Several nodes of one chain, circuit breakers and fail-over, configurations that change."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from event_streamer_service.chains import (
    Block,
    BlockGone,
    BreakerSettings,
    ChainClosed,
    ChainConfig,
    ChainManager,
    ChainMismatch,
    ChainTimeout,
    ChainUnavailable,
    DevChain,
    Log,
    LogFilter,
    RangeTooLarge,
    UnknownChain,
)
from event_streamer_service.chains.devlogs import TOKEN, TRANSFER
from support.chains import Reader, eventually, run

pytestmark = pytest.mark.quick

SETTINGS = BreakerSettings(failure_threshold=3, recovery_timeout=0.1, success_threshold=1, timeout=0.2)
TOKENS = LogFilter(TRANSFER, frozenset({TOKEN.address}))
A, B, H = "https://a.example/key", "https://b.example/key", "https://h.example/key"


class Scripted(DevChain):
    """A node whose answers a test chooses: `failure` is raised, `silent` never answers."""

    def __init__(self, chain_id: int = 1, **options: Any) -> None:
        super().__init__(chain_id, **{"blocks": 200, **options})
        self.failure: Exception | None = None
        self.silent = False
        self.asked = 0
        self.closed = False

    async def _answer(self) -> None:
        self.asked += 1
        if self.silent:
            await asyncio.sleep(3600)
        if self.failure is not None:
            raise self.failure

    async def head(self) -> Block:
        await self._answer()
        return await super().head()

    async def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
        await self._answer()
        return await super().blocks(numbers)

    async def logs(self, from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
        await self._answer()
        return await super().logs(from_block, to_block, log_filter)

    async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        await self._answer()
        return await super().block_logs(blocks, log_filter)

    async def new_heads(self) -> AsyncGenerator[Block, None]:
        await self._answer()
        async for head in super().new_heads():
            yield head

    async def close(self) -> None:
        self.closed = True
        await super().close()


def config(*urls: str, **fields: Any) -> ChainConfig:
    quick = {"live_retry_delay": 0.01, "live_reconnect_delay": 0.02, "live_block_check_interval": 0.05}
    return ChainConfig(**{"chain_id": 1, "name": "Ethereum Mainnet", "rpc_urls": urls, **quick, **fields})


@asynccontextmanager
async def managed(
    nodes: dict[str, Scripted], *configs: ChainConfig, settings: BreakerSettings = SETTINGS
) -> AsyncIterator[ChainManager]:
    manager = ChainManager(
        configs or [config(*nodes)], breaker_settings=settings, open_source=lambda url, _: nodes[url]
    )
    try:
        yield manager
    finally:
        await manager.close()


async def read_all(manager: ChainManager, chain_id: int = 1, end: int = 199) -> list[Log]:
    reader = Reader(TOKENS, start_block=0, end_block=end)
    await reader.read(manager.get(chain_id))
    return reader.logs


def test_the_next_node_is_asked_where_one_fails() -> None:
    async def scenario() -> None:
        bad, good = Scripted(), Scripted()
        bad.failure = ChainUnavailable("down")
        async with managed({A: bad, B: good}) as manager:
            assert await read_all(manager) == await DevChain(1, blocks=200).logs(0, 199, TOKENS)
            first, second = manager.breakers["ethereum_rpc"], manager.breakers["ethereum_rpc_2"]
            assert first.state == "open"
            assert first.success_count == 0
            assert (second.state, second.failure_count) == ("closed", 0)
            assert second.success_count > 0
            assert manager.unhealthy_chains == []

    run(scenario())


def test_an_open_breaker_saves_its_node_and_closes_again() -> None:
    async def scenario() -> None:
        bad, good = Scripted(), Scripted()
        bad.failure = ChainUnavailable("down")
        slow = BreakerSettings(failure_threshold=3, recovery_timeout=0.3, success_threshold=2)
        async with managed({A: bad, B: good}, settings=slow) as manager:
            chain = manager.get(1)
            breaker = manager.breakers["ethereum_rpc"]
            for _ in range(10):
                await chain.head()
            assert bad.asked == 3
            assert breaker.rejected_count == 7
            bad.failure = None
            await asyncio.sleep(breaker.retry_after + 0.01)
            await chain.head()
            assert breaker.state == "half_open"
            await chain.head()
            assert breaker.state == "closed"
            asked = good.asked
            await chain.head()
            assert good.asked == asked

    run(scenario())


def test_all_breakers_open_is_told_as_such() -> None:
    async def scenario() -> None:
        bad = Scripted()
        bad.failure = ChainUnavailable("down")
        async with managed({A: bad}) as manager:
            for _ in range(3):
                with pytest.raises(ChainUnavailable, match="down"):
                    await manager.get(1).head()
            with pytest.raises(
                ChainUnavailable, match=r"circuit breaker is open \(ethereum_rpc\)"
            ) as refusal:
                await manager.get(1).head()
            assert refusal.value.circuit_open
            assert 0 < (refusal.value.retry_after or 0) <= 0.1
            assert manager.unhealthy_chains == [1]
            assert manager.reset_breakers() == 1
            bad.failure = None
            assert (await manager.get(1).head()).number == 199
            assert manager.unhealthy_chains == []

    run(scenario())


def test_a_slow_node_fails_after_the_timeout() -> None:
    async def scenario() -> None:
        slow = Scripted()
        slow.silent = True
        async with managed({A: slow}) as manager:
            with pytest.raises(ChainTimeout, match=r"no answer within 0\.2 s"):
                await manager.get(1).head()
            breaker = manager.breakers["ethereum_rpc"]
            assert breaker.failure_count == 1
            assert 150 < breaker.average_response_time < 5_000

    run(scenario())


def test_a_call_given_up_by_its_caller_is_no_failure() -> None:
    async def scenario() -> None:
        slow = Scripted()
        slow.silent = True
        async with managed({A: slow}, settings=BreakerSettings(timeout=60)) as manager:
            asking = asyncio.create_task(manager.get(1).head())
            await eventually(lambda: slow.asked)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            assert manager.breakers["ethereum_rpc"].total_calls == 0
            assert manager.breakers["ethereum_rpc"].failure_count == 0

    run(scenario())


@pytest.mark.parametrize("answer", [RangeTooLarge("too large"), BlockGone("unknown block")])
def test_an_answer_that_is_no_outage_does_not_open_a_breaker(answer: Exception) -> None:
    async def scenario() -> None:
        node = Scripted()
        node.failure = answer
        async with managed({A: node}) as manager:
            for _ in range(5):
                with pytest.raises(type(answer)):
                    await manager.get(1).source.logs(0, 5, TOKENS)
            assert manager.breakers["ethereum_rpc"].state == "closed"
            assert manager.breakers["ethereum_rpc"].failure_count == 0

    run(scenario())


def test_a_block_unknown_to_one_node_is_asked_of_the_next() -> None:
    async def scenario() -> None:
        behind, ahead = Scripted(), Scripted()
        behind.failure = BlockGone("unknown block")
        async with managed({A: behind, B: ahead}) as manager:
            block = await DevChain(1, blocks=200).head()
            (found,) = await manager.get(1).source.block_logs([block], TOKENS)
            assert found

    run(scenario())


def test_a_node_of_another_chain_is_not_used() -> None:
    async def scenario() -> None:
        other, right = Scripted(chain_id=5), Scripted()
        async with managed({A: other}) as manager:
            with pytest.raises(ChainMismatch, match="ethereum_rpc: the node serves chain 5, not chain 1"):
                await manager.get(1).head()
        async with managed({A: other, B: right}) as manager:
            assert await manager.get(1).head() == await right.head()
            assert other.asked == 0

    run(scenario())


def test_history_comes_from_its_own_node_and_falls_back() -> None:
    async def scenario() -> None:
        live, history = Scripted(), Scripted()
        nodes = {A: live, H: history}
        async with managed(nodes, config(A, historical_rpc_url=H)) as manager:
            await read_all(manager, end=100)
            assert history.asked > 0
            assert set(manager.breakers) == {"ethereum_rpc", "ethereum_historical_rpc"}
            history.failure = ChainUnavailable("down")
            asked = history.asked
            await read_all(manager, end=100)
            assert history.asked > asked

    run(scenario())


def test_history_is_retried_as_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("event_streamer_service.chains.history._FIRST_RETRY_DELAY", 0.001)

    async def scenario(retries: int) -> int:
        live, history = Scripted(), Scripted()
        history.failure = ChainUnavailable("down")
        patient = BreakerSettings(failure_threshold=99)
        fields = {"historical_max_retries": retries, "historical_max_concurrent": 1}
        only_history = config(H, **fields)
        async with managed({A: live, H: history}, only_history, settings=patient) as manager:
            reader = manager.get(1).history.read(TOKENS, 0, 10, head=199)
            with pytest.raises(ChainUnavailable, match="down"):
                await anext(reader)
        return history.asked

    assert run(scenario(0)) == 1
    assert run(scenario(4)) == 5


def test_no_more_ranges_than_configured_are_read_at_a_time() -> None:
    async def scenario() -> None:
        node = Scripted(blocks=2_000)
        under_way = most = 0
        read = node.logs

        async def logs(from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
            nonlocal under_way, most
            assert to_block - from_block < 30
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.001)
            under_way -= 1
            return await read(from_block, to_block, log_filter)

        node.logs = logs  # type: ignore[method-assign]
        fields = {
            "historical_max_concurrent": 3,
            "historical_max_chunk_size": 99,
            "max_blocks_per_request": 30,
        }
        async with managed({A: node}, config(A, **fields)) as manager:
            everything = await asyncio.gather(*(read_all(manager, end=1_500) for _ in range(4)))
            assert most == 3
            assert all(logs == everything[0] for logs in everything)

    run(scenario())


def test_progress_is_logged_in_the_configured_interval(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "event_streamer_service.chains.history")

    async def scenario() -> None:
        fields = {"historical_max_chunk_size": 10, "historical_progress_interval": 4}
        async with managed({A: Scripted()}, config(A, **fields)) as manager:
            await read_all(manager, end=99)

    run(scenario())
    lines = [record.message for record in caplog.records if "history read up to" in record.message]
    assert len(lines) == 2
    assert lines[0].startswith("chain 1: history read up to block 39 of 99")


def test_without_gap_detection_only_announced_blocks_are_read(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        node = Scripted()
        fields = {"live_enable_gap_detection": False}
        async with managed({A: node}, config(A, **fields)) as manager:
            chain = manager.get(1)
            reader = Reader(TOKENS, start_block=0)
            reader.take = lambda piece: taken.append(piece)  # type: ignore[method-assign]
            taken: list[Any] = []
            reading = asyncio.create_task(reader.read(chain))
            await eventually(lambda: taken and taken[-1].to_block == 199)
            node.mine(5)
            await eventually(lambda: taken[-1].to_block == 204)
            assert taken[-1].from_block == 204
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    run(scenario())
    assert "blocks 200 to 203 were not announced and are skipped" in caplog.text


def test_the_delays_of_a_lost_head_are_the_configured_ones(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        node = Scripted()
        node.failure = ChainUnavailable("down")
        fields = {"live_max_retries": 2, "live_retry_delay": 0.01, "live_reconnect_delay": 0.03}
        patient = BreakerSettings(failure_threshold=99)
        async with managed({A: node}, config(A, **fields), settings=patient) as manager:
            with pytest.raises(ChainUnavailable, match="down"):
                await read_all(manager)
            assert node.asked == 3
            assert manager.get(1).error is not None
            node.failure = None
            await eventually(lambda: manager.get(1).error is None)
            assert await read_all(manager)

    run(scenario())
    told = [r.message.rsplit("; ", 1)[1] for r in caplog.records if "the head can't be read" in r.message]
    assert told == ["trying again in 0.01 s"] * 2 + ["building the connection anew in 0.03 s"]


def test_a_chain_that_stays_the_same_is_not_disturbed_by_a_refresh() -> None:
    async def scenario() -> None:
        nodes = {A: Scripted(), B: Scripted(chain_id=137)}
        async with managed(nodes, config(A)) as manager:
            chain = manager.get(1)
            await chain.head()
            polygon = config(B, chain_id=137, name="Polygon")
            await manager.refresh([config(A), polygon])
            assert manager.get(1) is chain
            assert (await manager.get(137).head()).number == 199
            assert set(manager.breakers) == {"ethereum_rpc", "polygon_rpc"}
            assert set(manager.breakers_of(137)) == {"polygon_rpc"}

    run(scenario())


@pytest.mark.parametrize("after", [[], [config(A, confirmation_blocks=2)]], ids=["gone", "changed"])
def test_feeds_of_a_chain_that_changed_end(after: list[ChainConfig]) -> None:
    async def scenario() -> None:
        node = Scripted()
        async with managed({A: node}, config(A)) as manager:
            chain = manager.get(1)
            reader = Reader(TOKENS, start_block=0)
            reading = asyncio.create_task(reader.read(chain))
            await eventually(lambda: reader.done_to == 199)
            calls = manager.breakers["ethereum_rpc"].total_calls
            await manager.refresh(after)
            with pytest.raises(ChainClosed):
                await reading
            with pytest.raises(ChainClosed):
                await anext(chain.follow(TOKENS, start_block=0))
            assert node.closed
            if after:
                assert manager.breakers["ethereum_rpc"].total_calls == calls
                assert manager.get(1).config.confirmation_blocks == 2
            else:
                with pytest.raises(UnknownChain, match=r"chain 1 is not configured \(configured: none\)"):
                    manager.get(1)

    run(scenario())


def test_two_chains_of_one_name_have_breakers_of_their_own() -> None:
    async def scenario() -> None:
        nodes = {A: Scripted(), B: Scripted(chain_id=2)}
        async with managed(nodes, config(A), config(B, chain_id=2)) as manager:
            assert set(manager.breakers) == {"ethereum_rpc", "ethereum_2_rpc"}

    run(scenario())


def test_what_can_not_be_built_is_refused() -> None:
    with pytest.raises(ValueError, match="chain 1 is configured twice"):
        ChainManager([config(A), config(B)])
    with pytest.raises(ValueError, match="chain 1: this process has no source embedded:x"):
        ChainManager([config("embedded:x")])
    manager = ChainManager()
    manager.embed("embedded:x", DevChain(1, blocks=1))
    run(manager.refresh([config("embedded:x")]))
    assert set(manager.chains) == {1}


def test_an_embedded_source_is_left_to_its_owner() -> None:
    async def scenario() -> None:
        chain = Scripted()
        manager = ChainManager([config("embedded:x")], embedded={"embedded:x": chain})
        assert await manager.get(1).head() == await chain.head()
        await manager.close()
        assert not chain.closed

    run(scenario())


def test_announcements_that_fail_are_replaced_by_polling() -> None:
    async def scenario() -> None:
        node, announcer = Scripted(), Scripted()
        announcer.failure = ChainUnavailable("no subscriptions here")
        websocket = "wss://w.example/key"
        fields = {"live_websocket_url": websocket}
        async with managed({A: node, websocket: announcer}, config(A, **fields)) as manager:
            reader = Reader(TOKENS, start_block=0)
            reading = asyncio.create_task(reader.read(manager.get(1)))
            await eventually(lambda: reader.done_to == 199)
            node.mine()
            await eventually(lambda: reader.done_to == 200)
            await eventually(lambda: manager.breakers["ethereum_websocket"].state == "open")
            assert manager.breakers["ethereum_rpc"].failure_count == 0
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    run(scenario())


def test_a_gap_is_filled_in_chunks_and_a_larger_one_is_history() -> None:
    class Counting(Scripted):
        def __init__(self) -> None:
            super().__init__()
            self.sizes: list[int] = []

        async def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
            self.sizes.append(len(numbers))
            return await super().blocks(numbers)

        async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
            assert len(blocks) <= 7
            return await super().block_logs(blocks, log_filter)

    async def scenario() -> None:
        node = Counting()
        fields = {"live_gap_fill_chunk_size": 7, "live_max_gap_size": 50}
        async with managed({A: node}, config(A, **fields)) as manager:
            chain = manager.get(1)
            reader = Reader(TOKENS, start_block=199)
            reading = asyncio.create_task(reader.read(chain))
            await eventually(lambda: reader.done_to == 199)
            node.sizes.clear()
            node.mine(50)
            await eventually(lambda: reader.done_to == 249)
            assert max(node.sizes) == 7
            assert chain.history.ranges_read == 0
            node.sizes.clear()
            node.mine(200)
            await eventually(lambda: reader.done_to == 449)
            assert chain.history.ranges_read > 0
            assert sum(node.sizes) < 150, "not every header of the gap was asked for"
            assert reader.logs == await node.logs(199, 449, TOKENS)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    run(scenario())


def test_announcements_that_stay_away_are_checked_by_polling() -> None:
    class Silent(Scripted):
        async def new_heads(self) -> AsyncGenerator[Block, None]:
            yield await self.head()
            await asyncio.sleep(3600)

    async def scenario() -> None:
        node, announcer = Scripted(), Silent()
        websocket = "wss://w.example/key"
        fields = {"live_websocket_url": websocket, "live_block_check_interval": 0.06}
        async with managed({A: node, websocket: announcer}, config(A, **fields)) as manager:
            reader = Reader(TOKENS, start_block=150)
            reading = asyncio.create_task(reader.read(manager.get(1)))
            await eventually(lambda: reader.done_to == 199)
            node.mine()
            await eventually(lambda: reader.done_to == 200)
            assert manager.breakers["ethereum_websocket"].state == "closed"
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    run(scenario())

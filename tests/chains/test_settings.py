"""Each setting of a chain has the effect that its name says."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from event_streamer_service.chains import (
    Block,
    BreakerSettings,
    ChainUnavailable,
    Log,
    LogFilter,
)
from support.chains import Reader, eventually, run
from support.scripted_nodes import TOKENS, A, H, Scripted, config, managed, read_all

pytestmark = pytest.mark.quick


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
            try:
                await asyncio.sleep(0.001)
            finally:  # on a machine that paused, a read that took too long is given up
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

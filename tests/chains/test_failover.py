"""Several nodes of one chain: circuit breakers, and who is asked instead."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from event_streamer_service.chains import (
    Block,
    BlockGone,
    BreakerSettings,
    ChainMismatch,
    ChainTimeout,
    ChainUnavailable,
    RangeTooLarge,
)
from event_streamer_service.devchain import DevChain
from support.chains import Reader, eventually, run
from support.scripted_nodes import TOKENS, A, B, Scripted, config, managed, read_all

pytestmark = pytest.mark.quick


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


def test_a_node_that_comes_back_as_another_chain_is_not_believed() -> None:
    """A name that leads to another machine by now: its blocks would pass for a reorganisation."""

    async def scenario() -> None:
        node = Scripted()
        async with managed({A: node}) as manager:
            reader = Reader(TOKENS, start_block=0)
            reading = asyncio.create_task(reader.read(manager.get(1)))
            await eventually(lambda: reader.done_to == 199)
            node.failure = ChainUnavailable("moved")
            node.mine()
            await eventually(lambda: reader.outages)
            right, node.chain_id = node.chain_id, Scripted(chain_id=5).chain_id  # type: ignore[method-assign]
            node.failure = None
            breaker = manager.breakers["ethereum_rpc"]
            await eventually(lambda: "serves chain 5, not chain 1" in (breaker.last_error or ""))
            assert reader.reorgs == []
            assert reader.done_to == 199
            node.chain_id = right  # type: ignore[method-assign]
            await eventually(lambda: reader.done_to == 200)
            reading.cancel()

    run(scenario())


W = "wss://w.example/key"


def test_a_node_that_is_asked_over_websocket_announces_its_blocks_too() -> None:
    async def scenario() -> None:
        node = Scripted()
        async with managed({W: node}, config(W, live_block_check_interval=60)) as manager:
            reader = Reader(TOKENS, start_block=0)
            reading = asyncio.create_task(reader.read(manager.get(1)))
            await eventually(lambda: reader.done_to == 199)
            node.mine()
            await eventually(lambda: reader.done_to == 200)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    run(scenario())


def test_a_node_that_announces_nothing_is_asked_all_the_same() -> None:
    class Mute(Scripted):
        async def new_heads(self) -> AsyncGenerator[Block, None]:
            raise ChainUnavailable("no subscriptions here")
            yield

    async def scenario() -> None:
        node = Mute()
        async with managed({W: node}, config(W)) as manager:
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


def test_announcements_that_fail_are_replaced_by_polling() -> None:
    async def scenario() -> None:
        node, announcer = Scripted(), Scripted()
        announcer.failure = ChainUnavailable("no subscriptions here")
        fields = {"live_websocket_url": W}
        async with managed({A: node, W: announcer}, config(A, **fields)) as manager:
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

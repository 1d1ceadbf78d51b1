"""Configurations of chains that come, change and go."""

import asyncio

import pytest

from event_streamer_service.chains import ChainClosed, ChainConfig, ChainManager, UnknownChain
from event_streamer_service.devchain import DevChain
from support.chains import Reader, eventually, run
from support.scripted_nodes import TOKENS, A, B, Scripted, config, managed

pytestmark = pytest.mark.quick


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


def test_a_node_is_asked_for_its_head_once_in_a_while_and_a_source_of_this_process_always() -> None:
    async def scenario() -> None:
        node, here = Scripted(), Scripted(chain_id=2)
        async with managed({A: node}, config(A)) as manager:
            manager.embed("embedded:x", here)
            await manager.refresh([config(A), config("embedded:x", chain_id=2, name="Here")])
            asked = manager.breakers["ethereum_rpc"], manager.breakers["here_rpc"]
            for _ in range(3):
                assert await manager.head_number(1, 1.0) == 199
                assert await manager.head_number(2, 1.0) == 199
            assert await manager.head_number(3, 1.0) is None
            assert [breaker.total_calls for breaker in asked] == [1, 3]

    run(scenario())

"""What every chain source and every feed promises, on the development chain and on a real node."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from event_streamer_service.chains import (
    Block,
    BlockGone,
    BreakerSettings,
    Chain,
    ChainManager,
    ChainSource,
    ChainUnavailable,
    LogFilter,
    MemoryHeaderStore,
    Reorg,
)
from event_streamer_service.devchain.logs import APPROVAL, TRANSFER
from support.chain_nodes import NODES, Node, refusing_proxy
from support.chains import Reader, eventually, run

Truth = list[tuple[int, str, int, int]]


def only(*names: str) -> list[Any]:
    """The named kinds of nodes as parameters."""
    return [
        pytest.param(name, marks=pytest.mark.anvil if name.startswith("anvil") else pytest.mark.quick)
        for name in names
    ]


@pytest.fixture(params=only(*NODES))
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Node]:
    node = NODES[request.param](tmp_path)
    yield node
    if node.can_restart:
        node.stop()


def delivered(reader: Reader) -> Truth:
    return [(log.block_number, log.block_hash, log.log_index, int(log.data, 16)) for log in reader.logs]


@asynccontextmanager
async def opened(node: Node) -> Any:
    source = node.open()
    try:
        yield source
    finally:
        await source.close()


@asynccontextmanager
async def followed(node: Node, *, store: MemoryHeaderStore | None = None, **fields: Any) -> Any:
    manager = ChainManager(
        [node.config(**fields)],
        embedded=node.embedded(),
        header_store=store,
        breaker_settings=BreakerSettings(recovery_timeout=0.2),
    )
    try:
        yield manager.get(31_337)
    finally:
        await manager.close()


@asynccontextmanager
async def reading(chain: Chain, reader: Reader) -> Any:
    task = asyncio.create_task(reader.read(chain, patient=True))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def token_filter(node: Node) -> LogFilter:
    return LogFilter(TRANSFER, frozenset({node.token}))


# --- sources ----------------------------------------------------------------------------------------------


def test_blocks_are_linked_by_parent_hashes(node: Node) -> None:
    async def scenario() -> None:
        node.mine(5)
        async with opened(node) as source:
            head: Block = await source.head()
            blocks = await source.blocks(range(head.number + 1))
            assert [block.number for block in blocks] == list(range(head.number + 1))
            assert blocks[-1] == head
            assert await source.block(head.number - 1) == blocks[-2]
            for parent, child in pairwise(blocks):
                assert child.parent_hash == parent.hash
                assert child.timestamp >= parent.timestamp
            assert await source.block(head.number + 10) is None
            assert await source.blocks([head.number + 10, head.number]) == [None, head]

    run(scenario())


def test_the_chain_id_is_told(node: Node) -> None:
    async def scenario() -> None:
        async with opened(node) as source:
            assert isinstance(source, ChainSource)
            assert await source.chain_id() == 31_337

    run(scenario())


def test_logs_are_filtered_and_in_order(node: Node) -> None:
    for value in range(1, 6):
        node.transfer(value)
    truth = node.transfers()
    first, last = truth[-3][0], truth[-2][0]

    async def scenario() -> None:
        async with opened(node) as source:

            async def found(log_filter: LogFilter, start: int = first, end: int = last) -> Truth:
                logs = await source.logs(start, end, log_filter)
                return [(g.block_number, g.block_hash, g.log_index, int(g.data, 16)) for g in logs]

            wanted = [log for log in truth if first <= log[0] <= last]
            assert len(wanted) == 2
            assert await found(token_filter(node)) == wanted
            assert await found(LogFilter(None)) == wanted
            assert await found(LogFilter(frozenset({APPROVAL, TRANSFER}))) == wanted
            assert await found(LogFilter(APPROVAL)) == []
            assert await found(LogFilter(TRANSFER, frozenset({"0x" + "99" * 20}))) == []
            assert await found(token_filter(node), 0, last) == [log for log in truth if log[0] <= last]

    run(scenario())


@pytest.mark.parametrize("node", only(*(name for name in NODES if name != "devchain")), indirect=True)
def test_a_node_that_lags_behind_a_range_does_not_leave_logs_out_in_silence(node: Node) -> None:
    node.transfer(1)

    async def scenario() -> None:
        async with opened(node) as source:
            head = await source.head()
            assert await source.logs(head.number, head.number, token_filter(node))
            for first in (head.number, head.number + 1):
                with pytest.raises(BlockGone):
                    await source.logs(first, head.number + 5, token_filter(node))

    run(scenario())


def test_a_blocks_logs_are_found_by_its_hash_until_a_reorg_takes_it(node: Node) -> None:
    node.transfer(1)
    node.transfer(2)

    async def scenario() -> None:
        async with opened(node) as source:
            head = await source.head()
            parent = await source.block(head.number - 1)
            logs = await source.block_logs([parent, head], token_filter(node))
            assert [[int(log.data, 16) for log in of_block] for of_block in logs] == [[1], [2]]
            assert await source.block_logs([head], LogFilter(APPROVAL)) == [[]]
            node.reorg(1)
            assert len(await source.block_logs([parent], token_filter(node))) == 1
            with pytest.raises(BlockGone):
                await source.block_logs([head], token_filter(node))
            with pytest.raises(BlockGone):
                await source.block_logs([parent, head], token_filter(node))

    run(scenario())


def test_new_heads_are_announced(node: Node) -> None:
    async def scenario() -> None:
        async with opened(node) as source, aclosing(source.new_heads()) as heads:
            first = await anext(heads)
            node.mine()
            second = await anext(heads)
            assert second.number == first.number + 1
            assert second.parent_hash == first.hash

    run(scenario())


def test_a_closed_source_ends_its_announcements(node: Node) -> None:
    async def scenario() -> None:
        source = node.open()
        heads = source.new_heads()
        await anext(heads)

        async def rest() -> None:
            async for _ in heads:
                pass

        waiting = asyncio.create_task(rest())
        await asyncio.sleep(0.05)
        await source.close()
        with suppress(ChainUnavailable):  # a WebSocket can't tell our end of it from the node's
            await waiting

    run(scenario())


# --- feeds ------------------------------------------------------------------------------------------------


def test_history_goes_over_into_live_blocks(node: Node) -> None:
    for value in range(1, 4):
        node.transfer(value)
    node.mine(150)
    node.transfer(4)

    async def scenario() -> None:
        reader = Reader(token_filter(node), start_block=0)
        async with followed(node, historical_max_chunk_size=40) as chain, reading(chain, reader):
            await eventually(lambda: delivered(reader) == node.transfers())
            for value in range(5, 9):
                node.transfer(value)
                node.mine()
            await eventually(lambda: delivered(reader) == node.transfers())
            assert chain.history.ranges_read >= 2
            assert reader.reorgs == []

    run(scenario())


def test_a_feed_ends_after_its_end_block(node: Node) -> None:
    node.transfer(1)
    node.mine(2)
    node.transfer(2)

    async def scenario() -> None:
        last = node.transfers()[-1][0] - 1
        reader = Reader(token_filter(node), start_block=1, end_block=last)
        async with followed(node) as chain:
            await reader.read(chain)
        assert reader.done_to == last
        assert delivered(reader) == [log for log in node.transfers() if 1 <= log[0] <= last]

    run(scenario())


def test_a_reorg_takes_back_what_was_lost(node: Node) -> None:
    node.mine(3)

    async def scenario() -> None:
        reader = Reader(token_filter(node), start_block=0)
        async with followed(node) as chain, reading(chain, reader):
            for value in (1, 2, 3):
                node.transfer(value)
            await eventually(lambda: delivered(reader) == node.transfers())
            before = delivered(reader)
            node.reorg(2)
            node.transfer(4)
            await eventually(lambda: reader.reorgs and delivered(reader) == node.transfers())
            lost = [log for log in before if log not in node.transfers()]
            assert {log[3] for log in lost} == {2, 3}
            removed = {block.hash for reorg in reader.reorgs for block in reorg.removed}
            assert {log[1] for log in lost} <= removed
            assert reader.reorgs[0].common_ancestor == lost[0][0] - 1

    run(scenario())


def test_a_reorg_during_an_absence_is_found_afterwards_and_named(node: Node) -> None:
    async def scenario() -> None:
        store = MemoryHeaderStore()
        reader = Reader(token_filter(node), start_block=0)
        for value in (1, 2, 3):
            node.transfer(value)
        async with followed(node, store=store) as chain, reading(chain, reader):
            await eventually(lambda: reader.done_to == chain.head_number)
        before = delivered(reader)
        assert before == node.transfers()
        node.reorg(2)
        node.transfer(4)
        async with followed(node, store=store) as chain, reading(chain, reader):
            await eventually(lambda: delivered(reader) == node.transfers())
        (reorg,) = reader.reorgs
        assert [block.hash for block in reorg.removed] == [log[1] for log in before[-2:]]
        assert reorg.common_ancestor == before[-3][0]

    run(scenario())


def test_confirmations_hold_back(node: Node) -> None:
    async def scenario() -> None:
        reader = Reader(token_filter(node), start_block=0)
        node.transfer(1)
        async with followed(node, confirmation_blocks=3) as chain, reading(chain, reader):
            block = node.transfers()[-1][0]
            node.mine(2)
            await eventually(lambda: chain.head_number == block + 2 and reader.done_to == block - 1)
            assert block not in {log[0] for log in delivered(reader)}
            node.reorg(2)
            await eventually(lambda: chain.tracker.reorgs == 1)
            node.mine(1)
            await eventually(lambda: reader.done_to == block)
            assert delivered(reader) == node.transfers()
            assert reader.reorgs == []

    run(scenario())


@pytest.mark.parametrize("largest_gap", [5, 1000], ids=["as history", "live"])
def test_missed_blocks_are_read(node: Node, largest_gap: int) -> None:
    async def scenario() -> None:
        reader = Reader(token_filter(node), start_block=0)
        async with (
            followed(node, live_max_gap_size=largest_gap, live_gap_fill_chunk_size=7) as chain,
            reading(chain, reader),
        ):
            await eventually(lambda: reader.done_to == chain.head_number)
            for value in range(1, 31):
                node.transfer(value)
            await asyncio.to_thread(node.mine, 90)
            node.transfer(99)
            await eventually(lambda: delivered(reader) == node.transfers())

    run(scenario())


def test_many_feeds_cost_one_question_a_block(node: Node) -> None:
    async def scenario() -> None:
        readers = [Reader(token_filter(node), start_block=0) for _ in range(40)]
        readers += [Reader(LogFilter(APPROVAL), start_block=0) for _ in range(10)]
        async with followed(node) as chain:
            tasks = [asyncio.create_task(reader.read(chain)) for reader in readers]
            await eventually(lambda: all(reader.done_to == chain.head_number for reader in readers))
            calls = chain.live.calls
            for value in range(10):
                node.transfer(value)
                await eventually(lambda: all(reader.done_to == chain.head_number for reader in readers))
            # Readers are woken in groups: the last of them has its logs a turn or more after the first.
            await eventually(lambda: all(delivered(reader) == node.transfers() for reader in readers[:40]))
            assert chain.live.calls - calls <= 10
            assert all(reader.logs == [] for reader in readers[40:])
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    run(scenario())


@pytest.mark.parametrize("node", only(*(name for name in NODES if name != "devchain")), indirect=True)
def test_a_node_that_restarts_is_followed_on(node: Node) -> None:
    async def scenario() -> None:
        reader = Reader(token_filter(node), start_block=0)
        node.transfer(1)
        async with followed(node, live_max_retries=1) as chain, reading(chain, reader):
            await eventually(lambda: delivered(reader) == node.transfers())
            await asyncio.to_thread(node.stop)
            await eventually(lambda: chain.error is not None)
            await asyncio.to_thread(node.start)
            node.transfer(2)
            await eventually(lambda: delivered(reader) == node.transfers())
            await eventually(lambda: chain.error is None)
            assert len(reader.logs) >= 2
            assert reader.reorgs == []

    run(scenario())


@pytest.mark.parametrize("node", only("devchain-http", "anvil-http"), indirect=True)
@pytest.mark.parametrize(
    ("most_blocks", "most_results", "words"),
    [
        (7, None, "block range is too wide"),
        (10, None, "eth_getLogs is limited to a 10 blocks range"),
        (None, 4, "query returned more than 4 results"),
        (3, 2, "Log response size exceeded."),
    ],
)
def test_refused_ranges_shrink(
    node: Node, most_blocks: int | None, most_results: int | None, words: str
) -> None:
    for value in range(1, 21):
        node.transfer(value)
    node.mine(100)

    def refuse(blocks: int, results: int) -> str | None:
        too_wide = most_blocks is not None and blocks > most_blocks
        too_many = most_results is not None and results > most_results
        return words if too_wide or too_many else None

    async def scenario(url: str) -> None:
        reader = Reader(token_filter(node), start_block=0, end_block=50)
        async with followed(node, url=url) as chain:
            await reader.read(chain)
            assert chain.history.ranges_refused > 0
        assert delivered(reader) == [log for log in node.transfers() if log[0] <= 50]

    with refusing_proxy(node.url, refuse) as (url, passed):  # type: ignore[attr-defined]
        run(scenario(url))
        assert max(passed) <= (most_blocks or 1000)


def test_a_lost_block_is_taken_back_once(node: Node) -> None:
    """Reorgs again and again, each seen on its own, leave exactly the node's logs."""

    async def scenario() -> None:
        node.mine(8)
        reader = Reader(token_filter(node), start_block=0)
        async with followed(node) as chain, reading(chain, reader):
            for round_ in range(6):
                node.transfer(round_)
                node.transfer(100 + round_)
                await eventually(lambda: delivered(reader) == node.transfers())
                node.reorg(1 + round_ % 3)
                node.mine()
                await eventually(
                    lambda expected=round_ + 1: (
                        chain.tracker.reorgs == expected and delivered(reader) == node.transfers()
                    )
                )
        assert len(reader.reorgs) == 6
        assert all(isinstance(reorg, Reorg) for reorg in reader.reorgs)

    run(scenario())

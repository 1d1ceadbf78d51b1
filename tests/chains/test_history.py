"""History from nodes whose logs tell no time: the headers come beside the logs."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from event_streamer_service.chains import Block, ChainUnavailable, Log, LogFilter
from event_streamer_service.chains.history import HistoryReader
from support.chains import run
from support.scripted_nodes import TOKENS, A, Scripted, config

pytestmark = pytest.mark.quick


class Untimed(Scripted):
    """A node whose logs tell no time, as those of many providers."""

    def __init__(self) -> None:
        super().__init__(blocks=400)
        self.under_way = 0
        self.beside: list[bool] = []
        self.fails = False

    async def logs(self, from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
        self.under_way += 1
        try:
            await asyncio.sleep(0.005)
            logs = await super().logs(from_block, to_block, log_filter)
        finally:
            self.under_way -= 1
        return [msgspec.structs.replace(log, block_timestamp=None) for log in logs]

    async def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
        self.beside.append(self.under_way > 0)
        if self.fails:
            raise ChainUnavailable("no headers today")
        return await super().blocks(numbers)


def read(node: Untimed, log_filter: LogFilter) -> tuple[list[Log], dict[int, Block]]:
    async def scenario() -> tuple[list[Log], dict[int, Block]]:
        reader = HistoryReader(config(A, historical_max_concurrent=1, historical_max_retries=0), node)
        logs: list[Log] = []
        blocks: dict[int, Block] = {}
        async for piece in reader.read(log_filter, 0, 350, head=399):
            logs += piece.logs
            blocks |= piece.blocks
        return logs, blocks

    return run(scenario())


def test_headers_are_asked_for_beside_the_logs_once_logs_have_told_no_time() -> None:
    node = Untimed()
    logs, blocks = read(node, TOKENS)
    assert node.beside[0] is False
    assert all(node.beside[1:]), "a range takes one round trip"
    wanted = run(Scripted(blocks=400).logs(0, 350, TOKENS))
    assert [(log.block_number, log.log_index) for log in logs] == [
        (w.block_number, w.log_index) for w in wanted
    ]
    assert {log.block_number: blocks[log.block_number].timestamp for log in logs} == {
        log.block_number: log.block_timestamp for log in wanted
    }


def test_headers_of_sparse_logs_are_asked_for_by_themselves() -> None:
    node = Untimed()
    rare = LogFilter(TOKENS.topic0, frozenset({"0x" + "99" * 20}))
    logs, _ = read(node, rare)
    assert logs == []
    assert node.beside == []


def test_headers_that_fail_beside_the_logs_are_a_failed_attempt() -> None:
    node = Untimed()
    node.fails = True
    with pytest.raises(ChainUnavailable, match="no headers today"):
        read(node, TOKENS)

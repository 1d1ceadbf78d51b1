"""What the tests of the chains share: running a coroutine, and a reader that holds a feed to its promises."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from event_streamer_service.chains import (
    Chain,
    ChainUnavailable,
    Log,
    LogFilter,
    LogRange,
    Outage,
    Position,
    Reorg,
)

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T], *, seconds: float = 30.0) -> T:
    """Run a coroutine to its end; a test that hangs fails instead."""

    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            return await coroutine

    return asyncio.run(bounded())


async def eventually(holds: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what changes is in other tasks and processes
            await asyncio.sleep(0.005)


class Reader:
    """
    Reads a feed as a subscription does, and checks that its pieces join without gap or overlap.

    Attributes:
        logs: What the reader holds: every log delivered and not taken back.
        position: Where it would go on after a restart.
        done_to: The last block that is complete; one less than `start_block` before the first.
        reorgs: The reorg notices that came.
        pieces: The runs that came.
    """

    def __init__(self, log_filter: LogFilter, *, start_block: int, end_block: int | None = None) -> None:
        self.filter = log_filter
        self.start_block = start_block
        self.end_block = end_block
        self.logs: list[Log] = []
        self.position: Position | None = None
        self.done_to = start_block - 1
        self.reorgs: list[Reorg] = []
        self.pieces: list[LogRange] = []
        self.failures: list[ChainUnavailable] = []
        self.outages: list[str] = []
        self._hashes: dict[int, str] = {}

    async def read(self, chain: Chain, *, patient: bool = False) -> None:
        """Follow a chain to the end block; `patient` goes on after an outage, as a service does."""
        while True:
            try:
                feed = chain.follow(
                    self.filter, start_block=self.start_block, end_block=self.end_block, after=self.position
                )
                async with aclosing(feed) as pieces:
                    async for piece in pieces:
                        self.take(piece)
                return
            except ChainUnavailable as failure:
                self.failures.append(failure)
                if not patient:
                    raise
                await asyncio.sleep(0)

    def take(self, piece: LogRange | Reorg | Outage) -> None:
        """Take one piece."""
        if isinstance(piece, Outage):
            self.outages.append(str(piece.problem))
            return
        if isinstance(piece, Reorg):
            self._take_back(piece)
            return
        assert piece.from_block == self.done_to + 1
        assert piece.to_block >= piece.from_block
        places = [(log.block_number, log.log_index) for log in piece.logs]
        assert places == sorted(set(places))
        assert all(piece.from_block <= block <= piece.to_block for block, _ in places)
        assert all(piece.blocks[log.block_number].hash == log.block_hash for log in piece.logs)
        self.pieces.append(piece)
        self.logs += piece.logs
        self.done_to = piece.to_block
        self._hashes |= {number: block.hash for number, block in piece.blocks.items()}
        self._settle()

    def _take_back(self, reorg: Reorg) -> None:
        assert reorg.common_ancestor < self.done_to
        assert [block.number for block in reorg.removed] == sorted(block.number for block in reorg.removed)
        assert all(reorg.common_ancestor < block.number <= self.done_to for block in reorg.removed)
        self.reorgs.append(reorg)
        self.logs = [log for log in self.logs if log.block_number <= reorg.common_ancestor]
        self.done_to = max(reorg.common_ancestor, self.start_block - 1)
        self._hashes = {n: h for n, h in self._hashes.items() if n <= self.done_to}
        self._settle()

    def _settle(self) -> None:
        known = self._hashes.get(self.done_to)
        self.position = Position(self.done_to, block_hash=known) if self.done_to >= self.start_block else None

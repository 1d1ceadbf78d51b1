"""
Recent block headers: which blocks are the chain now, and which were.

`HeaderChain` is the pure part. It keeps the canonical blocks by number and, by hash, also those that a
reorg took, so that everybody who delivered one of them can be told exactly what was lost.
`HeaderStore` is where headers outlive the process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .types import Block


class HeaderStore(Protocol):
    """Keeps recent headers of every chain, so that a reorg during an absence is found afterwards."""

    async def save(self, chain_id: int, blocks: Sequence[Block]) -> None:
        """Store headers; one that is there already (same hash) stays as it is."""
        ...

    async def load(self, chain_id: int) -> list[Block]:
        """Return all stored headers of a chain, in any order; several may share a number."""
        ...

    async def prune(self, chain_id: int, below: int) -> None:
        """Forget headers with a number less than `below`, but for block 0: it tells a chain from another."""
        ...


class MemoryHeaderStore:
    """Keeps headers as long as the process lives."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Block]] = {}

    async def save(self, chain_id: int, blocks: Sequence[Block]) -> None:
        """Store headers."""
        known = self._blocks.setdefault(chain_id, {})
        for block in blocks:
            known.setdefault(block.hash, block)

    async def load(self, chain_id: int) -> list[Block]:
        """Return all stored headers of a chain."""
        return list(self._blocks.get(chain_id, {}).values())

    async def prune(self, chain_id: int, below: int) -> None:
        """Forget headers with a number less than `below`, but for block 0."""
        known = self._blocks.get(chain_id, {})
        for block in [block for block in known.values() if 0 < block.number < below]:
            del known[block.hash]


class HeaderChain:
    """
    The newest blocks of a chain, linked, and the lost ones beside them. Pure: no I/O.

    Args:
        retain: How many canonical blocks below the head are remembered; of all blocks four times as many.
    """

    def __init__(self, retain: int = 1024) -> None:
        self._retain = retain
        self._canonical: dict[int, Block] = {}
        self._by_hash: dict[str, Block] = {}
        self._floor = 0
        self.head: Block | None = None

    @property
    def floor(self) -> int:
        """The lowest number from which on all canonical blocks are known."""
        return self._floor

    def canonical(self, number: int) -> Block | None:
        """Return the canonical block with this number, where known."""
        return self._canonical.get(number)

    def known(self, block_hash: str) -> Block | None:
        """Return a block by its hash, canonical or lost, where known."""
        return self._by_hash.get(block_hash)

    def is_canonical(self, block: Block) -> bool:
        """Tell whether a block is known to be part of the chain."""
        known = self._canonical.get(block.number)
        return known is not None and known.hash == block.hash

    def remember(self, blocks: Sequence[Block]) -> None:
        """Take in headers of an earlier run, of which it is unknown whether they are canonical."""
        for block in blocks:
            self._by_hash[block.hash] = block

    def root(self, branch: Sequence[Block]) -> None:
        """Start anew from a linked run of blocks, oldest first."""
        self._canonical = {block.number: block for block in branch}
        self.remember(branch)
        self._floor = branch[0].number
        self.head = branch[-1]
        self._forget()

    def adopt(self, branch: Sequence[Block]) -> list[Block]:
        """
        Make a linked run of blocks, oldest first, the end of the chain.

        Its first block must follow a canonical one, or lie beyond the head (a gap that is left open).

        Returns:
            The blocks that are no longer canonical, oldest first.
        """
        first = branch[0].number
        top = self.head.number if self.head is not None else first - 1
        removed = [self._canonical.pop(n) for n in range(first, top + 1) if n in self._canonical]
        for block in branch:
            self._canonical[block.number] = block
            self._by_hash[block.hash] = block
        self.head = branch[-1]
        self._forget()
        return removed

    def run(self, first: int, last: int) -> list[Block]:
        """Return the known canonical blocks of a range of numbers, in order."""
        return [self._canonical[n] for n in range(first, last + 1) if n in self._canonical]

    def _forget(self) -> None:
        assert self.head is not None
        below = self.head.number - self._retain
        while self._floor < below:
            self._canonical.pop(self._floor, None)
            self._floor += 1
        while len(self._by_hash) > 4 * self._retain:
            del self._by_hash[next(iter(self._by_hash))]


def until_missing(blocks: Sequence[Block | None]) -> list[Block]:
    """Return the blocks before the first one that is missing."""
    found: list[Block] = []
    for block in blocks:
        if block is None:
            break
        found.append(block)
    return found

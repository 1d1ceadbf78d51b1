"""
What every chain source can do, whether a node, the development chain or a recording stands behind it.

Six questions are enough to follow a chain. All block ranges include both ends.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol, runtime_checkable

from .types import Block, Log, LogFilter


@runtime_checkable
class ChainSource(Protocol):
    """Gives a chain's blocks and logs."""

    async def chain_id(self) -> int:
        """Return the chain's id (EIP-155)."""
        ...

    async def head(self) -> Block:
        """Return the newest block."""
        ...

    async def block(self, number: int) -> Block | None:
        """Return the header of a block, `None` where the chain has none with this number."""
        ...

    async def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
        """Return several headers, in the order asked for; one round trip where the source can."""
        ...

    async def logs(self, from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
        """
        Return the matching logs of a range, ordered by block number and log index.

        Raises:
            RangeTooLarge: The source wants a smaller range.
            BlockGone: A node does not have the range's last block (yet).
        """
        ...

    async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        """
        Return the matching logs of each of these blocks, asked for by block hash (EIP-234).

        By hash, a reorg between two calls can't mix the logs of two branches, and a node that
        lags behind says so instead of answering with nothing.

        Raises:
            BlockGone: One of the blocks is not known (any more).
        """
        ...

    def new_heads(self) -> AsyncGenerator[Block, None]:
        """
        Yield the newest block now and whenever it changes; blocks in between may be left out.

        Ends only by an error or by `close`. Reorgs are not marked: compare parent hashes.
        """
        ...

    async def close(self) -> None:
        """Free connections; waiting iterators end."""
        ...

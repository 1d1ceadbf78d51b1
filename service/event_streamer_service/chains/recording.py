"""
Real blocks, recorded: a folder with `blocks.ndjson` and `logs.ndjson`, as ethereum-etl exports them.

A block line needs `number`, `hash`, `parent_hash` and `timestamp`; a log line `address`, `topics`, `data`,
`log_index`, `transaction_hash`, `block_number` and `block_hash`. Other fields are not read.
"""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_left, bisect_right
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from .config import chain_name
from .errors import BlockGone
from .types import Block, Log, LogFilter

__all__ = ["Recording"]

T = TypeVar("T")


class Recording:
    """
    A chain that was recorded and does not grow. A `ChainSource`.

    Args:
        path: The folder.
        chain_id: The chain that was recorded.

    Raises:
        ValueError: A file is missing, a line is malformed, the blocks do not form a chain, or a log names a
            block that is not there. The message says where.
    """

    def __init__(self, path: str | os.PathLike[str], *, chain_id: int = 1) -> None:
        folder = Path(path)
        self._chain_id = chain_id
        self._blocks = {block.number: block for block in _read(folder / "blocks.ndjson", Block)}
        logs = _read(folder / "logs.ndjson", Log)
        if not self._blocks:
            raise ValueError(f"{folder / 'blocks.ndjson'} holds no block")
        self._first, self._last = min(self._blocks), max(self._blocks)
        self._check(folder, logs)
        times = {number: block.timestamp for number, block in self._blocks.items()}
        self._logs = sorted(
            (
                msgspec.structs.replace(
                    log, address=log.address.lower(), block_timestamp=times[log.block_number]
                )
                for log in logs
            ),
            key=lambda log: (log.block_number, log.log_index),
        )
        self._numbers = [log.block_number for log in self._logs]
        self._closed = asyncio.Event()

    @property
    def name(self) -> str:
        """The name of the recorded chain."""
        return chain_name(self._chain_id)

    @property
    def first_block(self) -> int:
        """Number of the first recorded block."""
        return self._first

    @property
    def head_number(self) -> int:
        """Number of the last recorded block."""
        return self._last

    async def chain_id(self) -> int:
        """Return the chain's id."""
        return self._chain_id

    async def head(self) -> Block:
        """Return the last block."""
        return self._blocks[self._last]

    async def block(self, number: int) -> Block | None:
        """Return a block's header, `None` where it was not recorded."""
        return self._blocks.get(number)

    async def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
        """Return several headers."""
        return [self._blocks.get(number) for number in numbers]

    async def logs(self, from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
        """Return the matching logs of a range."""
        start, end = bisect_left(self._numbers, from_block), bisect_right(self._numbers, to_block)
        return [log for log in self._logs[start:end] if log_filter.matches(log)]

    async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        """
        Return the matching logs of each of these blocks.

        Raises:
            BlockGone: One of them was not recorded.
        """
        for block in blocks:
            if self._blocks.get(block.number) != block:
                raise BlockGone(f"block {block.number} ({block.hash}) was not recorded")
        return [await self.logs(block.number, block.number, log_filter) for block in blocks]

    async def new_heads(self) -> AsyncGenerator[Block, None]:
        """Yield the last block, then nothing more until `close`."""
        yield await self.head()
        await self._closed.wait()

    async def close(self) -> None:
        """End what waits for new heads."""
        self._closed.set()

    def _check(self, folder: Path, logs: Sequence[Log]) -> None:
        for number in range(self._first + 1, self._last + 1):
            block = self._blocks.get(number)
            if block is None or block.parent_hash != self._blocks[number - 1].hash:
                raise ValueError(f"{folder / 'blocks.ndjson'}: block {number} does not follow its parent")
        for log in logs:
            block = self._blocks.get(log.block_number)
            if block is None or block.hash != log.block_hash:
                raise ValueError(
                    f"{folder / 'logs.ndjson'}: log {log.log_index} of block {log.block_number} "
                    "belongs to no block of blocks.ndjson"
                )


def _read(path: Path, kind: type[T]) -> list[T]:
    decoder = msgspec.json.Decoder(kind)
    found = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    try:
                        found.append(decoder.decode(line))
                    except msgspec.MsgspecError as error:
                        raise ValueError(f"{path}, line {number}: {error}") from None
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from None
    return found

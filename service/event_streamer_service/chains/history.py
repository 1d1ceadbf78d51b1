"""
Reading a finished part of a chain: ranges of adaptive size, several at a time, handed on in order.

A slot is a range that is planned, under way or read. The slots stand in the order of the blocks; only the
first few are under way, so memory is bounded however far ahead of the reader the node could be. A refused
slot is replaced, in its place, by smaller ones.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from .backoff import Backoff
from .config import ChainConfig
from .errors import (
    BlockGone,
    ChainError,
    ChainTimeout,
    ChainUnavailable,
    RangeTooLarge,
    RpcError,
    UnreadableAnswer,
)
from .range_size import TARGET_LOGS, AdaptiveSize
from .source import ChainSource
from .turns import Turns
from .types import Block, Log, LogFilter, LogRange

logger = logging.getLogger(__name__)

_FIRST_RETRY_DELAY = 0.25
_LONGEST_RETRY_DELAY = 10.0
_LOGS_AT_HAND = 50_000
"""Logs that all the readers of a chain may hold of the ranges they are at (a log takes about 1 KB) …"""
_LOGS_AHEAD = 50_000
"""… and logs that may be read ahead for them. Beyond that only what a reader waits for is read."""
_DENSE = 0.5
"""Share of a range's blocks with logs from which on all their headers are asked for beside the logs."""
_LEAST_TARGET = 250
"""Logs of an answer that are aimed at however many readers there are."""


class _Refused:
    """A range that has to be read in smaller pieces."""


Read = tuple[list[Log], dict[int, Block]]


class _Slot:
    """A range of blocks and the task that reads it, if any yet."""

    def __init__(self, from_block: int, to_block: int) -> None:
        self.from_block = from_block
        self.to_block = to_block
        self.task: asyncio.Task[Read | _Refused] | None = None


class HistoryReader:
    """
    Reads ranges of history for all the feeds of one chain.

    Args:
        config: The chain's configuration; the historical_* fields and `max_blocks_per_request` are used.
        source: Where history comes from.
    """

    def __init__(self, config: ChainConfig, source: ChainSource) -> None:
        self._config = config
        self._source = source
        self._turns = Turns(config.historical_max_concurrent)
        self._largest = config.largest_range
        self._readers = 0
        self._ahead = 0
        """Logs that were read and not yet handed on."""
        self._under_way = 0
        """Ranges that are being read."""
        self._untimed = 0.0
        """Share of the blocks of the last range that had logs without a time."""
        self.ranges_read = 0
        """Ranges answered so far."""
        self.ranges_refused = 0
        """Ranges that a node wanted smaller."""

    async def read(
        self, log_filter: LogFilter, from_block: int, to_block: int, *, head: int, owner: str = ""
    ) -> AsyncGenerator[LogRange, None]:
        """
        Yield the matching logs of `from_block` to `to_block`, in order, without gap or overlap.

        Args:
            log_filter: Which logs.
            from_block: First block.
            to_block: Last block; deep enough below the head not to be lost by a reorg.
            head: Number of the newest block, handed on to the reader.
            owner: Who reads; owners share the node evenly, however many readers each has.

        Raises:
            ChainUnavailable: A range could not be read, retries included.
            ChainError: The node's answer is none that another attempt would change.
        """
        sizes = AdaptiveSize(self._largest)
        self._readers += 1
        slots: deque[_Slot] = deque()
        planned = from_block
        ranges = 0
        try:
            while True:
                sizes.target_logs = self._target_logs()
                while planned <= to_block and len(slots) < self._config.historical_max_concurrent:
                    last = min(planned + sizes.size - 1, to_block)
                    slots.append(_Slot(planned, last))
                    planned = last + 1
                if not slots:
                    return
                for slot in tuple(slots)[: self._config.historical_max_concurrent]:
                    if slot.task is None and (slot is slots[0] or self._may_read_ahead()):
                        slot.task = asyncio.create_task(self._read(slot, log_filter, sizes, owner))
                        self._under_way += 1
                        slot.task.add_done_callback(self._ended)
                slot = slots[0]
                assert slot.task is not None
                read = await slot.task
                slots.popleft()
                if isinstance(read, _Refused):
                    slots.extendleft(
                        _Slot(*part) for part in reversed(sizes.split(slot.from_block, slot.to_block))
                    )
                    continue
                logs, blocks = read
                self._ahead -= len(logs)
                piece = LogRange(slot.from_block, slot.to_block, tuple(logs), blocks, head)
                del slot, read, logs, blocks  # they belong to the reader now, and live as long as it wants
                ranges += 1
                if ranges % self._config.historical_progress_interval == 0:
                    logger.info(
                        "chain %d: history read up to block %d of %d (%d ranges, now %d blocks each)",
                        self._config.chain_id,
                        piece.to_block,
                        to_block,
                        ranges,
                        sizes.size,
                    )
                yield piece
                del piece
        finally:
            self._readers -= 1
            self._largest = sizes.largest
            tasks = [slot.task for slot in slots if slot.task is not None]
            self._ahead -= sum(len(read[0]) for read in await _cancel(tasks) if isinstance(read, tuple))

    def _target_logs(self) -> int:
        """Return the logs of an answer to aim at: fewer where many readers hold one each."""
        return max(_LEAST_TARGET, min(TARGET_LOGS, _LOGS_AT_HAND // max(1, self._readers)))

    def _may_read_ahead(self) -> bool:
        return self._ahead + self._under_way * self._target_logs() < _LOGS_AHEAD

    def _ended(self, _: object) -> None:
        self._under_way -= 1

    async def _read(
        self, slot: _Slot, log_filter: LogFilter, sizes: AdaptiveSize, owner: str
    ) -> Read | _Refused:
        blocks = slot.to_block - slot.from_block + 1
        backoff = Backoff.doubling(_FIRST_RETRY_DELAY, _LONGEST_RETRY_DELAY)
        while True:
            try:
                async with self._turns.turn(owner):
                    logs, headers = await self._ask(slot, log_filter)
            except (RangeTooLarge, ChainTimeout) as error:
                self.ranges_refused += 1
                sizes.refused(
                    blocks,
                    suggested=getattr(error, "suggested", None),
                    limit=getattr(error, "limit", None),
                )
                if blocks > 1:
                    logger.debug(
                        "chain %d: %d blocks at once refused: %s", self._config.chain_id, blocks, error
                    )
                    return _Refused()
                if isinstance(error, RangeTooLarge):
                    raise
                await self._wait(slot, backoff, error)
            except (ChainUnavailable, BlockGone, RpcError) as error:
                await self._wait(slot, backoff, error)
            else:
                sizes.answered(blocks, len(logs))
                self._ahead += len(logs)
                self.ranges_read += 1
                return logs, headers

    async def _wait(self, slot: _Slot, backoff: Backoff, error: ChainError) -> None:
        """Wait after a failed attempt; raise the error where it was the last one."""
        if backoff.failures >= self._config.historical_max_retries:
            raise error
        delay = backoff.next(error)
        logger.info(
            "chain %d: blocks %d to %d, attempt %d failed: %s",
            self._config.chain_id,
            slot.from_block,
            slot.to_block,
            backoff.failures,
            error,
        )
        await asyncio.sleep(delay)

    async def _ask(self, slot: _Slot, log_filter: LogFilter) -> Read:
        """
        Ask for a range's logs and the headers of the blocks that have some.

        Where the logs tell no time and most blocks have logs, the headers of all are asked for at the same
        time: otherwise they wait for the logs, and a range takes two round trips.
        """
        beside: asyncio.Task[list[Block | None]] | None = None
        if self._untimed >= _DENSE:
            numbers = range(slot.from_block, slot.to_block + 1)
            beside = asyncio.create_task(self._source.blocks(numbers))
        try:
            logs = await self._source.logs(slot.from_block, slot.to_block, log_filter)
            found = [] if beside is None else await beside
        finally:
            if beside is not None:
                beside.cancel()
                await asyncio.gather(beside, return_exceptions=True)
        known: dict[int, Block | None] = {block.number: block for block in found if block is not None}
        headers = await self._headers(logs, known)
        untimed = len({log.block_number for log in logs if log.block_timestamp is None})
        self._untimed = untimed / (slot.to_block - slot.from_block + 1)
        return logs, headers

    async def _headers(self, logs: Sequence[Log], known: dict[int, Block | None]) -> dict[int, Block]:
        """
        Return the headers of the blocks that have logs: from the logs where they tell the time.

        Args:
            logs: The logs.
            known: Headers that came beside them.

        Raises:
            BlockGone: A header and its logs are of two branches.
        """
        headers: dict[int, Block] = {}
        untold: dict[int, str] = {}
        for log in logs:
            number = log.block_number
            if number in headers or number in untold:
                continue
            if log.block_timestamp is None:
                untold[number] = log.block_hash
            else:
                headers[number] = Block(number, log.block_hash, "", log.block_timestamp)
        missing = [number for number in untold if number not in known]
        fetched = await self._source.blocks(missing) if missing else []
        found = known | dict(zip(missing, fetched, strict=True))
        for number, block_hash in untold.items():
            block = found[number]
            if block is None or block.hash != block_hash:
                raise BlockGone(f"block {number} changed while its logs were read")
            if not block.timestamp and number:
                raise UnreadableAnswer(f"block {number} has no time that can be read")
            headers[number] = block
        return headers


async def _cancel(tasks: Sequence[asyncio.Task[Read | _Refused]]) -> list[Read | _Refused | BaseException]:
    """End tasks, and return what those that had ended already hold."""
    for task in tasks:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)

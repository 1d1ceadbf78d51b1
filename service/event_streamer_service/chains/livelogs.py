"""
The logs of new blocks, fetched once for all the feeds that want them.

Every block is asked for by its hash, once, with a filter that covers what all feeds of the chain ask for;
each feed then picks its own from the answer, by topic0. Two hundred live subscriptions cost a node one call a
block.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Sequence

from .errors import RangeTooLarge
from .source import ChainSource
from .types import Block, Log, LogFilter

_CACHED_LOGS = 50_000  # some 30 MB
_CACHED_BLOCKS = 128
_MOST_CONDITIONS = 10_000
"""Addresses or topics that a node is asked for, in parts of some hundred each. The question for so many is
half a megabyte a block; with more of them all of a block's logs are the smaller thing to send."""


def union(filters: Sequence[LogFilter]) -> LogFilter:
    """Return a filter that covers all of `filters`, at least one."""
    topics = frozenset().union(*(f.topics() for f in filters))
    addresses = frozenset().union(*(f.addresses for f in filters))
    any_topic = any(f.topic0 is None for f in filters) or len(topics) > _MOST_CONDITIONS
    any_address = any(not f.addresses for f in filters) or len(addresses) > _MOST_CONDITIONS
    # Further topics narrow a question only where all that ask have the same ones.
    further = {f.further for f in filters}
    return LogFilter(
        None if any_topic else topics,
        frozenset() if any_address else addresses,
        further.pop() if len(further) == 1 else (),
    )


class _BlockLogs:
    """The logs of one block, by topic0."""

    def __init__(self, logs: Sequence[Log]) -> None:
        self._all = logs
        self._by_topic0: dict[str, list[Log]] = {}
        for log in logs:
            if log.topics:
                self._by_topic0.setdefault(log.topics[0], []).append(log)

    def __len__(self) -> int:
        return len(self._all)

    def select(self, log_filter: LogFilter) -> list[Log]:
        """Return the logs that match, by log index."""
        if isinstance(log_filter.topic0, str):
            logs = self._by_topic0.get(log_filter.topic0, [])
            if log_filter.further:
                return [log for log in logs if log_filter.matches(log)]
            if not log_filter.addresses:
                return logs
            return [log for log in logs if log.address in log_filter.addresses]
        return [log for log in self._all if log_filter.matches(log)]


class _Fetch:
    """One block's logs, under way or there, and the filter that they were asked for with."""

    def __init__(self, log_filter: LogFilter) -> None:
        self.log_filter = log_filter
        self.logs: asyncio.Future[_BlockLogs] = asyncio.get_running_loop().create_future()

    @property
    def size(self) -> int:
        """How many logs are held."""
        done = self.logs.done() and not self.logs.cancelled() and self.logs.exception() is None
        return len(self.logs.result()) if done else 0


class LiveLogs:
    """
    Fetches and keeps the logs of recent blocks.

    Args:
        source: Where they come from.
    """

    def __init__(self, source: ChainSource) -> None:
        self._source = source
        self._filters: Counter[LogFilter] = Counter()
        self._union: LogFilter | None = None
        self._fetches: OrderedDict[str, _Fetch] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self.calls = 0
        """Questions put to the source so far."""

    def join(self, log_filter: LogFilter) -> None:
        """A feed begins to ask with this filter. Pair with `leave`."""
        self._filters[log_filter] += 1
        self._union = None

    def leave(self, log_filter: LogFilter) -> None:
        """A feed that asked with this filter has ended."""
        self._filters[log_filter] -= 1
        if not self._filters[log_filter]:
            del self._filters[log_filter]
        self._union = None

    async def of(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        """
        Return the logs of each block that match; one question for all blocks not fetched yet.

        Raises:
            BlockGone: One of the blocks is not part of the chain any more.
            ChainError: The source failed; the next call tries again.
        """
        missing = [block for block in blocks if not self._is_fetched(block, log_filter)]
        if missing:
            self._fetch(missing, log_filter)
        # Shielded: the fetch serves all feeds, and one that goes away must not take it along.
        waiting = [self._fetches[block.hash].logs for block in blocks]
        return [(await asyncio.shield(logs)).select(log_filter) for logs in waiting]

    async def close(self) -> None:
        """Give up what is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _is_fetched(self, block: Block, log_filter: LogFilter) -> bool:
        fetch = self._fetches.get(block.hash)
        return fetch is not None and fetch.log_filter.covers(log_filter)

    def _fetch(self, blocks: Sequence[Block], log_filter: LogFilter) -> None:
        if self._union is None:
            self._union = union([*self._filters, log_filter])
        asked = self._union if self._union.covers(log_filter) else union([self._union, log_filter])
        fetches = {block.hash: _Fetch(asked) for block in blocks}
        self._fetches |= fetches
        for block in blocks:
            self._fetches.move_to_end(block.hash)
        task = asyncio.get_running_loop().create_task(self._run(blocks, asked, fetches))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, blocks: Sequence[Block], asked: LogFilter, fetches: dict[str, _Fetch]) -> None:
        try:
            answers = await self._ask(blocks, asked)
        except BaseException as error:
            for block_hash, fetch in fetches.items():
                if self._fetches.get(block_hash) is fetch:
                    del self._fetches[block_hash]
                if isinstance(error, Exception):
                    fetch.logs.set_exception(error)
                    fetch.logs.exception()  # noted: nobody may be waiting any more
                else:
                    fetch.logs.cancel()
            if not isinstance(error, Exception):
                raise
            return
        for block, logs in zip(blocks, answers, strict=True):
            fetches[block.hash].logs.set_result(_BlockLogs(logs))
        self._evict()

    async def _ask(self, blocks: Sequence[Block], asked: LogFilter) -> list[list[Log]]:
        self.calls += 1
        try:
            return await self._source.block_logs(blocks, asked)
        except RangeTooLarge:
            if len(blocks) == 1:
                raise
        half = len(blocks) // 2
        return await self._ask(blocks[:half], asked) + await self._ask(blocks[half:], asked)

    def _evict(self) -> None:
        held = sum(fetch.size for fetch in self._fetches.values())
        for block_hash, fetch in tuple(self._fetches.items()):
            if len(self._fetches) <= _CACHED_BLOCKS and held <= _CACHED_LOGS:
                return
            if fetch.logs.done():
                held -= fetch.size
                del self._fetches[block_hash]

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
from functools import partial

from .errors import ChainClosed, RangeTooLarge
from .news import News
from .source import ChainSource
from .types import Block, Log, LogFilter

_CACHED_LOGS = 50_000  # some 30 MB
_CACHED_BLOCKS = 128
_KEPT_SELECTIONS = 64
"""Choices out of one block that are kept for others: many streams ask for the same few contracts."""
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
    """The logs of one block, by topic0. What is chosen of them is shared by all who choose the same."""

    def __init__(self, logs: Sequence[Log]) -> None:
        self._all = logs
        by_topic0: dict[str, list[Log]] = {}
        for log in logs:
            if log.topics:
                by_topic0.setdefault(log.topics[0], []).append(log)
        self._by_topic0 = {topic0: tuple(found) for topic0, found in by_topic0.items()}
        self._selected: dict[LogFilter, tuple[Log, ...]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def select(self, log_filter: LogFilter) -> tuple[Log, ...]:
        """Return the logs that match, by log index."""
        among: Sequence[Log] = self._all
        if isinstance(log_filter.topic0, str):
            among = self._by_topic0.get(log_filter.topic0, ())
            if not (log_filter.further or log_filter.addresses):
                return self._by_topic0.get(log_filter.topic0, ())
        selected = self._selected.get(log_filter)
        if selected is None:
            selected = tuple(log for log in among if log_filter.matches(log))
            if selected and len(self._selected) < _KEPT_SELECTIONS:
                self._selected[log_filter] = selected
        return selected


class _Fetch:
    """One block's logs, under way or there, and the filter that they were asked for with."""

    def __init__(self, log_filter: LogFilter) -> None:
        self.log_filter = log_filter
        self.logs: _BlockLogs | None = None
        self._problem: Exception | None = None
        self._news = News()

    @property
    def size(self) -> int:
        """How many logs are held."""
        return 0 if self.logs is None else len(self.logs)

    def arrived(self, logs: _BlockLogs) -> None:
        """Hand out the logs."""
        self.logs = logs
        self._news.tell()

    def failed(self, problem: Exception) -> None:
        """Let those who wait for it fail; the next who asks begins anew."""
        self._problem = problem
        self._news.tell()

    @property
    def is_open(self) -> bool:
        """It is under way."""
        return self.logs is None and self._problem is None

    async def read(self) -> _BlockLogs:
        """Wait for the logs; those who wait together are woken in groups."""
        if self.is_open:
            await self._news.wait()
        if self._problem is not None:
            raise self._problem
        assert self.logs is not None
        return self.logs


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

    async def of(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[tuple[Log, ...]]:
        """
        Return the logs of each block that match; one question for all blocks not fetched yet.

        Raises:
            BlockGone: One of the blocks is not part of the chain any more.
            ChainClosed: The chain was closed meanwhile.
            ChainError: The source failed; the next call tries again.
        """
        missing = [block for block in blocks if not self._is_fetched(block, log_filter)]
        if missing:
            self._fetch(missing, log_filter)
        fetches = [self._fetches[block.hash] for block in blocks]
        return [(await fetch.read()).select(log_filter) for fetch in fetches]

    def at_hand(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[tuple[Log, ...]] | None:
        """Return the same where nothing has to be waited for, `None` otherwise."""
        found = []
        for block in blocks:
            fetch = self._fetches.get(block.hash)
            if fetch is None or fetch.logs is None or not fetch.log_filter.covers(log_filter):
                return None
            found.append(fetch.logs.select(log_filter))
        return found

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
        task.add_done_callback(partial(self._ended, tuple(fetches.values())))

    def _ended(self, fetches: Sequence[_Fetch], task: asyncio.Task[None]) -> None:
        """Let nobody wait for what was given up, be it before it began."""
        self._tasks.discard(task)
        for fetch in fetches:
            if fetch.is_open:
                fetch.failed(ChainClosed("the chain was closed or reconfigured"))

    async def _run(self, blocks: Sequence[Block], asked: LogFilter, fetches: dict[str, _Fetch]) -> None:
        try:
            answers = await self._ask(blocks, asked)
        except Exception as error:  # noqa: BLE001 - raised to all who wait for it
            for block_hash, fetch in fetches.items():
                if self._fetches.get(block_hash) is fetch:
                    del self._fetches[block_hash]
                fetch.failed(error)
            return
        for block, logs in zip(blocks, answers, strict=True):
            fetches[block.hash].arrived(_BlockLogs(logs))
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
            if fetch.logs is not None:
                held -= fetch.size
                del self._fetches[block_hash]

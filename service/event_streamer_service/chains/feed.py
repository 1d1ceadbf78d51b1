"""
Following a chain: from any block through history to the head and on, without gap or overlap.

A `Chain` is one configured chain. `follow` gives a subscription its own feed; all feeds of a chain share one
head watcher (`tracker`), one fetch of each live block (`livelogs`) and one limit for questions about history
(`history`).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

import msgspec

from .backoff import Backoff
from .config import ChainConfig
from .errors import BlockGone, ChainClosed, ChainError, ChainUnavailable, RpcError, UnreadableAnswer
from .headers import HeaderStore, MemoryHeaderStore
from .history import HistoryReader
from .livelogs import LiveLogs
from .source import ChainSource
from .tracker import REORG_DEPTH, Fate, HeadTracker
from .trouble import TELL_AFTER
from .types import Block, Log, LogFilter, LogRange, Outage, Position, Reorg

logger = logging.getLogger(__name__)

T = TypeVar("T")
_DatedLogs = tuple[Block, tuple[Log, ...]]
"""A block that has a time, and its logs."""

_LIVE_LOGS = 2_000
"""Logs that a feed takes at once of live blocks. Where its reader is slow it holds no more of them: what
comes after is read when the reader wants it, from what is kept for all, or again."""
_FIRST_GONE_DELAY = 0.25
"""Seconds after which a block that a node doesn't know yet is asked for again; doubled each time."""


class Chain:
    """
    One chain as the service reads it.

    Args:
        config: How it is read.
        source: Where the head and its blocks come from.
        history_source: Where history comes from; `source` where not given.
        header_store: Where recent headers outlive the process.
        reorg_depth: Blocks below the head that a reorg may take: they are read one by one, by hash.
    """

    def __init__(
        self,
        config: ChainConfig,
        source: ChainSource,
        *,
        history_source: ChainSource | None = None,
        header_store: HeaderStore | None = None,
        reorg_depth: int = REORG_DEPTH,
    ) -> None:
        self.config = config
        self.source = source
        self._history_source = history_source or source
        self.tracker = HeadTracker(
            config, source, header_store or MemoryHeaderStore(), reorg_depth=reorg_depth
        )
        self.live = LiveLogs(source)
        self.history = HistoryReader(config, self._history_source)
        self.feeds = 0
        """Feeds that follow the chain at present."""
        self._closed = False

    @property
    def head_number(self) -> int | None:
        """Number of the newest block known; `None` before the first feed."""
        return self.tracker.head.number if self.tracker.head is not None else None

    @property
    def error(self) -> ChainError | None:
        """What holds the head up at present; `None` while all is well or nobody follows."""
        return self.tracker.trouble.problem

    async def head(self) -> Block:
        """
        Ask the node for the newest block.

        Raises:
            ChainUnavailable: There is no answer.
        """
        return await self.source.head()

    async def block(self, number: int) -> Block | None:
        """
        Ask the node that history is read from for a block; `None` where it has none with this number.

        Raises:
            ChainUnavailable: There is no answer.
        """
        return await self._history_source.block(number)

    async def follow(
        self,
        filter: LogFilter,  # noqa: A002 - the field's word
        *,
        start_block: int,
        end_block: int | None = None,
        after: Position | None = None,
        owner: str = "",
    ) -> AsyncGenerator[LogRange | Reorg | Outage, None]:
        """
        Yield a subscription's logs in order, and what a reorg took back.

        The runs follow each other without gap or overlap. After a `Reorg` they go on right above its common
        ancestor, so whoever drops what the `Reorg` names holds exactly the chain's logs. A run is given also
        where it has no log: it tells the progress. Close the iterator (`aclosing`) when it is left early.

        Args:
            filter: Which logs.
            start_block: First block, 0 or more.
            end_block: Last block; the iterator ends after it. `None` goes on for ever.
            after: What is done already, from an earlier run or an earlier process. With its `block_hash`
                a reorg that happened since is noticed first.
            owner: Whose feed it is: owners share what history costs evenly, however many feeds each has.

        Yields:
            A `LogRange` for each run of blocks, a `Reorg` where delivered blocks were lost, an `Outage` where
            something holds it up for more than a moment: once for each cause, and it goes on by itself.

        Raises:
            ChainUnavailable: History can't be read, or the head was never known; with retries as configured.
                Once the head is reached, an outage only delays.
            ChainError: A node's answer is none that waiting would change, as ChainMismatch.
            ChainClosed: The chain was removed or reconfigured.
        """
        if self._closed:
            raise ChainClosed(f"chain {self.config.chain_id} was closed or reconfigured")
        feed = _Feed(self, filter, start_block, end_block, after, owner)
        self.feeds += 1
        self.tracker.acquire()
        self.live.join(filter)
        try:
            async with aclosing(feed.run()) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self.live.leave(filter)
            self.tracker.release()
            self.feeds -= 1

    async def close(self) -> None:
        """Stop watching; feeds end with ChainClosed. The sources belong to whoever made them."""
        self._closed = True
        await self.tracker.close()
        await self.live.close()


class _Feed:
    """One subscription's way along the chain."""

    def __init__(
        self,
        chain: Chain,
        log_filter: LogFilter,
        start_block: int,
        end_block: int | None,
        after: Position | None,
        owner: str,
    ) -> None:
        self._owner = owner
        self._config = chain.config
        self._tracker = chain.tracker
        self._live = chain.live
        self._history = chain.history
        self._filter = log_filter
        self._start = start_block
        self._end = end_block
        self._next = start_block
        self._skip_to: tuple[int, int] | None = None
        """Block and log index up to which a block delivered in part is skipped."""
        self._tip: tuple[int, str] | None = None
        """The last delivered block whose hash is known: what a reorg is noticed by."""
        self._epoch = -1
        config = chain.config
        self._at_once = config.largest_gap_fill
        """Live blocks that are read at once."""
        self._backoff = Backoff.rounds(
            config.live_max_retries, config.live_retry_delay, config.live_reconnect_delay
        )
        self._gone_backoff = Backoff.doubling(_FIRST_GONE_DELAY, config.live_retry_delay)
        self._failing_since: float | None = None
        self._problem: ChainError | None = None
        """What holds the feed up by itself; what holds the head up stands in the tracker."""
        self._pause: float | None = None
        """Seconds to wait before what failed is tried again."""
        self._told: str | None = None
        """The words of the outage that was told."""
        if after is not None:
            partly = after.log_index is not None
            self._next = max(start_block, after.block if partly else after.block + 1)
            if after.log_index is not None:
                self._skip_to = (after.block, after.log_index)
            if after.block_hash is not None:
                self._tip = (after.block, after.block_hash)

    async def run(self) -> AsyncGenerator[LogRange | Reorg | Outage, None]:
        """Alternate between asking what happened to the delivered blocks and reading the next ones."""
        while True:
            version = self._tracker.version
            outage = self._outage()
            if outage is not None:
                yield outage
            if self._pause is not None:
                pause, self._pause = self._pause, None
                await self._tracker.wait(version, at_most=pause)
                continue
            head = self._tracker.head
            if head is None:
                if self._tracker.trouble.error is not None:
                    raise self._tracker.trouble.error
                await self._tracker.wait(version)
                continue
            lost = await self._lost()
            if lost is not None:
                yield lost
            if self._pause is not None or self._tracker.epoch != self._epoch:
                continue  # nothing is read above blocks whose fate is open
            if self._end is not None and self._next > self._end:
                return
            head = self._tracker.head
            assert head is not None
            stop = head.number - self._config.confirmation_blocks
            if self._end is not None:
                stop = min(stop, self._end)
            if self._next > stop:
                await self._tracker.wait(version)
            elif self._next < self._tracker.live_from:
                async with aclosing(self._read_history(stop, head.number)) as pieces:
                    async for piece in pieces:
                        yield piece
            else:
                blocks = self._live_blocks(stop)
                if not blocks:
                    self._next = stop + 1
                    continue
                live = self._at_hand(blocks)
                if live is None:
                    async with _running(self._read_live(blocks)) as reading:
                        while not (await asyncio.wait([reading], timeout=TELL_AFTER))[0]:
                            outage = self._outage()
                            if outage is not None:
                                yield outage
                        live = reading.result()
                if live is not None and self._tracker.epoch == self._epoch:
                    yield self._deliver(live)

    def _outage(self) -> Outage | None:
        """Return what holds the feed up, once for each cause."""
        problem = self._problem or self._tracker.trouble.problem
        if problem is None:
            self._told = None
            return None
        if str(problem) == self._told:
            return None
        self._told = str(problem)
        return Outage(problem)

    def _failed(self, error: ChainError) -> None:
        """Note a failure: how long to wait after it, and whether it is worth telling."""
        now = asyncio.get_running_loop().time()
        self._failing_since = now if self._failing_since is None else self._failing_since
        if isinstance(error, BlockGone):  # usual for a moment, where nodes lag behind each other
            self._pause = self._gone_backoff.next()
            passing = now - self._failing_since < TELL_AFTER
        else:
            self._pause = self._backoff.next(error)
            passing = False
        if not passing:
            self._problem = error
        logger.info(
            "chain %d: live blocks can't be read (%s); trying again in %g s",
            self._config.chain_id,
            error,
            self._pause,
        )

    def _worked(self) -> None:
        self._failing_since = self._problem = None
        self._backoff.reset()
        self._gone_backoff.reset()

    async def _lost(self) -> Reorg | None:
        """
        Return what was taken back of the delivered blocks since this was asked last.

        Where that can't be told yet it waits a while, and leaves the epoch as it is.
        """
        epoch = self._tracker.epoch
        if epoch == self._epoch:
            return None
        if self._tip is None:
            self._epoch = epoch
            return None
        try:
            fate = await self._tracker.fate(*self._tip)
        except ChainClosed:
            raise
        except ChainError as error:
            self._failed(error)
            return None
        if fate is Fate.UNDECIDED:
            self._undecided(self._tip[0])
            return None
        self._epoch = epoch
        self._worked()
        if not isinstance(fate, Reorg):
            return None
        self._next = max(fate.common_ancestor + 1, self._start)
        self._skip_to = None
        ancestor = self._tracker.canonical(fate.common_ancestor)
        self._tip = (ancestor.number, ancestor.hash) if ancestor is not None else None
        removed = tuple(block for block in fate.removed if block.number >= self._start)
        return Reorg(fate.common_ancestor, removed) if removed else None

    def _undecided(self, delivered: int) -> None:
        """Wait while the chain is too short to tell what became of the delivered blocks."""
        now = asyncio.get_running_loop().time()
        self._failing_since = now if self._failing_since is None else self._failing_since
        self._pause = TELL_AFTER
        if now - self._failing_since >= TELL_AFTER:
            assert self._tracker.head is not None
            self._problem = ChainUnavailable(
                f"block {delivered} was delivered, and the chain's newest block is "
                f"{self._tracker.head.number} now: its node lags behind, or its chain was set back"
            )

    async def _read_history(self, stop: int, head: int) -> AsyncGenerator[LogRange, None]:
        last = min(stop, self._tracker.live_from - 1)
        async with aclosing(
            self._history.read(self._filter, self._next, last, head=head, owner=self._owner)
        ) as pieces:
            async for piece in pieces:
                yield self._deliver(piece)
                if self._tracker.epoch != self._epoch:
                    return

    def _live_blocks(self, stop: int) -> list[Block]:
        """Return the next blocks that are read live."""
        blocks = self._tracker.run(self._next, min(stop, self._next + self._at_once - 1))
        if not blocks:  # only where gap detection is off: none of these blocks was announced
            blocks = self._tracker.run(self._next, stop)[: self._at_once]
        return blocks

    def _at_hand(self, blocks: Sequence[Block]) -> LogRange | None:
        """Return blocks that others have read already, without a task to wait for them; else `None`."""
        logs = self._live.at_hand(blocks, self._filter)
        if logs is None:
            return None
        try:
            dated = _all_dated(blocks, logs)
        except UnreadableAnswer:
            return None  # what to do about it is found out the long way
        return self._piece(blocks, dated)

    async def _read_live(self, blocks: Sequence[Block]) -> LogRange | None:
        """Read blocks by their hashes; `None` where they have to be looked at again."""
        try:
            dated = await self._dated_logs(blocks)
        except ChainClosed:
            raise
        except ChainError as error:
            self._failed(error)
            return None
        return self._piece(blocks, dated)

    def _piece(self, blocks: Sequence[Block], dated: Sequence[_DatedLogs]) -> LogRange:
        self._worked()
        head = self._tracker.head
        assert head is not None
        last, flat = dated[-1]
        if len(dated) > 1:
            flat = tuple(itertools.chain.from_iterable(of_block for _, of_block in dated))
        fitting = _LIVE_LOGS * len(dated) // max(1, len(flat))
        self._at_once = max(1, min(fitting, self._config.largest_gap_fill))
        headers = {block.number: block for block, of_block in dated if of_block or block is last}
        return LogRange(blocks[0].number, last.number, flat, headers, head.number)

    async def _dated_logs(self, blocks: Sequence[Block]) -> list[_DatedLogs]:
        """Return blocks with their logs and times; fewer of them where one can't be read, but the first."""
        try:
            return _all_dated(blocks, await self._live.of(blocks, self._filter))
        except (UnreadableAnswer, RpcError):
            if len(blocks) == 1:
                raise
        return await self._dated_logs(blocks[:1])

    def _deliver(self, piece: LogRange) -> LogRange:
        """Note a run as delivered, without what was delivered of it before."""
        self._next = piece.to_block + 1
        newest = piece.blocks.get(piece.to_block) or (
            piece.blocks[max(piece.blocks)] if piece.blocks else None
        )
        if newest is not None:
            self._tip = (newest.number, newest.hash)
        if self._skip_to is None:
            return piece
        skip, self._skip_to = self._skip_to, None
        logs = tuple(log for log in piece.logs if (log.block_number, log.log_index) > skip)
        return LogRange(piece.from_block, piece.to_block, logs, piece.blocks, piece.head)


def _all_dated(blocks: Sequence[Block], logs: Sequence[tuple[Log, ...]]) -> list[_DatedLogs]:
    return [(_dated(block, of_block), of_block) for block, of_block in zip(blocks, logs, strict=True)]


def _dated(block: Block, logs: Sequence[Log]) -> Block:
    """
    Return a block with the time that its events get: its header's, or what its logs tell of it.

    Raises:
        UnreadableAnswer: There is neither; no event is dated by 0.
    """
    if block.timestamp or not block.number or not logs:
        return block
    told = next((log.block_timestamp for log in logs if log.block_timestamp), None)
    if told is None:
        raise UnreadableAnswer(f"block {block.number} has no time that can be read")
    return msgspec.structs.replace(block, timestamp=told)


@asynccontextmanager
async def _running(coroutine: Coroutine[Any, Any, T]) -> AsyncGenerator[asyncio.Task[T], None]:
    """Run a coroutine as a task that doesn't outlive the block."""
    task = asyncio.ensure_future(coroutine)
    try:
        yield task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

"""
One watcher of a chain's head, however many feeds follow the chain.

It keeps the recent canonical headers, links every new block to them by its parent hash, fetches what was
missed in between, and so finds reorgs without the node's help (anvil never sends `removed: true`).
Feeds wait for its `version` to change and read the headers from here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from enum import Enum

import msgspec

from .backoff import Backoff
from .config import ChainConfig
from .errors import ChainClosed, ChainError, ChainMismatch, ChainUnavailable
from .headers import HeaderChain, HeaderStore, until_missing
from .news import News
from .source import ChainSource
from .trouble import Trouble
from .types import Block, Reorg
from .values import NO_PARENT

logger = logging.getLogger(__name__)

REORG_DEPTH = 64
"""Blocks below the head that are read one by one with their headers; what lies deeper is read as history.
Two epochs of Ethereum, after which its blocks are final."""

_MOST_HEADERS_AT_START = 512
"""With more confirmations than this a block is read as history, by each feed for itself."""
_ROOT_BATCH = 50
_WALK_BATCH = 8
_PRUNE_EVERY = 64
_ATTEMPTS = 5  # a chain that moves while it is read is read again
IDLE_SECONDS = 60.0
"""The head is watched this long after the last feed has gone: a reconnecting client finds it warm."""


class Fate(Enum):
    """What became of a delivered block, where it was not simply lost."""

    KEPT = "kept"
    UNDECIDED = "undecided"
    """The chain is not as long (yet) as to tell."""


class HeadTracker:
    """
    Follows the head of one chain while somebody needs it.

    Args:
        config: The chain's configuration; the live_* fields and `confirmation_blocks` are used.
        source: Where headers come from.
        store: Where they outlive the process.
        reorg_depth: Blocks below the head whose headers are known from the start.
    """

    def __init__(
        self, config: ChainConfig, source: ChainSource, store: HeaderStore, *, reorg_depth: int = REORG_DEPTH
    ) -> None:
        self._config = config
        self._source = source
        self._store = store
        self._depth = max(reorg_depth, min(reorg_depth + config.confirmation_blocks, _MOST_HEADERS_AT_START))
        self._retain = max(1024, 2 * self._depth, config.live_max_gap_size)
        self._headers = HeaderChain(self._retain)
        self._pruned_at = 0
        self._loaded = False
        self._news = News()
        self._task: asyncio.Task[None] | None = None
        self._users = 0
        self._idle: asyncio.TimerHandle | None = None
        self._closed = False
        self.version = 0
        """Grows with every change of the head."""
        self.epoch = 0
        """Grows with every change that is no mere growth; who delivered blocks then asks for their fate."""
        self.reorgs = 0
        """Reorgs seen."""
        self.trouble = Trouble(self._announce, lambda: self._headers.head)
        """What holds the head up."""
        self._genesis: set[str] = set()
        """Hashes that block 0 has been known to have; several where the chain began anew."""
        self._unlinked_told = False
        self._asked_store_at = -1  # the version at which the store was asked last
        self.last_change: float | None = None
        """Unix time of the last change of the head."""

    # --- for feeds ------------------------------------------------------------------------------------

    @property
    def head(self) -> Block | None:
        """The newest block, `None` before the first answer."""
        return self._headers.head

    @property
    def live_from(self) -> int:
        """The first block that is read live, with its header known; what lies below is history."""
        assert self._headers.head is not None
        return max(self._headers.floor, self._headers.head.number - self._depth + 1)

    def acquire(self) -> None:
        """Begin to need the head. Pair with `release`."""
        self._users += 1
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._watch())

    def release(self) -> None:
        """End needing the head; a minute later the node is left in peace."""
        self._users -= 1
        if self._users == 0 and not self._closed:
            self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._stop)

    async def wait(self, version: int, *, at_most: float | None = None) -> None:
        """
        Wait until `version` is no longer the present one, something new holds it up, or `at_most` seconds.

        Raises:
            ChainClosed: The tracker was closed.
        """
        known = self.trouble.told
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most):
                while self.version == version and self.trouble.told == known:
                    await self._wait_for_news()

    def canonical(self, number: int) -> Block | None:
        """Return the canonical block with this number where its header is known."""
        return self._headers.canonical(number)

    def run(self, first: int, last: int) -> list[Block]:
        """Return the known canonical blocks of a range, in order."""
        return self._headers.run(first, last)

    async def fate(self, number: int, block_hash: str) -> Reorg | Fate:
        """
        Tell what became of a block that was delivered.

        Returns:
            A `Reorg` that names what was lost, or why there is none.

        Raises:
            ChainUnavailable: A node's answer is needed and there is none.
        """
        now = await self._canonical_block(number)
        if now is not None and now.hash == block_hash:
            return Fate.KEPT
        tip = await self._known(block_hash)
        if now is None and not self._began_anew and (tip is None or self._continues_head(tip)):
            return Fate.UNDECIDED
        block = tip or Block(number, block_hash, "", 0)
        removed = [block]
        while True:
            below = await self._canonical_block(block.number - 1)
            parent = self._headers.known(block.parent_hash)
            if below is not None and below.hash == block.parent_hash:
                return Reorg(below.number, tuple(reversed(removed)))
            if parent is None:
                return self._guess(tuple(reversed(removed)))
            block = parent
            removed.append(block)

    async def _known(self, block_hash: str) -> Block | None:
        """Return a lost block's header, be it that another process saw it: the store has those of all."""
        found = self._headers.known(block_hash)
        if found is None and self._asked_store_at != self.version:
            try:
                self._headers.remember(await self._store.load(self._config.chain_id))
            except Exception as problem:
                raise ChainUnavailable(f"reading headers: {problem}") from problem
            self._asked_store_at = self.version
            found = self._headers.known(block_hash)
        return found

    # --- the watcher ----------------------------------------------------------------------------------

    async def close(self) -> None:
        """Stop for good; who waits gets ChainClosed."""
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        self.trouble.close()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._announce()

    def _stop(self) -> None:
        if self._task is not None and self._users == 0:
            self._task.cancel()
            self._task = None

    async def _wait_for_news(self) -> None:
        if self._closed:
            raise ChainClosed(f"chain {self._config.chain_id} was closed or reconfigured")
        await self._news.wait()
        if self._closed:
            raise ChainClosed(f"chain {self._config.chain_id} was closed or reconfigured")

    def _announce(self) -> None:
        self._news.tell()

    async def _watch(self) -> None:
        config = self._config
        backoff = Backoff.rounds(
            config.live_max_retries, config.live_retry_delay, config.live_reconnect_delay
        )
        while True:
            try:
                async with contextlib.aclosing(self._source.new_heads()) as heads:
                    async for head in heads:
                        await self._accept(head)
                        backoff.reset()
                        self.trouble.recovered()
                return  # the source was closed
            except Exception as error:
                delay = backoff.next(error)
                lost = backoff.failures % (config.live_max_retries + 1) == 0
                logger.warning(
                    "chain %d: the head can't be read (%s); %s in %g s",
                    config.chain_id,
                    error,
                    "building the connection anew" if lost else "trying again",
                    delay,
                    exc_info=not isinstance(error, ChainError),
                )
                problem = (
                    error if isinstance(error, ChainError) else ChainUnavailable(f"reading headers: {error}")
                )
                await self.trouble.failed(problem, lost=lost, delay=delay)

    async def _accept(self, head: Block) -> None:
        """Take in the newest block."""
        if not self._loaded:
            stored = await self._store.load(self._config.chain_id)
            self._headers.remember(stored)
            self._genesis |= {block.hash for block in stored if block.number == 0}
            self._loaded = True
        known = self._headers.head
        self.trouble.seen(head)
        if known is None:
            await self._root(head)
            return
        if self._headers.is_canonical(head):
            return  # nothing new, or a node that lags behind
        gap = head.number - known.number - 1
        if gap > self._config.live_max_gap_size and self._config.live_enable_gap_detection:
            logger.info(
                "chain %d: %d blocks were missed; they are read as history", self._config.chain_id, gap
            )
            await self._root_anew()
            return
        if gap > 0 and not self._config.live_enable_gap_detection:
            logger.warning(
                "chain %d: blocks %d to %d were not announced and are skipped (gap detection is off)",
                self._config.chain_id,
                known.number + 1,
                head.number - 1,
            )
            branch = [head]
        else:
            found = await self._branch(head)
            if found is None:
                await self._root_anew()
                return
            branch = found
        if branch:
            await self._store.save(self._config.chain_id, branch)
            removed = self._headers.adopt(branch)
            if removed:
                self.reorgs += 1
                logger.info(
                    "chain %d: reorg of %d blocks above %d",
                    self._config.chain_id,
                    len(removed),
                    removed[0].number - 1,
                )
            await self._prune(branch[-1].number)
            self._publish(grown=not removed)

    async def _prune(self, head: int) -> None:
        """Let the store forget old headers, now and then."""
        if head >= self._pruned_at + _PRUNE_EVERY:
            self._pruned_at = head
            await self._store.prune(self._config.chain_id, head - self._retain)

    async def _branch(self, head: Block) -> list[Block] | None:
        """
        Return the blocks from the chain's known part up to `head`, oldest first.

        Empty where the head is known after all; `None` where it does not link to anything known.

        Raises:
            ChainUnavailable: The chain changed each time that it was read.
        """
        for _ in range(_ATTEMPTS):
            branch = [head]
            while not self._links(branch[-1]):
                missing = branch[-1].number - 1
                if missing < self._headers.floor:
                    logger.warning(
                        "chain %d: a reorg goes deeper than block %d, the oldest one known",
                        self._config.chain_id,
                        self._headers.floor,
                    )
                    return None
                linked = await self._linked(branch.pop(), await self._older(missing))
                branch.append(linked[0])
                if len(linked) == 1:
                    break
                for block in linked[1:]:
                    if self._links(branch[-1]):
                        break
                    branch.append(block)
            else:
                branch.reverse()
                return [block for block in branch if not self._headers.is_canonical(block)]
            head = await self._source.head()
        raise ChainUnavailable("the chain changed each time that its headers were read")

    def _links(self, block: Block) -> bool:
        if self._headers.is_canonical(block):
            return True
        parent = self._headers.canonical(block.number - 1)
        return parent is not None and parent.hash == block.parent_hash

    async def _older(self, number: int) -> list[Block]:
        """Fetch headers from `number` downwards: all of a gap in chunks, a few at a time of a lost branch."""
        assert self._headers.head is not None
        top = self._headers.head.number
        count = min(number - top, self._config.largest_gap_fill) if number > top else _WALK_BATCH
        last = max(number - count + 1, self._headers.floor, 0)
        return until_missing(await self._source.blocks(range(number, last - 1, -1)))

    async def _root_anew(self) -> None:
        """
        Start from the newest block, where it doesn't link to anything known.

        Another chain may answer at a node's address by now, without any failure in between: its blocks would
        pass for a reorganisation of all that is known.
        """
        served = await self._source.chain_id()
        if served != self._config.chain_id:
            raise ChainMismatch(f"the node serves chain {served}, not chain {self._config.chain_id}")
        await self._root(await self._source.head())

    async def _root(self, head: Block) -> None:
        """Start from a head with nothing known below it, or too far below it."""
        branch = [head]
        while len(branch) < self._depth and branch[-1].number > 0:
            parent = self._headers.known(branch[-1].parent_hash)
            if parent is not None:
                branch.append(parent)
                continue
            number = branch[-1].number - 1
            last = max(number - min(_ROOT_BATCH, self._depth - len(branch)) + 1, 0)
            older = until_missing(await self._source.blocks(range(number, last - 1, -1)))
            linked = await self._linked(branch.pop(), older)
            branch += linked
            if len(linked) == 1:
                break  # the chain begins here, the node keeps no more, or it has changed meanwhile
        branch.reverse()
        genesis = await self._first_block(branch[0])
        await self._store.save(self._config.chain_id, [*branch, *genesis])
        self._headers.root(branch)
        self._publish(grown=False)

    async def _linked(self, child: Block, older: Sequence[Block]) -> list[Block]:
        """
        Return `child` and the blocks of `older`, newest first, that form a chain below it.

        A parent hash that names no block (`hardhat_mine` leaves those) links by number. Where a node's blocks
        don't link although it names both at once, its word counts, and that is told.
        """
        linked = [child]
        for block in older:
            child = linked[-1]
            if block.hash != child.parent_hash:
                if not (NO_PARENT.fullmatch(child.parent_hash) or await self._both_stand(child, block)):
                    break
                linked[-1] = msgspec.structs.replace(child, parent_hash=block.hash)
            linked.append(block)
        return linked

    async def _both_stand(self, child: Block, below: Block) -> bool:
        """Tell whether a node names two blocks at once that don't link: a fault of the chain, no reorg."""
        now = await self._source.blocks([child.number, below.number])
        stand = [block.hash if block is not None else None for block in now] == [child.hash, below.hash]
        if stand and not self._unlinked_told:
            self._unlinked_told = True
            logger.warning(
                "chain %d: block %d names %s as its parent, and block %d is %s; linked by number",
                self._config.chain_id,
                child.number,
                child.parent_hash or "none",
                below.number,
                below.hash,
            )
        return stand

    # --- a chain that starts anew ---------------------------------------------------------------------

    async def _first_block(self, lowest: Block) -> list[Block]:
        """Return block 0 where the node has it, and note whether it is another one than before."""
        try:
            first = lowest if lowest.number == 0 else await self._source.block(0)
        except ChainError as error:
            logger.debug("chain %d: block 0 can't be read: %s", self._config.chain_id, error)
            return []
        if first is None:
            return []
        if self._genesis and first.hash not in self._genesis:
            logger.warning("chain %d began anew: its block 0 is now %s", self._config.chain_id, first.hash)
        self._genesis.add(first.hash)
        return [first]

    @property
    def _began_anew(self) -> bool:
        return len(self._genesis) > 1

    def _publish(self, *, grown: bool) -> None:
        self.version += 1
        if not grown:
            self.epoch += 1
        self.last_change = time.time()
        self._announce()

    # --- the fate of delivered blocks -----------------------------------------------------------------

    async def _canonical_block(self, number: int) -> Block | None:
        head = self._headers.head
        assert head is not None
        if number > head.number or number < 0:
            return None
        return self._headers.canonical(number) or await self._source.block(number)

    def _continues_head(self, tip: Block) -> bool:
        """Tell whether the head is an ancestor of `tip`: the chain is behind, and contradicts nothing."""
        block: Block | None = tip
        while (
            block is not None and self._headers.head is not None and block.number > self._headers.head.number
        ):
            block = self._headers.known(block.parent_hash)
        if block is None:
            return True  # its branch isn't remembered down to the head
        return self._headers.is_canonical(block)

    def _guess(self, removed: tuple[Block, ...]) -> Reorg:
        """
        Name an ancestor that is old enough where the lost branch is remembered in part only.

        What is sent again may have been delivered before; nothing is left out.
        """
        if self._began_anew:
            return Reorg(-1, removed)
        return Reorg(max(removed[0].number - self._depth - 1, -1), removed)

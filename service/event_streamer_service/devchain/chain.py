"""
The embedded development chain: a whole chain in one object, no node needed.

    chain = DevChain(chain_id=1, first_block=19_000_000)
    chain.mine(3)
    chain.reorg(depth=2)

It has ERC-20, ERC-721 and Uniswap-V3-like events in every block (see `devlogs`), it is deterministic (same
arguments, same calls: same chain), its blocks are linked by true parent hashes, and it reorganises on
demand. A test can add logs of its own with `emit`. It is a `ChainSource`, and `devchain_server` speaks
JSON-RPC for it.

Only 32 bytes a block are kept, and what tells a block from the one that would have been there anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AbstractContextManager

import msgspec

from event_streamer_service.chains.config import chain_name
from event_streamer_service.chains.errors import BlockGone, RangeTooLarge
from event_streamer_service.chains.types import Block, Log, LogFilter, Reorg

from . import logs as devlogs
from .logs import BlockLogs, DevContract

__all__ = ["DEFAULT_HISTORY", "DevChain", "EmittedLog"]

DEFAULT_HISTORY = 10_064
"""Blocks that exist at the start: the 10,001 that the documentation's examples read, and some on top."""

_GENESIS_TIME = 1_704_067_200  # 2024-01-01T00:00:00Z: fixed, so that every run sees the same times
_YIELD_EVERY_LOGS = 1_000  # a long answer lets other tasks of the loop run now and then
_HASH_BYTES = 32


class EmittedLog(msgspec.Struct, frozen=True):
    """
    A log that a test puts into a block itself.

    Attributes:
        address: Emitting contract, 0x-hex, lower case.
        topics: Up to four topics, 0x-hex, lower case.
        data: The log's data, 0x-hex.
    """

    address: str
    topics: tuple[str, ...]
    data: str = "0x"


class DevChain:
    """
    A deterministic development chain. Its methods may be called from any thread.

    Args:
        chain_id: The chain that it stands in for (EIP-155), 1 or more.
        first_block: Number of its first block, 0 or more; there is nothing before it.
        seed: Another seed gives another chain.
        blocks: Blocks that exist at the start, 1 or more.
        logs_per_block: Generated logs in every block, 0 or more.
        block_time: Seconds between the time stamps of two blocks.
        mine_every: Seconds between two blocks mined by themselves once the chain is watched or
            `start` is called; `None` mines on demand only.
        max_results: Refuse a question for more logs than this, as nodes do.
        max_block_range: Refuse a question over more blocks than this, as nodes do.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(
        self,
        chain_id: int = 31_337,
        first_block: int = 0,
        *,
        seed: int = 1,
        blocks: int = DEFAULT_HISTORY,
        logs_per_block: int = 8,
        block_time: int = 12,
        mine_every: float | None = None,
        max_results: int | None = 100_000,
        max_block_range: int | None = None,
    ) -> None:
        for name, value, least in (
            ("chain_id", chain_id, 1),
            ("first_block", first_block, 0),
            ("blocks", blocks, 1),
            ("logs_per_block", logs_per_block, 0),
            ("block_time", block_time, 1),
        ):
            if value < least:
                raise ValueError(f"DevChain: {name} must be {least} or more, not {value}")
        if mine_every is not None and mine_every <= 0:
            raise ValueError(f"DevChain: mine_every must be more than 0 seconds, not {mine_every}")
        self.first_block = first_block
        self.logs_per_block = logs_per_block
        self.block_time = block_time
        self.mine_every = mine_every
        self.max_results = max_results
        self.max_block_range = max_block_range
        self._chain_id = chain_id
        self._logs = BlockLogs(logs_per_block, seed)
        self._genesis = hashlib.blake2b(
            b"event-streamer development chain %d %d %d" % (chain_id, first_block, seed), digest_size=32
        ).digest()
        self._hashes = bytearray()
        self._branches: dict[int, int] = {}
        """Block number → which reorg made it; blocks of the first branch are not in it."""
        self._emitted: dict[int, tuple[EmittedLog, ...]] = {}
        self._pending: list[EmittedLog] = []
        self._reorgs = 0
        self._lock = threading.RLock()
        self._watchers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._closings = 0
        self._miner: asyncio.Task[None] | None = None
        self._append(blocks)

    # --- what a test or a user does to it -----------------------------------------------------------

    @property
    def name(self) -> str:
        """The name of the chain that it stands in for."""
        return chain_name(self._chain_id)

    @property
    def contracts(self) -> tuple[DevContract, ...]:
        """The contracts whose events every block holds."""
        return devlogs.CONTRACTS

    @property
    def accounts(self) -> tuple[str, ...]:
        """The addresses that take part in generated events."""
        return self._logs.accounts

    @property
    def head_number(self) -> int:
        """Number of the newest block."""
        return self.first_block + len(self._hashes) // _HASH_BYTES - 1

    def mine(self, blocks: int = 1) -> list[Block]:
        """
        Add blocks and return them. Logs given to `emit` before go into the first of them.

        Args:
            blocks: How many, 1 or more.
        """
        if blocks < 1:
            raise ValueError(f"DevChain.mine: blocks must be 1 or more, not {blocks}")
        with self._lock:
            first = self.head_number + 1
            self._append(blocks)
            mined = [self._block(number) for number in range(first, first + blocks)]
        self._wake()
        return mined

    def emit(
        self, address: str, topics: Iterable[str], data: str = "0x", *, mine: bool = False
    ) -> EmittedLog:
        """
        Put a log of your own into the next block.

        Args:
            address: Emitting contract, 20 bytes as 0x-hex.
            topics: Up to four topics, 32 bytes each as 0x-hex.
            data: The log's data as 0x-hex.
            mine: Mine that block at once.

        Raises:
            ValueError: Something is not hex or of the wrong length.

        Example:
            >>> chain = DevChain(logs_per_block=0, blocks=1)
            >>> log = chain.emit("0x" + "ab" * 20, ["0x" + "01" * 32], mine=True)
        """
        log = EmittedLog(
            _hex(address, 20, "address"),
            tuple(_hex(topic, 32, f"topics[{i}]") for i, topic in enumerate(topics)),
            _hex(data, None, "data"),
        )
        if len(log.topics) > 4:
            raise ValueError(f"DevChain.emit: a log has at most 4 topics, not {len(log.topics)}")
        with self._lock:
            self._pending.append(log)
        if mine:
            self.mine()
        return log

    def transfer(
        self, sender: str, to: str, value: int, *, token: str = devlogs.TOKEN.address, mine: bool = False
    ) -> EmittedLog:
        """
        Put an ERC-20 Transfer of your own into the next block.

        Args:
            sender: Address that pays.
            to: Address that receives.
            value: Amount in the token's smallest unit, 0 to 2**256 - 1.
            token: The token's address.
            mine: Mine that block at once.
        """
        if not 0 <= value < 1 << 256:
            raise ValueError(f"DevChain.transfer: value must fit into uint256, not {value}")
        words = [
            "0x" + _hex(address, 20, name)[2:].rjust(64, "0")
            for address, name in ((sender, "sender"), (to, "to"))
        ]
        return self.emit(token, (devlogs.TRANSFER, *words), f"0x{value:064x}", mine=mine)

    def reorg(self, depth: int, *, blocks: int | None = None) -> Reorg:
        """
        Replace the newest blocks by other ones with other events.

        Args:
            depth: Blocks that are lost, 1 or more; the first block always stays.
            blocks: Blocks that the new branch has; as many as were lost where not given. 0 shortens the
                chain, as reverting to a snapshot of a node does.

        Returns:
            The common ancestor and the lost blocks.

        Raises:
            ValueError: There are not so many blocks.
        """
        with self._lock:
            longest = self.head_number - self.first_block
            if not 1 <= depth <= longest:
                raise ValueError(f"DevChain.reorg: depth must be 1 to {longest}, not {depth}")
            if blocks is not None and blocks < 0:
                raise ValueError(f"DevChain.reorg: blocks must be 0 or more, not {blocks}")
            ancestor = self.head_number - depth
            removed = tuple(self._block(number) for number in range(ancestor + 1, self.head_number + 1))
            self._reorgs += 1
            del self._hashes[(ancestor + 1 - self.first_block) * _HASH_BYTES :]
            for block in removed:
                self._emitted.pop(block.number, None)
                self._branches.pop(block.number, None)
            self._append(depth if blocks is None else blocks)
        self._wake()
        return Reorg(ancestor, removed)

    def start(self) -> None:
        """Begin to mine every `mine_every` seconds, in the running event loop. Does nothing without it."""
        if self.mine_every is not None and (self._miner is None or self._miner.done()):
            self._miner = asyncio.get_running_loop().create_task(self._mine_for_ever(self.mine_every))

    # --- ChainSource --------------------------------------------------------------------------------

    async def chain_id(self) -> int:
        """Return the chain's id."""
        return self._chain_id

    async def head(self) -> Block:
        """Return the newest block."""
        with self._lock:
            return self._block(self.head_number)

    async def block(self, number: int) -> Block | None:
        """Return a block's header, `None` outside of the chain."""
        with self._lock:
            return self._block(number) if self.first_block <= number <= self.head_number else None

    async def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
        """Return several headers, in the order asked for."""
        return [await self.block(number) for number in numbers]

    def block_by_hash(self, block_hash: str, near: int | None = None) -> Block | None:
        """
        Return the block with this hash, `None` where the chain has none (any more).

        Args:
            block_hash: 0x-hex, lower case.
            near: Number that the block would have; without it the whole chain is searched.
        """
        with self._lock:
            if near is not None:
                known = self.first_block <= near <= self.head_number
                block = self._block(near) if known else None
                return block if block is not None and block.hash == block_hash else None
            wanted = bytes.fromhex(block_hash[2:])
            at = self._hashes.find(wanted)
            while at >= 0 and at % _HASH_BYTES:
                at = self._hashes.find(wanted, at + 1)
            return self._block(self.first_block + at // _HASH_BYTES) if at >= 0 else None

    def span(self, first: int, last: int) -> list[Block]:
        """
        Return the headers of a run of blocks.

        Args:
            first: Number of the first, which the chain has; behind the newest block there are none.
            last: Number of the last, which the chain has.
        """
        with self._lock:
            return [self._block(number) for number in range(first, last + 1)]

    def still(self) -> AbstractContextManager[object]:
        """Let nothing happen to the chain for as long as the context lasts."""
        return self._lock

    def transaction_index(self, log: Log) -> int:
        """Return the place in its block of the transaction that a log of this chain belongs to."""
        own = log.log_index - self.logs_per_block  # each log that was emitted has a transaction of its own
        return self._logs.transaction_index(log.log_index) if own < 0 else self._logs.transactions + own

    def block_of_transaction(self, transaction_hash: str) -> int:
        """
        Return the number of the block that a transaction would be in, if it is one of this chain.

        Args:
            transaction_hash: 32 bytes as 0x-hex.
        """
        return int(transaction_hash[-16:], 16)

    async def logs(self, from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
        """
        Return the matching logs of a range of blocks; blocks that do not exist have none.

        Raises:
            RangeTooLarge: More than `max_results` logs or `max_block_range` blocks.
        """
        first = max(from_block, self.first_block)
        last = min(to_block, self.head_number)
        self._refuse_too_much(from_block, to_block, last - first + 1, log_filter)
        logs: list[Log] = []
        rest = _YIELD_EVERY_LOGS
        for number in range(first, last + 1):
            with self._lock:
                if number > self.head_number:
                    break
                logs += self._make(number, log_filter)
            if len(logs) > rest:
                rest = len(logs) + _YIELD_EVERY_LOGS
                await asyncio.sleep(0)
        return logs

    async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        """
        Return the matching logs of each of these blocks.

        Raises:
            BlockGone: A reorg took one of them.
        """
        return self.logs_of(blocks, log_filter)

    def logs_of(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        """
        Return the same as `block_logs`, without a loop to run in.

        Raises:
            BlockGone: A reorg took one of them.
        """
        logs = []
        with self._lock:
            for block in blocks:
                if self.block_by_hash(block.hash, near=block.number) is None:
                    raise BlockGone(f"block {block.number} ({block.hash}) is not part of the chain")
                logs.append(self._make(block.number, log_filter))
        return logs

    async def new_heads(self) -> AsyncGenerator[Block, None]:
        """Yield the newest block now and whenever it changes, until `close`."""
        self.start()
        changed = asyncio.Event()
        watcher = (asyncio.get_running_loop(), changed)
        self._watchers.add(watcher)
        closings = self._closings
        seen: str | None = None
        try:
            while closings == self._closings:
                changed.clear()
                head = await self.head()
                if head.hash != seen:
                    seen = head.hash
                    yield head
                else:
                    await changed.wait()
        finally:
            self._watchers.discard(watcher)

    async def close(self) -> None:
        """Stop mining and end what waits for new heads. The chain can be used again afterwards."""
        self._closings += 1
        self._wake()
        if self._miner is not None:
            self._miner.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._miner
            self._miner = None

    # --- inside -------------------------------------------------------------------------------------

    def _append(self, blocks: int) -> None:
        """Extend the hash chain; every hash commits to its parent and to all that makes its block."""
        parent = bytes(self._hashes[-_HASH_BYTES:]) or self._genesis
        branch = self._reorgs
        first = self.head_number + 1
        for number in range(first, first + blocks):
            content = b"%d %d" % (number, branch)
            if branch:
                self._branches[number] = branch
            if self._pending:
                self._emitted[number] = tuple(self._pending)
                self._pending.clear()
                content += msgspec.msgpack.encode(self._emitted[number])
            parent = hashlib.sha256(parent + content).digest()
            self._hashes += parent

    def _hash(self, number: int) -> bytes:
        at = (number - self.first_block) * _HASH_BYTES
        return bytes(self._hashes[at : at + _HASH_BYTES]) if at >= 0 else self._genesis

    def _time(self, number: int) -> int:
        return _GENESIS_TIME + (number - self.first_block) * self.block_time

    def _block(self, number: int) -> Block:
        return Block(
            number, "0x" + self._hash(number).hex(), "0x" + self._hash(number - 1).hex(), self._time(number)
        )

    def _make(self, number: int, log_filter: LogFilter) -> list[Log]:
        block_hash = self._hash(number)
        block_hash_hex = "0x" + block_hash.hex()
        timestamp = self._time(number)
        logs = self._logs.make(log_filter, number, block_hash, block_hash_hex, timestamp)
        for position, emitted in enumerate(self._emitted.get(number, ())):
            random = hashlib.blake2b(block_hash + b"emitted %d" % position, digest_size=24).hexdigest()
            log = Log(
                emitted.address,
                emitted.topics,
                emitted.data,
                number,
                block_hash_hex,
                f"0x{random}{devlogs.transaction_ending(number)}",
                self.logs_per_block + position,
                timestamp,
            )
            if log_filter.matches(log):
                logs.append(log)
        return logs

    def _refuse_too_much(self, from_block: int, to_block: int, blocks: int, log_filter: LogFilter) -> None:
        """Refuse in the words of widespread nodes, so that a reader's understanding of them is exercised."""
        if self.max_block_range is not None and to_block - from_block + 1 > self.max_block_range:
            raise RangeTooLarge(
                f"block range is too wide (maximum {self.max_block_range})", limit=self.max_block_range
            )
        results = self._logs.count(log_filter) * max(blocks, 0)
        if self.max_results is not None and results > self.max_results and blocks > 1:
            raise RangeTooLarge(f"query returned more than {self.max_results} results")

    def _wake(self) -> None:
        for loop, event in tuple(self._watchers):
            with contextlib.suppress(RuntimeError):  # the loop of a watcher that is gone
                loop.call_soon_threadsafe(event.set)

    async def _mine_for_ever(self, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            self.mine()


def _hex(text: str, size: int | None, name: str) -> str:
    """
    Return 0x-hex in lower case.

    Raises:
        ValueError: It is not 0x-hex, or not of `size` bytes.
    """
    try:
        value = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        value = None
    if value is None or not text.startswith("0x") or (size is not None and len(value) != size):
        expected = "0x-hex" if size is None else f"{size} bytes as 0x-hex"
        raise ValueError(f"DevChain: {name} must be {expected}, not {text!r}")
    return "0x" + value.hex()

"""
The chain's vocabulary: what every source gives and the feed hands on.

Small immutable values, so that they can be shared between the feeds of many
subscriptions without copies. They are msgspec structs: a log is made in a fifth
of the time that an attrs class or a dataclass takes, and there are millions of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Block(msgspec.Struct, frozen=True, gc=False):
    """
    A block's header, as far as following a chain needs it.

    Attributes:
        number: Block number, 0 or more.
        hash: Block hash, 0x-hex, lower case.
        parent_hash: Hash of the block before, 0x-hex, lower case; empty where only a log told of the block.
        timestamp: Seconds since the Unix epoch; 0 where the node gave no time that can be read (no event is
            dated by that), and of the first block of many chains.
    """

    number: int
    hash: str
    parent_hash: str
    timestamp: int


class Log(msgspec.Struct, frozen=True, gc=False):
    """
    One log of a block, undecoded (execution-apis, `eth_getLogs`).

    Attributes:
        address: Emitting contract, 0x-hex, lower case.
        topics: Up to four topics, 0x-hex, lower case.
        data: The log's data, 0x-hex.
        block_number: Number of its block.
        block_hash: Hash of its block.
        transaction_hash: Hash of its transaction.
        log_index: Position in the block, 0 or more.
        block_timestamp: Its block's time in seconds since the Unix epoch, where the node tells it.
    """

    address: str
    topics: tuple[str, ...]
    data: str
    block_number: int
    block_hash: str
    transaction_hash: str
    log_index: int
    block_timestamp: int | None = None


class LogFilter(msgspec.Struct, frozen=True):
    """
    Which logs are asked for.

    Attributes:
        topic0: The event's topic0, 0x-hex, lower case; several at once as a set (what many
            subscriptions ask of one block); `None` takes any log (anonymous events).
        addresses: Emitting contracts, lower case; empty means all.
        further: What each topic behind the first may be, by position, 0x-hex, lower case; `None` takes any.
            A log with fewer topics doesn't match (as in eth_getLogs).
    """

    topic0: str | frozenset[str] | None
    addresses: frozenset[str] = frozenset()
    further: tuple[frozenset[str] | None, ...] = ()

    def matches(self, log: Log) -> bool:
        """Tell whether `log` is asked for."""
        if self.addresses and log.address not in self.addresses:
            return False
        if self.further and not self.matches_further(log.topics):
            return False
        if self.topic0 is None:
            return True
        if not log.topics:
            return False
        if isinstance(self.topic0, str):
            return log.topics[0] == self.topic0
        return log.topics[0] in self.topic0

    def covers(self, other: LogFilter) -> bool:
        """Tell whether every log that `other` asks for is asked for here too."""
        if self.addresses and not (other.addresses and other.addresses <= self.addresses):
            return False
        if len(self.further) > len(other.further) or not all(
            map(_covers, self.further, other.further[: len(self.further)])
        ):
            return False
        return self.topic0 is None or (other.topic0 is not None and other.topics() <= self.topics())

    def matches_further(self, topics: tuple[str, ...]) -> bool:
        """Tell whether a log with these topics has those that are asked for behind the first."""
        return len(topics) > len(self.further) and all(
            wanted is None or topic in wanted for wanted, topic in zip(self.further, topics[1:], strict=False)
        )

    def topics(self) -> frozenset[str]:
        """Return the topic0 values as a set; empty where any log is taken."""
        if self.topic0 is None:
            return frozenset()
        return frozenset((self.topic0,)) if isinstance(self.topic0, str) else self.topic0


def _covers(wide: frozenset[str] | None, narrow: frozenset[str] | None) -> bool:
    return wide is None or (narrow is not None and narrow <= wide)


class Position(msgspec.Struct, frozen=True):
    """
    How far a reader of a chain has come: everything up to and including this is done.

    Attributes:
        block: Number of the last block that was (partly) delivered.
        log_index: The last log delivered of that block; `None` when the block is done whole.
        block_hash: That block's hash, where known: a reorg that happened meanwhile shows by it.
    """

    block: int
    log_index: int | None = None
    block_hash: str | None = None


class LogRange(msgspec.Struct, frozen=True):
    """
    The matching logs of a run of blocks, in order.

    Attributes:
        from_block: First block of the run.
        to_block: Last block of the run; the run is complete up to here.
        logs: Matching logs, ordered by block number and log index; may be empty.
        blocks: Header of every block that has a log in `logs`, by number, and of `to_block` where known.
        head: Number of the chain's newest block when the run was read.
    """

    from_block: int
    to_block: int
    logs: tuple[Log, ...]
    blocks: Mapping[int, Block]
    head: int


class Outage(msgspec.Struct, frozen=True):
    """
    Something that holds a reader up; it goes on by itself when that is over.

    Attributes:
        problem: What it is, a `ChainError`: in the node's own words where it gave some.
    """

    problem: Exception


class Reorg(msgspec.Struct, frozen=True):
    """
    Blocks that were delivered and are no longer part of the chain.

    Attributes:
        common_ancestor: Number of the newest block that both branches share.
        removed: The lost blocks, oldest first.
    """

    common_ancestor: int
    removed: tuple[Block, ...]

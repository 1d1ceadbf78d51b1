"""
Logs out of a node's JSON: what of an answer is certain, and which blocks have to be read another way. Pure.

Answers of the usual form take a short way, since there are millions of logs; the first thing that is out of
order sends the whole answer the long way.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import msgspec
from attrs import field, frozen

from .errors import UnreadableAnswer
from .types import Block, Log, LogFilter
from .values import TOPIC_LENGTH, data_of, hash_of, quantity, seconds, topics_of

_Topic = Annotated[str, msgspec.Meta(min_length=TOPIC_LENGTH, max_length=TOPIC_LENGTH)]
_Data = Annotated[str, msgspec.Meta(min_length=2)]
_Hash = Annotated[str, msgspec.Meta(min_length=1)]


class _RpcLog(msgspec.Struct, rename="camel", gc=False):
    """A log of the usual form; anything else takes the long way."""

    address: str
    topics: tuple[_Topic, ...]
    data: _Data
    block_number: str
    block_hash: _Hash
    transaction_hash: _Hash
    log_index: str
    transaction_index: str | None = None
    block_timestamp: str | None = None
    removed: bool = False


_address, _data, _removed, _block_number, _block_hash, _block_timestamp = map(
    operator.attrgetter, ("address", "data", "removed", "block_number", "block_hash", "block_timestamp")
)
_usual_logs: msgspec.json.Decoder[list[_RpcLog]] = msgspec.json.Decoder(list[_RpcLog])
_anything: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


@frozen
class Asked:
    """
    What an answer has to be about.

    Attributes:
        first: First block.
        last: Last block.
        log_filter: Which logs.
        block_hash: The block's hash where it was asked for by it.
    """

    first: int
    last: int
    log_filter: LogFilter
    block_hash: str | None = None


@frozen
class Reading:
    """
    What was read of an answer.

    Attributes:
        logs: Logs that are certain, ordered by block number and log index.
        unsure: Blocks whose logs have to be read another way, and why.
        foreign: What the answer is about where it isn't about the blocks asked for.
        suspects: Blocks whose log indexes may count within the transaction.
    """

    logs: list[Log] = field(factory=list)
    unsure: dict[int, str] = field(factory=dict)
    foreign: str | None = None
    suspects: set[int] = field(factory=set)


class _OutOfOrder(Exception):  # noqa: N818 - no error: the answer takes the long way
    """An answer is not of the usual form."""


def read_logs(raw: bytes | msgspec.Raw, asked: Asked) -> Reading:
    """
    Read the logs of an answer, as far as they are certain.

    Raises:
        UnreadableAnswer: It is not a list of logs.
    """
    try:
        return _usual(_usual_logs.decode(raw), asked)
    except (msgspec.MsgspecError, ValueError, _OutOfOrder):
        pass
    try:
        found = _anything.decode(raw)
    except msgspec.MsgspecError as error:
        raise UnreadableAnswer(f"logs have an unexpected form: {error}") from None
    if found is None:
        return Reading()
    if not isinstance(found, list) or not all(isinstance(log, dict) for log in found):
        raise UnreadableAnswer(f"the node answered with {type(found).__name__} in place of a list of logs")
    return _unusual(found, asked)


def _usual(found: list[_RpcLog], asked: Asked) -> Reading:
    """
    Make logs of the usual form, column by column.

    Most columns have few different values (addresses, hashes, times), and each of these is looked at once.
    That numbers and data begin with `0x` is looked at in one log: nodes differ in that, their logs don't.
    """
    wanted = asked.log_filter
    numbers = {text: _hex(text) for text in set(map(_block_number, found))}
    addresses = {text: text.lower() for text in set(map(_address, found))}
    first_topics = {log.topics[0] if log.topics else None for log in found}
    times = {text: seconds(text) or None for text in set(map(_block_timestamp, found))}
    if not (
        all(asked.first <= number <= asked.last for number in numbers.values())
        and (not wanted.addresses or wanted.addresses.issuperset(addresses.values()))
        and (wanted.topic0 is None or wanted.topics() >= first_topics)
        and all(topic is None or topic.islower() for topic in first_topics)
        and (not wanted.further or all(wanted.matches_further(log.topics) for log in found))
        and not any(length & 1 for length in set(map(len, map(_data, found))))
        and all(log.data[:2] == log.log_index[:2] == "0x" for log in found[:1])
        and True not in set(map(_removed, found))
        and (asked.block_hash is None or {asked.block_hash}.issuperset(map(_block_hash, found)))
    ):
        raise _OutOfOrder
    indexes = [int(log.log_index, 16) for log in found]
    blocks = [numbers[text] for text in map(_block_number, found)]
    places = [number << 32 | index for number, index in zip(blocks, indexes, strict=True)]
    if not all(map(operator.lt, places, places[1:])):
        raise _OutOfOrder
    logs = [
        Log(
            addresses[log.address],
            log.topics,
            log.data,
            number,
            log.block_hash,
            log.transaction_hash,
            index,
            times[log.block_timestamp],
        )
        for log, number, index in zip(found, blocks, indexes, strict=True)
    ]
    suspects = {
        numbers[log.block_number]
        for log in found
        if log.log_index == "0x0" and log.transaction_index not in (None, "0x0")
    }
    return Reading(logs, suspects=suspects)


def _hex(text: str) -> int:
    if text[:2] != "0x":
        raise _OutOfOrder
    return int(text, 16)


@frozen
class _Found:
    """A log on the long way, with what places it."""

    log: Log
    transaction_index: int | None
    has_index: bool


def _unusual(found: Sequence[dict[str, Any]], asked: Asked) -> Reading:
    by_block: dict[int, list[_Found]] = {}
    unsure: dict[int, str] = {}
    suspects: set[int] = set()
    for raw in found:
        number, block_hash = quantity(raw.get("blockNumber")), hash_of(raw.get("blockHash"))
        if raw.get("removed") is True or (number is None and block_hash is None):
            continue  # of a block that a reorg took, or of one that isn't mined yet: not part of the chain
        foreign = _foreign(number, block_hash, asked)
        if foreign is not None:
            return Reading(foreign=foreign)
        if number is None:
            if asked.first != asked.last:
                raise UnreadableAnswer("the node gave a log without a block number")
            number = asked.first
        log = _read_log(raw, number, block_hash or asked.block_hash)
        if asked.log_filter.topic0 is not None and raw.get("topics") is None:
            log = "a log without topics, asked for by its topic"
        if isinstance(log, str):
            unsure.setdefault(number, log)
        elif asked.log_filter.matches(log.log):
            by_block.setdefault(number, []).append(log)
    for number, logs in by_block.items():
        problem = _misplaced(logs)
        if problem is not None:
            unsure.setdefault(number, problem)
        elif logs[0].log.log_index == 0 and logs[0].transaction_index:
            suspects.add(number)
    certain = [one.log for number in sorted(by_block) if number not in unsure for one in by_block[number]]
    return Reading(certain, unsure, suspects=suspects - unsure.keys())


def _foreign(number: int | None, block_hash: str | None, asked: Asked) -> str | None:
    if number is not None and not asked.first <= number <= asked.last:
        return f"block {number}"
    if asked.block_hash is not None and block_hash is not None and block_hash != asked.block_hash:
        return f"block {block_hash}"
    return None


def _read_log(raw: dict[str, Any], number: int, block_hash: str | None) -> _Found | str:
    """Return a log, or what can't be read of it."""
    address, topics, data = (
        hash_of(raw.get("address")),
        topics_of(raw.get("topics")),
        data_of(raw.get("data")),
    )
    transaction, index = hash_of(raw.get("transactionHash")), quantity(raw.get("logIndex"))
    for name, value in (
        ("blockHash", block_hash),
        ("address", address),
        ("topics", topics),
        ("data", data),
        ("transactionHash", transaction),
    ):
        if value is None:
            return f"a log without a readable {name}"
    assert address is not None
    assert topics is not None
    assert data is not None
    assert block_hash is not None
    assert transaction is not None
    told = seconds(raw.get("blockTimestamp")) or None
    log = Log(address, topics, data, number, block_hash, transaction, index or 0, told)
    return _Found(log, quantity(raw.get("transactionIndex")), index is not None)


def _misplaced(logs: list[_Found]) -> str | None:
    """Put a block's logs in order; say why where their places can't be told by `logIndex`."""
    if not all(one.has_index for one in logs):
        return "a log without a readable logIndex"
    logs.sort(key=lambda one: one.log.log_index)
    for before, after in pairwise(logs):
        if before.log == after.log:
            continue
        if before.log.log_index == after.log.log_index:
            return f"two logs with logIndex {after.log.log_index}"
        if (before.transaction_index or 0) > (
            after.transaction_index if after.transaction_index is not None else 2**63
        ):
            return "a logIndex that counts within the transaction"
    for i in range(len(logs) - 1, 0, -1):  # some nodes give a log twice
        if logs[i].log == logs[i - 1].log:
            del logs[i]
    return None


# --- a whole block ------------------------------------------------------------------------------------------


@frozen
class WholeBlock:
    """
    All logs of one block.

    Attributes:
        logs: Its logs; each has its position in the block.
        counts_in_transaction: Whether the node's `logIndex` counts within the transaction; `None` where that
            can't be told, as of a block with logs of one transaction alone.
    """

    logs: list[Log]
    counts_in_transaction: bool | None


def read_whole_block(raw: bytes | msgspec.Raw, block: Block, *, receipts: bool) -> WholeBlock | None:
    """
    Read all the logs of a block from its receipts, or from its logs without a filter.

    The order in the block tells a log's position, whatever `logIndex` says.

    Args:
        raw: The answer.
        block: The block that was asked for.
        receipts: Whether the answer is that of `eth_getBlockReceipts`.

    Returns:
        The logs, `None` where the node has no receipts of this block.

    Raises:
        UnreadableAnswer: A log can't be read in this way either, or belongs to another block.
    """
    try:
        found = _anything.decode(raw)
    except msgspec.MsgspecError as error:
        raise UnreadableAnswer(f"the logs of block {block.number} have an unexpected form: {error}") from None
    if found is None:
        if receipts:
            return None
        found = []
    entries = _of_receipts(found, block) if receipts else found
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UnreadableAnswer(f"the logs of block {block.number} are no list of logs")
    asked = Asked(block.number, block.number, LogFilter(None), block.hash)
    logs: list[_Found] = []
    for entry in entries:
        number, block_hash = quantity(entry.get("blockNumber")), hash_of(entry.get("blockHash"))
        foreign = _foreign(number, block_hash, asked)
        if foreign is not None:
            raise UnreadableAnswer(f"the node answered with logs of {foreign}, not of block {block.number}")
        if entry.get("removed") is True:
            continue
        log = _read_log(entry, block.number, block_hash or block.hash)
        if isinstance(log, str):
            raise UnreadableAnswer(f"block {block.number} has {log}")
        logs.append(log)
    return _placed(logs)


def _of_receipts(found: Any, block: Block) -> list[Any]:
    """Return the logs of all receipts in the order of the block, with what the receipt knows of them."""
    if not isinstance(found, list) or not all(isinstance(receipt, dict) for receipt in found):
        raise UnreadableAnswer(f"the receipts of block {block.number} are no list of receipts")
    inherited = ("transactionHash", "transactionIndex", "blockHash", "blockNumber")
    entries = []
    for place, receipt in enumerate(found):
        known = {name: receipt.get(name) for name in inherited}
        if known["transactionIndex"] is None:
            known["transactionIndex"] = place
        for log in receipt.get("logs") or ():
            if not isinstance(log, dict):
                raise UnreadableAnswer(f"a receipt of block {block.number} has something else among its logs")
            own = {name: log[name] for name in inherited if log.get(name) is not None}
            entries.append({**log, **known, **own})
    return entries


def _placed(logs: list[_Found]) -> WholeBlock:
    if all(one.transaction_index is not None for one in logs):
        logs.sort(key=lambda one: one.transaction_index or 0)  # stable: the order within a transaction stays
    given = [one.log.log_index for one in logs]
    trusted = all(one.has_index for one in logs) and all(a < b for a, b in pairwise(given))
    transactions = {one.log.transaction_hash for one in logs}
    told = all(one.has_index for one in logs) and len(transactions) > 1
    if not trusted:
        logs = [
            _Found(msgspec.structs.replace(one.log, log_index=i), one.transaction_index, True)
            for i, one in enumerate(logs)
        ]
    return WholeBlock([one.log for one in logs], (not trusted) if told else None)

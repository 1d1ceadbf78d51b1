"""
The logs of a node, made sure of: nothing it left out is believed, nothing it refused is given up at once.

Asking for logs goes wrong in more ways than any other call. A node may lack the block and answer `[]`; it
may answer about another block; it may refuse the range, the number of addresses, or something in words that
nobody knows. So the block is asked for in the same batch as its logs, each log is compared with what was
asked (`values`), an empty answer is compared with the block's bloom, and a refused question is asked smaller:
a refusal counts only when one block, one address and one topic are refused as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Any

from . import refusals
from .envelopes import Answer, Request
from .errors import (
    BlockGone,
    ChainError,
    ChainTimeout,
    FilterTooLarge,
    RangeTooLarge,
    RateLimited,
    RpcError,
    UnreadableAnswer,
)
from .logvalues import Asked, Reading, read_logs, read_whole_block
from .range_size import AdaptiveSize
from .rpc_batches import LOGS, RpcBatches
from .types import Block, Log, LogFilter
from .values import Header, bloom_admits, read_header

logger = logging.getLogger(__name__)

MOST_CONDITIONS = 500
"""Addresses or topics in one question; geth takes 1,000 at most. More of them are asked for in parts."""
_DOUBT_DELAYS = (0.0, 0.25, 0.75)
"""Seconds before each further look at a block that has no logs although its bloom says so."""
_BLOOMS_WRONG = 3
"""Blocks whose bloom named logs that there weren't, after which a node's blooms are no longer compared."""
_MOST_WHOLE = 20
"""Blocks of one question that are read whole; more of them make it a question for fewer blocks."""
_NUMBERING_CHECKS = 8
"""Blocks that are looked at whole to find out how a node counts `logIndex`."""

_Exchange = list[tuple[Request, Answer]]
"""Requests and their answers."""


class NodeLogs:
    """
    Asks one node for logs.

    Args:
        batches: How requests are sent.
    """

    def __init__(self, batches: RpcBatches) -> None:
        self._batches = batches
        self._node = batches.node
        self._addresses = AdaptiveSize(MOST_CONDITIONS, first=MOST_CONDITIONS)
        self._topics = AdaptiveSize(MOST_CONDITIONS, first=MOST_CONDITIONS)
        self._wrong_blooms = 0
        self._numbering_checks = _NUMBERING_CHECKS
        self._counts_in_transaction = False

    async def of_range(self, first: int, last: int, log_filter: LogFilter) -> list[Log]:
        """
        Return the matching logs of a range, ordered by block number and log index.

        Raises:
            RangeTooLarge: The node refuses the range, in whatever words, and answers for a single block.
            BlockGone: The node does not have the range's last block (yet).
            ChainError: It can't be reached, or refuses a single block as well.
        """
        asked = Asked(first, last, log_filter)
        while True:
            try:
                return await self._range(asked)
            except FilterTooLarge as refusal:
                if not self._shrink_filter(log_filter, refusal):
                    return await self._smaller(asked, refusal)
            except (RangeTooLarge, ChainTimeout) as refusal:
                if first == last:
                    return await self._by_receipts(asked, refusal)
                if isinstance(refusal, RangeTooLarge) or not refusal.refused:
                    raise
                return await self._smaller(asked, refusal)
            except ChainError as refusal:
                if not _for_its_size(refusal):
                    raise
                return await self._smaller(asked, refusal)

    async def of_blocks(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        """
        Return the matching logs of each of these blocks, asked for by their hashes in batches.

        Raises:
            BlockGone: The node does not know one of them (any more).
            ChainError: It can't be reached, or gives no answer that can be relied on.
        """
        found = await self._ask_by_hash(blocks, log_filter)
        return [
            await self._of_block(block, log_filter, exchange)
            for block, exchange in zip(blocks, found, strict=True)
        ]

    # --- a range -------------------------------------------------------------------------------------

    async def _range(self, asked: Asked) -> list[Log]:
        """Ask for a range, in parts where the filter is large; its last block in the same batch."""
        span = {"fromBlock": hex(asked.first), "toBlock": hex(asked.last)}
        requests: list[Request] = [("eth_getBlockByNumber", [hex(asked.last), False])]
        requests += self._questions(span, asked.log_filter)
        answers = await self._batches.send(requests, blocks=asked.last - asked.first + 1)
        exchange = list(zip(requests, answers, strict=True))
        last = self._header(exchange[0])
        if last is None or (asked.block_hash is not None and last.block.hash != asked.block_hash):
            # Many nodes answer a range that ends beyond their head with what they have.
            raise BlockGone(f"{self._node} does not have block {asked.last} (yet)")
        reading = self._read(exchange[1:], asked)
        if reading.foreign is not None:
            raise UnreadableAnswer(
                f"{self._node} answered with logs of {reading.foreign} when it was asked for blocks "
                f"{asked.first} to {asked.last}"
            )
        newest = reading.logs[-1] if reading.logs else None
        if newest and newest.block_number == asked.last and newest.block_hash != last.block.hash:
            raise BlockGone(f"{self._node}: block {asked.last} changed while its logs were read")
        self._filter_answered(asked.log_filter)
        return await self._settled(reading, asked, {asked.last: last.block})

    async def _smaller(self, asked: Asked, refusal: ChainError) -> list[Log]:
        """
        Find out what of a refused question was too much: the blocks, the filter, or nothing of it.

        Raises:
            RangeTooLarge: It was the number of blocks.
            ChainError: A single block with the smallest filter is refused as well.
        """
        one = Asked(asked.first, asked.first, asked.log_filter)
        first_refusal = refusal
        if one == asked and not self._shrink_filter(asked.log_filter, refusal):
            return await self._by_receipts(asked, refusal)
        while True:
            try:
                logs = await self._range(one)
            except (RangeTooLarge, BlockGone):
                break  # that a single block is too much, or missing, is found out when it is asked for
            except ChainError as again:
                if not _for_its_size(again):
                    raise
                refusal = again
                if not self._shrink_filter(asked.log_filter, again):
                    self._forget_sizes()
                    if one == asked:
                        return await self._by_receipts(asked, refusal)
                    raise
            else:
                if one == asked:
                    return logs
                break
        raise refusals.as_range(first_refusal)

    # --- single blocks -------------------------------------------------------------------------------

    async def _ask_by_hash(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[_Exchange]:
        """Ask for blocks by hash; of each block the header first, then its logs."""
        requests: list[Request] = []
        for block in blocks:
            requests.append(("eth_getBlockByHash", [block.hash, False]))
            requests += self._questions({"blockHash": block.hash}, log_filter)
        answers = await self._batches.send(requests, blocks=1)
        exchange = list(zip(requests, answers, strict=True))
        each = len(requests) // max(1, len(blocks))
        return [exchange[i : i + each] for i in range(0, len(exchange), each)]

    async def _of_block(self, block: Block, log_filter: LogFilter, exchange: _Exchange) -> list[Log]:
        try:
            return await self._judged(block, log_filter, exchange)
        except ChainError as refusal:
            if not (_for_its_size(refusal) or isinstance(refusal, RangeTooLarge | FilterTooLarge)):
                raise
            return await self._another_way(block, log_filter, refusal)

    async def _judged(self, block: Block, log_filter: LogFilter, exchange: _Exchange) -> list[Log]:
        """Return a block's logs out of the answers, once there is no doubt left."""
        asked = Asked(block.number, block.number, log_filter, block.hash)
        try:
            header = self._header(exchange[0])
        except RpcError as error:
            if error.code != refusals.METHOD_NOT_FOUND:
                raise
            return await self._range(asked)  # by number, where the header is asked for by number too
        if header is None:
            raise BlockGone(f"{self._node} does not have block {block.number} ({block.hash})")
        if header.block.hash != block.hash:
            raise UnreadableAnswer(
                f"{self._node} answered with block {header.block.hash} when it was asked for {block.hash}"
            )
        reading = self._read(exchange[1:], asked)
        if reading.foreign is not None:
            logger.warning(
                "%s answered with logs of %s when it was asked for block %s; asking by number",
                self._node,
                reading.foreign,
                block.hash,
            )
            return await self._range(asked)
        self._filter_answered(log_filter)
        logs = await self._settled(reading, asked, {block.number: block})
        if not logs and not reading.unsure and self._doubtful(header, log_filter):
            return await self._made_sure(block, log_filter)
        return logs

    async def _another_way(self, block: Block, log_filter: LogFilter, refusal: ChainError) -> list[Log]:
        """Read the logs of one block that were refused: in smaller parts, by number, from its receipts."""
        while not isinstance(refusal, RangeTooLarge) and self._shrink_filter(log_filter, refusal):
            try:
                (exchange,) = await self._ask_by_hash([block], log_filter)
                return await self._judged(block, log_filter, exchange)
            except ChainError as again:
                if not (_for_its_size(again) or isinstance(again, RangeTooLarge | FilterTooLarge)):
                    raise
                refusal = again
        asked = Asked(block.number, block.number, log_filter, block.hash)
        if not isinstance(refusal, RangeTooLarge):
            try:
                return await self._range(asked)
            except ChainError as again:
                if not (_for_its_size(again) or isinstance(again, RangeTooLarge | FilterTooLarge)):
                    raise
        return await self._by_receipts(asked, refusal)

    async def _by_receipts(self, asked: Asked, refusal: ChainError) -> list[Log]:
        """
        Read one block's logs from its receipts: what is left where even one block is too much.

        Raises:
            ChainError: The refusal, where the node gives no receipts either.
        """
        block = await self._block_of(asked)
        whole = await self._from_receipts(block)
        if whole is None:
            if isinstance(refusal, RangeTooLarge):
                alone = f"the single block {block.number} is too much as well, and it gives no receipts"
                raise RpcError(f"{refusal}; {alone}", code=0) from None
            raise refusal
        return [log for log in whole if asked.log_filter.matches(log)]

    async def _block_of(self, asked: Asked) -> Block:
        if asked.block_hash is not None:
            return Block(asked.first, asked.block_hash, "", 0)
        request: Request = ("eth_getBlockByNumber", [hex(asked.first), False])
        header = self._header((request, (await self._batches.send([request]))[0]))
        if header is None:
            raise BlockGone(f"{self._node} does not have block {asked.first} (yet)")
        return header.block

    # --- doubt ---------------------------------------------------------------------------------------

    def _doubtful(self, header: Header, log_filter: LogFilter) -> bool:
        if header.bloom is None or self._wrong_blooms >= _BLOOMS_WRONG:
            return False
        return bloom_admits(header.bloom, log_filter)

    async def _made_sure(self, block: Block, log_filter: LogFilter) -> list[Log]:
        """
        Return the logs of a block that seems to have none although its bloom says otherwise.

        A bloom admits a few too many addresses, so other logs of the block settle it. A block without any is
        read again some times, and from its receipts, since a node may know a block before its logs. Then it
        is believed: some nodes' blooms are wrong.
        """
        for delay in _DOUBT_DELAYS:
            await asyncio.sleep(delay)
            whole = await self._from_all_logs(block) or await self._from_receipts(block)
            if whole:
                return [log for log in whole if log_filter.matches(log)]
        self._wrong_blooms += 1
        logger.warning(
            "%s: block %d has no logs although its bloom says so, asked %d times%s",
            self._node,
            block.number,
            len(_DOUBT_DELAYS) + 1,
            "; its blooms are no longer compared" if self._wrong_blooms == _BLOOMS_WRONG else "",
        )
        return []

    async def _settled(self, reading: Reading, asked: Asked, known: dict[int, Block]) -> list[Log]:
        """Return the logs of a reading, those of unsure blocks read another way."""
        unsure = dict(reading.unsure)
        if reading.suspects and self._numbering_checks and not self._counts_in_transaction:
            await self._check_numbering(min(reading.suspects), asked, known)
        if self._counts_in_transaction:
            unsure |= {
                log.block_number: "a logIndex that counts within the transaction" for log in reading.logs
            }
        if not unsure:
            return reading.logs
        blocks = asked.last - asked.first + 1
        if len(unsure) > _MOST_WHOLE and blocks > 1:
            raise RangeTooLarge(
                f"{self._node}: {len(unsure)} blocks have to be read one by one",
                suggested=max(1, blocks * _MOST_WHOLE // len(unsure)),
            )
        number, problem = next(iter(unsure.items()))
        logger.info("%s: block %d has %s; its logs are read another way", self._node, number, problem)
        logs = [log for log in reading.logs if log.block_number not in unsure]
        for number in sorted(unsure):
            whole = await self._whole(await self._known(number, asked, known))
            logs += [log for log in whole if asked.log_filter.matches(log)]
        logs.sort(key=_place)
        return logs

    async def _known(self, number: int, asked: Asked, known: dict[int, Block]) -> Block:
        if number not in known:
            known[number] = await self._block_of(Asked(number, number, asked.log_filter))
        return known[number]

    async def _check_numbering(self, number: int, asked: Asked, known: dict[int, Block]) -> None:
        """Look at one block whole: does `logIndex` count within the transaction?"""
        self._numbering_checks -= 1
        try:
            await self._whole(await self._known(number, asked, known))
        except (RpcError, UnreadableAnswer) as problem:
            logger.debug("%s: how it counts logIndex can't be told: %s", self._node, problem)

    async def _whole(self, block: Block) -> list[Log]:
        """
        Return all logs of a block, each at its place in the block.

        Raises:
            ChainError: Neither its receipts nor its logs without a filter can be read.
        """
        whole = await self._from_receipts(block)
        if whole is None:
            whole = await self._from_all_logs(block)
        if whole is None:
            raise RpcError(
                f"{self._node} returns neither receipts nor all logs of block {block.number}", code=0
            )
        return whole

    async def _from_receipts(self, block: Block) -> list[Log] | None:
        """Return all logs of a block from its receipts; `None` where the node gives none that can be read."""
        request: Request = ("eth_getBlockReceipts", [block.hash])
        return await self._all(request, block, receipts=True)

    async def _from_all_logs(self, block: Block) -> list[Log] | None:
        """Return all logs of a block, asked for without a filter; `None` where the node refuses that."""
        return await self._all((LOGS, [{"blockHash": block.hash}]), block, receipts=False)

    async def _all(self, request: Request, block: Block, *, receipts: bool) -> list[Log] | None:
        try:
            (answer,) = await self._batches.send([request], blocks=1)
            refusal = self._batches.judge(request, answer, 1)
            if refusal is not None:
                raise refusal
            whole = read_whole_block(answer.result, block, receipts=receipts)
        except ChainError as problem:
            if not (problem.refused or isinstance(problem, RpcError | UnreadableAnswer)):
                raise
            logger.debug("%s: %s: %s", self._node, request[0], problem)
            return None
        if whole is None:
            return None
        if whole.counts_in_transaction is False:
            self._numbering_checks = 0
        elif whole.counts_in_transaction and not self._counts_in_transaction:
            self._counts_in_transaction = True
            logger.warning("%s counts logIndex within the transaction; whole blocks are read", self._node)
        return whole.logs

    # --- questions and answers -----------------------------------------------------------------------

    def _questions(self, where: dict[str, Any], log_filter: LogFilter) -> list[Request]:
        return [
            (LOGS, [{**where, **_condition(addresses, topics, log_filter.further)}])
            for addresses in _parts(log_filter.addresses, self._addresses.size)
            for topics in _parts(log_filter.topics(), self._topics.size)
        ]

    def _header(self, exchange: tuple[Request, Answer]) -> Header | None:
        request, answer = exchange
        error = self._batches.judge(request, answer, None)
        if error is not None:
            raise error
        return read_header(answer.result)

    def _read(self, exchange: _Exchange, asked: Asked) -> Reading:
        """Read the answers to the parts of a question as one."""
        blocks = asked.last - asked.first + 1
        readings = []
        for request, answer in exchange:
            error = self._batches.judge(request, answer, blocks)
            if error is not None:
                raise error
            readings.append(read_logs(answer.result, asked))
        return readings[0] if len(readings) == 1 else _joined(readings)

    # --- how large a filter may be -------------------------------------------------------------------

    def _shrink_filter(self, log_filter: LogFilter, refusal: ChainError) -> bool:
        """Ask for fewer addresses or topics at a time from now on; `False` where it is one of each."""
        sizes = [
            (min(len(log_filter.addresses), self._addresses.size), self._addresses),
            (min(len(log_filter.topics()), self._topics.size), self._topics),
        ]
        asked, size = max(sizes, key=lambda one: one[0])
        if asked <= 1:
            return False
        size.refused(asked, limit=refusal.limit if isinstance(refusal, FilterTooLarge) else None)
        logger.info("%s: asking for %d addresses or topics at a time (%s)", self._node, size.size, refusal)
        return True

    def _filter_answered(self, log_filter: LogFilter) -> None:
        for asked, size in ((log_filter.addresses, self._addresses), (log_filter.topics(), self._topics)):
            if len(asked) >= size.size:
                size.answered(size.size, 0)

    def _forget_sizes(self) -> None:
        """Nothing was small enough, so it wasn't the size."""
        self._addresses = AdaptiveSize(self._addresses.largest, first=MOST_CONDITIONS)
        self._topics = AdaptiveSize(self._topics.largest, first=MOST_CONDITIONS)


def _for_its_size(refusal: ChainError) -> bool:
    """Tell whether a refusal in words that say nothing of blocks or addresses may still be about them."""
    if isinstance(refusal, BlockGone | RangeTooLarge | FilterTooLarge):
        return False
    return refusal.refused and not (isinstance(refusal, RateLimited) and refusal.retry_after)


def _parts(values: Iterable[str], size: int) -> list[list[str]]:
    """Cut addresses or topics into parts of at most `size`; of none there is one empty part."""
    ordered = sorted(values)
    return [ordered[i : i + size] for i in range(0, len(ordered), size)] or [[]]


def _condition(
    addresses: Sequence[str], topics: Sequence[str], further: Sequence[Collection[str] | None]
) -> dict[str, Any]:
    condition: dict[str, Any] = {}
    if addresses:
        condition["address"] = list(addresses)
    if topics or further:
        wanted = [None if position is None else sorted(position) for position in further]
        condition["topics"] = [list(topics) or None, *wanted]
    return condition


def _joined(readings: Sequence[Reading]) -> Reading:
    """Join what was read of the parts of one question; no log matches two of them."""
    joined = Reading(foreign=next((one.foreign for one in readings if one.foreign), None))
    for one in readings:
        joined.logs.extend(one.logs)
        joined.unsure.update(one.unsure)
        joined.suspects.update(one.suspects)
    joined.logs.sort(key=_place)
    for before, after in pairwise(joined.logs):
        if _place(before) == _place(after):
            joined.unsure[after.block_number] = f"two logs with logIndex {after.log_index}"
    return joined


def _place(log: Log) -> tuple[int, int]:
    return log.block_number, log.log_index

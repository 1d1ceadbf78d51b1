"""A node as a chain source: Ethereum's JSON-RPC (execution-apis), in batches where it helps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec

from . import refusals
from .errors import BlockGone, ChainTimeout, ChainUnavailable, RangeTooLarge, RateLimited, RpcError
from .transports import Answer, HttpTransport, Request, Transport, WebSocketTransport
from .types import Block, Log, LogFilter

__all__ = ["JsonRpcSource", "open_node"]

T = TypeVar("T")

_BATCH = 50
"""Requests in one batch: half of what the strictest well-known providers take."""
_INVALID_REQUEST = -32600
_METHOD_NOT_FOUND = -32601


class _RpcBlock(msgspec.Struct, rename="camel"):
    number: str
    hash: str
    parent_hash: str
    timestamp: str


class _RpcLog(msgspec.Struct, rename="camel", gc=False):
    address: str
    topics: tuple[str, ...]
    data: str
    block_number: str
    block_hash: str
    transaction_hash: str
    log_index: str
    block_timestamp: str | None = None


class _RpcReceipt(msgspec.Struct):
    logs: list[_RpcLog]


_quantity: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
_header: msgspec.json.Decoder[_RpcBlock | None] = msgspec.json.Decoder(_RpcBlock | None)
_announced: msgspec.json.Decoder[_RpcBlock] = msgspec.json.Decoder(_RpcBlock)
_found_logs: msgspec.json.Decoder[list[_RpcLog]] = msgspec.json.Decoder(list[_RpcLog])
_receipts: msgspec.json.Decoder[list[_RpcReceipt] | None] = msgspec.json.Decoder(list[_RpcReceipt] | None)
_anything: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class JsonRpcSource:
    """
    A JSON-RPC node.

    Args:
        url: Where it listens (http, https, ws, wss).
        timeout: Seconds that an answer may take.
        poll_interval: Seconds between two polls of the head over HTTP; over WebSocket the node announces it.
        batch_size: Most requests sent as one batch.

    Example:
        >>> source = JsonRpcSource("http://127.0.0.1:8545")
        >>> head = await source.head()
    """

    def __init__(
        self, url: str, *, timeout: float = 30.0, poll_interval: float = 4.0, batch_size: int = _BATCH
    ) -> None:
        is_websocket = url.startswith(("ws://", "wss://"))
        self._websocket = WebSocketTransport(url, timeout) if is_websocket else None
        self._transport: Transport = self._websocket or HttpTransport(url, timeout)
        self._poll_interval = poll_interval
        self._batch_size = batch_size
        self._closed = asyncio.Event()

    async def chain_id(self) -> int:
        """Return the chain's id."""
        chain_id = await self._call("eth_chainId", [], _quantity)
        return int(chain_id, 16)

    async def head(self) -> Block:
        """Return the newest block."""
        block = await self._call("eth_getBlockByNumber", ["latest", False], _header)
        if block is None:
            raise ChainUnavailable("the node knows no newest block; it is still starting")
        return _block(block)

    async def block(self, number: int) -> Block | None:
        """Return a block's header."""
        return (await self.blocks([number]))[0]

    async def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
        """Return several headers, in batches."""
        requests: list[Request] = [("eth_getBlockByNumber", [hex(number), False]) for number in numbers]
        found = await self._batch(requests, _header)
        return [None if block is None else _block(block) for block in found]

    async def logs(self, from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
        """
        Return the matching logs of a range.

        Many nodes answer a range that ends beyond their head with what they have, and one that lags behind
        would so leave logs out in silence. Therefore its last block is asked for in the same batch.

        Raises:
            RangeTooLarge: The node refuses the range, in whatever words.
            BlockGone: The node does not have the range's last block (yet).
        """
        blocks = to_block - from_block + 1
        wanted = {"fromBlock": hex(from_block), "toBlock": hex(to_block), **_condition(log_filter)}
        try:
            last, found = await self._exchange(
                [("eth_getBlockByNumber", [hex(to_block), False]), ("eth_getLogs", [wanted])], blocks=blocks
            )
            if _result(last, _header, None) is None:
                raise BlockGone(f"the node does not have block {to_block} (yet)")
            return _logs(_result(found, _found_logs, blocks))
        except (RangeTooLarge, ChainTimeout):
            if blocks > 1:
                raise
        return await self._logs_by_receipts(hex(from_block), log_filter)

    async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        """
        Return the matching logs of each of these blocks, asked for by their hashes in batches.

        Raises:
            BlockGone: The node does not know one of them (any more).
        """
        condition = _condition(log_filter)
        requests: list[Request] = [("eth_getLogs", [{"blockHash": b.hash, **condition}]) for b in blocks]
        try:
            return [_logs(found) for found in await self._batch(requests, _found_logs, blocks=1)]
        except RangeTooLarge:
            if len(blocks) > 1:
                raise
        return [await self._logs_by_receipts(blocks[0].hash, log_filter)]

    async def new_heads(self) -> AsyncGenerator[Block, None]:
        """Yield the newest block now and whenever it changes: announced over WebSocket, polled over HTTP."""
        if self._websocket is not None:
            async with aclosing(await self._websocket.subscribe("newHeads")) as announcements:
                yield await self.head()
                async for announcement in announcements:
                    yield _block(_decode(announcement, _announced))
            return
        seen: str | None = None
        while not self._closed.is_set():
            head = await self.head()
            if head.hash != seen:
                seen = head.hash
                yield head
            try:
                await asyncio.wait_for(self._closed.wait(), self._poll_interval)
            except TimeoutError:
                continue

    async def call(self, method: str, *params: Any) -> Any:
        """
        Call any method of the node and return its result as it came (for development nodes: `evm_mine`, …).

        Raises:
            ChainError: The node refuses or can't be reached.
        """
        return await self._call(method, list(params), _anything)

    async def close(self) -> None:
        """Close connections; waiting iterators end."""
        self._closed.set()
        await self._transport.close()

    async def _logs_by_receipts(self, block: str, log_filter: LogFilter) -> list[Log]:
        """Read one block's logs from its receipts: what is left where even one block is too large a range."""
        try:
            receipts = await self._call("eth_getBlockReceipts", [block], _receipts, blocks=1)
        except RpcError as error:
            if error.code == _METHOD_NOT_FOUND:
                raise RangeTooLarge(f"the node refuses the logs of the single block {block}") from None
            raise
        if receipts is None:
            raise BlockGone(f"block {block} is unknown to the node")
        logs = _logs([log for receipt in receipts for log in receipt.logs])
        return [log for log in logs if log_filter.matches(log)]

    async def _call(
        self, method: str, params: list[Any], result: msgspec.json.Decoder[T], *, blocks: int | None = None
    ) -> T:
        answers = await self._transport.send([(method, params)], blocks=blocks)
        return _result(answers[0], result, blocks)

    async def _batch(
        self, requests: Sequence[Request], result: msgspec.json.Decoder[T], *, blocks: int | None = None
    ) -> list[T]:
        return [_result(answer, result, blocks) for answer in await self._exchange(requests, blocks=blocks)]

    async def _exchange(self, requests: Sequence[Request], *, blocks: int | None = None) -> list[Answer]:
        """Send requests in batches; one by one once the node has shown that it knows no batches."""
        answers: list[Answer] = []
        while len(answers) < len(requests):
            part = requests[len(answers) : len(answers) + self._batch_size]
            of_part = await self._transport.send(part, blocks=blocks)
            if len(of_part) < len(part):
                self._shrink_batches(of_part[0], len(part), blocks)
            else:
                answers += of_part
        return answers

    def _shrink_batches(self, refusal: Answer, size: int, blocks: int | None) -> None:
        """
        Note that a batch of this size was refused as a whole.

        Raises:
            ChainError: It was refused for another reason than its size.
        """
        assert refusal.error is not None
        error = refusals.from_rpc_error(refusal.error.code, refusal.error.message, blocks=blocks)
        if (
            isinstance(error, RateLimited | ChainTimeout | RangeTooLarge)
            and refusal.error.code != _INVALID_REQUEST
        ):
            raise error
        self._batch_size = max(1, size // 4)


def open_node(url: str, timeout: float) -> JsonRpcSource:
    """Return the source for a node's URL; `timeout` is the seconds that a call may take."""
    return JsonRpcSource(url, timeout=timeout)


def _condition(log_filter: LogFilter) -> dict[str, Any]:
    condition: dict[str, Any] = {}
    if log_filter.addresses:
        condition["address"] = sorted(log_filter.addresses)
    if log_filter.topic0 is not None:
        condition["topics"] = [sorted(log_filter.topics())]
    return condition


def _result(answer: Answer, expected: msgspec.json.Decoder[T], blocks: int | None) -> T:
    if answer.error is not None:
        raise refusals.from_rpc_error(answer.error.code, answer.error.message, blocks=blocks)
    return _decode(answer.result, expected)


def _decode(raw: msgspec.Raw, expected: msgspec.json.Decoder[T]) -> T:
    try:
        return expected.decode(raw)
    except msgspec.MsgspecError as error:
        raise ChainUnavailable(f"the node's answer has an unexpected form: {error}") from None


def _block(block: _RpcBlock) -> Block:
    return Block(int(block.number, 16), block.hash, block.parent_hash, int(block.timestamp, 16))


def _logs(found: list[_RpcLog]) -> list[Log]:
    logs = [
        Log(
            log.address.lower(),
            log.topics,
            log.data,
            int(log.block_number, 16),
            log.block_hash,
            log.transaction_hash,
            int(log.log_index, 16),
            None if log.block_timestamp is None else int(log.block_timestamp, 16),
        )
        for log in found
    ]
    logs.sort(key=_place)
    return logs


def _place(log: Log) -> tuple[int, int]:
    return log.block_number, log.log_index

"""A node as a chain source: Ethereum's JSON-RPC (execution-apis), in batches where it helps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

import msgspec

from .config import hide_secrets
from .envelopes import Answer, Request
from .errors import ChainError, ChainUnavailable, UnreadableAnswer
from .nodelogs import NodeLogs
from .rpc_batches import LARGEST, RpcBatches, Transport
from .transports import HttpTransport, WebSocketTransport
from .types import Block, Log, LogFilter
from .values import quantity, read_header

__all__ = ["JsonRpcSource", "open_node"]


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
        self, url: str, *, timeout: float = 30.0, poll_interval: float = 4.0, batch_size: int = LARGEST
    ) -> None:
        self._url = url
        self._websocket = WebSocketTransport(url, timeout) if is_websocket(url) else None
        self._transport: Transport = self._websocket or HttpTransport(url, timeout)
        self._node = self._transport.node
        self._batches = RpcBatches(self._transport, batch_size)
        self._logs = NodeLogs(self._batches)
        self._poll_interval = poll_interval
        self._closed = asyncio.Event()

    async def chain_id(self) -> int:
        """Return the chain's id."""
        with self._named():
            chain_id = quantity(msgspec.json.decode(await self._result("eth_chainId", [])))
            if chain_id is None:
                raise UnreadableAnswer("the chain's id has an unexpected form")
            return chain_id

    async def head(self) -> Block:
        """Return the newest block."""
        with self._named():
            try:
                header = read_header(await self._result("eth_getBlockByNumber", ["latest", False]))
            except UnreadableAnswer:  # as a pending block, which some nodes give as the newest one
                number = quantity(msgspec.json.decode(await self._result("eth_blockNumber", [])))
                if number is None:
                    raise
                header = read_header(await self._result("eth_getBlockByNumber", [hex(number), False]))
            if header is None:
                raise ChainUnavailable("the node has no newest block yet; it is still starting")
            return header.block

    async def block(self, number: int) -> Block | None:
        """Return a block's header."""
        return (await self.blocks([number]))[0]

    async def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
        """Return several headers, in batches."""
        requests: list[Request] = [("eth_getBlockByNumber", [hex(number), False]) for number in numbers]
        with self._named():
            answers = await self._batches.send(requests)
            return [
                self._numbered(number, request, answer)
                for number, request, answer in zip(numbers, requests, answers, strict=True)
            ]

    async def logs(self, from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
        """
        Return the matching logs of a range.

        Raises:
            RangeTooLarge: The node refuses the range, in whatever words.
            BlockGone: The node does not have the range's last block (yet).
        """
        with self._named():
            return await self._logs.of_range(from_block, to_block, log_filter)

    async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        """
        Return the matching logs of each of these blocks, asked for by their hashes in batches.

        Raises:
            BlockGone: The node does not know one of them (any more).
        """
        with self._named():
            return await self._logs.of_blocks(blocks, log_filter)

    async def new_heads(self) -> AsyncGenerator[Block, None]:
        """Yield the newest block now and whenever it changes: announced over WebSocket, polled over HTTP."""
        if self._websocket is not None:
            async with aclosing(await self._websocket.subscribe("newHeads")) as announcements:
                yield await self.head()
                async for announcement in announcements:
                    try:
                        header = read_header(announcement)
                    except UnreadableAnswer:
                        header = None
                    yield await self.head() if header is None else header.block
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
        with self._named():
            return msgspec.json.decode(await self._result(method, list(params)))

    async def close(self) -> None:
        """Close connections; waiting iterators end."""
        self._closed.set()
        await self._transport.close()

    async def _result(self, method: str, params: list[Any]) -> msgspec.Raw:
        request: Request = (method, params)
        (answer,) = await self._batches.send([request])
        return self._checked(request, answer)

    def _checked(self, request: Request, answer: Answer) -> msgspec.Raw:
        error = self._batches.judge(request, answer, None)
        if error is not None:
            raise error
        return answer.result

    def _numbered(self, number: int, request: Request, answer: Answer) -> Block | None:
        header = read_header(self._checked(request, answer))
        if header is not None and header.block.number != number:
            raise UnreadableAnswer(f"the node answered with block {header.block.number}, not block {number}")
        return None if header is None else header.block

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Let errors name the node, and hold nothing of its URL that may be secret."""
        try:
            yield
        except ChainError as error:
            text = str(error)
            if self._node not in text:
                text = f"{self._node}: {text}"
            raise error.reworded(hide_secrets(text, self._url)) from None


def is_websocket(url: str) -> bool:
    """Say whether a node is asked over WebSocket, where it announces new blocks as well."""
    return url.lower().startswith(("ws://", "wss://"))


def open_node(url: str, timeout: float) -> JsonRpcSource:
    """Return the source for a node's URL; `timeout` is the seconds that a call may take."""
    return JsonRpcSource(url, timeout=timeout)

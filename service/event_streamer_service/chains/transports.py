"""
How JSON-RPC requests reach a node: over HTTP, or over one WebSocket that announces new blocks as well.

A transport sends requests and returns the answers, decoded as far as the envelope; `jsonrpc` knows what they
mean. Neither ever logs a URL, since a provider's API key is often part of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
from collections.abc import Sequence
from typing import Any, Protocol

import httpx
import msgspec
import websockets
from websockets.asyncio.client import ClientConnection, connect

from . import refusals
from .config import redact_url
from .errors import ChainTimeout, ChainUnavailable, RangeTooLarge

Request = tuple[str, list[Any]]
"""A JSON-RPC method and its parameters."""

_MAX_ANSWER_BYTES = 128 * 1024 * 1024
"""An answer beyond this is cut off: it would only fill the memory."""
_QUEUED_HEADS = 256


class RpcFailure(msgspec.Struct):
    """The error object of an answer (JSON-RPC 2.0, section 5.1)."""

    code: int = 0
    message: str = ""


class Answer(msgspec.Struct):
    """The envelope of an answer. What is in `result` is decoded where its type is known."""

    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: RpcFailure | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw(b"null")


_answers = msgspec.json.Decoder(list[Answer])
_answer = msgspec.json.Decoder(Answer)


def decode(body: bytes) -> list[Answer]:
    """
    Decode one answer or a batch of them.

    Raises:
        ChainUnavailable: It is no JSON-RPC.
    """
    try:
        return _answers.decode(body) if body.lstrip()[:1] == b"[" else [_answer.decode(body)]
    except msgspec.MsgspecError as error:
        raise ChainUnavailable(f"the node's answer is no JSON-RPC: {error}") from None


def encode(requests: Sequence[Request], first_id: int) -> bytes:
    """Encode one request, or several as a batch, with ids from `first_id` on."""
    calls = [
        {"jsonrpc": "2.0", "id": first_id + i, "method": method, "params": params}
        for i, (method, params) in enumerate(requests)
    ]
    return msgspec.json.encode(calls if len(calls) > 1 else calls[0])


class Transport(Protocol):
    """Carries requests to one node."""

    async def send(self, requests: Sequence[Request], *, blocks: int | None = None) -> list[Answer]:
        """
        Send requests (several are one batch) and return their answers, in the order of the requests.

        An answer to a batch as a whole (a refusal) comes alone.

        Args:
            requests: At least one.
            blocks: How many blocks a question for logs is about: says what a failure may mean.

        Raises:
            ChainUnavailable: The node can't be reached or gives no proper answer.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


def in_order(answers: Sequence[Answer], first_id: int, count: int) -> list[Answer]:
    """
    Return the answers by the order of their requests; a lone refusal of a batch alone.

    Raises:
        ChainUnavailable: An answer is missing.
    """
    by_id = {answer.id: answer for answer in answers}
    if len(answers) == 1 and answers[0].error is not None:
        return list(answers)
    try:
        return [by_id[first_id + i] for i in range(count)]
    except KeyError:
        raise ChainUnavailable("the node left a request of a batch unanswered") from None


def reason(error: Exception, url: str) -> str:
    """
    Say in the system's words why a node can't be reached; libraries wrap them in vaguer ones.

    Args:
        error: What a library raised.
        url: The node's URL, which must not be shown.
    """
    text = str(error).replace(url, redact_url(url)) or type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno is not None:
            # A failed look-up of a name has a negative number, which is none of the system's.
            text = os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)
        cause = cause.__cause__ or cause.__context__
    return text


class _RedactUrls(logging.Filter):
    """Keeps API keys out of httpx's log line for every request."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                redact_url(str(arg)) if isinstance(arg, httpx.URL) else arg for arg in record.args
            )
        return True


logging.getLogger("httpx").addFilter(_RedactUrls())

_websocket_logger = logging.getLogger(f"{__name__}.websocket")
_websocket_logger.setLevel(logging.WARNING)  # below, the library shows the request line, API key and all


class HttpTransport:
    """
    JSON-RPC over HTTP.

    Args:
        url: The node.
        timeout: Seconds that an answer may take.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._shown = redact_url(url)
        self._client = httpx.AsyncClient(
            timeout=timeout,
            headers={"Content-Type": "application/json"},
            limits=httpx.Limits(max_connections=20, keepalive_expiry=30),
        )
        self._ids = itertools.count(1)

    async def send(self, requests: Sequence[Request], *, blocks: int | None = None) -> list[Answer]:
        """Post requests and return their answers."""
        first_id = next(self._ids)
        for _ in requests[1:]:
            next(self._ids)
        try:
            async with self._client.stream("POST", self._url, content=encode(requests, first_id)) as response:
                body = await self._read(response, blocks)
        except httpx.TimeoutException as error:
            raise ChainTimeout(f"{self._shown}: no answer in time ({type(error).__name__})") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ChainUnavailable(f"{self._shown} can't be reached: {reason(error, self._url)}") from None
        return in_order(decode(body), first_id, len(requests))

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def _read(self, response: httpx.Response, blocks: int | None) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if size > _MAX_ANSWER_BYTES:
                raise RangeTooLarge(f"an answer of more than {_MAX_ANSWER_BYTES >> 20} MiB")
        body = b"".join(parts)
        if response.status_code == 200:
            return body
        # Many nodes tell the reason of a 4xx or 5xx as JSON-RPC.
        with contextlib.suppress(ChainUnavailable):
            answers = decode(body)
            if response.status_code != 429 and answers and answers[0].error is not None:
                return body
        raise refusals.from_status(response.status_code, response.headers.get("Retry-After"), blocks=blocks)


class WebSocketTransport:
    """
    JSON-RPC over one WebSocket, which also brings announcements (`eth_subscribe`).

    The connection is opened by the first request, and anew by the next one after it was lost.

    Args:
        url: The node.
        timeout: Seconds that an answer may take.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._shown = redact_url(url)
        self._timeout = timeout
        self._ids = itertools.count(1)
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self._waiting: dict[int, asyncio.Future[list[Answer]]] = {}
        self._subscribing: set[int] = set()
        self._subscriptions: dict[str, asyncio.Queue[msgspec.Raw | None]] = {}

    async def send(self, requests: Sequence[Request], *, blocks: int | None = None) -> list[Answer]:
        """Send requests and return their answers."""
        del blocks
        first_id = self._take_ids(len(requests))
        return in_order(await self._exchange(requests, first_id), first_id, len(requests))

    async def subscribe(self, topic: str) -> Subscription:
        """
        Begin to receive the announcements of a topic, as `newHeads`; from here on none is missed.

        Raises:
            ChainUnavailable: The connection can't be made.
            ChainError: The node refuses.
        """
        request_id = self._take_ids(1)
        self._subscribing.add(request_id)
        answer = (await self._exchange([("eth_subscribe", [topic])], request_id))[0]
        if answer.error is not None:
            raise refusals.from_rpc_error(answer.error.code, answer.error.message)
        subscription = msgspec.json.decode(answer.result, type=str)
        queue = self._subscriptions.get(subscription)
        if queue is None:  # lost again already
            raise ChainUnavailable(f"{self._shown}: the WebSocket was closed")
        return Subscription(self, subscription, queue)

    async def unsubscribe(self, subscription: str) -> None:
        """End a subscription; no harm where the connection is gone."""
        is_open = self._subscriptions.pop(subscription, None) is not None
        if is_open and self._connection is not None:
            # On this very connection, and nobody waits for the answer.
            request = encode([("eth_unsubscribe", [subscription])], self._take_ids(1))
            with contextlib.suppress(OSError, websockets.WebSocketException):
                await self._connection.send(request, text=True)

    async def close(self) -> None:
        """Close the connection for good; subscriptions end."""
        self._closed = True
        reader, self._reader = self._reader, None
        if self._connection is not None:
            await self._connection.close()
        if reader is not None:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader

    def _take_ids(self, count: int) -> int:
        first = next(self._ids)
        for _ in range(count - 1):
            next(self._ids)
        return first

    async def _exchange(self, requests: Sequence[Request], first_id: int) -> list[Answer]:
        answered: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        self._waiting[first_id] = answered
        try:
            async with asyncio.timeout(self._timeout):
                connection = await self._connected()
                await connection.send(encode(requests, first_id), text=True)
                return await answered
        except TimeoutError:
            raise ChainTimeout(f"{self._shown}: no answer within {self._timeout:g} s") from None
        except (OSError, websockets.WebSocketException) as error:
            raise ChainUnavailable(f"{self._shown} can't be reached: {reason(error, self._url)}") from None
        finally:
            self._waiting.pop(first_id, None)

    async def _connected(self) -> ClientConnection:
        async with self._opening:
            if self._closed:
                raise ChainUnavailable(f"{self._shown}: the connection was closed")
            if self._connection is None:
                connection = await connect(
                    self._url,
                    max_size=_MAX_ANSWER_BYTES,
                    open_timeout=self._timeout,
                    logger=_websocket_logger,
                )
                if self._closed:
                    await connection.close()
                    raise ChainUnavailable(f"{self._shown}: the connection was closed")
                self._connection = connection
                self._reader = asyncio.get_running_loop().create_task(self._read(connection))
            return self._connection

    async def _read(self, connection: ClientConnection) -> None:
        """Hand every message to who waits for it, until the connection ends."""
        try:
            async for message in connection:
                body = message.encode() if isinstance(message, str) else message
                # A message of nonsense answers nobody.
                with contextlib.suppress(ChainUnavailable, msgspec.MsgspecError):
                    self._dispatch(decode(body))
        except websockets.ConnectionClosedError:
            pass
        finally:
            self._connection = None
            for answered in self._waiting.values():
                if not answered.done():
                    answered.set_exception(ChainUnavailable(f"{self._shown}: the WebSocket was closed"))
            for queue in self._subscriptions.values():
                _put(queue, None)
            self._subscriptions.clear()
            await connection.close()

    def _dispatch(self, answers: list[Answer]) -> None:
        if not answers:
            return
        first = answers[0]
        if first.method == "eth_subscription":
            params = msgspec.json.decode(first.params, type=_Announcement)
            queue = self._subscriptions.get(params.subscription)
            if queue is not None:
                _put(queue, params.result)
            return
        ids = [answer.id for answer in answers if isinstance(answer.id, int)]
        if not ids and len(self._waiting) == 1:  # a refusal of a whole batch has no id
            ids = list(self._waiting)
        if not ids:
            return
        request_id = min(ids)
        if request_id in self._subscribing:
            # Before the next message is read: it may be the first announcement.
            self._subscribing.discard(request_id)
            if first.error is None:
                subscription = msgspec.json.decode(first.result, type=str)
                self._subscriptions[subscription] = asyncio.Queue(_QUEUED_HEADS)
        answered = self._waiting.get(request_id)
        if answered is not None and not answered.done():
            answered.set_result(answers)


class Subscription:
    """
    What a node announces. Iterate over it, then close it.

    Raises:
        ChainUnavailable: While iterating: the connection was lost.
    """

    def __init__(
        self, transport: WebSocketTransport, name: str, queue: asyncio.Queue[msgspec.Raw | None]
    ) -> None:
        self._transport = transport
        self._name = name
        self._queue = queue

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> msgspec.Raw:
        announcement = await self._queue.get()
        if announcement is None:
            raise ChainUnavailable("the WebSocket was closed")
        return announcement

    async def aclose(self) -> None:
        """End the subscription."""
        await self._transport.unsubscribe(self._name)


class _Announcement(msgspec.Struct):
    subscription: str
    result: msgspec.Raw


def _put(queue: asyncio.Queue[msgspec.Raw | None], item: msgspec.Raw | None) -> None:
    """Put without waiting; of a full queue the oldest head goes, since the newest one implies it."""
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(item)

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
import ssl
import zlib
from collections.abc import Sequence
from functools import lru_cache

import httpx
import msgspec
import websockets
from websockets.asyncio.client import ClientConnection, connect

from . import refusals
from .config import redact_url
from .envelopes import Answer, Request, decode, encode, excerpt, in_order
from .errors import ChainError, ChainTimeout, ChainUnavailable, RangeTooLarge, TooMuch, UnreadableAnswer
from .node_http import inflating, node_client

_MAX_ANSWER_BYTES = 128 * 1024 * 1024
"""An answer beyond this is cut off: it would only fill the memory."""
_QUEUED_HEADS = 256


def reason(error: Exception, url: str) -> str:
    """
    Say in the system's words why a node can't be reached; libraries wrap them in vaguer ones.

    Args:
        error: What a library raised.
        url: The node's URL, which must not be shown.
    """
    text = str(error).replace(url, redact_url(url)) or type(error).__name__
    cause: BaseException | None = error
    seen: set[int] = set()  # a chain of causes may lead back to where it began
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
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


@lru_cache(1)
def _certificates() -> ssl.SSLContext:
    """Return the trusted certificates, read once: that takes longer than most answers do."""
    return httpx.create_ssl_context()


class HttpTransport:
    """
    JSON-RPC over HTTP.

    Args:
        url: The node.
        timeout: Seconds that an answer may take.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self.node = redact_url(url)
        """How the node is named in messages."""
        self._client = node_client(url, timeout=timeout, tls=_certificates())
        self._ids = itertools.count(1)

    async def send(self, requests: Sequence[Request], *, blocks: int | None = None) -> list[Answer | None]:
        """Post requests and return their answers."""
        first_id = next(self._ids)
        for _ in requests[1:]:
            next(self._ids)
        try:
            async with self._client.stream("POST", self._url, content=encode(requests, first_id)) as response:
                body = await self._read(response, blocks)
        except httpx.TimeoutException as error:
            raise ChainTimeout(f"{self.node}: no answer in time ({type(error).__name__})") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise self._lost(error) from None
        return in_order(decode(body), first_id, len(requests))

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    def _lost(self, error: Exception) -> ChainUnavailable:
        lost = ChainUnavailable(f"{self.node} can't be reached: {reason(error, self._url)}")
        # Some nodes answer a question or a batch that is too large by closing the connection.
        lost.refused = isinstance(error, httpx.ReadError | httpx.WriteError | httpx.RemoteProtocolError)
        return lost

    async def _read(self, response: httpx.Response, blocks: int | None) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            inflate = inflating(response)
            async for received in response.aiter_raw():
                for part in inflate(received):
                    parts.append(part)
                    size += len(part)
                    if size > _MAX_ANSWER_BYTES:
                        kind = TooMuch if blocks is None else RangeTooLarge
                        raise kind(f"{self.node}: an answer of more than {_MAX_ANSWER_BYTES >> 20} MiB")
        except (httpx.DecodingError, zlib.error) as error:
            raise UnreadableAnswer(f"{self.node}: an answer can't be unpacked: {error}") from None
        body = b"".join(parts)
        if response.is_success:
            return body
        retry_after = response.headers.get("Retry-After")
        # Many nodes tell the reason of a 4xx or 5xx as JSON-RPC.
        with contextlib.suppress(UnreadableAnswer):
            answers = decode(body)
            if response.status_code != 429 and all(answer.error is not None for answer in answers):
                return body
            raise self._refused(response.status_code, retry_after, answers, blocks)
        raise refusals.from_status(
            response.status_code, retry_after, excerpt(body), node=self.node, blocks=blocks
        )

    def _refused(
        self, status: int, retry_after: str | None, answers: list[Answer], blocks: int | None
    ) -> ChainError:
        words = next((answer.error.message for answer in answers if answer.error is not None), "")
        return refusals.from_status(status, retry_after, words, node=self.node, blocks=blocks)


class _NoRedirects(connect):
    """Goes where the URL leads: a node must not send the service on, say into its own network."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Give the answer back as the failure that it is."""
        return exc


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
        self.node = redact_url(url)
        """How the node is named in messages."""
        self._timeout = timeout
        self._ids = itertools.count(1)
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self._waiting: dict[int, tuple[asyncio.Future[list[Answer]], int]] = {}
        """By the first id of a batch: who waits for it, and how many requests it has."""
        self._subscribing: set[int] = set()
        self._subscriptions: dict[str, asyncio.Queue[msgspec.Raw | None]] = {}

    async def send(self, requests: Sequence[Request], *, blocks: int | None = None) -> list[Answer | None]:
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
            failure = answer.error
            raise refusals.from_rpc_error(failure.code, failure.message, failure.data, node=self.node)
        subscription = _name(answer.result)
        queue = self._subscriptions.get(subscription)
        if queue is None:  # lost again already
            raise ChainUnavailable(f"{self.node}: the WebSocket was closed")
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
        self._waiting[first_id] = (answered, len(requests))
        try:
            async with asyncio.timeout(self._timeout):
                connection = await self._connected()
                await connection.send(encode(requests, first_id), text=True)
                return await answered
        except TimeoutError:
            raise ChainTimeout(f"{self.node}: no answer within {self._timeout:g} s") from None
        except (OSError, websockets.WebSocketException, UnicodeError) as error:
            raise ChainUnavailable(f"{self.node} can't be reached: {reason(error, self._url)}") from None
        finally:
            self._waiting.pop(first_id, None)

    async def _connected(self) -> ClientConnection:
        async with self._opening:
            if self._closed:
                raise ChainUnavailable(f"{self.node}: the connection was closed")
            if self._connection is None:
                connection = await _NoRedirects(
                    self._url,
                    max_size=_MAX_ANSWER_BYTES,
                    open_timeout=self._timeout,
                    logger=_websocket_logger,
                )
                if self._closed:
                    await connection.close()
                    raise ChainUnavailable(f"{self.node}: the connection was closed")
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
            for answered, _ in self._waiting.values():
                if not answered.done():
                    lost = ChainUnavailable(
                        f"{self.node}: the WebSocket was closed{_close_reason(connection)}"
                    )
                    lost.refused = True  # it may be the answer to a question that is too large
                    answered.set_exception(lost)
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
            queue = self._subscriptions.get(str(params.subscription))
            if queue is not None:
                _put(queue, params.result)
            return
        ids = [answer.id for answer in answers if isinstance(answer.id, int)]
        if not ids and len(self._waiting) == 1:  # a refusal of a whole batch has no id
            ids = list(self._waiting)
        if not ids:
            return
        request_id = next(
            (first for first, (_, count) in self._waiting.items() if first <= min(ids) < first + count), None
        )
        if request_id is None:
            return
        if request_id in self._subscribing:
            # Before the next message is read: it may be the first announcement.
            self._subscribing.discard(request_id)
            if first.error is None:
                self._subscriptions[_name(first.result)] = asyncio.Queue(_QUEUED_HEADS)
        answered, _ = self._waiting[request_id]
        if not answered.done():
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
    subscription: int | str
    result: msgspec.Raw


def _name(result: msgspec.Raw) -> str:
    """Return a subscription's id as text."""
    return str(msgspec.json.decode(result))


def _close_reason(connection: ClientConnection) -> str:
    """Say in the node's words why a connection was closed, where it said so."""
    return f": {connection.close_reason}" if connection.close_reason else ""


def _put(queue: asyncio.Queue[msgspec.Raw | None], item: msgspec.Raw | None) -> None:
    """Put without waiting; of a full queue the oldest head goes, since the newest one implies it."""
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(item)

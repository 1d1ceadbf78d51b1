"""
What carries httpx's requests to a node: connections of the SDK's, where no proxy is in between.

httpx's own takes 3 µs a log for moving bytes alone, nearly as long as parsing them takes. All else stays
httpx's: authentication in a URL, content codings, time-outs and the words of errors.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import httpx

from event_streamer_sdk._core.call.request import Request
from event_streamer_sdk._core.inflate import Inflater
from event_streamer_sdk._transports._async.llhttp import AsyncLlhttpResponse, AsyncLlhttpTransport
from event_streamer_sdk._transports.errors import (
    CannotConnectError,
    ConnectionBrokenError,
    NotSendableError,
    TransportTimeoutError,
)
from event_streamer_sdk._transports.limits import TimeLimits
from event_streamer_sdk._transports.proxies import proxy_of
from event_streamer_sdk.exceptions import EventStreamerValidationError

_MOST_CONNECTIONS = 20
_IDLE_SECONDS = 30.0


def node_client(url: str, *, timeout: float, tls: ssl.SSLContext) -> httpx.AsyncClient:
    """
    Return the client for a node.

    Args:
        url: The node; whether a proxy leads to it, the environment says (`HTTPS_PROXY`, `NO_PROXY`, …).
        timeout: Seconds that each step of an answer may take.
        tls: Which certificates are trusted.
    """
    return httpx.AsyncClient(
        timeout=timeout,
        verify=tls,
        # What `Inflater` undoes; httpx would ask for all that it knows.
        headers={"Content-Type": "application/json", "Accept-Encoding": "gzip, deflate"},
        limits=httpx.Limits(max_connections=_MOST_CONNECTIONS, keepalive_expiry=_IDLE_SECONDS),
        transport=None if _by_proxy(url) else NodeTransport(tls),
    )


def inflating(response: httpx.Response) -> Callable[[bytes], Iterator[bytes]]:
    """
    Return what undoes an answer's compression in small pieces: httpx inflates a part at once, a thousandfold.

    Raises:
        httpx.DecodingError: It is compressed in a way that wasn't asked for.
    """
    try:
        return Inflater(response.headers.get("Content-Encoding", "")).feed
    except EventStreamerValidationError as error:
        raise httpx.DecodingError(str(error)) from None


def _by_proxy(url: str) -> bool:
    try:
        return proxy_of(url, None, True) is not None
    except (EventStreamerValidationError, ValueError):
        return True  # a proxy, or a URL, that can't be used: httpx says so


class NodeTransport(httpx.AsyncBaseTransport):
    """
    Sends httpx's requests over connections of the SDK's.

    Args:
        tls: Which certificates are trusted.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._connections = AsyncLlhttpTransport(tls, _MOST_CONNECTIONS, _IDLE_SECONDS)
        self._free = asyncio.Semaphore(_MOST_CONNECTIONS)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and wait for the head of its response."""
        limits = TimeLimits(request.extensions["timeout"])
        asked = Request(
            method=request.method,
            url=str(request.url),
            params={},
            content=await request.aread(),
            headers={
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in request.headers.raw
                if name.lower() != b"content-length"
            },
        )
        with _failures():
            await self._take_turn(limits)
            try:
                opened = await self._connections.open(asked, limits)
            except BaseException:
                self._free.release()
                raise
        body = _Body(opened, self._free.release)
        return httpx.Response(opened.status, headers=dict(opened.headers), stream=body)

    async def _take_turn(self, limits: TimeLimits) -> None:
        try:
            async with asyncio.timeout(limits.seconds("pool")):
                await self._free.acquire()
        except TimeoutError:
            raise TransportTimeoutError("all connections were in use", "pool") from None

    async def aclose(self) -> None:
        """Close the idle connections."""
        await self._connections.close()


class _Body(httpx.AsyncByteStream):
    """The body of a response, as it comes."""

    def __init__(self, opened: AsyncLlhttpResponse, released: Callable[[], None]) -> None:
        self._opened = opened
        self._released: Callable[[], None] | None = released

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _failures():
            while part := await self._opened.chunk():
                yield part

    async def aclose(self) -> None:
        released, self._released = self._released, None
        if released is not None:
            released()
            await self._opened.close()


@contextmanager
def _failures() -> Iterator[None]:
    """Put the failures of a connection into httpx's classes, which all of the service knows."""
    try:
        yield
    except TransportTimeoutError as error:
        kind = httpx.ReadTimeout if error.sent else httpx.ConnectTimeout
        raise kind(str(error)) from error
    except CannotConnectError as error:
        raise httpx.ConnectError(str(error)) from error
    except ConnectionBrokenError as error:
        raise httpx.ReadError(str(error)) from error
    except NotSendableError as error:
        raise httpx.LocalProtocolError(str(error)) from error

"""
The asyncio clients' transport: a connection of the event loop, and HTTP/1.1 as `http11` reads it.

The twin of `direct`, which says why it is there.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from .._core.call.body import Body, BodyError
from .connecting import connected_on_loop, readable
from .http11 import (
    IdleConnections,
    Origin,
    Reply,
    ResponseReader,
    Target,
    call_bytes,
    read_buffer,
    reply_of,
    request_bytes,
    target_of,
    target_of_call,
)
from .limits import Limits

HIGH_WATER_BYTES = 1024 * 1024
"""So many bytes may wait to be taken; then the socket is left alone until they are, and TCP pushes back."""


class AsyncDirectTransport(httpx.AsyncBaseTransport):
    """
    Sends requests over connections of its own.

    Args:
        tls: The TLS context, for an https address.
        keep: Most idle connections that are kept; None keeps all.
        keep_seconds: How long one is kept idle; None keeps it until the peer closes it.
    """

    def __init__(self, tls: ssl.SSLContext | None, keep: int | None, keep_seconds: float | None) -> None:
        self._tls = tls
        self._idle: IdleConnections[Connection] = IdleConnections(keep, keep_seconds)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        Send a request and read the head of its response.

        Args:
            request: The request; its extension `timeout` holds httpx's time-outs in seconds, and `limits`
                may hold the Limits up to the end of the head.

        Raises:
            httpx.TransportError: If no connection comes about, or it breaks.
        """
        timeouts = request.extensions.get("timeout", {})
        target = target_of(request.url)
        data = request_bytes(request.method, target, request.headers.raw, await request.aread())
        limits = request.extensions.get("limits") or Limits(timeouts)
        connection = await self._sent(target, data, limits)
        return httpx.Response(
            connection.reader.status,
            headers=connection.reader.content_headers(),
            stream=_Body(self, connection, timeouts),
            extensions={"http_version": b"HTTP/1.1"},
            request=request,
        )

    async def call(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        content: bytes | None,
        limits: Limits,
        max_bytes: int,
    ) -> Reply:
        """
        Make a call, without the objects that httpx makes for each: they cost more than all the rest.

        Args:
            method: Its method.
            url: Its absolute URL.
            params: Its query.
            headers: Its headers.
            content: Its body.
            limits: How long it may take, up to the end of the response.
            max_bytes: Most bytes that its response may have, before and after it is inflated.

        Returns:
            The whole response.

        Raises:
            httpx.TransportError: If no connection comes about, or it breaks.
            httpx.InvalidURL: If the URL is none.
            BodyError: If the response is too large, or compressed and damaged.
        """
        target = target_of_call(url, params)
        data = call_bytes(method, target, headers, content)
        connection = await self._sent(target, data, limits)
        reader, body = connection.reader, Body(max_bytes)
        try:
            reader.take_all(body.add)
            while not reader.complete:
                await connection.receive(limits.seconds("read"))
                reader.take_all(body.add)  # all of it, lest more waits there than the body may hold
            return reply_of(reader, body)
        except (BodyError, httpx.NetworkError, httpx.ProtocolError):
            if reader.status < 300:
                raise
            return reply_of(reader, None)
        finally:
            self.release(connection)

    async def aclose(self) -> None:
        """Close the idle connections."""
        self._idle.discard_all()

    def release(self, connection: Connection) -> None:
        """
        Take a connection back.

        Args:
            connection: One whose response has been closed.
        """
        if connection.reader.reusable and not connection.half_sent:
            self._idle.put(connection, time.monotonic())
        else:
            connection.discard()

    async def _sent(self, target: Target, data: bytes, limits: Limits) -> Connection:
        """Send a request and read the head of its response."""
        connection = await self._connection(target.origin, limits)
        try:
            connection.reader.without_body = data[:5] == b"HEAD "
            await connection.send(data, limits)
            while not connection.reader.status:
                await connection.receive(limits.seconds("read"))
        except BaseException:
            connection.discard()
            raise
        return connection

    async def _connection(self, origin: Origin, limits: Limits) -> Connection:
        kept = self._idle.take(origin, time.monotonic())
        if kept is not None:
            kept.reader.reset()
            return kept
        scheme, host, port = origin
        name, is_tls = host.decode("ascii"), scheme == b"https"
        assert self._tls is not None or not is_tls, "the address was http when the transport was made"
        connection = Connection(origin)
        try:
            async with asyncio.timeout(limits.seconds("connect")):
                await connection.open(name, port, self._tls if is_tls else None)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that DNS has no form for
            raise httpx.ConnectError(str(error)) from error
        return connection


class Connection(asyncio.BufferedProtocol):
    """
    One connection.

    Args:
        origin: Where it leads.

    Attributes:
        half_sent: Whether the system has not taken all of a request yet, so that no other may follow.
    """

    transport: Any  # not asyncio's: uvloop's are no subclasses

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.reader = ResponseReader()
        self._loop = asyncio.get_running_loop()
        self._view = read_buffer()
        self._waiting: asyncio.Future[None] | None = None
        self._broken: Exception | None = None
        self._paused = False
        self._untaken = 0
        self.half_sent = False

    async def open(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """
        Connect. Where this fails or is cancelled, at whichever await, nothing stays open.

        Args:
            host: A name or an address.
            port: The port.
            tls: The TLS context, for https.

        Raises:
            OSError: If no connection comes about.
        """
        opened = await connected_on_loop(host, port)
        bare, _ = await self._loop.create_connection(lambda: self, sock=opened)
        try:
            # Not by create_connection: cancelled when the handshake has just ended, it goes on waiting up to
            # 30 s for the peer's close_notify. Here the transport below TLS is ours to abort.
            if tls is not None:
                self.transport = await self._loop.start_tls(bare, self, tls, server_hostname=host)
            if self.transport is None:
                raise ConnectionResetError("the peer closed the connection during the TLS handshake")
        except BaseException:
            bare.abort()
            raise
        # Nothing waits behind our back: then sending is over when the system has it, as in the twin.
        self.transport.set_write_buffer_limits(high=0)

    async def send(self, data: bytes, limits: Limits) -> None:
        """
        Send bytes, until the system has taken them all, or the peer has answered without having had them all.

        Args:
            data: What to send.
            limits: How long it may take.

        Raises:
            httpx.ReadError: If the connection breaks.
            httpx.WriteTimeout: If it takes too long.
        """
        self.transport.write(data)
        while self.half_sent and not self.reader.status:
            if self._broken is not None:
                raise self._broken
            try:
                await self._woken(limits.seconds("write"))
            except TimeoutError as error:
                raise httpx.WriteTimeout("the peer took nothing in time") from error

    async def receive(self, timeout: float | None) -> None:  # noqa: ASYNC109  # as in the twin
        """
        Wait until the reader has got further.

        Args:
            timeout: Seconds of silence; None for no limit.

        Raises:
            httpx.ReadError: If the connection breaks.
            httpx.ReadTimeout: If nothing comes.
            httpx.RemoteProtocolError: If what comes is not HTTP/1.1, or ends too early.
        """
        if self._broken is not None:
            raise self._broken
        self._untaken = 0
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        try:
            await self._woken(timeout)
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"nothing came for {timeout} s") from error

    async def _woken(self, timeout: float | None) -> None:  # noqa: ASYNC109  # as above
        self._waiting = self._loop.create_future()
        try:
            async with asyncio.timeout(timeout):
                await self._waiting
        finally:
            self._waiting = None

    def usable(self) -> bool:
        """Say whether an idle connection is still open, and nothing came that nobody asked for."""
        if self._loop is not asyncio.get_running_loop():
            return False
        if self._broken is not None or not self.reader.reusable or self.transport.is_closing():
            return False
        # The end may have come while the loop was busy, and is known to the system alone.
        return not readable(self.transport.get_extra_info("socket"))

    def discard(self) -> None:
        """Close the connection at once."""
        if not self._loop.is_closed():  # it took its connections along
            self.transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, until `open` puts TLS on it."""
        self.transport = transport

    def pause_writing(self) -> None:
        """Note that the system does not take everything at once."""
        self.half_sent = True

    def resume_writing(self) -> None:
        """Note that it has taken everything."""
        self.half_sent = False
        self._wake()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend the buffer that the next bytes go into."""
        del sizehint
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Feed what came to the reader."""
        try:
            self.reader.feed(self._view[:nbytes])
        except httpx.RemoteProtocolError as error:
            self._broken = error
        self._untaken += nbytes
        if self._untaken > HIGH_WATER_BYTES and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember how the connection ended, for whoever reads from it next."""
        try:
            if exc is not None:
                raise httpx.ReadError(str(exc)) from exc
            self.reader.end_of_input()
        except httpx.TransportError as error:
            self._broken = self._broken or error
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class _Body(httpx.AsyncByteStream):
    """
    The body of a response as it comes; closing it gives the connection back.

    The read time-out is looked up for each read, as httpx's own transports do: a stream's body may be
    silent for longer than its head.
    """

    def __init__(
        self, transport: AsyncDirectTransport, connection: Connection, timeouts: Mapping[str, Any]
    ) -> None:
        self._transport = transport
        self._connection: Connection | None = connection
        self._timeouts = timeouts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        connection = self._connection
        assert connection is not None, "a closed response has no body"
        reader = connection.reader
        while True:
            if reader.parts:
                yield reader.take()
            elif reader.complete:
                return
            else:
                await connection.receive(self._timeouts.get("read"))

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._transport.release(connection)

"""
The blocking clients' transport: a socket, and HTTP/1.1 as `http11` reads it.

httpx's own transport spends some 10 µs on each chunk, and a service that writes a line a chunk makes its
client pay that for every batch; it also takes twice as long for a call. This one serves what a plain
connection can: no proxies, no HTTP/2.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from .._core.call.body import Body, BodyError
from .connecting import connected, readable
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


class DirectTransport(httpx.BaseTransport):
    """
    Sends requests over sockets of its own.

    Args:
        tls: The TLS context, for an https address.
        keep: Most idle connections that are kept; None keeps all.
        keep_seconds: How long one is kept idle; None keeps it until the peer closes it.
    """

    def __init__(self, tls: ssl.SSLContext | None, keep: int | None, keep_seconds: float | None) -> None:
        self._tls = tls
        self._idle: IdleConnections[Connection] = IdleConnections(keep, keep_seconds)
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
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
        data = request_bytes(request.method, target, request.headers.raw, request.read())
        connection = self._sent(target, data, request.extensions.get("limits") or Limits(timeouts))
        return httpx.Response(
            connection.reader.status,
            headers=connection.reader.content_headers(),
            stream=_Body(self, connection, timeouts),
            extensions={"http_version": b"HTTP/1.1", "network_stream": connection},
            request=request,
        )

    def call(
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
        connection = self._sent(target, data, limits)
        reader, body = connection.reader, Body(max_bytes)
        try:
            reader.take_all(body.add)
            while not reader.complete:
                connection.receive(limits.seconds("read"))
                reader.take_all(body.add)  # all of it, lest more waits there than the body may hold
            return reply_of(reader, body)
        except (BodyError, httpx.NetworkError, httpx.ProtocolError):
            if reader.status < 300:
                raise
            return reply_of(reader, None)
        finally:
            self.release(connection)

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            self._idle.discard_all()

    def release(self, connection: Connection) -> None:
        """
        Take a connection back.

        Args:
            connection: One whose response has been closed.
        """
        if connection.reader.reusable and not connection.half_sent:
            with self._lock:
                self._idle.put(connection, time.monotonic())
        else:
            connection.discard()

    def _sent(self, target: Target, data: bytes, limits: Limits) -> Connection:
        """Send a request and read the head of its response."""
        connection = self._connection(target.origin, limits)
        try:
            connection.reader.without_body = data[:5] == b"HEAD "
            try:
                connection.send(data, limits)
            except (httpx.WriteError, httpx.WriteTimeout) as error:
                connection.receive_early_answer(error, limits)
            while not connection.reader.status:
                connection.receive(limits.seconds("read"))
        except BaseException:
            connection.discard()
            raise
        return connection

    def _connection(self, origin: Origin, limits: Limits) -> Connection:
        with self._lock:
            kept = self._idle.take(origin, time.monotonic())
        if kept is not None:
            kept.reader.reset()
            return kept
        scheme, host, port = origin
        name = host.decode("ascii")
        with contextlib.ExitStack() as on_failure:
            try:
                opened = connected(name, port, limits.seconds("connect"))
                on_failure.callback(opened.close)
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if scheme == b"https":
                    assert self._tls is not None, "the address was http when the transport was made"
                    opened.settimeout(limits.seconds("connect"))
                    opened = self._tls.wrap_socket(opened, server_hostname=name)
            except TimeoutError as error:
                raise httpx.ConnectTimeout("no connection in time") from error
            except (OSError, UnicodeError) as error:  # UnicodeError: a name that DNS has no form for
                raise httpx.ConnectError(str(error)) from error
            on_failure.pop_all()
        return Connection(opened, origin)


class Connection:
    """
    One connection.

    Args:
        opened: Its socket.
        origin: Where it leads.

    Attributes:
        half_sent: Whether a request was not sent to its end, so that no other may follow.
    """

    def __init__(self, opened: socket.socket, origin: Origin) -> None:
        self.origin = origin
        self.reader = ResponseReader()
        self._socket = opened
        self._buffer = read_buffer()
        self.half_sent = False

    def send(self, data: bytes, limits: Limits) -> None:
        """
        Send bytes.

        Args:
            data: What to send.
            limits: How long it may take.

        Raises:
            httpx.WriteError: If the connection breaks.
            httpx.WriteTimeout: If it takes too long.
        """
        try:
            rest = memoryview(data)
            while rest:  # not sendall: with TLS its time-out would begin again with every record
                self._socket.settimeout(limits.seconds("write"))
                rest = rest[self._socket.send(rest) :]
        except TimeoutError as error:
            raise httpx.WriteTimeout("the peer took nothing in time") from error
        except OSError as error:
            raise httpx.WriteError(str(error)) from error

    def receive(self, timeout: float | None) -> None:
        """
        Wait for bytes and feed them to the reader.

        Args:
            timeout: Seconds of silence; None for no limit.

        Raises:
            httpx.ReadError: If the connection breaks.
            httpx.ReadTimeout: If nothing comes.
            httpx.RemoteProtocolError: If what comes is not HTTP/1.1, or ends too early.
        """
        try:
            self._socket.settimeout(timeout)
            size = self._socket.recv_into(self._buffer)
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"nothing came for {timeout} s") from error
        except (OSError, ValueError) as error:  # ValueError: TLS shut down elsewhere
            raise httpx.ReadError(str(error)) from error
        if size:
            self.reader.feed(self._buffer[:size])
        else:
            self.reader.end_of_input()

    def receive_early_answer(self, error: httpx.TransportError, limits: Limits) -> None:
        """
        Look for an answer that the peer has given before it had the whole request, such as 413.

        Args:
            error: How sending has failed.
            limits: How long reading may take.

        Raises:
            httpx.TransportError: If there is none: the error, or what TLS has to say.
        """
        self.half_sent = True
        while not self.reader.status:
            if not readable(self._socket):
                raise error
            try:
                self.receive(limits.seconds("read"))
            except httpx.TransportError as closing:
                if isinstance(closing.__cause__, ssl.SSLError):
                    raise
                raise error from closing

    def usable(self) -> bool:
        """Say whether an idle connection is still open: then there is nothing to read from it."""
        return not readable(self._socket)

    def get_extra_info(self, info: str) -> Any:
        """
        Answer as httpcore's network streams do, so that shutting the socket down can wake a reader.

        Args:
            info: What is asked for.

        Returns:
            The socket for `socket`, else None.
        """
        return self._socket if info == "socket" else None

    def discard(self) -> None:
        """Close the connection at once."""
        self._socket.close()


class _Body(httpx.SyncByteStream):
    """
    The body of a response as it comes; closing it gives the connection back.

    The read time-out is looked up for each read, as httpx's own transports do: a stream's body may be
    silent for longer than its head.
    """

    def __init__(
        self, transport: DirectTransport, connection: Connection, timeouts: Mapping[str, Any]
    ) -> None:
        self._transport = transport
        self._connection: Connection | None = connection
        self._timeouts = timeouts

    def __iter__(self) -> Iterator[bytes]:
        connection = self._connection
        assert connection is not None, "a closed response has no body"
        reader = connection.reader
        while True:
            if reader.parts:
                yield reader.take()
            elif reader.complete:
                return
            else:
                connection.receive(self._timeouts.get("read"))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._transport.release(connection)

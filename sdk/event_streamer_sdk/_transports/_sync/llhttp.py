# Printed from _async/llhttp.py by `make generate`. Change it there, never here.
"""
Our own adapter, blocking: sockets, and HTTP/1.1 as llhttp reads it.

httpx spends some 10 µs on each chunk, and a service that writes a line a chunk makes its client pay that for
every batch; it also takes twice as long for a call. This adapter serves what a plain connection can, with and
without TLS: no proxies, no HTTP/2.
"""

from __future__ import annotations

import ssl
import time

from ..._core.call.request import Request
from ..cookies import Cookies
from ..http11 import request_bytes, target_of
from ..idle import IdleConnections
from ..limits import TimeLimits
from ..sockets_on_threads import HTTPConnection, connect


class SyncLlhttpTransport:
    """
    Sends requests over connections of its own.

    Args:
        tls: The TLS context, for an https address.
        keep: Most idle connections that are kept; None keeps all.
        keep_seconds: How long one is kept idle; None keeps it until the peer closes it.
    """

    def __init__(self, tls: ssl.SSLContext | None, keep: int | None, keep_seconds: float | None) -> None:
        self._tls = tls
        self._idle: IdleConnections[HTTPConnection] = IdleConnections(keep, keep_seconds)
        self._cookies = Cookies()

    def open(self, request: Request, limits: TimeLimits) -> SyncLlhttpResponse:
        """See `SyncTransport.open`."""
        target = target_of(request.url, request.params)
        data = request_bytes(request, target, self._cookies.header_for(request))
        connection = self._idle.take(target.origin, time.monotonic())
        if connection is None:
            connection = connect(target.origin, self._tls, limits)
        reader = connection.reader
        try:
            reader.begin(request.method)
            connection.send(data, limits)
            while not reader.status:
                connection.receive(limits.seconds("read"))
            if "set-cookie" in reader.headers:
                self._cookies.keep(request, reader.field_lines)
        except BaseException:
            connection.discard()
            raise
        return SyncLlhttpResponse(connection, self._idle, limits)

    def close(self) -> None:
        """Close the idle connections; those in use are closed when their responses are."""
        self._idle.discard_all()


class SyncLlhttpResponse:
    """A response whose head has been read."""

    __slots__ = ("_connection", "_idle", "_limits", "headers", "status")

    def __init__(
        self, connection: HTTPConnection, idle: IdleConnections[HTTPConnection], limits: TimeLimits
    ) -> None:
        self.status = connection.reader.status
        self.headers = connection.reader.headers
        self._connection: HTTPConnection | None = connection
        self._idle = idle
        self._limits = limits

    def chunk(self) -> bytes:
        """See `SyncOpenResponse.chunk`."""
        connection = self._connection
        assert connection is not None, "a closed response has no body"
        reader = connection.reader
        while not reader.parts:
            if reader.complete:
                return b""
            connection.receive(self._limits.seconds("read"))
        return reader.take()

    def break_off(self) -> None:
        """See `SyncOpenResponse.break_off`."""
        connection = self._connection
        if connection is not None:
            connection.break_off()

    def close(self) -> None:
        """See `SyncOpenResponse.close`."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.reader.reusable and not connection.half_sent:
            self._idle.put(connection, time.monotonic())
        else:
            connection.discard()

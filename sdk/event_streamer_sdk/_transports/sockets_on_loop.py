"""A connection on an event loop: a protocol of asyncio's, and HTTP/1.1 as `http11` reads it."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from .connecting import connected_on_loop, readable
from .errors import CannotConnectError, ConnectionBrokenError, TransportTimeoutError
from .http11 import Origin, ResponseReader, read_buffer
from .limits import TimeLimits

HIGH_WATER_BYTES = 1024 * 1024
"""So many bytes may wait to be taken; then the socket is left alone until they are, and TCP pushes back."""


async def connect(origin: Origin, tls: ssl.SSLContext | None, limits: TimeLimits) -> HTTPConnection:
    """
    Connect.

    Raises:
        CannotConnectError: If none comes about.
        TransportTimeoutError: If it takes too long.
    """
    is_tls = origin[0] == "https"
    assert tls is not None or not is_tls, "the address was http when the transport was made"
    connection = HTTPConnection(origin)
    try:
        async with asyncio.timeout(limits.seconds("connect")):
            await connection.open(tls if is_tls else None)
    except TimeoutError as error:
        raise TransportTimeoutError("no connection in time", "connect") from error
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that DNS has no form for
        raise CannotConnectError(str(error)) from error
    return connection


class HTTPConnection(asyncio.BufferedProtocol):
    """
    One connection.

    Args:
        origin: Where it leads.

    Attributes:
        reader: What reads its responses.
        half_sent: Whether the system has not taken all of a request yet, so that no other may follow.
    """

    transport: Any  # not asyncio's: uvloop's are no subclasses

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.reader = ResponseReader()
        self._loop = asyncio.get_running_loop()
        self._view = read_buffer()
        self._waiting: asyncio.Future[bool] | None = None
        self._broken: ConnectionBrokenError | None = None
        self._paused = False
        self._untaken = 0
        self.half_sent = False

    async def open(self, tls: ssl.SSLContext | None) -> None:
        """
        Connect. Where this fails or is cancelled, at whichever await, nothing stays open.

        Raises:
            OSError: If no connection comes about.
        """
        _, host, port = self.origin
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

    async def send(self, data: bytes, limits: TimeLimits) -> None:
        """
        Send bytes, until the system has taken them all, or the peer has answered without having had them all.

        Raises:
            ConnectionBrokenError: If the connection breaks.
            TransportTimeoutError: If it takes too long.
        """
        self.transport.write(data)
        while self.half_sent and not self.reader.status:
            if self._broken is not None:
                raise self._broken
            try:
                await self._woken(limits.seconds("write"))
            except TimeoutError as error:
                raise TransportTimeoutError("the peer accepted no data in time", "write") from error

    async def receive(self, timeout: float | None) -> None:  # noqa: ASYNC109  # as in the twin
        """
        Wait until the reader has got further.

        Args:
            timeout: Seconds of silence; None for no limit.

        Raises:
            ConnectionBrokenError: If the connection breaks, ends too early, or brings what is not HTTP/1.1.
            TransportTimeoutError: If nothing comes.
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
            raise TransportTimeoutError(f"nothing came for {timeout} s", "read") from error

    async def _woken(self, timeout: float | None) -> None:  # noqa: ASYNC109  # as above
        """Wait for `_wake`. Not by asyncio.timeout, whose books cost a fifth of a call."""
        waiting = self._waiting = self._loop.create_future()
        timer = None if timeout is None else self._loop.call_later(timeout, _end, waiting, False)
        try:
            if not await waiting:
                raise TimeoutError
        finally:
            self._waiting = None
            if timer is not None:
                timer.cancel()

    def usable(self) -> bool:
        """Say whether an idle connection is still open, and nothing came that nobody asked for."""
        if self._loop is not asyncio.get_running_loop():
            return False
        if self._broken is not None or not self.reader.reusable or self.transport.is_closing():
            return False
        # The end may have come while the loop was busy, and is known to the system alone.
        return not readable(self.transport.get_extra_info("socket"))

    def break_off(self) -> None:
        """Wake the task that waits in `receive`."""
        self.discard()

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
        except ConnectionBrokenError as error:
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
                raise ConnectionBrokenError(str(exc)) from exc
            self.reader.end_of_input()
        except ConnectionBrokenError as error:
            self._broken = self._broken or error
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None:
            _end(self._waiting, True)


def _end(waiting: asyncio.Future[bool], in_time: bool) -> None:
    if not waiting.done():
        waiting.set_result(in_time)

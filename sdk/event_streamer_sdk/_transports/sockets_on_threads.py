"""A connection in threads: a socket, and HTTP/1.1 as `http11` reads it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import traceback

from .connecting import connected, readable
from .errors import CannotConnectError, ConnectionBrokenError, TransportError, TransportTimeoutError
from .http11 import Origin, ResponseReader, read_buffer
from .limits import TimeLimits


def connect(origin: Origin, tls: ssl.SSLContext | None, limits: TimeLimits) -> HTTPConnection:
    """
    Connect.

    Raises:
        CannotConnectError: If none comes about.
        TransportTimeoutError: If it takes too long.
    """
    scheme, host, port = origin
    with contextlib.ExitStack() as on_failure:
        try:
            opened = connected(host, port, limits.seconds("connect"))
            on_failure.callback(opened.close)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if scheme == "https":
                assert tls is not None, "the address was http when the transport was made"
                opened.settimeout(limits.seconds("connect"))
                opened = encrypted(opened, tls, host)
        except TimeoutError as error:
            raise TransportTimeoutError("no connection in time", "connect") from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that DNS has no form for
            raise CannotConnectError(str(error)) from error
        on_failure.pop_all()
    return HTTPConnection(opened, origin)


def encrypted(opened: socket.socket, tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    """Shake hands; the socket is closed where that fails."""
    try:
        return tls.wrap_socket(opened, server_hostname=host)
    except OSError as error:
        # Python before 3.13 forgets what it has made of the socket where the peer had reset it already.
        for frame, _ in traceback.walk_tb(error.__traceback__):
            half_made = frame.f_locals.get("self")
            if isinstance(half_made, ssl.SSLSocket):
                half_made.close()
        raise


class HTTPConnection:
    """
    One connection.

    Args:
        opened: Its socket.
        origin: Where it leads.

    Attributes:
        reader: What reads its responses.
        half_sent: Whether a request was not sent to its end, so that no other may follow.
    """

    def __init__(self, opened: socket.socket, origin: Origin) -> None:
        self.origin = origin
        self.reader = ResponseReader()
        self._socket = opened
        self._buffer = read_buffer()
        self.half_sent = False

    def send(self, data: bytes, limits: TimeLimits) -> None:
        """
        Send bytes, until the system has taken them all, or the peer has answered without having had them all.

        Raises:
            ConnectionBrokenError: If the connection breaks.
            TransportTimeoutError: If it takes too long.
        """
        try:
            rest = memoryview(data)
            while rest:  # not sendall: with TLS its time-out would begin again with every record
                self._socket.settimeout(limits.seconds("write"))
                rest = rest[self._socket.send(rest) :]
        except TimeoutError as error:
            slow = TransportTimeoutError("the peer accepted no data in time", "write")
            self._receive_early_answer(slow, error, limits)
        except OSError as error:
            self._receive_early_answer(ConnectionBrokenError(str(error)), error, limits)

    def receive(self, timeout: float | None) -> None:
        """
        Wait for bytes and feed them to the reader.

        Args:
            timeout: Seconds of silence; None for no limit.

        Raises:
            ConnectionBrokenError: If the connection breaks, ends too early, or brings what is not HTTP/1.1.
            TransportTimeoutError: If nothing comes.
        """
        try:
            self._socket.settimeout(timeout)
            size = self._socket.recv_into(self._buffer)
        except TimeoutError as error:
            raise TransportTimeoutError(f"nothing came for {timeout} s", "read") from error
        except (OSError, ValueError) as error:  # ValueError: TLS shut down elsewhere
            raise ConnectionBrokenError(str(error)) from error
        if size:
            self.reader.feed(self._buffer[:size])
        else:
            self.reader.end_of_input()

    def _receive_early_answer(self, failure: TransportError, cause: OSError, limits: TimeLimits) -> None:
        """Look for an answer that the peer has given before it had the whole request, such as 413."""
        self.half_sent = True
        while not self.reader.status:
            if not readable(self._socket):
                raise failure from cause
            try:
                self.receive(limits.seconds("read"))
            except TransportError as closing:
                if isinstance(closing.__cause__, ssl.SSLError):
                    raise  # what TLS has to say of it
                raise failure from closing

    def usable(self) -> bool:
        """Say whether an idle connection is still open: then there is nothing to read from it."""
        return not readable(self._socket)

    def break_off(self) -> None:
        """Wake a thread that is blocked in `receive`: closing from another thread would not."""
        with contextlib.suppress(OSError):
            # The method of the plain class, since that of an SSL socket would take its SSL object away
            # from under the reader.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def discard(self) -> None:
        """Close the connection at once."""
        self._socket.close()

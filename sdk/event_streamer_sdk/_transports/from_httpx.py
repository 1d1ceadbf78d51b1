"""What httpx raises and holds, in the words of the port."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from .errors import (
    CannotConnectError,
    ConnectionBrokenError,
    NotSendableError,
    TransportError,
    TransportTimeoutError,
)
from .tls import refusal

_STEPS = {
    httpx.ConnectTimeout: "connect",
    httpx.PoolTimeout: "pool",
    httpx.WriteTimeout: "write",
    httpx.ReadTimeout: "read",
}


@contextmanager
def failures() -> Iterator[None]:
    """
    Put what httpx raises in the block into the words of the port.

    Raises:
        TransportError: In its place; the `__cause__` is httpx's.
    """
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
        raise _failure(error) from error


def _failure(error: Exception) -> TransportError:
    reason = str(error) or type(error).__name__
    match error:
        case httpx.TimeoutException():
            return TransportTimeoutError(reason, _STEPS.get(type(error), "read"))
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return NotSendableError(reason)
        case httpx.ProxyError():
            status = re.match(r"[1-5]\d\d\b", reason)  # how httpx tells of an answer to CONNECT
            return CannotConnectError(reason, int(status[0]) if status else None)
        case httpx.ConnectError():
            return CannotConnectError(reason)
        case ssl.SSLError() if refusal(error, connecting=True) is not None:
            return CannotConnectError(reason)  # in a handshake, where httpx lets it pass
    return ConnectionBrokenError(reason)


def shut_down(response: httpx.Response) -> None:
    """Wake whoever waits for the next piece of a response: closing it would not."""
    stream = response.extensions.get("network_stream")
    found = stream.get_extra_info("socket") if stream is not None else None
    if found is not None:
        # By a copy of its descriptor: an event loop's sockets may have no method for it, and that of an SSL
        # socket would take its SSL object away from under the reader.
        with (
            contextlib.suppress(OSError),
            socket.fromfd(found.fileno(), socket.AF_INET, socket.SOCK_STREAM) as same,
        ):
            same.shutdown(socket.SHUT_RDWR)

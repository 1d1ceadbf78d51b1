"""Requests written byte by byte, as no client library would write them."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


@contextmanager
def connected(url: str, *, timeout: float = 20) -> Iterator[socket.socket]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=timeout) as raw:
        yield raw


def answer(raw: socket.socket) -> bytes:
    """All that comes until the other side closes; a reset ends it as well."""
    received = b""
    try:
        while part := raw.recv(65536):
            received += part
    except ConnectionError:
        pass
    return received


def status(received: bytes) -> int:
    """The status of the first answer; 0 where none came."""
    return int(received.split(b" ", 2)[1]) if received.startswith(b"HTTP/1.1 ") else 0


def push(raw: socket.socket, data: bytes, *, times: int, pause: float = 0) -> int:
    """Send the same bytes again and again; how often it went well before the other side had enough."""
    for number in range(times):
        try:
            raw.sendall(data)
        except (ConnectionError, TimeoutError):
            return number
        if pause:
            time.sleep(pause)
    return times

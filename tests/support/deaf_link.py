"""A link to a PostgreSQL that drops notifications, as some poolers do, when a test says so."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .slow_link import Link

_NOTIFICATION = b"A"
"""First byte of PostgreSQL's NotificationResponse (its manual, "Message Formats")."""


class DeafLink(Link):
    """
    Hands bytes on, both ways, of connections without TLS.

    Attributes:
        deaf: Notifications of the server are not handed on.
        dropped: How many weren't.
    """

    def __init__(self, port: int) -> None:
        self.deaf = False
        self.dropped = 0
        super().__init__(port)

    def _pass(self, source: socket.socket, target: socket.socket, slow: bool) -> None:
        if slow:  # from the client
            super()._pass(source, target, slow)
            return
        with suppress(OSError), source.makefile("rb") as messages:
            while head := messages.read(5):
                body = messages.read(int.from_bytes(head[1:]) - 4)
                if self.deaf and head[:1] == _NOTIFICATION:
                    self.dropped += 1
                else:
                    target.sendall(head + body)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def deaf_link_to(port: int) -> Iterator[DeafLink]:
    link = DeafLink(port)
    try:
        yield link
    finally:
        link.close()

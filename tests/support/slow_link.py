"""A link between a client and a server on loopback that is slow, or falls silent, when a test says so."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Link:
    """
    Hands bytes on, both ways.

    Attributes:
        url_port: The port that clients connect to.
        delay: Seconds for which what a client sends is held back: one round trip takes that much longer.
        silent: Nothing is handed on, and nothing is closed either.
        refusing: New connections are closed at once.
        falls_silent_after: What clients send so many times is handed on, then it falls silent; `None`: never.
        sent: How many times clients have sent something.
    """

    def __init__(self, port: int) -> None:
        self.delay = 0.0
        self.silent = False
        self.refusing = False
        self.falls_silent_after: int | None = None
        self.sent = 0
        self.connections = 0
        self._counting = threading.Lock()
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url_port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self.refusing:
                    raise ConnectionRefusedError
                server = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                client.close()
                continue
            self.connections += 1
            self._sockets += [client, server]
            self._start(client, server, slow=True)
            self._start(server, client, slow=False)

    def _start(self, source: socket.socket, target: socket.socket, *, slow: bool) -> None:
        thread = threading.Thread(target=self._pass, args=(source, target, slow), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _pass(self, source: socket.socket, target: socket.socket, slow: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if slow and self.delay:
                    time.sleep(self.delay)
                if slow:
                    self._note_sent()
                while self.silent:
                    time.sleep(0.01)
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _note_sent(self) -> None:
        with self._counting:
            if self.sent == self.falls_silent_after:
                self.silent = True
            self.sent += 1

    def cut(self) -> None:
        """Close all connections; new ones are taken."""
        sockets, self._sockets = self._sockets, []
        threads, self._threads = self._threads, []
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)
        for each in sockets:
            each.close()

    def close(self) -> None:
        self.silent = False
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(5)
        self._listener.close()
        self.cut()


@contextmanager
def link_to(port: int) -> Iterator[Link]:
    link = Link(port)
    try:
        yield link
    finally:
        link.close()

"""A way to a server on loopback that can be cut and mended: the server is away, for whoever takes it."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class Relay:
    """
    Hands bytes on, both ways.

    Args:
        target: The server's port.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._away = False
        self._to_lose = 0
        self.lost = 0
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.away()
        self._listener.close()

    def away(self) -> None:
        """Break off what is open, and let nothing in until it is `back`."""
        self._away = True
        for sock in list(self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def back(self) -> None:
        """Be there again."""
        self._away = False

    def lead_to(self, target: int) -> None:
        """Lead who comes from now on to another server, as a name does after a fail-over."""
        self._target = target

    def lose_answers(self, count: int) -> None:
        """Break off when the server answers, so many times: what it was asked for is done."""
        self._to_lose = count

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                if self._away:
                    here.close()
                    continue
                threading.Thread(target=self._connect, args=(here,), daemon=True).start()

    def _connect(self, here: socket.socket) -> None:
        with here, socket.create_connection(("127.0.0.1", self._target)) as there:
            self._open |= {here, there}
            back = threading.Thread(target=self._hand_on, args=(there, here, True), daemon=True)
            back.start()
            self._hand_on(here, there)
            back.join()
            self._open -= {here, there}

    def _hand_on(self, one: socket.socket, other: socket.socket, is_answer: bool = False) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if is_answer and self._to_lose:
                    self._to_lose -= 1
                    self.lost += 1
                    break
                other.sendall(data)
        for sock in (one, other):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

"""A peer that answers with bytes of the test's choice, whatever it is asked."""

import socket
import threading
from contextlib import suppress


class Wire:
    """Answers the request on each connection with the same bytes, in pieces; then closes."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.requests: list[bytes] = []
        self._answering = 0
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            # One each: the adapters keep connections, and a kept one must not hold the next one up.
            threading.Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _serve_one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._count(1)
            try:
                self._serve(connection)
            finally:
                self._count(-1)
            while connection.recv(65536):
                pass

    def _count(self, more: int) -> None:
        with self._changed:
            self._answering += more
            self._changed.notify_all()

    def settle(self) -> None:
        """Wait until each answer's connection is shut: the next request must not go over one that ends."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._answering, 10)

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = b""
        while b"\r\n\r\n" not in request:
            piece = connection.recv(65536)
            if not piece:
                return
            request += piece
        self.requests.append(request)
        for piece in self.pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.close()

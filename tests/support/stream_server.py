"""
A service on a real socket that breaks off, dribbles, lies and falls silent as a test tells it to.

Each connection to the stream is played by a script, a function that gets the `Wire`; after the last one comes
`healthy`. Batch number n has the id `b<n>`, the token `t<n>` and one event in block 100 + n.
"""

import json
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

Script = Callable[["Wire"], None]
FIRST_BLOCK = 100


def batch(number: int, **changes: Any) -> bytes:
    """Write a batch as a line."""
    event = {
        "from": "0x" + "11" * 20,
        "to": "0x" + "22" * 20,
        "value": "1000000000000000000",
        "block_number": FIRST_BLOCK + number,
        "transaction_hash": f"0x{number:064x}",
        "log_index": 0,
        "address": "0x" + "33" * 20,
        "timestamp": "2024-05-23T10:30:00.000Z",
    }
    message = {
        "type": "event_batch",
        "response_id": f"r{number}",
        "batch_id": f"b{number}",
        "subscription_id": 1,
        "connection_id": "c0",
        "resume_token": f"t{number}",
        "events": {"Transfer": [event]},
        "batch_size": 1,
        "timestamp": "2024-05-23T10:30:00.000Z",
        "chain_id": 1,
    }
    return line({**message, **changes})


def line(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"


HEARTBEAT = line(
    {
        "type": "heartbeat",
        "connection_id": "c0",
        "subscription_id": 1,
        "timestamp": "2024-05-23T10:30:00.000Z",
    }
)
END = line({"type": "end", "reason": "end_block_reached", "subscription_id": 1})


@dataclass
class Request:
    """What a client asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw_target: str
    body: Any
    at: float


@dataclass
class Answer:
    """What to answer instead of the usual."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False  # do the work, and break off before the answer


class Wire:
    """The service's end of one stream."""

    def __init__(self, server: "StreamServer", sock: socket.socket, request: Request, number: int) -> None:
        self.server = server
        self.request = request
        self.number = number
        self.id = f"c{number}"
        self._sock = sock
        self._begun = False

    @property
    def token(self) -> str | None:
        return self.request.query.get("resume_token")

    @property
    def position(self) -> int:
        """The first batch that the client wants."""
        return int(self.token[1:]) + 1 if self.token else 0

    def begin(self, status: int = 200, connection_id: bool = True, **headers: str) -> None:
        """Send the head of the response."""
        self._begun = True
        # The connection ends with the script: one that promised to stay would be used for the next call.
        fields = {
            "Content-Type": "application/x-ndjson",
            "Transfer-Encoding": "chunked",
            "Connection": "close",
        }
        if connection_id:
            fields["X-Connection-Id"] = self.id
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = f"HTTP/1.1 {status} OK\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._sock.sendall(head.encode() + b"\r\n")

    def send(self, *parts: bytes) -> None:
        """Send bytes, each part as a chunk of its own."""
        if not self._begun:
            self.begin()
        for part in parts:
            self._sock.sendall(b"%x\r\n%s\r\n" % (len(part), part))

    def batches(self, first: int, last: int) -> None:
        """Send batches, `last` included."""
        for number in range(first, last + 1):
            self.send(self.server.batch(number))

    def rest(self, first: int | None = None) -> None:
        """Send what is left, and the end."""
        self.batches(self.position if first is None else first, self.server.size - 1)
        self.send(END)
        self.finish()

    def finish(self) -> None:
        """End the response as one should."""
        if not self._begun:
            self.begin()
        self._sock.sendall(b"0\r\n\r\n")

    def no_content(self) -> None:
        """Say that the subscription is done."""
        self._sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def reset(self) -> None:
        """Break off with a TCP reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionAbortedError

    def pause(self, seconds: float) -> None:
        """Do nothing for a while."""
        self.server.closing.wait(seconds)

    def vanish(self) -> None:
        """Fall silent, and keep the connection open until the server is closed or the client goes."""
        while not self.server.closing.is_set():
            self._sock.settimeout(0.05)
            with suppress(TimeoutError):
                if not self._sock.recv(1024):
                    return

    def beat(self, every: float = 0.02) -> None:
        """Send heartbeats until the client goes or the server is closed."""
        while not self.server.closing.is_set():
            self.send(HEARTBEAT)
            self.pause(every)


def stay(wire: Wire) -> None:
    """Send all that there is, and stay open without an end."""
    wire.batches(wire.position, wire.server.size - 1)
    wire.beat(0.02)


def stay_silent(wire: Wire) -> None:
    """Send all that there is, and fall silent."""
    wire.batches(wire.position, wire.server.size - 1)
    wire.vanish()


def healthy(wire: Wire) -> None:
    """Send what the client asks for."""
    if wire.position >= wire.server.size:
        wire.no_content()
        return
    wire.rest()


def answers(status: int, body: Any = None, **headers: str) -> Script:
    """Make a script that answers with an error."""

    def script(wire: Wire) -> None:
        close = {"Connection": "close", **headers}
        wire.server._answer(wire._sock, Answer(status, body or {"error": "as told"}, close))

    return script


class StreamServer:
    """Listens, plays the scripts, and remembers what it was asked."""

    def __init__(self, size: int, scripts: tuple[Script, ...], tls: ssl.SSLContext | None) -> None:
        self.size = size
        self.scripts = deque(scripts)
        self.batch: Callable[[int], bytes] = batch
        self.connects: list[Request] = []
        self.requests: list[Request] = []
        self.acks: list[list[str]] = []
        self.acked: set[str] = set()
        self.refused_acks: Callable[[list[str]], set[str]] = lambda ids: set()
        self.ack_answers: deque[Answer] = deque()
        self.always_ack: Answer | None = None
        self.subscription: Answer | None = None  # to who asks for subscription 1
        self.heartbeats: list[Request] = []
        self.heartbeat_answers: deque[Answer] = deque()
        self.streaming = 0
        self.closing = threading.Event()
        self._tls = tls
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def tokens(self) -> list[str | None]:
        """The tokens of all connects, in order."""
        return [request.query.get("resume_token") for request in self.connects]

    def serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._connection, args=(sock,), daemon=True)
            thread.start()
            self._threads.append(thread)  # only now: one that has not begun can't be joined

    def close(self) -> None:
        self.closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _connection(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.add(sock)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            with sock.makefile("rb") as reader:
                while (request := self._request(reader)) is not None:
                    if not self._handle(sock, request):
                        break
        except (OSError, ValueError):
            pass  # the client has gone, or a script broke off: that is what the tests are about
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    def _request(self, reader: Any) -> Request | None:
        first = reader.readline().decode("latin-1").split()
        if len(first) != 3:
            return None
        headers = {}
        while (header := reader.readline().decode("latin-1").strip()) != "":
            name, _, value = header.partition(":")
            assert name.lower() not in headers, f"two headers {name}"
            headers[name.lower()] = value.strip()
        size = int(headers.get("content-length", 0))
        body = json.loads(reader.read(size)) if size else None
        split = urlsplit(first[1])
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        request = Request(first[0], split.path, query, headers, first[1], body, time.monotonic())
        self.requests.append(request)
        return request

    def _handle(self, sock: socket.socket, request: Request) -> bool:
        """Answer a request; tell whether the connection goes on."""
        if request.path.endswith("/stream"):
            with self._lock:
                number = len(self.connects)
                self.connects.append(request)
                script = self.scripts.popleft() if self.scripts else healthy
                self.streaming += 1
            try:
                script(Wire(self, sock, request, number))
            finally:
                with self._lock:
                    self.streaming -= 1
            return False
        if request.path.endswith("/heartbeat"):
            self.heartbeats.append(request)
            answer = self.heartbeat_answers.popleft() if self.heartbeat_answers else None
            good = Answer(200, {"acknowledged": True, "timestamp": "2024-05-23T10:30:00Z"})
            return self._answer(sock, answer or good)
        if "/ack/batch" in request.path:
            return self._acknowledge(sock, request)
        if request.path.endswith("/processing-status"):
            body = {"subscription_id": 1, "is_processing": True, "connection_count": 1}
            return self._answer(sock, Answer(200, body))
        if request.path == "/subscriptions/1" and self.subscription is not None:
            return self._answer(sock, self.subscription)
        return self._answer(sock, Answer(404, {"error": "no such path"}))

    def _acknowledge(self, sock: socket.socket, request: Request) -> bool:
        ids = request.body.get("batch_ids") or [request.body["batch_id"]]
        self.acks.append(ids)
        answer = self.always_ack or (self.ack_answers.popleft() if self.ack_answers else None)
        if answer is not None and not answer.drop:
            return self._answer(sock, answer)
        refused = self.refused_acks(ids)
        self.acked.update(set(ids) - refused)
        if answer is not None:
            return False
        if request.path.endswith("/bulk"):
            taken = len(ids) - len(refused)
            body = {
                "total_batches": len(ids),
                "acknowledged_batches": taken,
                "failed_batches": len(refused),
                "failed_batch_ids": sorted(refused),
                "total_events_acknowledged": taken,
            }
        else:
            body = {"acknowledged": not refused, "batch_id": ids[0]}
        return self._answer(sock, Answer(200, body))

    def _answer(self, sock: socket.socket, answer: Answer) -> bool:
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        fields = {"Content-Type": "application/json", "Content-Length": str(len(content)), **answer.headers}
        head = f"HTTP/1.1 {answer.status} As Told\r\n"
        head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        sock.sendall(head.encode() + b"\r\n" + content)
        return True


@contextmanager
def stream_server(
    *scripts: Script, size: int = 5, tls: ssl.SSLContext | None = None
) -> Iterator[StreamServer]:
    """
    Run a server for as long as the block lasts.

    Args:
        *scripts: What the first connections to the stream meet; `healthy` afterwards.
        size: How many batches there are.
        tls: The context of a server that speaks TLS.
    """
    server = StreamServer(size, scripts, tls)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(5)

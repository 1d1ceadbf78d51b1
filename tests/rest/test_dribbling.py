"""
A peer that sends a byte now and then: each read is answered in time, and still nothing may last for ever.

The peer would go on for ten seconds and more; that it hasn't come to its end says that the client gave up.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from event_streamer_api.api import stream
from event_streamer_api.models import BulkBatchAcknowledgmentRequest, ClientHeartbeatRequest
from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.exceptions import EventStreamerTimeoutError
from support.open_streams import StreamReader
from support.scripted_server import Reply, ScriptedServer
from support.twins import Twin, twin

LIMIT = 0.3
PAUSE = 0.05
BODY = b'{"status":"healthy"' + b" " * 200 + b"}"
HEAD = b"HTTP/1.1 200 OK\r\nX-Padding: %s\r\nContent-Length: %d\r\n\r\n" % (b"x" * 200, len(BODY))
ERROR = HEAD.replace(b"200 OK", b"503 Service Unavailable")


class Dribbler:
    """Answers the one request on each connection: some of it at once, the rest a byte at a time."""

    def __init__(self, at_once: bytes, slowly: bytes, tls: ssl.SSLContext | None = None) -> None:
        self._at_once, self._slowly, self._tls = at_once, slowly, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.came_to_its_end = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with ExitStack() as stack, suppress(OSError):
                stack.enter_context(connection)
                if self._tls is not None:
                    connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            piece = connection.recv(65536)
            if not piece:
                return
            request += piece
        connection.sendall(self._at_once)
        for number in range(len(self._slowly)):
            if self._closing.wait(PAUSE):
                return
            connection.sendall(self._slowly[number : number + 1])
        self.came_to_its_end = True

    def close(self) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


@contextmanager
def dribbling(at_once: bytes, slowly: bytes, tls: ssl.SSLContext | None = None) -> Iterator[Dribbler]:
    made = Dribbler(at_once, slowly, tls)
    try:
        yield made
    finally:
        made.close()


def open_stream(client: Twin) -> bytes:
    """Open a stream as the streaming clients do, whose limit is fixed, and read it to its end."""
    return StreamReader(client).read(stream.stream_subscription(7), head_timeout=LIMIT, silence=LIMIT)


CALLS: dict[str, Callable[[Twin], Any]] = {
    "get_health": lambda client: client.get_health(),
    "acknowledge_batch_bulk": lambda client: client.acknowledge_batch_bulk(
        7, "c", BulkBatchAcknowledgmentRequest(batch_ids=["b1"], connection_id="c")
    ),
    "send_heartbeat": lambda client: client.send_heartbeat(
        "c", ClientHeartbeatRequest(timestamp=datetime.now(UTC), sequence_number=1)
    ),
    "stream_subscription": open_stream,
}


def options_of(kind: str, way: str) -> dict[str, Any]:
    """Give the client's options for one of the ways that a call may take."""
    if way == "httpx's own":
        return {"transport": httpx.AsyncHTTPTransport() if kind == "async" else httpx.HTTPTransport()}
    return {"verify": False} if way == "ours, TLS" else {}


WAYS = [
    *(("ours", call) for call in CALLS),
    *((way, call) for way in ("ours, TLS", "httpx's own") for call in ("get_health", "stream_subscription")),
]


@pytest.mark.parametrize(
    ("kind", "way", "call", "part"),
    [
        (kind, way, call, part)
        for kind in ("async", "sync")
        for way, call in WAYS
        for part in ("head", "body")
        # There httpx's own blocking transport can't be broken off, as the guide says.
        if (kind, way, part) != ("sync", "httpx's own", "head")
    ],
)
def test_no_answer_takes_longer_than_it_may(
    kind: str, way: str, call: str, part: str, certificate: Path
) -> None:
    tls, limit = None, LIMIT
    if way == "ours, TLS":
        tls, limit = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), 1.0  # a busy machine shakes hands for a while
        tls.load_cert_chain(certificate)
    head = ERROR if call == "stream_subscription" else HEAD
    cut = 0 if part == "head" else len(head)
    answer = head + BODY
    told = LIMIT if call == "stream_subscription" else limit  # a stream's answer has a limit of its own
    with (
        dribbling(answer[:cut], answer[cut:], tls) as peer,
        twin(kind, peer.url, timeout=limit, max_retries=0, **options_of(kind, way)) as client,
        pytest.raises(EventStreamerTimeoutError, match=rf"^{call} failed: no answer in time \({told:g} s\)"),
    ):
        CALLS[call](client)
    assert not peer.came_to_its_end


@pytest.mark.parametrize("way", ["ours", "httpx's own"])
def test_the_body_of_a_stream_may_last(kind: str, way: str) -> None:
    body = b"{}\n" * 5
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert len(body) * PAUSE > 2 * LIMIT
    with (
        dribbling(head, body) as peer,
        twin(kind, peer.url, timeout=LIMIT, **options_of(kind, way)) as client,
    ):
        assert open_stream(client) == body


def test_the_steps_of_a_time_out_add_up(kind: str) -> None:
    timeout = httpx.Timeout(0.1, connect=0.05, pool=0.05)
    with (
        dribbling(HEAD, BODY) as peer,
        twin(kind, peer.url, timeout=timeout, max_retries=0) as client,
        pytest.raises(EventStreamerTimeoutError, match=r"no answer in time \(0\.3 s\)"),
    ):
        client.get_health()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where connecting neither succeeds nor fails: nobody accepts, and the queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.mark.parametrize("way", ["ours", "httpx's own"])
def test_a_connect_that_takes_too_long_has_sent_nothing(kind: str, way: str, silent_port: int) -> None:
    url = f"http://127.0.0.1:{silent_port}"
    with (
        twin(kind, url, timeout=LIMIT, max_retries=0, **options_of(kind, way)) as client,
        pytest.raises(EventStreamerTimeoutError, match="no connection in time"),
    ):
        client.get_health()


def test_a_silent_address_leaves_time_to_the_next(
    server: ScriptedServer, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def two(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        return [
            *resolve("127.0.0.1", silent_port, *arguments, **options),
            *resolve("127.0.0.1", port, *arguments, **options),
        ]

    server.script(Reply(200, {"status": "healthy"}))
    monkeypatch.setattr(socket, "getaddrinfo", two)
    with SyncEventStreamer(server.url, "me", timeout=2.0, max_retries=0) as client:
        assert client.get_health().status == "healthy"


def test_no_limit_is_no_limit(kind: str) -> None:
    body = b'{"status":"healthy"}'
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with dribbling(head, body) as peer, twin(kind, peer.url, timeout=None) as client:
        assert client.get_health().status == "healthy"

"""Our own transports on real sockets, and the reading of HTTP/1.1 that both share, for any cut of bytes."""

import asyncio
import gzip
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_sdk._core.call.request import Request
from event_streamer_sdk._transports._async.llhttp import AsyncLlhttpTransport
from event_streamer_sdk._transports._sync.llhttp import SyncLlhttpTransport
from event_streamer_sdk._transports.errors import (
    CannotConnectError,
    ConnectionBrokenError,
    NotSendableError,
    TransportTimeoutError,
)
from event_streamer_sdk._transports.http11 import MAX_HEAD_BYTES, ResponseReader, Target, request_bytes
from event_streamer_sdk._transports.idle import IdleConnections
from event_streamer_sdk._transports.limits import TimeLimits
from support.ports import refusing_port
from support.twins import twin

SMALL_GZIP = gzip.compress(b"small", mtime=0)
Serve = Callable[[socket.socket], None]
QUICK = {"connect": 5.0, "read": 0.3, "write": 5.0}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def request_of(connection: socket.socket) -> bytes:
    """Read one request without a body; empty at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    return data


class Peer:
    """A listening socket whose connections are served in order, each by the next function."""

    def __init__(self, *serve: Serve) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for serve in self._serve:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                serve(connection)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


def answers(*replies: bytes, then: Callable[[], Any] = lambda: None) -> Serve:
    """Answer each request with the next reply, then close, and only then say so."""

    def serve(connection: socket.socket) -> None:
        for reply in replies:
            if not request_of(connection):
                return
            connection.sendall(reply)
        connection.close()
        then()

    return serve


@dataclass
class Whole:
    """A response that was read to its end."""

    status: int
    body: bytes


class Transport:
    """Our adapter of either world behind one blocking face."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.runner = asyncio.Runner()
        make: Any = SyncLlhttpTransport if kind == "sync" else AsyncLlhttpTransport
        self._inner: Any = make(None, 20, None)

    def call(self, url: str, *, headers: dict[str, str] | None = None, timeouts: Any = QUICK) -> Whole:
        chunks: list[bytes] = []
        status = self.run(self._read(url, headers or {}, TimeLimits(timeouts), chunks, None))
        return Whole(status, b"".join(chunks))

    def pieces(self, url: str, count: int) -> list[bytes]:
        """Read so many pieces of a body."""
        chunks: list[bytes] = []
        self.run(self._read(url, {}, TimeLimits(QUICK), chunks, count))
        return chunks

    async def _read(
        self, url: str, headers: dict[str, str], limits: TimeLimits, chunks: list[bytes], most: int | None
    ) -> int:
        request = Request(method="GET", url=url, params={}, content=None, headers=headers)
        response = await self._awaited(self._inner.open(request, limits))
        try:
            while most is None or len(chunks) < most:
                chunk = await self._awaited(response.chunk())
                if not chunk:
                    break
                chunks.append(chunk)
            if most is None:
                gunzip = gzip.decompress if response.headers.get("content-encoding") == "gzip" else bytes
                chunks[:] = [gunzip(b"".join(chunks))]
            return int(response.status)
        finally:
            await self._awaited(response.close())

    async def _awaited(self, result: Any) -> Any:
        return result if self._kind == "sync" else await result

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def close(self) -> None:
        self.run(self._awaited(self._inner.close()))
        self.runner.close()


@contextmanager
def peer(*serve: Serve) -> Iterator[Peer]:
    made = Peer(*serve)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(params=["async", "sync"])
def transport(request: pytest.FixtureRequest) -> Iterator[Transport]:
    made = Transport(request.param)
    yield made
    made.close()


def test_a_connection_is_used_again(transport: Transport) -> None:
    with peer(answers(OK, OK, OK)) as server:
        for _ in range(3):
            assert transport.call(server.url).body == b"ok"
        assert server.connections == 1


def test_a_connection_is_not_used_again_where_the_peer_says_so(transport: Transport) -> None:
    closing = OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    with peer(answers(closing), answers(OK)) as server:
        transport.call(server.url)
        transport.call(server.url)
        assert server.connections == 2


def test_a_connection_is_not_used_again_behind_bytes_that_nobody_asked_for(transport: Transport) -> None:
    with peer(answers(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), answers(OK)) as server:
        assert transport.call(server.url).body == b"ok"
        assert transport.call(server.url).body == b"ok"
        assert server.connections == 2


def test_an_idle_connection_that_the_peer_has_closed_is_not_used(transport: Transport) -> None:
    gone = threading.Event()
    with peer(answers(OK, then=gone.set), answers(OK)) as server:
        transport.call(server.url)
        assert gone.wait(5)
        if transport._kind == "async":
            transport.run(asyncio.sleep(0.05))
        assert transport.call(server.url).body == b"ok"


def test_the_first_piece_arrives_at_once_and_silence_ends(transport: Transport) -> None:
    silent = threading.Event()

    def serve(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n")
        silent.wait(10)

    with peer(serve, serve) as server:
        try:
            assert transport.pieces(server.url, 1) == [b"one\n"]
            with pytest.raises(TransportTimeoutError, match=r"0\.3 s"):
                transport.pieces(server.url, 2)
        finally:
            silent.set()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "in the middle"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "in the middle"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not valid HTTP"),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MAX_HEAD_BYTES + 1), "head is longer"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: "
            + b"x" * (4 * MAX_HEAD_BYTES),
            "trailer is longer",
        ),
    ],
)  # fmt: skip
def test_a_peer_that_breaks_the_rules(transport: Transport, reply: bytes, error: str) -> None:
    with peer(answers(reply)) as server, pytest.raises(ConnectionBrokenError, match=error):
        transport.call(server.url)


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK, b"ok"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"
            % (len(SMALL_GZIP), SMALL_GZIP),
            b"small",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3;x=y\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n",
            b"abc",
        ),
    ],
)  # fmt: skip
def test_bodies_end_as_they_say(transport: Transport, reply: bytes, body: bytes) -> None:
    with peer(answers(reply)) as server:
        assert transport.call(server.url).body == body


def test_nobody_listens(transport: Transport) -> None:
    with refusing_port() as port, pytest.raises(CannotConnectError):
        transport.call(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"])
def test_a_header_cannot_bring_another(transport: Transport, value: str) -> None:
    with peer(answers(OK)) as server:
        with pytest.raises(NotSendableError, match="line break"):
            transport.call(server.url, headers={"X-Given": value})
        assert server.connections == 0


def test_other_schemes_are_refused(transport: Transport) -> None:
    with pytest.raises(NotSendableError, match="ftp"):
        transport.call("ftp://127.0.0.1/")


def test_a_body_of_unknown_length_is_refused() -> None:
    headers = {"Accept": "x", "transfer-Encoding": "chunked"}
    request = Request(method="POST", url="http://x/", params={}, content=b"", headers=headers)
    with pytest.raises(NotSendableError, match="known length"):
        request_bytes(request, Target(("http", "x", 80), "x", "/"), None)


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_limit_on_connections_is_left_to_httpx(kind: str) -> None:
    for most, name in ((1, "HttpxTransport"), (None, "LlhttpTransport")):
        with twin(kind, "http://127.0.0.1:1", limits=httpx.Limits(max_connections=most)) as client:
            assert type(client.client._http.transport).__name__.endswith(name)


class Kept:
    """A connection as the pool sees it."""

    def __init__(self, host: str, usable: bool = True) -> None:
        self.origin = ("http", host, 80)
        self.discarded = False
        self._usable = usable

    def usable(self) -> bool:
        return self._usable

    def discard(self) -> None:
        self.discarded = True


def test_idle_connections_grow_old_and_are_limited() -> None:
    idle: IdleConnections[Kept] = IdleConnections(2, 5.0)
    old, stale, good, other = Kept("a"), Kept("a", usable=False), Kept("a"), Kept("b")
    idle.put(old, 0.0)
    assert idle.take(("http", "a", 80), 6.0) is None
    assert old.discarded
    idle.put(good, 10.0)
    idle.put(stale, 10.0)
    idle.put(other, 10.0)
    assert good.discarded, "the limit is two"
    assert idle.take(("http", "a", 80), 11.0) is None
    assert stale.discarded
    assert idle.take(("http", "b", 80), 11.0) is other
    idle.put(other, 11.0)
    idle.discard_all()
    assert other.discarded


@pytest.mark.quick
@given(
    chunks=st.lists(st.binary(min_size=1, max_size=30), max_size=8),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=60),
    chunked=st.booleans(),
)
def test_any_cut_of_the_bytes_reads_the_same(chunks: list[bytes], cuts: list[int], chunked: bool) -> None:
    body = b"".join(chunks)
    if chunked:
        wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire += b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    else:
        wire = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    reader, read, start = ResponseReader(), b"", 0
    while start < len(wire):
        size = cuts[start % len(cuts)]
        reader.feed(memoryview(wire)[start : start + size])
        start += size
        while reader.parts:
            read += reader.take()
    assert (reader.status, read, reader.complete, reader.reusable) == (200, body, True, True)


@pytest.mark.quick
@given(st.binary(max_size=200), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", OK]))
def test_no_bytes_raise_anything_else(data: bytes, before: bytes) -> None:
    reader = ResponseReader()
    try:
        reader.feed(memoryview(before + data))
        reader.end_of_input()
    except ConnectionBrokenError:
        pass

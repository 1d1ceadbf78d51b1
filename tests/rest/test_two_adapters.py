"""
Which adapter carries a call never changes what it means: ours over llhttp, or httpx's.

The same bytes are answered to both, over real sockets and cut at any place. Where the two differ, `ALLOWED`
says why, with the paragraph of RFC 9112 that leaves it open.
"""

import asyncio
import gzip
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx
import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from event_streamer_api.api import health
from event_streamer_sdk._core.call.outcome import NoResponse, Response
from event_streamer_sdk._core.call.request import Request, request_of
from event_streamer_sdk._core.call.service import service_of
from event_streamer_sdk._transports.limits import limits_of
from event_streamer_sdk.exceptions import EventStreamerSDKError, EventStreamerValidationError
from support.open_streams import StreamReader
from support.scripted_server import Reply, ScriptedServer
from support.twins import Twin, twin
from support.wire import Wire

pytestmark = pytest.mark.quick

LONGER = 300 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 1

ADAPTERS = [(kind, way) for kind in ("async", "sync") for way in ("ours", "httpx's")]
BODY = b'{"status":"healthy"}'
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)

ALLOWED = {
    "two lengths": "6.3, item 3: Transfer-Encoding beside Content-Length ought to be an error: ours, "
    "h11 lets the coding win",
    "length twice": "6.3, item 5: a list of equal lengths may be taken or not; h11 takes it, ours does not",
    "other codings": "7: a client need know no coding but chunked; ours undoes gzip, h11 refuses it",
    "coding with a close": "6.3, item 4: a body whose last coding isn't chunked ends with the connection; "
    "h11 refuses it",
    "large head": "3: limits are up to the recipient (and RFC 9110, 5.4); ours is 64 KiB, h11's 100 KiB",
    "blank behind a size": "7.1: blanks behind a chunk's size are not in the grammar; h11 drops them",
    "blank line first": "2.2: servers should pass over an empty line; of clients nothing is said",
    "chunked twice": "6.1: no sender may apply chunked twice; ours undoes it once, h11 refuses it",
    "another version": "2.3: h11 takes any digit for the major version, ours HTTP/1 alone (RFC 9110, 2.5)",
    "wide fold": "5.2: a folded line's break becomes one blank or more; h11 writes one, ours as many as came",
    "early answer": "9.5: a client should look for an answer while it sends; httpx's for asyncio does not, "
    "and none of httpx's does so before its time to write is over",
}


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


@dataclass
class Adapter:
    """One of the four ways that a call may take."""

    name: str
    client: Twin
    said: str = ""
    """The last error in words: where outcomes differ by chance, they alone tell why."""

    def outcome(self) -> tuple[Any, ...]:
        """Send one request; what came of it, as the core is told."""
        http = self.client.client._http
        operation = health.get_health()
        step = request_of(http.service, operation)
        outcome = self.client.run(http._send(step, operation, limits_of(5.0)))
        if isinstance(outcome, NoResponse):
            self.said = repr(outcome.error)
            return ("lost", type(outcome.error).__name__, outcome.sent, outcome.hopeless)
        return self._seen(outcome.status, outcome.headers, outcome.body)

    def stream_outcome(self) -> tuple[Any, ...]:
        """Open the same as a stream and read it; what came of it, as a run is told."""
        reader = StreamReader(self.client)
        try:
            body = reader.read(health.get_health(), head_timeout=5.0, silence=5.0)
        except EventStreamerSDKError as error:
            self.said = repr(error)
            return ("failed", type(error).__name__, getattr(error, "status_code", None))
        encoding = reader.response.headers.get("content-encoding", "identity").lower()
        return (*self._seen(reader.response.status, reader.response.headers, body), encoding)

    def _seen(self, status: int, headers: Mapping[str, str], body: bytes) -> tuple[Any, ...]:
        kept = {name: headers[name] for name in headers if name.startswith("x-")}
        return ("answer", status, body, kept)


KEEP_NONE = httpx.Limits(max_keepalive_connections=0)
"""
The peer ends each connection, and that may arrive late: where a system is short of memory for sockets, it
drops the segment and sends it again 0.2 s later. A request on a connection kept till then would be lost.
"""

KEEP_ALL = httpx.Limits()


def transport_of(kind: str, way: str, limits: httpx.Limits = KEEP_ALL) -> Any:
    if way == "ours":
        return None
    make = httpx.AsyncHTTPTransport if kind == "async" else httpx.HTTPTransport
    return make(limits=limits)


@contextmanager
def all_adapters(url: str) -> Iterator[list[Adapter]]:
    with asyncio.Runner() as runner:
        made = []
        managers = []
        for kind, way in ADAPTERS:
            transport = transport_of(kind, way, KEEP_NONE)
            limits = KEEP_NONE if transport is None else None
            manager = twin(kind, url, runner=runner, transport=transport, limits=limits)
            made.append(Adapter(f"{kind}, {way}", manager.__enter__()))
            managers.append(manager)
        try:
            yield made
        finally:
            for manager in managers:
                manager.__exit__(None, None, None)


def outcomes_over(
    wire: Wire, adapters: list[Adapter], how: Callable[[Adapter], tuple[Any, ...]]
) -> dict[str, tuple[Any, ...]]:
    """Let each adapter have the same answer, one after another."""
    outcomes = {}
    for adapter in adapters:
        outcomes[adapter.name] = how(adapter)
        wire.settle()
    return outcomes


@pytest.fixture(scope="module")
def adapters(wire: Wire) -> Iterator[list[Adapter]]:
    with all_adapters(wire.url) as made:
        yield made


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


statuses = st.sampled_from(
    [b"200 OK", b"200", b"404 Not Found", b"503 Busy", b"204 No Content", b"302 Found"]
)
versions = st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2"])
interims = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n",
        ]
    ),
    max_size=2,
)
extras = st.lists(
    st.sampled_from(
        [
            b"X-Blanks: \t padded \t \r\n",
            b"X-Folded: one\r\n two\r\n",
            b"X-Twice: a\r\nx-twice: b\r\n",
            b"X-Empty:\r\n",
            b"X-Bytes: \xe9\r\n",
            b"X-Words: \xc3\xbc\r\n",
            b"Upgrade: h2\r\nConnection: Upgrade, Keep-Alive\r\n",
            b"Connection: close\r\n",
            b"Connection: keep-alive\r\n",
            b"Keep-Alive: timeout=5\r\n",
            b"Retry-After: 0\r\n",
        ]
    ),
    max_size=4,
    unique=True,
)
trailers = st.sampled_from(
    [
        b"",
        b"X-Trailer: late\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Length: 7\r\n",
        b"Retry-After: 999\r\n",
    ]
)
extensions = st.sampled_from([b"", b";a", b';a=b;c="d"'])


@st.composite
def answers(draw: Any) -> bytes:
    """Write an answer that the standard allows, or one that breaks off or is damaged."""
    body = draw(st.sampled_from([BODY, b"", BODY + b" " * 3000]))
    head = (
        b"".join(draw(interims)) + draw(versions) + b" " + draw(statuses) + b"\r\n" + b"".join(draw(extras))
    )
    if draw(st.booleans()):
        body = gzip.compress(body, mtime=0)
        head += b"Content-Encoding: " + draw(st.sampled_from([b"gzip", b"GZip", b"x-gzip"])) + b"\r\n"
    framing = draw(st.sampled_from(["length", "chunked", "close"]))
    if framing == "length":
        data = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    elif framing == "close":
        data = head + b"\r\n" + body
    else:
        sizes = draw(st.lists(st.integers(1, 1500), max_size=3))
        chunks, rest_ = [], body
        for size in sizes:
            chunks.append(rest_[:size])
            rest_ = rest_[size:]
        chunks.append(rest_)
        extension = draw(extensions)
        data = head + b"Transfer-Encoding: " + draw(st.sampled_from([b"chunked", b"Chunked"])) + b"\r\n\r\n"
        data += b"".join(b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks if chunk)
        data += b"0\r\n" + draw(trailers) + b"\r\n"
    damage = draw(st.sampled_from(["none", "none", "none", "short", "surplus"]))
    if damage == "short":
        return bytes(data[: draw(st.integers(0, len(data)))])
    return bytes(data + (b"HTTP/1.1 200 OK\r\n" if damage == "surplus" else b""))


@settings(max_examples=60 * LONGER)
@given(answers(), st.lists(st.integers(min_value=0), max_size=12))
@example(b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length: 2 \r\n\r\n{}", [])
@example(b"HTTP/1.2 200 OK\nContent-Length: 2\n\n{}", [])
@example(b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n{}", [])
@example(b"HTTP/1.1 503 Busy\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", [])
@example(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, identity\r\nContent-Length: 0\r\n\r\n", [])
@example(b"HTTP/1.1 200 OK\r\nX-Words: \xc3\xbc\r\nContent-Length: 2\r\n\r\n{}", [])
@example(b"HTTP/1.1 200 OK\r\nX-Words: \xc3\xbc\r\nX-Bytes: \xe9\r\nContent-Length: 2\r\n\r\n{}", [])
@example(
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nContent-Length: 7\r\n\r\n", []
)
def test_both_adapters_read_the_same(
    adapters: list[Adapter], wire: Wire, data: bytes, places: list[int]
) -> None:
    # A HTTP/1.0 answer has no chunks (RFC 9112, section 6.1): what follows is left to each.
    if b"HTTP/1.0" in data and b"ransfer-" in data:
        return
    wire.pieces = cut(data, places)
    outcomes = outcomes_over(wire, adapters, Adapter.outcome)
    assert len(set(map(repr, outcomes.values()))) == 1, (outcomes, [each.said for each in adapters])


@settings(max_examples=40 * LONGER)
@given(answers(), st.lists(st.integers(min_value=0), max_size=12))
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", [])
@example(b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n{}", [])
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", [3, 20])
def test_a_stream_over_both_adapters_is_the_same(
    adapters: list[Adapter], wire: Wire, data: bytes, places: list[int]
) -> None:
    if b"HTTP/1.0" in data and b"ransfer-" in data:
        return
    wire.pieces = cut(data, places)
    outcomes = outcomes_over(wire, adapters, Adapter.stream_outcome)
    assert len(set(map(repr, outcomes.values()))) == 1, (outcomes, [each.said for each in adapters])


DIFFERENT: dict[str, tuple[bytes, Callable[[tuple[Any, ...]], bool]]] = {
    "wide fold": (
        b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n  b\r\nContent-Length: 0\r\n\r\n",
        lambda ours: ours == ("answer", 200, b"", {"x-folded": "a  b"}),
    ),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        lambda ours: ours[0] == "lost",
    ),
    "length twice": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
        lambda ours: ours[0] == "lost",
    ),
    "other codings": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
        % (len(gzip.compress(BODY, mtime=0)), gzip.compress(BODY, mtime=0)),
        lambda ours: ours == ("answer", 200, BODY, {}),
    ),
    "coding with a close": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n" + gzip.compress(BODY, mtime=0),
        lambda ours: ours == ("answer", 200, BODY, {}),
    ),
    "large head": (
        b"HTTP/1.1 200 OK\r\nX-Large: " + b"x" * 80_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        lambda ours: ours[0] == "lost",
    ),
    "blank line first": (
        b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        lambda ours: ours == ("answer", 200, b"{}", {}),
    ),
    "chunked twice": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        lambda ours: ours == ("answer", 200, b"{}", {}),
    ),
    "another version": (
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        lambda ours: ours[0] == "lost",
    ),
    "blank behind a size": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\n{}\r\n0\r\n\r\n",
        lambda ours: ours[0] == "lost",
    ),
}


@pytest.mark.parametrize("difference", sorted(DIFFERENT))
def test_a_difference_that_is_allowed_is_one(difference: str, adapters: list[Adapter], wire: Wire) -> None:
    data, as_meant = DIFFERENT[difference]
    wire.pieces = [data]
    outcomes = outcomes_over(wire, adapters, Adapter.outcome)
    assert as_meant(outcomes["async, ours"])
    assert outcomes["async, ours"] == outcomes["sync, ours"]
    assert outcomes["async, httpx's"] == outcomes["sync, httpx's"] != outcomes["sync, ours"]


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: ", ".join(adapter))
def adapter(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param  # type: ignore[no-any-return]


def test_a_host_of_the_users_is_the_only_one(adapter: tuple[str, str], wire: Wire) -> None:
    kind, way = adapter
    wire.pieces = [CLOSING]
    wire.requests.clear()
    with twin(kind, wire.url, headers={"host": "events.test"}, transport=transport_of(kind, way)) as client:
        client.get_health()
    hosts = [line for line in wire.requests[0].split(b"\r\n") if line.lower().startswith(b"host:")]
    assert [host.split()[1] for host in hosts] == [b"events.test"]


def test_true_and_one_are_two_queries(adapter: tuple[str, str], wire: Wire) -> None:
    kind, way = adapter
    wire.pieces = [CLOSING]
    wire.requests.clear()
    with twin(kind, wire.url, transport=transport_of(kind, way)) as client:
        http = client.client._http
        for value in (1, True, "1 &=", 1.0):
            operation = health.get_health()
            step = Request(method="GET", url=f"{wire.url}/x", params={"q": value}, content=None, headers={})
            client.run(http._send(step, operation, limits_of(5.0)))
    targets = [request.split()[1] for request in wire.requests]
    assert targets == [b"/x?q=1", b"/x?q=true", b"/x?q=1+%26%3D", b"/x?q=1.0"]


def test_a_cookie_of_the_stream_goes_with_the_acknowledgements(
    adapter: tuple[str, str], server: ScriptedServer
) -> None:
    """A balancer that keeps a client to one replica knows it by a cookie."""
    from event_streamer_api.api import stream

    kind, way = adapter
    sticky = {"Set-Cookie": "replica=b; Path=/"}
    server.script(Reply(200, body=b"{}\n", headers=sticky), Reply(200, {"status": "healthy"}))
    with twin(kind, server.url, transport=transport_of(kind, way)) as client:
        StreamReader(client).read(stream.stream_subscription(1))
        client.get_health()
    assert server.requests[1].headers["cookie"] == "replica=b"


def test_a_cookie_of_a_call_goes_with_the_next_one(adapter: tuple[str, str], server: ScriptedServer) -> None:
    kind, way = adapter
    first = {"Set-Cookie": "a=1; Path=/"}
    server.script(Reply(200, {"status": "healthy"}, headers=first), Reply(200, {"status": "healthy"}))
    with twin(kind, server.url, transport=transport_of(kind, way)) as client:
        client.get_health()
        client.get_health()
        with twin(kind, server.url, headers={"Cookie": "mine=2"}, transport=transport_of(kind, way)) as own:
            own.get_health()
            own.get_health()
    assert [request.headers.get("cookie") for request in server.requests] == [None, "a=1", "mine=2", "mine=2"]


@pytest.mark.parametrize("argument", ["..", ".", ""])
def test_no_argument_asks_for_another_resource(argument: str, adapter: tuple[str, str], wire: Wire) -> None:
    kind, way = adapter
    wire.pieces = [CLOSING]
    wire.requests.clear()
    with (
        twin(kind, wire.url, transport=transport_of(kind, way), max_retries=0) as client,
        pytest.raises(EventStreamerSDKError),  # the body is none of this call's
    ):
        client.get_circuit_breaker_metrics(argument)
    as_sent = argument.replace(".", "%2E").encode()
    expected = [b"/api/circuit-breakers/%s/metrics" % as_sent] if argument else []
    assert [request.split()[1] for request in wire.requests] == expected


@pytest.mark.parametrize("path", ["/a/../b", "/a/./b", "/a//b", "/a/.."])
def test_a_path_that_would_become_another_is_refused(path: str) -> None:
    service = service_of("http://host/prefix", None, None)
    operation = evolve(health.get_health(), path=path)
    with pytest.raises(EventStreamerValidationError, match="would ask for another resource"):
        request_of(service, operation)


@pytest.mark.parametrize(
    ("ends", "kind", "way"),
    [
        ("closes", "async", "ours"),
        ("closes", "sync", "ours"),
        ("closes", "sync", "httpx's"),
        ("stays", "async", "ours"),
        ("stays", "sync", "ours"),
    ],
)
def test_an_answer_that_comes_before_the_whole_request_is_read(ends: str, kind: str, way: str) -> None:
    """As 413 does: the peer says no, and takes no more of the body. Who need not: see "early answer"."""
    released = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 13\r\n\r\n" + b'{"error":"x"}')
            if ends == "stays":
                released.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with twin(kind, url, transport=transport_of(kind, way)) as client:
            http, operation = client.client._http, health.get_health()
            step = Request(method="POST", url=f"{url}/x", params={}, content=b"x" * 20_000_000, headers={})
            outcome = client.run(http._send(step, operation, limits_of(httpx.Timeout(10, write=0.5))))
            released.set()
    assert isinstance(outcome, Response), outcome
    assert (outcome.status, outcome.body) == (413, b'{"error":"x"}')


def test_a_peer_that_takes_nothing_is_a_time_out_of_writing(adapter: tuple[str, str]) -> None:
    kind, way = adapter
    released = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            released.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with twin(kind, url, transport=transport_of(kind, way)) as client:
            http, operation = client.client._http, health.get_health()
            step = Request(method="POST", url=f"{url}/x", params={}, content=b"x" * 20_000_000, headers={})
            outcome = client.run(http._send(step, operation, limits_of(httpx.Timeout(10, write=0.3))))
            released.set()
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, TimeoutError)

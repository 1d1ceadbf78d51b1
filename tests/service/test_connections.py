"""What a connection may cost before a key is looked at: sizes, times, numbers."""

import asyncio
import contextvars
import re
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from event_streamer_service import DevChain, LocalService
from event_streamer_service.connections import ConnectionLimits, Connections
from event_streamer_service.settings import Settings
from support.raw_client import RawClient, definition
from support.raw_sockets import answer, connected, push, status
from support.service_process import service_process
from support.services import wait_until

HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /subscriptions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
KEYS = {"k" * 20: "alice"}


@pytest.fixture(scope="module")
def impatient() -> Iterator[LocalService]:
    with LocalService(
        DevChain(blocks=3), head_timeout=0.5, body_timeout=0.7, idle_timeout=1, api_keys=KEYS
    ) as service:
        yield service


@pytest.fixture(scope="module")
def patient() -> Iterator[LocalService]:
    """For what isn't about time: a busy machine may take longer than half a second for a head."""
    with LocalService(DevChain(blocks=3), api_keys=KEYS) as service:
        yield service


def refused(service: LocalService, reason: str) -> int:
    server = service._server
    assert server is not None
    return server.connections.refused[reason]


@pytest.mark.quick
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("many fields", b"X-Padding: " + b"a" * 500 + b"\r\n"),
        ("one field that never ends", b"a" * 1000),
        ("tiny fields", b"a:\r\n" * 50),
        ("one line", None),
    ],
)
def test_an_endless_head_is_refused_at_64_kib(patient: LocalService, name: str, data: bytes | None) -> None:
    with connected(patient.url) as raw:
        raw.sendall(HEAD if data is not None else b"GET /")
        if name == "one field that never ends":
            raw.sendall(b"X-Endless: ")
        sent = push(raw, data or b"a" * 1000, times=100_000)
        assert sent < 100_000, "the sender is stopped"
        assert status(answer(raw)) in {431, 0}, "0: the answer was lost to the reset"
    assert refused(patient, "large_head") >= 1


def test_a_head_of_just_under_64_kib_is_taken_and_one_above_is_not(patient: LocalService) -> None:
    for size, expected in ((60_000, 200), (70_000, 431)):
        with connected(patient.url) as raw:
            field = b"X-Padding: " + b"a" * size + b"\r\n"
            raw.sendall(HEAD + field + b"Connection: close\r\n\r\n")
            assert status(answer(raw)) == expected


def test_heads_bodies_and_silent_connections_have_their_time(impatient: LocalService) -> None:
    began = time.monotonic()
    with (
        connected(impatient.url) as silent,
        connected(impatient.url) as head,
        connected(impatient.url) as body,
    ):
        head.sendall(HEAD)
        body.sendall(POST + b"X-API-Key: " + b"k" * 20 + b"\r\nContent-Length: 100\r\n\r\n{")
        push(head, b"a: b\r\n", times=12, pause=0.1)  # a byte now and then gains nothing
        assert status(answer(head)) == 408
        assert status(answer(body)) == 408
        assert answer(silent) == b""
    assert time.monotonic() - began < 10


def test_an_idle_connection_is_closed_and_a_second_request_has_its_time_anew(impatient: LocalService) -> None:
    with connected(impatient.url) as raw:
        for _ in range(3):
            raw.sendall(HEAD + b"\r\n")
            time.sleep(0.3)
        assert answer(raw).count(b"HTTP/1.1 200") == 3


@pytest.mark.parametrize("padding", [b"1;" + b"e" * 200 + b"\r\na\r\n", b"0\r\n" + b"T: v\r\n" * 40])
def test_padding_of_chunks_is_bounded(patient: LocalService, padding: bytes) -> None:
    with connected(patient.url) as raw:
        raw.sendall(POST + b"X-API-Key: " + b"k" * 20 + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert push(raw, padding, times=100_000) < 100_000


def test_a_trailer_is_never_taken_for_a_header(patient: LocalService) -> None:
    """A key behind the body would be one that nobody has looked at; nothing is to depend on it."""
    body = b'{"topic0": "x"}'
    chunk = b"%x\r\n%s\r\n0\r\nX-API-Key: %s\r\n\r\n" % (len(body), body, b"k" * 20)
    with connected(patient.url) as raw:
        raw.sendall(POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunk)
        assert status(answer(raw)) == 401


def test_pipelined_requests_are_answered_one_at_a_time(patient: LocalService) -> None:
    """Thousands of them in one piece delay nobody: another caller has its turn after each."""
    count = 1500
    with connected(patient.url) as raw, connected(patient.url) as other:
        raw.sendall((HEAD + b"\r\n") * count)
        other.sendall(HEAD + b"Connection: close\r\n\r\n")
        assert status(answer(other)) == 200
        raw.setblocking(False)
        answered_meanwhile = count_of_answers(raw)
        raw.setblocking(True)
        assert answered_meanwhile < count / 2
        while answered_meanwhile < count:
            answered_meanwhile += count_of_answers(raw)


def test_pipelined_requests_of_many_connections_go_on_a_few_at_a_time() -> None:
    """Others have their turn in between, however many connections pipeline."""

    async def run() -> list[int]:
        shared = Connections(ConnectionLimits.of(Settings(), descriptors=None))
        gone_on: list[int] = []
        for number in range(20):
            shared.wait_for_turn(partial(gone_on.append, number), contextvars.copy_context())
        seen = []
        while len(gone_on) < 20:
            before = len(gone_on)
            await asyncio.sleep(0)
            seen.append(len(gone_on) - before)
        assert gone_on == list(range(20))
        return seen

    assert max(asyncio.run(run())) == 4


def count_of_answers(raw: socket.socket) -> int:
    """Count the answers that have come; their first line is told by its last bytes, which parts may cut."""
    received = b""
    with suppress(BlockingIOError):
        received = raw.recv(1 << 20)
    return received.count(b"HTTP/1.1 200")


@pytest.mark.parametrize("cut", [0, 1, 3, 40])
def test_pipelined_requests_with_bodies_are_answered_in_order(patient: LocalService, cut: int) -> None:
    """Wherever the bytes are parted: a head may begin in the piece in which a body ends."""
    body = b'{"topic0":\r\n\r\n"x"}'
    known = POST + b"X-API-Key: " + b"k" * 20 + b"\r\n"
    plain = known + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunked = known + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    data = (HEAD + b"\r\n" + plain + chunked) * 3 + HEAD + b"Connection: close\r\n\r\n"
    with connected(patient.url) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin in range(0, len(data), cut) if cut else ():
            raw.sendall(data[begin : begin + cut])
            if cut > 3 or begin % 30 == 0:
                time.sleep(0.001)
        if not cut:
            raw.sendall(data)
        received = answer(raw)
    statuses = [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+)", received)]
    assert statuses == [200, 422, 422] * 3 + [200]


def test_a_stream_is_not_disturbed_by_requests_behind_it() -> None:
    with (
        LocalService(DevChain(blocks=3), heartbeat_interval=0.1, body_timeout=0.3) as service,
        RawClient(service.url) as client,
        connected(service.url) as raw,
    ):
        path = f"/subscriptions/{client.subscribe()}/stream".encode()
        begun = POST + b"Content-Length: 1000\r\n\r\n{"
        raw.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n" + begun + HEAD + b"\r\n")
        received, until = b"", time.monotonic() + 1.5
        while time.monotonic() < until:
            received += raw.recv(65536)
        assert received.count(b"HTTP/1.1") == 1
        assert received.count(b'"heartbeat"') >= 5


def test_who_reads_no_answers_is_cut_off() -> None:
    with (
        LocalService(DevChain(blocks=3), write_timeout=0.5) as service,
        RawClient(service.url) as client,
        connected(service.url) as raw,
    ):
        for number in range(50):  # an answer of some ten KiB
            client.subscribe(start_block=number)
        with suppress(ConnectionError):
            raw.sendall((HEAD.replace(b"/health", b"/subscriptions?page_size=50") + b"\r\n") * 1000)
        wait_until(lambda: refused(service, "stalled_reader") == 1)
        client.get("/health")


def test_what_is_not_http_floods_no_log(impatient: LocalService, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        with connected(impatient.url) as raw:
            raw.sendall(b"\x16\x03\x01\x02\x00 no HTTP at all\r\n\r\n")
            assert status(answer(raw)) == 400
    with connected(impatient.url) as raw:
        upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        raw.sendall(HEAD + upgrade)
        assert raw.recv(4096).startswith(b"HTTP/1.1 200")
    assert not [record for record in caplog.records if record.name == "uvicorn.error"]


def test_one_address_can_not_take_all_connections() -> None:
    with (
        LocalService(DevChain(blocks=3), max_connections=20, max_connections_per_address=15) as service,
        ExitStack() as stack,
    ):
        held = [stack.enter_context(connected(service.url)) for _ in range(15)]
        with connected(service.url) as one_more:
            received = answer(one_more)
        assert status(received) == 429
        assert b"retry-after: 5" in received
        other = stack.enter_context(socket.create_connection(_place(service), 5, ("127.0.0.2", 0)))
        other.sendall(HEAD + b"\r\n")
        assert other.recv(4096).startswith(b"HTTP/1.1 200"), "another address still comes in"
        held[0].close()
        with RawClient(service.url) as client:
            wait_until(lambda: client.http.get("/health").status_code == 200)


def test_all_connections_together_are_bounded_and_old_ones_go_on() -> None:
    with (
        LocalService(DevChain(blocks=3), max_connections=10, trusted_proxies={"127.0.0.1"}) as service,
        RawClient(service.url) as old,
        ExitStack() as stack,
    ):
        old.get("/health")
        for _ in range(9):
            stack.enter_context(connected(service.url))
        with connected(service.url) as one_more:
            assert status(answer(one_more)) == 503
        old.get("/health")
        assert (
            'event_streamer_refused_connections_total{reason="connections"} 1.0'
            in old.http.get("/metrics").text
        )


def _place(service: LocalService) -> tuple[str, int]:
    port = int(service.url.rsplit(":", 1)[1])
    return "127.0.0.1", port


@pytest.mark.parametrize(
    ("descriptors", "settings", "connections", "of_one"),
    [
        (None, {}, 10_000, 2_000),
        (1024, {}, 960, 720),
        (40, {}, 30, 22),
        (1024, {"max_connections": 100, "max_connections_per_address": 10}, 100, 10),
    ],
)
def test_limits_leave_descriptors_for_database_and_nodes(
    descriptors: int | None, settings: dict[str, int], connections: int, of_one: int
) -> None:
    limits = ConnectionLimits.of(Settings(**settings), descriptors=descriptors)
    assert (limits.connections, limits.connections_per_address) == (connections, of_one)


def test_without_descriptors_old_clients_go_on_and_the_log_stays_short(tmp_path: Path) -> None:
    arguments = ["--database", f"sqlite:///{tmp_path / 'service.db'}", "--port", "0"]
    with service_process(*arguments) as service, RawClient(service.url) as old:
        number = old.subscribe()
        # Below what it has open already: not one connection more can be accepted, whatever our own limit is.
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (12, 4096))
        with ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(connected(service.url))
            until = time.monotonic() + 3.5  # asyncio tries again each second
            while time.monotonic() < until:
                assert old.subscription(number)["id"] == number
                old.post("/subscriptions", definition(start_block=int(time.monotonic())), 201)
                time.sleep(0.2)
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (1024, 4096))
        time.sleep(1.2)
        with RawClient(service.url) as new:
            new.get("/health")
        assert service.end(15) == 0
    told = [line for line in service.log if "can't be accepted" in line]
    assert len(told) == 1, service.log
    assert "Traceback" not in "".join(service.log)

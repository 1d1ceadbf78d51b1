"""Ways to an address: names with several, IPv6, and connections that were kept and have ended meanwhile."""

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from event_streamer_sdk import EventStreamer
from event_streamer_sdk._transports.connecting import in_turn
from event_streamer_sdk.exceptions import EventStreamerConnectionError
from event_streamer_sdk.models import ABIEvent, SubscriptionCreate
from support.scripted_server import Reply, ScriptedServer
from support.twins import twin

pytestmark = pytest.mark.quick

HEALTHY = Reply(200, {"status": "healthy"})
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"status":"healthy"}'
NEW = SubscriptionCreate(event_signature=ABIEvent(type="event", name="Ping"), start_block=0, chain_id=1)
V4, V6 = socket.AF_INET, socket.AF_INET6


def test_the_families_take_turns() -> None:
    def address(family: int, number: int) -> tuple[Any, ...]:
        return (family, socket.SOCK_STREAM, 6, "", number)

    found = [address(V6, 1), address(V6, 2), address(V6, 3), address(V4, 4)]
    assert [place for *_, place in in_turn(found)] == [1, 4, 2, 3]


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the name `events.test` have these addresses and ports."""
    resolve = socket.getaddrinfo

    def set_up(*places: tuple[str, int]) -> None:
        def found(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
            if host != "events.test":
                return resolve(host, port, *arguments, **options)
            return [answer for place in places for answer in resolve(*place, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", found)

    return set_up


@contextmanager
def unused_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A port that nobody listens on, and nobody else gets meanwhile."""
    with socket.socket(V6 if ":" in host else V4) as bound:
        bound.bind((host, 0))
        yield bound.getsockname()[1]


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that swallows what is sent: nobody accepts, and the queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        try:
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(listener.getsockname())
            yield listener.getsockname()[1]
        finally:
            for each in waiting:
                each.close()


def test_an_address_that_nobody_listens_on_is_passed_over(
    kind: str, server: ScriptedServer, resolving: Callable[..., None]
) -> None:
    """`localhost` is often `::1` first, and the service listens on 127.0.0.1 alone."""
    server.script(HEALTHY)
    port = int(server.url.rpartition(":")[2])
    with unused_port("::1") as closed:
        resolving(("::1", closed), ("127.0.0.1", port))
        with twin(kind, "http://events.test", max_retries=0) as client:
            assert client.get_health().status == "healthy"


def test_an_address_that_swallows_everything_costs_a_quarter_of_a_second(
    kind: str, server: ScriptedServer, resolving: Callable[..., None]
) -> None:
    server.script(HEALTHY)
    port = int(server.url.rpartition(":")[2])
    with silent_port() as silent:
        resolving(("127.0.0.1", silent), ("127.0.0.1", silent), ("127.0.0.1", port))
        began = time.monotonic()
        with twin(kind, "http://events.test", max_retries=0, timeout=20) as client:
            assert client.get_health().status == "healthy"
        assert 0.4 < time.monotonic() - began < 5


def test_all_addresses_together_have_one_limit(kind: str, resolving: Callable[..., None]) -> None:
    with silent_port() as silent:
        resolving(("127.0.0.1", silent), ("127.0.0.1", silent))
        began = time.monotonic()
        with (
            twin(kind, "http://events.test", max_retries=0, timeout=0.6) as client,
            pytest.raises(TimeoutError, match="no connection in time"),
        ):
            client.get_health()
        assert time.monotonic() - began < 5


def test_where_nobody_listens_the_last_failure_is_told(kind: str, resolving: Callable[..., None]) -> None:
    with unused_port() as closed:
        resolving(("127.0.0.1", closed), ("127.0.0.1", closed))
        with (
            twin(kind, "http://events.test", max_retries=0) as client,
            pytest.raises(
                EventStreamerConnectionError, match=rf"cannot connect: \[Errno {errno.ECONNREFUSED}\]"
            ),
        ):
            client.get_health()


@pytest.mark.parametrize("host", ["a" * 64 + ".test", "name.invalid"])
def test_a_name_that_does_not_exist_is_a_connection_error(kind: str, host: str) -> None:
    with (
        twin(kind, f"http://{host}", max_retries=0) as client,
        pytest.raises(EventStreamerConnectionError, match="cannot connect"),
    ):
        client.get_health()


def test_an_ipv6_address_is_reached(kind: str) -> None:
    requests = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            requests.append(connection.recv(65536))
            connection.sendall(OK)

    with socket.create_server(("::1", 0), family=V6) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        with twin(kind, f"http://[::1]:{port}") as client:
            assert client.get_health().status == "healthy"
        thread.join(10)
    assert b"host: [::1]:%d\r\n" % port in requests[0].lower()


def test_a_kept_connection_that_ended_while_the_loop_was_busy_carries_no_post() -> None:
    """The loop hears of the end only when it runs again: the system knows it before."""
    requests: list[bytes] = []
    closed = threading.Event()

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                requests.append(connection.recv(65536))
                connection.sendall(OK if len(requests) == 1 else done)
            closed.set()

    async def main() -> None:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with EventStreamer(url, "me", max_retries=0) as client:
            await client.get_health()
            assert closed.wait(10)  # blocks the loop
            time.sleep(0.05)  # noqa: ASYNC251  # as above
            answer = await client.reset_all_circuit_breakers()
            assert answer.message == "done"

    body = b'{"message":"done"}'
    done = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        asyncio.run(main())
        thread.join(10)
    assert [request.split()[0] for request in requests] == [b"GET", b"POST"]


def test_a_post_on_a_connection_that_ends_without_an_answer_is_not_sent_again(kind: str) -> None:
    """Whether it was obeyed is not known (RFC 9110, section 9.2.2); a GET is made again."""
    requests: list[bytes] = []

    def serve() -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                while data := connection.recv(65536):
                    if data == b"end":
                        return
                    requests.append(data.split()[0])
                    if len(requests) in (2, 3):
                        break
                    connection.sendall(OK)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with twin(kind, f"http://127.0.0.1:{listener.getsockname()[1]}", max_retries=3) as client:
            client.get_health()
            with pytest.raises(EventStreamerConnectionError, match="the connection broke"):
                client.create_subscription(NEW)
            # Then it asks whether the service heeds the create's key, and asks again; the POST stays one.
            assert requests == [b"GET", b"POST", b"GET", b"GET"]
        with socket.create_connection(listener.getsockname()) as last:
            last.sendall(b"end")
        thread.join(10)

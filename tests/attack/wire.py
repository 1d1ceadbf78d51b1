"""Attacks on the wire: what strangers send before anybody has looked at a key."""

import resource
import socket
import time
from contextlib import ExitStack, suppress

from attack.pace import in_threads, seconds, until_end
from attack.victim import KEY, Victim
from support.raw_client import RawClient
from support.raw_sockets import answer, connected, push, status

HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /subscriptions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def endless_heads(service: Victim) -> bool:
    seen: list[int] = []
    going = until_end()

    def send() -> None:
        while going():
            with suppress(OSError), connected(service.url) as raw:
                raw.sendall(HEAD)
                push(raw, b"X-Padding: " + b"a" * 8000 + b"\r\n", times=20_000)
                seen.append(status(answer(raw)))

    in_threads(16, send)
    return bool(seen) and set(seen) <= {431, 0}


def slow_heads(service: Victim) -> bool:
    with ExitStack() as stack:
        held = [stack.enter_context(connected(service.url)) for _ in range(500)]
        going = until_end()
        while going():
            for raw in held:
                with suppress(OSError):
                    raw.sendall(b"a: b\r\n" if time.monotonic() % 2 else HEAD)
            time.sleep(0.5)
    return True


def slow_bodies(service: Victim) -> bool:
    with ExitStack() as stack:
        for _ in range(300):
            raw = stack.enter_context(connected(service.url))
            raw.sendall(POST + b"X-API-Key: " + KEY.encode() + b"\r\nContent-Length: 1000000\r\n\r\n{")
            raw.sendall(b" " * 60_000)
        time.sleep(seconds())
    return True


def idle_connections(service: Victim) -> bool:
    """More of them than one address may have: the rest is refused, and others still come in."""
    with ExitStack() as stack, RawClient(service.url) as old:
        old.get("/health")
        for _ in range(900):
            stack.enter_context(connected(service.url))
        old.get("/health")
        other = stack.enter_context(socket.create_connection(service.place, 5, ("127.0.0.2", 0)))
        other.sendall(HEAD + b"\r\n")
        return other.recv(100).startswith(b"HTTP/1.1 200")


def pipelined(service: Victim) -> bool:
    going = until_end()

    def send() -> None:
        while going():
            with suppress(OSError), connected(service.url) as raw:
                push(raw, (HEAD + b"\r\n") * 3000, times=20)

    in_threads(8, send)
    return True


def chunk_padding(service: Victim) -> bool:
    going = until_end()

    def send() -> None:
        while going():
            with suppress(OSError), connected(service.url) as raw:
                raw.sendall(POST + b"X-API-Key: " + KEY.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
                push(raw, b"1;" + b"e" * 4000 + b"\r\n \r\n", times=50_000)

    in_threads(8, send)
    return True


def not_http(service: Victim) -> bool:
    going = until_end()
    while going():
        with suppress(OSError), connected(service.url) as raw:
            raw.sendall(b"\x16\x03\x01\x02\x00" + b"\xff" * 100 + b"\r\n\r\n")
            answer(raw)
    return len(service.log) < 20


def no_descriptors(service: Victim) -> bool:
    """Not one file more can be opened: old clients go on, and the log says so once."""
    going = until_end()
    with RawClient(service.url, key=KEY) as old, ExitStack() as stack:
        number = old.subscribe(subscriber_id="attacker")
        before = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (12, before[1]))
        for _ in range(50):
            stack.enter_context(connected(service.url))
        while going():
            old.subscription(number)
            time.sleep(0.1)
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, before)
    return len([line for line in service.log if "can't be accepted" in line]) == 1


def slow_answers(service: Victim) -> bool:
    """A byte of a large answer now and then keeps nothing: it is the answer that has its time."""
    with RawClient(service.url, key=KEY) as client, ExitStack() as stack:
        for number in range(50):
            client.subscribe(subscriber_id="attacker", start_block=number)
        ask = f"GET /subscriptions?page_size=50 HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\n\r\n".encode()
        slow = []
        for _ in range(100):
            raw = stack.enter_context(socket.socket())
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.settimeout(5)
            raw.connect(service.place)
            with suppress(OSError):
                raw.sendall(ask * 200)
            slow.append(raw)
        going = until_end()
        while going():
            for raw in slow:
                with suppress(OSError):
                    raw.recv(1)
            time.sleep(0.5)
        client.get("/health")
    return True

"""Attacks by callers: with a key, by way of a victim's browser, through the nodes that they name."""

import socket
import threading
import time
from contextlib import ExitStack, suppress

import httpx

from attack.pace import in_threads, until_end
from attack.victim import ADMIN, KEY, Victim
from support.raw_client import RawClient, definition, transfer
from support.raw_sockets import connected, status
from support.services import wait_until


def guessed_keys(service: Victim) -> bool:
    going, seen = until_end(), set()

    def guess() -> None:
        with httpx.Client(base_url=service.url, timeout=30) as http:
            number = 0
            while going():
                number += 1
                seen.add(http.get("/subscriptions", headers={"x-api-key": f"guess-{number}"}).status_code)

    in_threads(4, guess)
    return seen == {401, 429}


def ready_without_a_key(service: Victim) -> bool:
    going = until_end()

    def ask() -> None:
        with httpx.Client(base_url=service.url, timeout=30) as http:
            while going():
                http.get("/ready")

    in_threads(8, ask)
    with RawClient(service.url, key=ADMIN) as admin:
        breakers = admin.get("/api/circuit-breakers/status")["circuit_breakers"].values()
    return all(breaker["state"] == "closed" for breaker in breakers)


def nested_bodies(service: Victim) -> bool:
    headers = {"content-type": "application/json", "x-api-key": KEY}
    bodies = (b'{"a":' * n + b"1" + b"}" * n for n in (10, 100, 1000, 100_000))
    with httpx.Client(base_url=service.url, timeout=30) as http:
        seen = {http.post("/subscriptions", content=body, headers=headers).status_code for body in bodies}
    return seen <= {400, 422}


def hoarding(service: Victim) -> bool:
    """As many, and as large, subscriptions as one subscriber gets."""
    going, seen = until_end(), set()
    event = transfer() | {"note": "x" * 60_000}
    with RawClient(service.url, key=KEY) as client:
        number = 0
        while going():
            number += 1
            body = definition(event_signature=event, start_block=number, subscriber_id="attacker")
            seen.add(client.http.post("/subscriptions", json=body).status_code)
    return seen <= {201, 429}


def forged_tokens(service: Victim) -> bool:
    going, seen = until_end(), set()
    with RawClient(service.url, key=KEY) as client:
        number = client.subscribe(subscriber_id="attacker")
        with client.stream(number) as stream:
            token = stream.next("event_batch")["resume_token"]
        while going():
            for forged in (
                token[:-1] + ("w" if token.endswith("A") else "A"),
                token.replace("rt_", "rt_A"),
                "rt_.",
                "rt_" + "e" * 4000,
                "x",
                token[:40],
            ):
                path = f"/subscriptions/{number}/stream"
                seen.add(client.http.get(path, params={"resume_token": forged}).status_code)
            time.sleep(0.05)
    return seen <= {410, 429}


def many_streams(service: Victim) -> bool:
    """More streams than one subscriber may have."""
    seen: list[int] = []
    with RawClient(service.url, key=KEY) as client, ExitStack() as stack:
        number = client.subscribe(subscriber_id="attacker")
        head = f"GET /subscriptions/{number}/stream HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\n\r\n"
        for _ in range(120):
            raw = stack.enter_context(connected(service.url))
            raw.sendall(head.encode())
            seen.append(status(raw.recv(4096)))
    return seen.count(200) == 100 and seen.count(429) == 20


def stalled_readers(service: Victim) -> bool:
    """They take nothing of what they asked for: each is cut off once its buffers, some MiB, are full."""
    with RawClient(service.url, key=KEY) as client, ExitStack() as stack:
        number = client.subscribe(subscriber_id="attacker")
        for _ in range(40):
            raw = stack.enter_context(socket.socket())
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect(service.place)
            head = f"GET /subscriptions/{number}/stream HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\n\r\n"
            raw.sendall(head.encode())
        wait_until(lambda: service.figure("streams_closed_total") >= 40, seconds=120)
    return True


def pages_of_others(service: Victim) -> bool:
    """What a page in a visitor's browser can send to a service without keys."""
    node = {"chain_id": 5, "name": "x", "rpc_urls": ["http://127.0.0.1:9/"]}
    seen: set[int] = set()
    with httpx.Client(base_url=service.url, timeout=30) as http:
        for headers in (
            {"host": "evil.example"},
            {"host": "127.0.0.1.evil.example"},
            {"origin": "http://evil.example"},
            {"origin": "null"},
            {"sec-fetch-site": "cross-site"},
            {"content-type": "text/plain"},
        ):
            seen.add(http.post("/api/chains", json=node, headers=headers).status_code)
        chains = http.get("/api/chains/stats").json()["active_chains"]
    return seen == {403, 415, 421} and chains == 1


def nodes_of_the_inside(service: Victim) -> bool:
    urls = (
        "http://169.254.169.254/",
        "http://2852039166/",
        "http://[::ffff:169.254.169.254]/",
        "http://127.0.0.1:1/",
    )
    with RawClient(service.url, key=ADMIN) as admin:
        for url in urls:
            admin.post("/api/chains", {"chain_id": 5, "name": "x", "rpc_urls": [url]}, 422)
    return True


def redirecting_node(service: Victim) -> bool:
    """A node that sends the service on to where it must not go."""
    taken: list[socket.socket] = []
    with (
        socket.create_server(("127.0.0.1", 0)) as target,
        socket.create_server(("127.0.0.1", 0)) as node,
        RawClient(service.url, key=ADMIN) as admin,
    ):
        place = f"http://127.0.0.1:{target.getsockname()[1]}/"
        asked = _redirect_to(place, node)
        target.settimeout(0.1)
        url = f"http://127.0.0.1:{node.getsockname()[1]}/"
        admin.post("/api/chains", {"chain_id": 5, "name": "x", "rpc_urls": [url]}, 201)
        number = admin.subscribe(subscriber_id="attacker", chain_id=5)
        with admin.stream(number):
            wait_until(lambda: asked)
            with suppress(TimeoutError):
                taken.append(target.accept()[0])
        node.shutdown(socket.SHUT_RDWR)
    return not taken


def _redirect_to(place: str, node: socket.socket) -> list[bytes]:
    """Answer every request with a redirect; gives the requests, which are still coming in."""
    asked: list[bytes] = []

    def answer_all() -> None:
        with suppress(OSError):
            while True:
                raw, _ = node.accept()
                with raw:
                    asked.append(raw.recv(65536))
                    raw.sendall(f"HTTP/1.1 307 x\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())

    threading.Thread(target=answer_all, daemon=True).start()
    return asked

"""
Every attack against a fresh service each: what it cost in memory, how long /health took meanwhile, who won.

    python tests/attack/attack.py [NAME …]

The service is a process of its own on loopback, with a key; a verdict is "held" where its memory grew by less
than LIMIT, /health was answered within PATIENCE all the time, and the attack's own condition is met. The same
things are tests of tests/service, with smaller numbers; this is to look at, and to try larger ones.
"""

import argparse
import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.raw_client import RawClient, definition, transfer
from support.raw_sockets import answer, connected, push, status
from support.service_process import ServiceProcess, service_process

KEY, ADMIN = "an-attackers-own-key", "the-admins-own-key-0"
LIMIT = 96 * 2**20
"""Bytes by which a service's memory may grow under attack."""
PATIENCE = 5.0
SECONDS = 8.0
HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /subscriptions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

Attack = Callable[[ServiceProcess], bool]


def memory(process: ServiceProcess) -> int:
    """Resident memory, in bytes."""
    for line in Path(f"/proc/{process.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the service is gone")


def until_end() -> Callable[[], bool]:
    end = time.monotonic() + SECONDS
    return lambda: time.monotonic() < end


def in_threads(count: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS * 4)


def endless_heads(service: ServiceProcess) -> bool:
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


def slow_heads(service: ServiceProcess) -> bool:
    with ExitStack() as stack:
        held = [stack.enter_context(connected(service.url)) for _ in range(500)]
        going = until_end()
        while going():
            for raw in held:
                with suppress(OSError):
                    raw.sendall(b"a: b\r\n" if time.monotonic() % 2 else HEAD)
            time.sleep(0.5)
    return True


def slow_bodies(service: ServiceProcess) -> bool:
    with ExitStack() as stack:
        for _ in range(300):
            raw = stack.enter_context(connected(service.url))
            raw.sendall(POST + b"X-API-Key: " + KEY.encode() + b"\r\nContent-Length: 1000000\r\n\r\n{")
            raw.sendall(b" " * 60_000)
        time.sleep(SECONDS)
    return True


def idle_connections(service: ServiceProcess) -> bool:
    """More of them than one address may have: the rest is refused, and others still come in."""
    with ExitStack() as stack, RawClient(service.url) as old:
        old.get("/health")
        for _ in range(900):
            stack.enter_context(connected(service.url))
        old.get("/health")
        other = stack.enter_context(socket.create_connection(place(service), 5, ("127.0.0.2", 0)))
        other.sendall(HEAD + b"\r\n")
        return other.recv(100).startswith(b"HTTP/1.1 200")


def place(service: ServiceProcess) -> tuple[str, int]:
    return "127.0.0.1", int(service.url.rsplit(":", 1)[1])


def pipelined(service: ServiceProcess) -> bool:
    going = until_end()

    def send() -> None:
        while going():
            with suppress(OSError), connected(service.url) as raw:
                push(raw, (HEAD + b"\r\n") * 3000, times=20)

    in_threads(8, send)
    return True


def chunk_padding(service: ServiceProcess) -> bool:
    going = until_end()

    def send() -> None:
        while going():
            with suppress(OSError), connected(service.url) as raw:
                raw.sendall(POST + b"X-API-Key: " + KEY.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
                push(raw, b"1;" + b"e" * 4000 + b"\r\n \r\n", times=50_000)

    in_threads(8, send)
    return True


def not_http(service: ServiceProcess) -> bool:
    going = until_end()
    while going():
        with suppress(OSError), connected(service.url) as raw:
            raw.sendall(b"\x16\x03\x01\x02\x00" + b"\xff" * 100 + b"\r\n\r\n")
            answer(raw)
    return len(service.log) < 20


def guessed_keys(service: ServiceProcess) -> bool:
    going, seen = until_end(), set()

    def guess() -> None:
        with httpx.Client(base_url=service.url, timeout=30) as http:
            number = 0
            while going():
                number += 1
                seen.add(http.get("/subscriptions", headers={"x-api-key": f"guess-{number}"}).status_code)

    in_threads(4, guess)
    return seen == {401, 429}


def ready_without_a_key(service: ServiceProcess) -> bool:
    going = until_end()

    def ask() -> None:
        with httpx.Client(base_url=service.url, timeout=30) as http:
            while going():
                http.get("/ready")

    in_threads(8, ask)
    with RawClient(service.url, key=ADMIN) as admin:
        breakers = admin.get("/api/circuit-breakers/status")["circuit_breakers"].values()
    return all(breaker["state"] == "closed" for breaker in breakers)


def nested_bodies(service: ServiceProcess) -> bool:
    headers = {"content-type": "application/json", "x-api-key": KEY}
    bodies = (b'{"a":' * n + b"1" + b"}" * n for n in (10, 100, 1000, 100_000))
    with httpx.Client(base_url=service.url, timeout=30) as http:
        seen = {http.post("/subscriptions", content=body, headers=headers).status_code for body in bodies}
    return seen <= {400, 422}


def hoarding(service: ServiceProcess) -> bool:
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


def forged_tokens(service: ServiceProcess) -> bool:
    going, seen = until_end(), set()
    with RawClient(service.url, key=KEY) as client:
        number = client.subscribe(subscriber_id="attacker")
        with client.stream(number) as stream:
            token = stream.next("event_batch")["resume_token"]
        while going():
            for forged in (
                token[:-1] + "A",
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


def stalled_readers(service: ServiceProcess) -> bool:
    with RawClient(service.url, key=KEY) as client, ExitStack() as stack:
        number = client.subscribe(subscriber_id="attacker")
        for _ in range(100):
            raw = stack.enter_context(connected(service.url))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            path = f"/subscriptions/{number}/stream".encode()
            raw.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nX-API-Key: " + KEY.encode() + b"\r\n\r\n")
        time.sleep(SECONDS)
    return True


def nodes_of_the_inside(service: ServiceProcess) -> bool:
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


ATTACKS: dict[str, Attack] = {
    "endless heads": endless_heads,
    "slow heads": slow_heads,
    "slow bodies": slow_bodies,
    "idle connections": idle_connections,
    "pipelined requests": pipelined,
    "padded chunks": chunk_padding,
    "what is not HTTP": not_http,
    "guessed keys": guessed_keys,
    "/ready without a key": ready_without_a_key,
    "nested bodies": nested_bodies,
    "hoarding": hoarding,
    "forged tokens": forged_tokens,
    "stalled readers": stalled_readers,
    "nodes of the inside": nodes_of_the_inside,
}


class HealthWatch:
    """Asks /health again and again, from another address, and remembers the longest answer."""

    def __init__(self, url: str) -> None:
        self.longest = 0.0
        self.failed: list[str] = []
        self._http = httpx.Client(
            base_url=url, timeout=30, transport=httpx.HTTPTransport(local_address="127.0.0.3")
        )
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            began = time.monotonic()
            try:
                answered = self._http.get("/health")
                self.failed += (
                    [] if answered.status_code == 200 else [f"{answered.status_code} {answered.text}"]
                )
            except httpx.HTTPError as problem:
                self.failed.append(repr(problem))
            self.longest = max(self.longest, time.monotonic() - began)

    def close(self) -> None:
        self._over.set()
        self._thread.join(35)
        self._http.close()


def run(name: str, attack: Attack) -> tuple[int, int, float, str]:
    """Run one attack; gives memory before and after, the longest /health, and the verdict."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "service.toml"
        config.write_text(
            f'[keys]\nadmin = ["{ADMIN}"]\n[keys.subscribers]\nattacker = ["{KEY}"]\n'
            "[limits]\nhead_timeout = 4\nbody_timeout = 4\nwrite_timeout = 4\nmax_connections = 1000\n"
            "max_connections_per_address = 600\nmax_stored_bytes = 4000000\n"
        )
        arguments = ["--config", str(config), "--port", "0", "--log-level", "warning"]
        with service_process(*arguments, "--database", f"sqlite:///{folder}/x.db") as service:
            with RawClient(service.url, key=KEY) as client:  # what the first requests load isn't the attack's
                client.subscribe(subscriber_id="attacker")
            before = memory(service)
            watch = HealthWatch(service.url)
            try:
                held = attack(service)
                problem = "" if held else "the condition is not met"
            except Exception as failed:  # noqa: BLE001 - an attack that can't be carried out is a verdict too
                problem = f"{type(failed).__name__}: {failed}"
            time.sleep(1.5)
            watch.close()
            after = memory(service)
    if after - before > LIMIT:
        problem = problem or "memory"
    if watch.longest > PATIENCE or watch.failed:
        problem = problem or f"/health {watch.failed[:1]}"
    return before, after, watch.longest, problem


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(ATTACKS)}")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - ATTACKS.keys()
    if unknown:
        parser.error(f"there is no attack {', '.join(sorted(unknown))}")
    table = Table("Attack", "Memory before", "after", "Longest /health", "Verdict", title="make attack")
    lost = 0
    for name in arguments.names or ATTACKS:
        before, after, longest, problem = run(name, ATTACKS[name])
        lost += bool(problem)
        if arguments.json:
            print(
                json.dumps(
                    {"attack": name, "before": before, "after": after, "health": longest, "lost": problem}
                )
            )
        megabytes = [f"{size / 2**20:.0f} MiB" for size in (before, after)]
        table.add_row(name, *megabytes, f"{longest:.2f} s", problem or "held")
        print(f"{name}: {problem or 'held'}", file=sys.stderr)
    if not arguments.json:
        Console(width=110).print(table)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())

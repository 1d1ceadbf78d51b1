"""
Requests of all kinds against a service, as hypothesis makes them: no 5xx, no death, no growth of memory.

    python tests/attack/fuzz.py [--seconds 1800] [--postgresql]

Heads are written byte by byte, bodies and definitions as JSON with what doesn't belong there, tokens as
forgeries of good ones. Everything goes to 127.0.0.1, and no request names another address.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import postgres
from support.raw_client import RawClient, definition, transfer
from support.raw_sockets import answer, connected, status
from support.service_process import ServiceProcess, service_process

ROUND = 400
"""Examples of each kind in a round; after each round the memory is looked at."""
GROWTH = 64 * 2**20
PATHS = [
    *("/health", "/ready", "/metrics", "/subscriptions", "/subscriptions/1"),
    *("/subscriptions/1/processing-status", "/subscriptions/1/stream/c/ack/batch", "/stream/c/heartbeat"),
    *(
        "/subscriptions/1/stream/c/ack/batch/bulk",
        "/api/chains/stats",
        "/api/circuit-breakers/status",
        "/nowhere",
    ),
]
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "TRACE", "BREW", "get"]

token_bytes = st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), max_size=30).map(str.encode)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    *(b"Host: localhost", b"Host: localhost", b"Host:", b"Host: evil.example", b"X-API-Key: ", b"Cookie: a"),
    *(b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 99999999999999999999"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Expect: 100-continue"),
    *(b"Upgrade: websocket", b"Connection: upgrade", b"Content-Type: application/json", b"Origin: null"),
    b"X-Request-Id: \xff",
]
ENDINGS = [b"\r\n", b"\r\n{}", b"\r\n5\r\nhello\r\n0\r\n\r\n", b"\n", b""]
heads = st.tuples(
    st.sampled_from([method.encode() for method in METHODS]) | token_bytes,
    st.sampled_from([path.encode() for path in PATHS]) | token_bytes | st.binary(max_size=40),
    st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.1 ", b""]) | token_bytes,
    st.lists(st.sampled_from(FIELDS) | st.binary(max_size=60), max_size=8),
    st.sampled_from(ENDINGS) | st.binary(max_size=80),
).map(lambda parts: b"\r\n".join((b" ".join(parts[:3]), *parts[3])) + b"\r\n" + parts[4])
types = st.sampled_from(
    ["address", "uint256", "uint", "uint7", "bytes32[]", "tuple", "tuple[][3]", "string", "function", ""]
)
parameters = st.recursive(
    st.fixed_dictionaries({"type": types}, optional={"name": st.text(max_size=8), "indexed": anything}),
    lambda inner: st.fixed_dictionaries({"type": types, "components": st.lists(inner, max_size=3)}),
    max_leaves=6,
)
events = st.fixed_dictionaries(
    {"type": st.just("event"), "name": st.text(max_size=10)},
    optional={"inputs": st.lists(parameters, max_size=5), "anonymous": anything, "x": anything},
)
fields: dict[str, st.SearchStrategy[Any]] = {
    "topic0": st.text(max_size=70) | anything,
    "event_signature": events | anything,
    "addresses": st.lists(st.text(max_size=44), max_size=3) | anything,
    "start_block": st.integers(-(2**70), 2**70) | anything,
    "end_block": st.integers(-5, 2**70) | anything,
    "chain_id": st.integers(-1, 2**70) | anything,
    "subscriber_id": st.text(max_size=300) | anything,
    "is_streaming": anything,
    "streaming_status": anything,
}
changes = st.dictionaries(st.sampled_from(sorted(fields)), st.none(), max_size=4).flatmap(
    lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen})
)


class Target:
    """The service, and what it has answered."""

    def __init__(self, service: ServiceProcess) -> None:
        self.service = service
        self.http = httpx.Client(base_url=service.url, timeout=30)
        self.requests = 0
        with RawClient(service.url) as client:
            self.number = client.subscribe()
            with client.stream(self.number) as stream:
                self.token: str = stream.next("event_batch")["resume_token"]

    def check(self, code: int, what: object) -> None:
        self.requests += 1
        # 503 would be the service's right, but nothing here asks for more than it has. 505 is the caller's
        # fault in spite of its class: a head in HTTP/2.0 (RFC 9110, section 15.6.6).
        if code >= 500 and code != 505:
            raise AssertionError((code, what, self.service.log[-5:]))

    def memory(self) -> int:
        lines = Path(f"/proc/{self.service.process.pid}/status").read_text().splitlines()
        line = next(line for line in lines if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


def head(target: Target, data: bytes) -> None:
    with connected(target.service.url, timeout=5) as raw:
        raw.sendall(data)
        raw.shutdown(1)
        target.check(status(answer(raw)), data)


def body(target: Target, method: str, path: str, content: Any) -> None:
    try:
        text = json.dumps(content)
    except (ValueError, RecursionError):
        return
    sent = text.encode("utf-8", "surrogatepass")
    headers = {"content-type": "application/json"}
    answered = target.http.request(method, path, content=sent, headers=headers)
    target.check(answered.status_code, (method, path, content))


def subscription(target: Target, method: str, changed: dict[str, Any]) -> None:
    if method == "update":
        body(target, "PUT", f"/subscriptions/{target.number}", changed)
    else:
        body(target, method, "/subscriptions", definition(event_signature=transfer()) | changed)


def token(target: Target, cut: int, put: str) -> None:
    good = target.token
    at = cut % len(good)
    for forged in (good[:at] + put + good[at:], good[:at] + put, good[:at] + put + good[at + len(put) :]):
        if forged and forged != good:
            params = {"resume_token": forged}
            answered = target.http.get(f"/subscriptions/{target.number}/stream", params=params)
            target.check(answered.status_code, forged)


def kinds_for(target: Target) -> list[Callable[[], None]]:
    """The kinds of requests, as hypothesis plays them."""

    @given(heads)
    def play_heads(data: bytes) -> None:
        head(target, data)

    @given(st.sampled_from(METHODS[:4]), st.sampled_from(PATHS[3:]), anything)
    def play_bodies(method: str, path: str, content: Any) -> None:
        body(target, method, path, content)

    @given(st.sampled_from(["POST", "PUT", "update"]), changes)
    def play_subscriptions(method: str, changed: dict[str, Any]) -> None:
        subscription(target, method, changed)

    @given(st.integers(0, 500), st.text(max_size=10))
    def play_tokens(cut: int, put: str) -> None:
        token(target, cut, put)

    return [play_heads, play_bodies, play_subscriptions, play_tokens]


@contextmanager
def database(*, on_postgresql: bool) -> Iterator[str]:
    """Give the URL of a database that is thrown away."""
    if on_postgresql:
        with postgres.cluster() as url:
            yield f"{url}/postgres"
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/x.db"


def fuzz(seconds: float, *, examples: int = ROUND, on_postgresql: bool = False) -> int:
    """Play rounds until the time is over; returns the number of requests."""
    with database(on_postgresql=on_postgresql) as url:
        arguments = ["--port", "0", "--log-level", "error", "--dev-block-seconds", "3600"]
        with service_process(*arguments, "--database", url) as service:
            target = Target(service)
            how = settings(
                max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck)
            )
            kinds = [how(kind) for kind in kinds_for(target)]
            until = time.monotonic() + seconds
            warm: int | None = None
            while warm is None or time.monotonic() < until:
                for kind in kinds:
                    kind()
                now = target.memory()
                warm = now if warm is None else warm  # the first round fills caches
                print(f"{target.requests} requests, {now / 2**20:.0f} MiB", file=sys.stderr)
                assert now - warm < GROWTH, f"memory grew from {warm} to {now} bytes"
            assert service.process.poll() is None
            target.http.close()
            assert not [line for line in service.log if "Traceback" in line], service.log[-3:]
            return target.requests


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL instead of a file")
    how = parser.parse_args()
    os.environ.setdefault("PYTHONHASHSEED", "0")
    print(f"{fuzz(how.seconds, on_postgresql=how.postgresql)} requests, and nothing found")

"""Answers that are too large: a broken or hostile service can't fill the memory of its client."""

import gzip
import json
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.exceptions import (
    EventStreamerAuthError,
    EventStreamerResponseError,
    EventStreamerValidationError,
)
from support.scripted_server import Reply, ScriptedServer
from support.twins import twin

LIMIT = 1 << 20
FAR_MORE = 64 << 20

pytestmark = pytest.mark.quick


@pytest.fixture(params=["default", "httpx"])
def options(request: pytest.FixtureRequest, kind: str) -> dict[str, Any]:
    """Options of a client with our transport, and with httpx's own."""
    made: dict[str, Any] = {"max_response_bytes": LIMIT}
    if request.param == "httpx":
        made["transport"] = httpx.HTTPTransport() if kind == "sync" else httpx.AsyncHTTPTransport()
    return made


def packed(size: int, wbits: int = zlib.MAX_WBITS | 16) -> bytes:
    packer = zlib.compressobj(9, wbits=wbits)
    blank = b" " * LIMIT
    return b"".join(packer.compress(blank) for _ in range(size // LIMIT)) + packer.flush()


class Flood:
    """Sends a body without an end, until the client hangs up."""

    def __init__(self) -> None:
        self.sent = 0
        self.over = threading.Event()

    def __call__(self, handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        part = b" " * 65536
        try:
            while self.sent < 64 * FAR_MORE:
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.sent += len(part)
        finally:
            self.over.set()


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < FAR_MORE / 4
    finally:
        tracemalloc.stop()


def test_an_answer_without_an_end(kind: str, server: ScriptedServer, options: dict[str, Any]) -> None:
    flood = Flood()
    server.script(Reply(before=flood))
    with twin(kind, server.url, **options) as client, little_memory():
        with pytest.raises(
            EventStreamerResponseError,
            match=r"^list_subscriptions failed: the answer is larger than max_response_bytes=1048576; .*"
            r"\(GET http://127.0.0.1:\d+/subscriptions\)$",
        ):
            client.list_subscriptions()
        assert flood.over.wait(10)
    assert len(server.requests) == 1  # the next one would be no better


@pytest.mark.parametrize("wbits", [zlib.MAX_WBITS | 16, zlib.MAX_WBITS], ids=["gzip", "deflate"])
def test_a_small_answer_that_inflates(
    kind: str, server: ScriptedServer, options: dict[str, Any], wbits: int
) -> None:
    encoding = "gzip" if wbits > zlib.MAX_WBITS else "deflate"
    server.script(Reply(body=packed(FAR_MORE, wbits), headers={"Content-Encoding": encoding}))
    with (
        twin(kind, server.url, **options) as client,
        little_memory(),
        pytest.raises(EventStreamerResponseError, match=r"larger than max_response_bytes=1048576"),
    ):
        client.get_health()
    assert len(server.requests) == 1


def test_an_answer_of_just_the_size(kind: str, server: ScriptedServer, options: dict[str, Any]) -> None:
    body = json.dumps({"status": "healthy"}).encode().ljust(LIMIT)
    for sent, headers in ((body, {}), (gzip.compress(body), {"Content-Encoding": "gzip"})):
        server.script(Reply(body=sent, headers=headers))
        with twin(kind, server.url, **options) as client:
            assert client.get_health().status == "healthy"
            assert server.requests[0].headers["accept-encoding"] == "gzip"
            server.script(Reply(body=gzip.compress(body + b" ") if headers else body + b" ", headers=headers))
            with pytest.raises(EventStreamerResponseError, match="larger than"):
                client.get_health()


@pytest.mark.parametrize(
    ("body", "encoding", "words", "requests"),
    [
        (b"\x1f\x8b no gzip at all", "gzip", "the compressed answer is damaged", 3),
        (b"anything", "br", "Content-Encoding 'br', which was not asked for", 1),
    ],
)
def test_an_answer_that_can_not_be_inflated(
    kind: str,
    server: ScriptedServer,
    options: dict[str, Any],
    body: bytes,
    encoding: str,
    words: str,
    requests: int,
) -> None:
    server.script(Reply(body=body, headers={"Content-Encoding": encoding, "Retry-After": "0"}))
    with (
        twin(kind, server.url, max_retries=2, **options) as client,
        pytest.raises(EventStreamerResponseError, match=words),
    ):
        client.get_health()
    assert len(server.requests) == requests


def test_a_refused_stream_is_told_by_its_status(
    kind: str, server: ScriptedServer, options: dict[str, Any]
) -> None:
    server.script(Reply(401, body=b" " * (2 * LIMIT), headers={"Connection": "close"}))
    with twin(kind, server.url, **options) as client:
        stream = client.client.create_streaming_client(1)
        with pytest.raises(EventStreamerAuthError, match="401"):
            client.run(stream.connect())


@pytest.mark.parametrize("limit", [0, -1, 1.5, "1", None])
def test_a_wrong_limit_is_told_at_once(limit: Any) -> None:
    for client in (EventStreamer, SyncEventStreamer):
        with pytest.raises(EventStreamerValidationError, match="max_response_bytes must be an integer, 1"):
            client("http://host", "me", max_response_bytes=limit)

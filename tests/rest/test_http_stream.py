"""The shells' way to open a response that is read elsewhere: what it lets through, and what it raises."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from event_streamer_api.api import stream
from event_streamer_sdk.exceptions import (
    EventStreamerAuthError,
    EventStreamerConnectionError,
    EventStreamerTimeoutError,
    SubscriptionGoneError,
    SubscriptionNotFoundError,
)
from support.open_streams import StreamReader
from support.scripted_server import Reply, ScriptedServer
from support.twins import Twin, twin

pytestmark = pytest.mark.quick

OPERATION = stream.stream_subscription(7, "rt_a+/=&#%", x_client_metadata='{"a":1}')


@pytest.fixture(params=["our transport", "httpx's own"])
def client(request: pytest.FixtureRequest, kind: str, server: ScriptedServer) -> Iterator[Twin]:
    """Each client over each transport: the exceptions of both become the SDK's."""
    own: Any = httpx.AsyncHTTPTransport if kind == "async" else httpx.HTTPTransport
    with twin(kind, server.url, transport=own() if request.param == "httpx's own" else None) as made:
        yield made


@pytest.fixture
def reader(client: Twin) -> StreamReader:
    return StreamReader(client)


def test_the_request_carries_token_metadata_and_headers(reader: StreamReader, server: ScriptedServer) -> None:
    server.script(Reply(200, body=b"{}\n"))
    assert reader.read(OPERATION, headers={"Accept": "application/x-ndjson"}) == b"{}\n"
    [request] = server.requests
    assert request.query == {"resume_token": "rt_a+/=&#%"}
    assert request.headers["x-client-metadata"] == '{"a":1}'
    assert request.headers["accept"] == "application/x-ndjson"


def test_a_finished_subscription_is_no_error(reader: StreamReader, server: ScriptedServer) -> None:
    server.script(Reply(204))
    assert reader.read(OPERATION) == b""
    assert reader.response.status == 204


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, EventStreamerAuthError),
        (404, SubscriptionNotFoundError),
        (410, SubscriptionGoneError),
        (503, EventStreamerConnectionError),
    ],
)
def test_another_status_is_its_error_after_one_request(
    status: int, expected: type[Exception], reader: StreamReader, server: ScriptedServer
) -> None:
    server.script(Reply(status, {"error": "no", "error_code": "WHY"}, headers={"Retry-After": "4"}))
    with pytest.raises(expected) as caught:
        reader.read(OPERATION)
    error: Any = caught.value
    assert (error.status_code, error.error_code, error.retry_after) == (status, "WHY", 4.0)
    assert "rt_a" not in str(error)
    assert len(server.requests) == 1


def test_a_redirect_within_the_origin_is_followed_with_the_token(
    reader: StreamReader, server: ScriptedServer
) -> None:
    server.script(
        Reply(307, headers={"Location": "/v2/stream?resume_token=rt_a%2B"}), Reply(200, body=b"{}\n")
    )
    assert reader.read(OPERATION) == b"{}\n"
    assert server.requests[1].query == {"resume_token": "rt_a+"}


def break_off(handler: Any) -> None:
    """Promise more than is sent, then hang up."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}\n")
    handler.wfile.flush()
    raise ConnectionAbortedError


def fall_silent(handler: Any) -> None:
    """Promise more than is sent, then wait."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}\n")
    handler.wfile.flush()
    time.sleep(1)
    raise ConnectionAbortedError


def test_a_response_that_breaks_off_is_a_connection_error(
    reader: StreamReader, server: ScriptedServer
) -> None:
    server.script(Reply(before=break_off))
    with pytest.raises(
        EventStreamerConnectionError, match="stream_subscription failed: the connection broke"
    ):
        reader.read(OPERATION)


def test_silence_is_a_time_out(reader: StreamReader, server: ScriptedServer) -> None:
    server.script(Reply(before=fall_silent))
    with pytest.raises(EventStreamerTimeoutError, match="no answer in time"):
        reader.read(OPERATION, silence=0.1)


def test_closing_twice_does_nothing_and_breaking_off_after_it_neither(
    client: Twin, reader: StreamReader, server: ScriptedServer
) -> None:
    server.script(Reply(200, body=b"{}\n"), Reply(200, body=b"{}\n"))
    assert reader.read(OPERATION) == b"{}\n"
    client.run(reader.response.close())
    reader.response.break_off()
    assert reader.read(OPERATION) == b"{}\n"


def test_breaking_off_wakes_who_waits_for_a_chunk(client: Twin, server: ScriptedServer) -> None:
    released = threading.Event()

    def hold(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}\n")
        handler.wfile.flush()
        released.wait(10)
        raise ConnectionAbortedError

    def blocking() -> None:
        response = client.client._http.open_stream(OPERATION)
        assert response.chunk() == b"{}\n"
        waking = threading.Timer(0.1, response.break_off)
        waking.start()
        try:
            response.chunk()
        finally:
            waking.join()
            response.close()

    async def asynchronous() -> None:
        response = await client.client._http.open_stream(OPERATION)
        assert await response.chunk() == b"{}\n"
        asyncio.get_running_loop().call_later(0.1, response.break_off)
        try:
            await response.chunk()
        finally:
            await response.close()

    server.script(Reply(before=hold))
    started = time.monotonic()
    try:
        with pytest.raises(EventStreamerConnectionError, match="the connection broke"):
            client.run(asynchronous() if client.kind == "async" else blocking())
        assert time.monotonic() - started < 5
    finally:
        released.set()

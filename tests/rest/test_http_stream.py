"""The shells' way to open a response that is read elsewhere: what it lets through, and what it raises."""

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


class Reader:
    """Opens the stream by either shell and reads it to its end."""

    def __init__(self, client: Twin) -> None:
        self._client = client
        self.response: Any = None

    def read(self, **options: Any) -> bytes:
        http = self._client.client._http
        return bytes(
            self._client.run(
                self._async(http, options) if self._client.kind == "async" else self._sync(http, options)
            )
        )

    def _sync(self, http: Any, options: dict[str, Any]) -> bytes:
        with http.stream(OPERATION, **options) as self.response:
            return b"".join(self.response.iter_bytes())

    async def _async(self, http: Any, options: dict[str, Any]) -> bytes:
        async with http.stream(OPERATION, **options) as self.response:
            return b"".join([chunk async for chunk in self.response.aiter_bytes()])


@pytest.fixture
def reader(client: Twin) -> Iterator[Reader]:
    made = Reader(client)
    yield made
    assert made.response is None or made.response.is_closed


def test_the_request_carries_token_metadata_and_headers(reader: Reader, server: ScriptedServer) -> None:
    server.script(Reply(200, body=b"{}\n"))
    assert reader.read(headers={"Accept": "application/x-ndjson"}) == b"{}\n"
    [request] = server.requests
    assert request.query == {"resume_token": "rt_a+/=&#%"}
    assert request.headers["x-client-metadata"] == '{"a":1}'
    assert request.headers["accept"] == "application/x-ndjson"


def test_a_finished_subscription_is_no_error(reader: Reader, server: ScriptedServer) -> None:
    server.script(Reply(204))
    assert reader.read() == b""
    assert reader.response.status_code == 204


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
    status: int, expected: type[Exception], reader: Reader, server: ScriptedServer
) -> None:
    server.script(Reply(status, {"error": "no", "error_code": "WHY"}, headers={"Retry-After": "4"}))
    with pytest.raises(expected) as caught:
        reader.read()
    error: Any = caught.value
    assert (error.status_code, error.error_code, error.retry_after) == (status, "WHY", 4.0)
    assert "rt_a" not in str(error)
    assert len(server.requests) == 1


def test_a_redirect_within_the_origin_is_followed_with_the_token(
    reader: Reader, server: ScriptedServer
) -> None:
    server.script(
        Reply(307, headers={"Location": "/v2/stream?resume_token=rt_a%2B"}), Reply(200, body=b"{}\n")
    )
    assert reader.read() == b"{}\n"
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


def test_a_response_that_breaks_off_is_a_connection_error(reader: Reader, server: ScriptedServer) -> None:
    server.script(Reply(before=break_off))
    with pytest.raises(
        EventStreamerConnectionError, match="stream_subscription failed: the connection broke"
    ):
        reader.read()


def test_silence_is_a_time_out(reader: Reader, server: ScriptedServer) -> None:
    server.script(Reply(before=fall_silent))
    with pytest.raises(EventStreamerTimeoutError, match="no answer in time"):
        reader.read(read_timeout=0.1)


def test_an_error_of_the_reader_itself_passes_through(client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(200, body=b"{}\n"))
    http = client.client._http

    async def asynchronous() -> None:
        async with http.stream(OPERATION):
            raise KeyError("mine")

    def blocking() -> None:
        with http.stream(OPERATION):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        client.run(asynchronous() if client.kind == "async" else blocking())

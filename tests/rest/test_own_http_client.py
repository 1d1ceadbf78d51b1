"""The user's own httpx client: how calls and streams are mocked, instrumented and changed on their way."""

import asyncio
import json
from typing import Any

import httpx
import pytest
import respx

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.exceptions import EventStreamerRateLimitError
from support.scripted_server import Reply, ScriptedServer
from support.twins import twin

pytestmark = pytest.mark.quick

URL = "http://events.test"
BATCH = {
    "type": "event_batch",
    "response_id": "r1",
    "subscription_id": 1,
    "connection_id": "c1",
    "resume_token": "t1",
    "events": {"Transfer": [{"value": "1", "block_number": 1}]},
}
END = {"type": "end", "reason": "end_block_reached", "subscription_id": 1}
ACK = {
    "total_batches": 1,
    "acknowledged_batches": 1,
    "failed_batches": 0,
    "failed_batch_ids": [],
    "total_events_acknowledged": 1,
}


def own(kind: str, **options: Any) -> Any:
    return httpx.AsyncClient(**options) if kind == "async" else httpx.Client(**options)


def test_respx_answers_calls(kind: str) -> None:
    with respx.mock(base_url=URL) as mocked:
        healthy = mocked.get("/health").respond(json={"status": "healthy"})
        mocked.get("/api/chains/stats").respond(429, headers={"Retry-After": "7"})
        with twin(kind, URL, http_client=own(kind), max_retries=0) as client:
            assert client.get_health().status == "healthy"
            with pytest.raises(EventStreamerRateLimitError) as caught:
                client.get_chain_stats()
        assert healthy.called
        assert caught.value.retry_after == 7.0


def test_respx_answers_a_stream_and_hears_the_acknowledgement(kind: str) -> None:
    lines = "".join(json.dumps(message) + "\n" for message in (BATCH, END))
    seen: list[Any] = []

    async def on_loop() -> None:
        async with httpx.AsyncClient() as http, EventStreamer(URL, "me", http_client=http) as client:
            stream = client.create_streaming_client(1, batch_ack_interval=0.01)
            stream.on_event("Transfer")(seen.extend)
            await stream.start_streaming()
            await stream.wait()

    def blocking() -> None:
        with httpx.Client() as http, SyncEventStreamer(URL, "me", http_client=http) as client:
            stream = client.create_streaming_client(1, batch_ack_interval=0.01)
            stream.on_event("Transfer")(seen.extend)
            stream.start_streaming()
            stream.wait(10)

    with respx.mock(base_url=URL, assert_all_called=False) as mocked:
        mocked.get("/subscriptions/1/stream").respond(text=lines, headers={"X-Connection-Id": "c1"})
        ack = mocked.post("/subscriptions/1/stream/c1/ack/batch/bulk").respond(json=ACK)
        single = mocked.post("/subscriptions/1/stream/c1/ack/batch").respond(
            json={"acknowledged": True, "batch_id": "r1"}
        )
        asyncio.run(on_loop()) if kind == "async" else blocking()
        assert ack.called or single.called
    assert [event["block_number"] for event in seen] == [1]


def test_hooks_see_every_request_and_may_change_it(kind: str, server: ScriptedServer) -> None:
    told: list[str] = []

    def sign(request: httpx.Request) -> None:
        request.headers["X-Signature"] = f"{request.method} {request.url.path}"

    def note(response: httpx.Response) -> None:
        told.append(f"{response.request.url.path} {response.status_code}")

    async def sign_later(request: httpx.Request) -> None:
        sign(request)

    async def note_later(response: httpx.Response) -> None:
        note(response)

    hooks = (sign_later, note_later) if kind == "async" else (sign, note)
    http = own(kind, event_hooks={"request": [hooks[0]], "response": [hooks[1]]})
    server.script(Reply(503), Reply(200, {"status": "healthy"}))
    with twin(kind, server.url, http_client=http) as client:
        assert client.get_health().status == "healthy"
        client.run(http.aclose() if kind == "async" else http.close())
    assert told == ["/health 503", "/health 200"]
    assert [request.headers["x-signature"] for request in server.requests] == ["GET /health"] * 2

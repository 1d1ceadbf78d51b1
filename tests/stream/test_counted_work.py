"""
Speed, held without a clock: how many calls a batch, an event and a REST call may cost.

Times differ from machine to machine and from minute to minute; the number of function calls, of Python and of
C, does not. The bounds leave some 20 % to the differences between Python 3.11 and 3.13, so what fails here is
work that somebody put where it is done for every batch. If it belongs there, raise the bound and say why.
"""

import asyncio
import gc
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from support.scripted_server import Reply, scripted_server
from support.twins import Twin, twin

CHUNK = 64 * 1024
SUBSCRIPTION = {
    "id": 1,
    "topic0": "0x" + "ab" * 32,
    "event_signature": {
        "type": "event",
        "name": "Transfer",
        "inputs": [{"name": "value", "type": "uint256", "indexed": False}],
        "anonymous": False,
    },
    "addresses": ["0x" + "cd" * 20],
    "start_block": 1,
    "end_block": None,
    "chain_id": 1,
    "subscriber_id": "tester",
    "created_at": "2026-01-01T00:00:00Z",
}
ACKNOWLEDGED = {
    "total_batches": 1,
    "acknowledged_batches": 1,
    "failed_batches": 0,
    "failed_batch_ids": [],
    "total_events_acknowledged": 1,
}


def body(batches: int, events: int) -> list[bytes]:
    """The stream as a transport gives it: blocks of 64 KiB."""
    lines = [
        json.dumps(
            {
                "type": "event_batch",
                "response_id": f"r{number}",
                "batch_id": f"b{number}",
                "resume_token": f"t{number}",
                "events": {
                    "Transfer": [
                        {"value": "1", "block_number": number, "log_index": index, "timestamp": "t"}
                        for index in range(events)
                    ]
                },
                "batch_size": events,
            }
        ).encode()
        for number in range(batches)
    ]
    whole = b"\n".join([*lines, b""])
    return [whole[start : start + CHUNK] for start in range(0, len(whole), CHUNK)]


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A response's body in memory."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


class Service(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Streams from memory, once, and takes acknowledgements."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks
        self._done = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/stream"):
            if self._done:
                return httpx.Response(204)
            self._done = True
            return httpx.Response(200, headers={"X-Connection-Id": "c"}, stream=Chunks(self._chunks))
        return httpx.Response(200, json=ACKNOWLEDGED)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


class Calls:
    """Counts calls, of Python's functions and of C's, in this thread and in those that it starts."""

    def __init__(self, *, every_thread: bool = True) -> None:
        self.count = 0
        self._every_thread = every_thread

    def __enter__(self) -> "Calls":
        gc.disable()
        if self._every_thread:
            threading.setprofile(self._profile)
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)
        gc.enable()

    def _profile(self, _frame: Any, event: str, _argument: Any) -> None:
        if event in ("call", "c_call"):
            self.count += 1


async def stream_async(chunks: list[bytes], look: Callable[[Any], None] | None) -> int:
    seen = 0
    async with EventStreamer("http://test", "tester", transport=Service(chunks)) as client:
        stream = client.create_streaming_client(1)

        @stream.on_event("Transfer")
        async def handle(events: list[Any]) -> None:
            nonlocal seen
            seen += len(events)
            if look is not None:
                look(events)

        await stream.start_streaming()
        await stream.wait()
    return seen


def stream_sync(chunks: list[bytes], look: Callable[[Any], None] | None) -> int:
    seen = 0
    with SyncEventStreamer("http://test", "tester", transport=Service(chunks)) as client:
        stream = client.create_streaming_client(1)

        @stream.on_event("Transfer")
        def handle(events: list[Any]) -> None:
            nonlocal seen
            seen += len(events)
            if look is not None:
                look(events)

        stream.start_streaming()
        stream.wait()
    return seen


STREAMS: dict[str, Callable[..., int]] = {
    "async": lambda chunks, look=None: asyncio.run(stream_async(chunks, look)),
    "sync": lambda chunks, look=None: stream_sync(chunks, look),
}


def calls_of(kind: str, batches: int, events: int) -> int:
    """Count the calls of one run."""
    chunks = body(batches, events)
    with Calls() as calls:
        seen = STREAMS[kind](chunks)
    assert seen == batches * events
    return calls.count


def calls_a_batch(kind: str, events: int) -> float:
    """Count the calls of a batch: the difference between two runs, so that what a run costs is left out."""
    few, many = 500, 1500
    return (calls_of(kind, many, events) - calls_of(kind, few, events)) / (many - few)


BATCH_BOUND = 36
"""Calls for a batch of one event: measured 29 and 30 with 3.11 to 3.13."""
EVENT_BOUND = 0.5
"""Calls for an event more in a batch: it is decoded in C, together with the others."""
CALL_BOUND = {"async": 615, "sync": 445}
"""Calls for a REST call whose answer is a subscription: measured 574 and 409 with 3.11."""


@pytest.mark.quick
@pytest.mark.parametrize("kind", ["async", "sync"])
def test_calls_a_batch(kind: str) -> None:
    STREAMS[kind](body(2, 1))  # what is imported late is imported now
    assert calls_a_batch(kind, 1) <= BATCH_BOUND


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_no_call_for_an_event(kind: str) -> None:
    STREAMS[kind](body(2, 1))
    assert (calls_a_batch(kind, 30) - calls_a_batch(kind, 5)) / 25 <= EVENT_BOUND


@pytest.mark.quick
@pytest.mark.parametrize("kind", ["async", "sync"])
def test_calls_of_a_rest_call(kind: str) -> None:
    with scripted_server() as server:
        server.script(Reply(json=SUBSCRIPTION))
        with twin(kind, server.url) as client:
            few, many = (calls_of_calls(client, count) for count in (10, 30))
    assert (many - few) / 20 <= CALL_BOUND[kind]


def calls_of_calls(client: Twin, count: int) -> int:
    """Count what so many REST calls in a row take."""

    async def in_a_row() -> None:
        for _ in range(count):
            await client.client.get_subscription(1)

    client.get_subscription(1)
    with Calls(every_thread=False) as calls:
        if client.kind == "async":
            client.run(in_a_row())
        else:
            for _ in range(count):
                client.client.get_subscription(1)
    return calls.count


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_memory_does_not_grow_with_the_stream(kind: str) -> None:
    STREAMS[kind](body(2, 1))
    blocks = []
    for batches in (1_000, 4_000):
        chunks = body(batches, 10)
        gc.collect()
        before = sys.getallocatedblocks()
        peak = 0

        def look(_events: Any) -> None:
            nonlocal peak
            peak = max(peak, sys.getallocatedblocks())

        STREAMS[kind](chunks, look)
        blocks.append(peak - before)
    assert blocks[1] <= blocks[0] * 1.5, "live objects at the highest point of a short and of a long stream"

"""No cancellation of a run is counted twice, and none keeps its end from being told."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.checkpoints import Checkpoint, MemoryCheckpoint
from support.listener import QUICK

BATCH = (
    json.dumps(
        {
            "type": "event_batch",
            "batch_id": "b0",
            "resume_token": "t0",
            "events": {"Transfer": [{"block_number": 1}]},
            "batch_size": 1,
        }
    ).encode()
    + b"\n"
)


class Silent(httpx.AsyncByteStream):
    """
    Never sends anything.

    Args:
        hides: Whether it takes a cancellation for a failure of the network.
    """

    def __init__(self, *, hides: bool) -> None:
        self._hides = hides

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if not self._hides:
                raise
            raise httpx.ReadError("interrupted") from None
        yield b""


class Masking(httpx.AsyncBaseTransport):
    """A transport of the user's whose streams stay silent; the first one hides that it was broken off."""

    connects = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/stream"):
            return httpx.Response(200, json={})
        self.connects += 1
        return httpx.Response(
            200, headers={"X-Heartbeat-Interval": "0.01"}, stream=Silent(hides=self.connects == 1)
        )


def test_a_transport_that_hides_a_cancellation_does_not_make_the_next_one_end_the_run() -> None:
    transport = Masking()

    async def scenario() -> None:
        async with EventStreamer("http://test", "tester", transport=transport) as client:
            stream = client.create_streaming_client(1, reconnect=QUICK)
            stream.on_all_events(lambda events: None)
            await stream.start_streaming()
            async with asyncio.timeout(10):
                while transport.connects < 4 and stream.is_running:  # noqa: ASYNC110 - either may end it
                    await asyncio.sleep(0.01)
            assert stream.is_running
            await stream.stop_streaming()

    asyncio.run(scenario())
    assert transport.connects >= 4


class Endless(httpx.AsyncByteStream):
    """
    Sends one batch and then nothing, and notes whether it is closed.

    Args:
        slow_to_close: Seconds that closing takes.
    """

    def __init__(self, slow_to_close: float = 0.0) -> None:
        self._slow_to_close = slow_to_close
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield BATCH
        await asyncio.sleep(60)

    async def aclose(self) -> None:
        try:
            await asyncio.sleep(self._slow_to_close)
        finally:
            self.closed = True


class OneStream(httpx.AsyncBaseTransport):
    """Gives out a stream, and takes acknowledgements."""

    def __init__(self, body: Endless) -> None:
        self._body = body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/stream"):
            return httpx.Response(200, headers={"X-Connection-Id": "c"}, stream=self._body)
        return httpx.Response(200, json={})


@pytest.mark.parametrize("slow_to_close", [0.0, 0.2], ids=["handler", "closing"])
def test_a_second_cancellation_leaves_no_connection_open_and_the_end_is_told(slow_to_close: float) -> None:
    """Two tasks that stop a stream break its handler off one after the other, while it still cleans up."""
    body = Endless(slow_to_close)

    async def scenario() -> None:
        async with EventStreamer("http://test", "tester", transport=OneStream(body)) as client:
            stream = client.create_streaming_client(1, stop_timeout=0.05)
            at_work = asyncio.Event()

            @stream.on_all_events
            async def hang(events: Any) -> None:
                at_work.set()
                try:
                    await asyncio.sleep(60)
                finally:
                    if not slow_to_close:
                        await asyncio.sleep(0.2)

            await stream.start_streaming()
            await at_work.wait()
            first = asyncio.create_task(stream.disconnect())
            await asyncio.sleep(0.1)
            second = asyncio.create_task(stream.disconnect())
            await asyncio.gather(first, second)
            assert not stream.is_running
            assert not stream.is_connected
            assert stream.report is not None
            assert body.closed

    asyncio.run(scenario())


def test_a_loop_that_ends_twice_over_still_hears_how_the_run_ended() -> None:
    """As `asyncio.run` does it: every task is cancelled, also those that are ending already."""
    body = Endless(slow_to_close=0.2)
    streams: list[Any] = []

    async def scenario() -> None:
        client = EventStreamer("http://test", "tester", transport=OneStream(body))
        stream = client.create_streaming_client(1)
        streams.append(stream)
        handled = asyncio.Event()
        stream.on_all_events(lambda events: handled.set())
        await stream.start_streaming()
        await handled.wait()
        for _ in range(3):
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0.05)

    asyncio.run(scenario())
    (stream,) = streams
    assert body.closed
    assert stream.report is not None
    assert not stream.is_connected


class SlowStore(MemoryCheckpoint):
    """Takes its time to write, in a thread, and counts who writes."""

    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.writing = threading.Event()
        self.written = threading.Event()

    def save(self, key: str, checkpoint: Checkpoint) -> None:
        self.writing.set()
        time.sleep(0.3)
        super().save(key, checkpoint)
        self.written.set()


def test_a_second_cancellation_does_not_leave_a_write_behind() -> None:
    """A position that is still being written when its run has ended could take the place of a later one."""
    store = SlowStore()

    async def scenario() -> None:
        async with EventStreamer("http://test", "tester", transport=OneStream(Endless())) as client:
            stream = client.create_streaming_client(1, stop_timeout=0.05, checkpoint=store)
            stream.on_all_events(lambda events: None)
            await stream.start_streaming()
            async with asyncio.timeout(5):
                while not store.writing.is_set():  # noqa: ASYNC110 - it is set in a thread
                    await asyncio.sleep(0.01)
            stops = []
            for _ in range(2):
                stops.append(asyncio.create_task(stream.disconnect()))
                await asyncio.sleep(0.08)
            await asyncio.gather(*stops)
            assert store.written.is_set()
            assert stream.report is not None

    asyncio.run(scenario())


class BreaksDown(httpx.SyncByteStream):
    """Fails in a way that no transport should, and notes whether it is closed."""

    closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield BATCH
        raise SystemExit("a transport that ends the program")

    def close(self) -> None:
        self.closed = True


def test_a_reading_thread_that_breaks_down_leaves_no_connection_open() -> None:
    body = BreaksDown()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/stream"):
            return httpx.Response(200, headers={"X-Connection-Id": "c"}, stream=body)
        return httpx.Response(200, json={})

    with SyncEventStreamer("http://test", "tester", transport=httpx.MockTransport(answer)) as client:
        stream = client.create_streaming_client(1)
        stream.on_all_events(lambda events: None)
        stream.start_streaming()
        with pytest.raises(SystemExit):
            stream.wait(5)
        assert not stream.is_connected
        assert body.closed

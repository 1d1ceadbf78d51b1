"""What both streaming clients do when a program uses them in ways that are allowed and rare."""

import asyncio
import gc
import time
import weakref
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import EventStreamer
from event_streamer_sdk._core.stream.commands import Connect, Connected, Disconnect, Wait
from event_streamer_sdk._core.stream.committing import Entry, Progress
from event_streamer_sdk._core.stream.handlers import HandlerRegistry
from event_streamer_sdk._core.stream.lanes import Lanes
from event_streamer_sdk._core.stream.options import settings_from
from event_streamer_sdk._core.stream.reports import Counters
from event_streamer_sdk.checkpoints import MemoryCheckpoint, SQLiteCheckpoint
from event_streamer_sdk.exceptions import EventStreamerSDKError
from event_streamer_sdk.streaming_client import CheckpointError, HandlerTimeoutError
from support.listener import KINDS, Listener, both, until
from support.stream_server import answers, stay_silent, stream_server

kinds = pytest.mark.parametrize("kind", KINDS)


class Odd(BaseException):
    """What is no Exception, as a failure is that pytest.fail() raises in a handler."""


@kinds
@pytest.mark.quick
def test_a_handler_that_raises_what_is_no_exception_never_looks_like_a_good_end(kind: str) -> None:
    def fail(number: int) -> None:
        if number == 1:
            raise Odd("no exception")

    with stream_server(stay_silent) as server:
        listener = Listener(kind, server.url, handler=fail)
        with pytest.raises(Odd, match="no exception"):
            listener.run()
        assert listener.report is not None
        assert listener.report.reason == "failed"
        assert isinstance(listener.report.error, Odd)
        assert not listener.stream.is_running
        assert listener.stream.get_current_resume_token() == "t0"


class FailsOnce(MemoryCheckpoint):
    """A store whose first write fails."""

    failed = False

    def save(self, *arguments: Any) -> None:
        if not self.failed:
            self.failed = True
            raise CheckpointError("no room just now")
        super().save(*arguments)


@kinds
def test_a_write_that_is_tried_again_holds_nothing_up_where_batches_are_acknowledged_by_hand(
    kind: str,
) -> None:
    def acknowledge(number: int) -> Any:
        return listener.stream.acknowledge_batch(f"b{number}")

    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.handled == [0, 1, 2, 3, 4])
        began = time.monotonic()
        await call(stream.stop_streaming())
        assert time.monotonic() - began < stream._settings.stop_timeout / 2
        assert stream.report.error is None

    with stream_server(stay_silent) as server:
        listener = Listener(
            kind, server.url, handler=acknowledge, auto_acknowledge=False, checkpoint=FailsOnce()
        )
        both(kind, listener, scenario)
        assert server.acked == {"b0", "b1", "b2", "b3", "b4"}


@kinds
def test_connects_that_fail_leave_nothing_behind(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        runs = []
        for _ in range(10):
            with pytest.raises(EventStreamerSDKError):
                await call(stream.connect())
            runs.append(weakref.ref(stream._run))
        gc.collect()
        assert sum(run() is not None for run in runs) == 1

    with stream_server(*[answers(503)] * 10) as server:
        both(kind, Listener(kind, server.url), scenario)


@kinds
def test_a_resume_from_within_a_handler_is_not_undone_by_the_batch_in_hand(kind: str) -> None:
    """Else the committed token would lie behind batches that are still to come."""
    tokens: list[str | None] = []

    def go_back(number: int) -> Any:
        if number == 3 and not tokens:
            tokens.append("t0")
            return listener.stream.resume("t0")
        if tokens:
            tokens.append(listener.stream.get_current_resume_token())
        return None

    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.handled == [0, 1, 2, 3, 1, 2, 3, 4])
        await call(stream.stop_streaming())

    with stream_server(stay_silent, stay_silent) as server:
        listener = Listener(kind, server.url, handler=go_back)
        both(kind, listener, scenario)
        assert server.tokens == [None, "t0"]
        assert tokens == ["t0", "t0", "t1", "t2", "t3"]


def test_a_connection_that_opens_after_the_stop_leaves_the_position_alone() -> None:
    """A thread may be stuck in a connect while the next run is at work already, on the same position."""
    settings = settings_from({}, auto_acknowledge=False, batch_ack_interval=3.0, has_lease=False)
    progress = Progress()
    lanes = Lanes(
        settings=settings,
        registry=HandlerRegistry(),
        progress=progress,
        counters=Counters(),
        dedupe=None,
        subscription_id=1,
        clock=lambda: 0.0,
        utc_now=lambda: datetime.now(UTC),
        random=lambda: 0.5,
    )
    steps = lanes.reader.steps()
    assert isinstance(next(steps), Connect)
    lanes.session.stop()
    progress.wait_for_user(Entry("b7", "t7", 107))  # what the next run has delivered
    assert isinstance(steps.send(Connected("c0", None, None)), Wait)
    assert list(progress.open) == ["b7"]
    assert not progress.stale
    lanes.session.flush_has_ended()
    assert isinstance(steps.send(None), Disconnect)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # nobody closes the client: that is the point
def test_a_stream_that_its_event_loop_has_left_is_neither_running_nor_connected() -> None:
    async def forget(url: str) -> Any:
        listener = Listener("async", url)
        client: EventStreamer = listener.async_client()
        stream = listener.listen(client)
        await stream.start_streaming()
        await until(lambda: listener.handled == [0, 1, 2, 3, 4])
        assert stream.is_connected
        return stream

    with stream_server(stay_silent) as server:
        stream = asyncio.run(forget(server.url))
        assert not stream.is_running
        assert not stream.is_connected
        assert stream.connection_id is None
        del stream
        gc.collect()


def test_a_handler_that_swallows_its_cancellation_does_not_keep_a_stop_from_ending() -> None:
    async def scenario(stream: Any, call: Any) -> None:
        released = asyncio.Event()

        @stream.on_all_events
        async def stubborn(events: Any) -> None:
            while not released.is_set():
                try:
                    await released.wait()
                except asyncio.CancelledError:
                    continue

        await stream.start_streaming()
        await until(lambda: listener.handled == [0])
        async with asyncio.timeout(10):
            await stream.stop_streaming()
        assert not stream.is_running
        released.set()
        await stream.wait()

    with stream_server(stay_silent) as server:
        listener = Listener("async", server.url, stop_timeout=0.1)
        both("async", listener, scenario)


@pytest.mark.parametrize("own", [True, False])
def test_a_handlers_own_time_limit_is_not_taken_for_handler_timeout(own: bool) -> None:
    async def wait(number: int) -> None:
        async with asyncio.timeout(0.01 if own else 20):
            await asyncio.sleep(10)

    with stream_server(stay_silent) as server:
        listener = Listener(
            "async", server.url, handler=wait, handler_timeout=20 if own else 0.05, handler_retries=0
        )
        with pytest.raises(TimeoutError) as caught:
            listener.run()
        assert isinstance(caught.value, HandlerTimeoutError) is not own


@kinds
@pytest.mark.parametrize("fails", [True, False])
def test_a_connect_that_is_not_followed_by_a_stream_keeps_no_lease(
    kind: str, fails: bool, tmp_path: Path
) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        if fails:
            with pytest.raises(EventStreamerSDKError):
                await call(stream.connect())
        else:
            await call(stream.connect())
            await call(stream.disconnect())
        other = SQLiteCheckpoint(tmp_path / "positions.db", lease_seconds=30)
        assert other.acquire(stream._key)
        other.close()

    with stream_server(answers(503) if fails else stay_silent) as server:
        store = SQLiteCheckpoint(tmp_path / "positions.db", lease_seconds=30)
        both(kind, Listener(kind, server.url, checkpoint=store), scenario)
        store.close()

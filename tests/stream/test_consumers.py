"""Rows 41 and 42 of the fault matrix: several consumers, and loops that are left."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import Report
from event_streamer_sdk.checkpoints import (
    Checkpoint,
    MemoryCheckpoint,
    SQLiteCheckpoint,
)
from support.listener import KINDS, Listener, both, until
from support.stream_server import FIRST_BLOCK, StreamServer, Wire, healthy, stay, stream_server

ALL = [0, 1, 2, 3, 4]
kinds = pytest.mark.parametrize("kind", KINDS)


# --- several consumers --------------------------------------------------------------------------


@kinds
def test_without_a_lease_both_get_everything(kind: str) -> None:
    """Row 41 of the fault matrix."""
    with stream_server(healthy, healthy) as server:
        listeners = [Listener(kind, server.url), Listener(kind, server.url)]
        for listener in listeners:
            listener.run()
        assert [listener.handled for listener in listeners] == [ALL, ALL]


@kinds
def test_with_a_lease_the_second_waits_and_takes_over(kind: str, tmp_path: Path) -> None:
    """Row 41 of the fault matrix."""
    one, other = (SQLiteCheckpoint(tmp_path / "positions.db", lease_seconds=30) for _ in range(2))

    def half(wire: Wire) -> None:
        wire.batches(0, 2)
        wire.beat()

    with stream_server(half) as server:
        first = Listener("sync", server.url, checkpoint=one)
        with first.sync_client() as client:
            first.listen(client)
            first.stream.start_streaming()
            wait_for(lambda: first.handled == [0, 1, 2])
            second = Listener(kind, server.url, checkpoint=other)

            def hand_over(status: Any) -> None:
                if status.kind == "standby":
                    first.stream.disconnect()

            second.on_status = hand_over
            second.run()
        assert second.statuses[0].kind == "standby"
        assert server.tokens == [None, "t2"]
        assert second.handled == [3, 4]
    one.close()
    other.close()


@kinds
@pytest.mark.parametrize("way", ["run", "background", "loop"])
def test_who_loses_the_lease_stands_by_and_goes_on_where_the_successor_was(
    kind: str, way: str, tmp_path: Path
) -> None:
    """Row 41 of the fault matrix: nothing of one that comes back too late is stored or acknowledged."""
    store, other = (SQLiteCheckpoint(tmp_path / "positions.db", lease_seconds=30) for _ in range(2))
    came_too_late: list[int] = []
    taken: list[int] = []

    def taken_over(number: int) -> None:
        if number == 2 and not came_too_late:  # as if this worker had slept longer than its lease
            came_too_late.append(number)
            expire(tmp_path / "positions.db")
            assert other.acquire("tester:1")
            other.save("tester:1", Checkpoint(resume_token="t3"))
        taken.append(number)

    def hand_back(status: Any) -> None:
        if status.kind == "standby":
            assert server.acked <= {"b0", "b1"}
            stored = store.load("tester:1")
            assert stored is not None
            assert stored.resume_token == "t3", "the successor's position stands"
            other.release("tester:1")

    async def scenario(stream: Any, call: Any) -> Report:
        if way == "run":
            return await call(stream.run())  # type: ignore[no-any-return]
        if way == "background":
            await call(stream.start_streaming())
            return await call(stream.wait(20))  # type: ignore[no-any-return]
        if kind == "async":
            async for batch in stream:
                taken_over(batch.first_block - FIRST_BLOCK)
        else:
            for batch in stream:
                taken_over(batch.first_block - FIRST_BLOCK)
        return stream.report  # type: ignore[no-any-return]

    with stream_server(stay, healthy) as server:
        listener = Listener(kind, server.url, handler=None if way == "loop" else taken_over, checkpoint=store)
        listener.on_status = hand_back
        report = both(kind, listener, scenario)
        assert report.reason == "finished"
        assert server.tokens == [None, "t3"]
        assert taken == [0, 1, 2, 4]
        kinds_told = [status.kind for status in listener.statuses]
        assert kinds_told.count("standby") == kinds_told.count("ended") == 1
        assert (report.batches, report.acks) == (4, 3), "the figures of both runs"
    store.close()
    other.close()


@kinds
def test_one_that_stands_by_in_the_background_can_be_stopped(kind: str, tmp_path: Path) -> None:
    """Also in the moment in which it loses its lease; and it can be started again."""
    store, other = (SQLiteCheckpoint(tmp_path / "positions.db", lease_seconds=30) for _ in range(2))

    def taken_over(number: int) -> None:
        if number == 2:
            expire(tmp_path / "positions.db")
            assert other.acquire("tester:1")

    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: "standby" in [status.kind for status in listener.statuses])
        assert stream.is_running
        assert stream.report is None
        with pytest.raises(TimeoutError):
            await call(stream.wait(0.05))
        await call(stream.stop_streaming())
        assert not stream.is_running
        assert stream.report.reason == "stopped"
        other.release("tester:1")
        listener.handler = None
        await call(stream.start_streaming())
        assert (await call(stream.wait(20))).reason == "finished"

    with stream_server(stay, healthy) as server:
        listener = Listener(kind, server.url, handler=taken_over, checkpoint=store)
        both(kind, listener, scenario)
        assert listener.handled == [0, 1, 2, 2, 3, 4]
    store.close()
    other.close()


def expire(path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE event_streamer_checkpoints SET expires_at = 0")
    connection.close()


def wait_for(condition: Any, seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


# --- loops that are left ------------------------------------------------------------------------


async def leave_async(server: StreamServer, store: Any, taken: list[int], leave_at: int) -> Any:
    listener = Listener("async", server.url, checkpoint=store)
    async with listener.async_client() as client:
        stream = client.create_streaming_client(1, **listener.options)
        async for batch in stream:
            taken.append(batch.first_block - FIRST_BLOCK)
            if len(taken) == leave_at:
                break
        await stream.wait()  # the event loop closes the generator in a turn of its own
        assert not stream.is_running
        return stream


def leave_sync(server: StreamServer, store: Any, taken: list[int], leave_at: int) -> Any:
    listener = Listener("sync", server.url, checkpoint=store)
    with listener.sync_client() as client:
        stream = client.create_streaming_client(1, **listener.options)
        for batch in stream:
            taken.append(batch.first_block - FIRST_BLOCK)
            if len(taken) == leave_at:
                break
        assert not stream.is_running
        return stream


@kinds
@pytest.mark.quick
def test_break_out_of_the_loop(kind: str) -> None:
    """Row 42 of the fault matrix."""
    store = MemoryCheckpoint()
    taken: list[int] = []
    with stream_server() as server:
        for leave_at in (2, 4, 100):
            if kind == "async":
                asyncio.run(leave_async(server, store, taken, leave_at))
            else:
                leave_sync(server, store, taken, leave_at)
        # The batch in hand when the loop was left was not done: it came again.
        assert taken == [0, 1, 1, 2, 2, 3, 4]
        assert server.tokens == [None, "t0", "t1"]
        assert server.acked == {f"b{number}" for number in ALL}


@pytest.mark.parametrize("steps", [*range(0, 60, 3)])
def test_cancelled_at_every_await(steps: int) -> None:
    """Row 42 of the fault matrix: the task that loops is cancelled after so many turns."""
    store = MemoryCheckpoint()
    taken: list[int] = []

    async def consume(server: StreamServer) -> None:
        listener = Listener("async", server.url, checkpoint=store)
        # A loop that an exception leaves is closed when the event loop gets to it; `async with` does not wait
        # for that.
        async with (
            listener.async_client() as client,
            client.create_streaming_client(1, **listener.options) as stream,
        ):
            async for batch in stream:
                await asyncio.sleep(0)
                taken.append(batch.first_block - FIRST_BLOCK)

    async def cancelled(server: StreamServer) -> None:
        task = asyncio.create_task(consume(server))
        for _ in range(steps):
            await asyncio.sleep(0.0005)
            if task.done():
                break
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.01)  # asyncio's own race for an address ends a turn after it is cancelled
        assert [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    with stream_server() as server:
        asyncio.run(cancelled(server))
        committed = store.load("tester:1")
        assert committed is None or int(committed.resume_token[1:]) in [*taken, -1]
        asyncio.run(consume(server))
        assert sorted(set(taken)) == ALL


@kinds
def test_single_events_in_a_loop(kind: str) -> None:
    """Row 42 of the fault matrix."""
    taken: list[int] = []
    with stream_server() as server:
        listener = Listener(kind, server.url)

        async def events() -> None:
            async with listener.async_client() as client:
                stream = client.create_streaming_client(1, **listener.options)
                taken.extend([event["block_number"] - FIRST_BLOCK async for event in stream.events()])

        if kind == "async":
            asyncio.run(events())
        else:
            with listener.sync_client() as client:
                stream = client.create_streaming_client(1, **listener.options)
                taken.extend(event["block_number"] - FIRST_BLOCK for event in stream.events())
        assert taken == ALL
        assert server.acked == {f"b{number}" for number in ALL}

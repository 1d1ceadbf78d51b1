"""Blocking streams share the threads that acknowledge and watch: two threads a stream, and few for all."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk._core.stream.commands import Wait
from event_streamer_sdk._runs import housekeeping
from event_streamer_sdk._runs.housekeeping import Chore, Housekeeping
from support.stream_server import stay_silent, stream_server

ACKNOWLEDGED = {
    "total_batches": 1,
    "acknowledged_batches": 1,
    "failed_batches": 0,
    "failed_batch_ids": [],
    "total_events_acknowledged": 1,
}


def until(done: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.01)


def named(start: str) -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(start)]


# --- the threads of a stream ------------------------------------------------------------------------


def test_a_stream_has_two_threads_and_all_share_the_others() -> None:
    with stream_server(*[stay_silent] * 12) as server, SyncEventStreamer(server.url, "tester") as client:
        streams = [client.create_streaming_client(number) for number in range(1, 13)]
        handled = []
        for stream in streams:
            stream.on_all_events(handled.append)
            stream.start_streaming()
        until(lambda: len(handled) == 5 * len(streams))
        assert len(named("stream-")) == 2 * len(streams)
        until(lambda: 1 <= len(named("event-streamer-housekeeping")) <= 2)
        for stream in streams:
            stream.stop_streaming()
        until(lambda: not named("stream-") and not named("event-streamer-housekeeping"))


class Body(httpx.SyncByteStream):
    """Sends a batch and falls silent until the test is over."""

    def __init__(self, over: threading.Event) -> None:
        self._over = over

    def __iter__(self) -> Iterator[bytes]:
        batch = {"batch_id": "b0", "resume_token": "t0", "events": {"E": [{"block_number": 1}]}}
        yield json.dumps({"type": "event_batch", "batch_size": 1, **batch}).encode() + b"\n"
        self._over.wait(20)


def test_a_service_that_is_slow_for_one_stream_holds_no_other_up() -> None:
    over, held_up = threading.Event(), threading.Event()
    beats: list[str] = []
    acknowledged: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/stream"):
            headers = {"X-Connection-Id": "c" + path.split("/")[-2], "X-Heartbeat-Interval": "0.5"}
            return httpx.Response(200, headers=headers, stream=Body(over))
        if "heartbeat" in path:
            beats.append(path)
            return httpx.Response(200, json={})
        connection_id = json.loads(request.content)["connection_id"]
        if connection_id == "c1":
            held_up.set()
            over.wait(20)
        acknowledged.append(connection_id)
        return httpx.Response(200, json=ACKNOWLEDGED)

    with SyncEventStreamer("http://test", "tester", transport=httpx.MockTransport(answer)) as client:
        streams = []
        for number in (1, 2):
            stream = client.create_streaming_client(number, batch_ack_interval=0.0, reconnect=False)
            stream.on_all_events(lambda events: None)
            streams.append(stream)
        streams[0].start_streaming()
        assert held_up.wait(10)
        streams[1].start_streaming()
        until(lambda: acknowledged == ["c2"])
        until(lambda: any("c1" in path for path in beats))
        over.set()
        for stream in streams:
            stream.disconnect()
    assert sorted(acknowledged) == ["c1", "c2"]


CHILD = """
import os, sys, threading, time
from event_streamer_sdk import SyncEventStreamer

def stream(number):
    with SyncEventStreamer(sys.argv[1], "me") as client:
        listener = client.create_streaming_client(number)
        seen = []
        listener.on_all_events(seen.append)
        listener.start_streaming()
        end = time.monotonic() + 10
        while len(seen) < 5 and time.monotonic() < end: time.sleep(0.01)
        listener.stop_streaming()
        return len(seen)

with SyncEventStreamer(sys.argv[1], "me") as client:
    parents = client.create_streaming_client(1)
    handled = []
    parents.on_all_events(handled.append)
    parents.start_streaming()
    # Not before: a fork while a thread imports leaves the module locked in the child for ever.
    while len(handled) < 5: time.sleep(0.01)
    child = os.fork()
    if child == 0:
        os._exit(stream(2))
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), parents.is_running)
    parents.stop_streaming()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_child_has_housekeeping_of_its_own() -> None:
    with stream_server(stay_silent, stay_silent) as server:
        program = [sys.executable, "-W", "ignore", "-c", CHILD, server.url]
        ended = subprocess.run(program, capture_output=True, text=True, timeout=30, check=False)
        assert (ended.stdout, ended.stderr) == ("5 True\n", "")
        assert server.acked == {f"b{number}" for number in range(5)}


# --- chores -----------------------------------------------------------------------------------------


def test_a_chore_is_done_when_its_time_has_come_and_when_it_is_woken() -> None:
    keeping = Housekeeping()
    done: list[float] = []
    pauses = iter([Wait(0.05), Wait(60.0), Wait(None), None])

    def work() -> Wait | None:
        done.append(time.monotonic())
        return next(pauses)

    chore = Chore(work)
    keeping.begin(chore)
    until(lambda: len(done) == 2)
    assert done[1] - done[0] >= 0.05
    time.sleep(0.05)
    assert len(done) == 2
    keeping.wake(chore)
    until(lambda: len(done) == 3)
    keeping.wake(chore)
    until(lambda: len(done) == 4)


def test_a_chore_that_is_woken_while_it_is_at_work_looks_again() -> None:
    keeping = Housekeeping()
    begun, go_on = threading.Event(), threading.Event()
    pauses = [Wait(None), None]
    done = []

    def work() -> Wait | None:
        begun.set()
        go_on.wait(10)
        done.append(1)
        return pauses.pop(0)

    chore = Chore(work)
    keeping.begin(chore)
    assert begun.wait(10)
    keeping.wake(chore)
    go_on.set()
    until(lambda: len(done) == 2)


def test_many_chores_due_at_once_do_not_wait_for_a_slow_one() -> None:
    keeping = Housekeeping()
    go_on, done = threading.Event(), []

    def slow() -> Wait | None:
        go_on.wait(10)
        return None

    pauses = {number: [Wait(0.1), None] for number in range(20)}

    def quick(number: int) -> Wait | None:
        done.append(number)
        return pauses[number].pop(0)

    keeping.begin(Chore(slow))
    for number in range(20):
        keeping.begin(Chore(lambda number=number: quick(number)))  # type: ignore[misc]
    until(lambda: len(done) == 40, 5)
    go_on.set()


def test_no_more_threads_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "MOST_THREADS", 3)
    keeping = Housekeeping()
    go_on, lock = threading.Event(), threading.Lock()
    at_work: list[int] = [0, 0, 0]  # now, at most, done

    def work() -> Wait | None:
        with lock:
            at_work[0] += 1
            at_work[1] = max(at_work[:2])
        go_on.wait(10)
        with lock:
            at_work[0] -= 1
            at_work[2] += 1
        return None

    for _ in range(10):
        keeping.begin(Chore(work))
    until(lambda: at_work[0] == 3)
    go_on.set()
    until(lambda: at_work[2] == 10)
    assert at_work[1] == 3


def test_a_chore_without_any_thread_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(thread: Any) -> None:
        raise RuntimeError("can't start new thread")

    keeping = Housekeeping()
    done = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        with pytest.raises(RuntimeError, match="can't start"):
            keeping.begin(Chore(lambda: None))

    def work() -> None:
        done.set()

    keeping.begin(Chore(work))  # the next one finds things as they were
    assert done.wait(10)


def test_a_chore_that_is_woken_again_and_again_leaves_no_times_behind() -> None:
    """A watch lane waits for half a minute each time, and a queue that fills and empties wakes it often."""
    housekeeping, rounds = Housekeeping(), 0

    def work() -> Wait | None:
        nonlocal rounds
        rounds += 1
        return Wait(30.0) if rounds < 2000 else None

    chore = Chore(work)
    housekeeping.begin(chore)
    most = 0
    while rounds < 2000:
        housekeeping.wake(chore)
        most = max(most, len(housekeeping._later))
    assert most <= 70

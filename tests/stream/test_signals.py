"""Signals while something is in `run()`: who gets them, what they stop, and how long that may take."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.workers.worker import _stopped_by_signals
from support.listener import KINDS, Listener, until
from support.stream_server import stay, stream_server

kinds = pytest.mark.parametrize("kind", KINDS)
BOTH = [signal.SIGINT, signal.SIGTERM]
PYTHONS = [signal.default_int_handler, signal.SIG_DFL]


def handlers() -> list[Any]:
    return [signal.getsignal(number) for number in BOTH]


@contextmanager
def own_handlers() -> Iterator[list[int]]:
    """Have handlers of the program's own, which note what came."""
    came: list[int] = []
    before = [signal.signal(number, lambda number, _: came.append(number)) for number in BOTH]
    try:
        yield came
    finally:
        for number, handler in zip(BOTH, before, strict=True):
            signal.signal(number, handler)


def send_soon(number: int, when: Any, *, times: int = 1) -> threading.Thread:
    """Send this process a signal once something has happened."""

    def send() -> None:
        end = time.monotonic() + 10
        while not when() and time.monotonic() < end:
            time.sleep(0.01)
        for _ in range(times):
            os.kill(os.getpid(), number)
            time.sleep(0.05)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def run_one(kind: str, listener: Listener, **options: Any) -> Any:
    """Run a listener by `run()`, in this thread."""
    if kind == "async":

        async def run() -> Any:
            async with listener.async_client() as client:
                return await listener.listen(client).run(**options)

        return asyncio.run(run())
    with listener.sync_client() as client:
        return listener.listen(client).run(**options)


@pytest.mark.parametrize("number", BOTH)
def test_three_runs_in_one_loop_stop_at_one_signal(number: signal.Signals) -> None:
    async def main() -> list[Any]:
        async with EventStreamer(server.url, "me") as client:
            streams = [client.create_streaming_client(1) for _ in range(3)]
            for stream in streams:
                stream.on_event("Transfer")(lambda events: None)
            runs = [asyncio.create_task(stream.run()) for stream in streams]
            await until(lambda: all(stream.stats.events == 5 for stream in streams))
            os.kill(os.getpid(), number)
            return await asyncio.wait_for(asyncio.gather(*runs), 5)

    with stream_server(stay, stay, stay) as server:
        reports = asyncio.run(main())
    assert [(report.reason, report.signal) for report in reports] == [("signal", number)] * 3
    assert handlers() == PYTHONS


def test_a_run_in_a_thread_stops_with_the_one_in_the_main_thread() -> None:
    def work() -> None:
        with other.sync_client() as client:
            reports.append(other.listen(client).run())

    reports: list[Any] = []
    with stream_server(stay, stay) as server:
        other, listener = Listener("sync", server.url), Listener("sync", server.url)
        worker = threading.Thread(target=work)
        worker.start()
        sender = send_soon(signal.SIGTERM, lambda: len(listener.handled) == len(other.handled) == 5)
        reports.append(run_one("sync", listener))
        worker.join(10)
        sender.join()
        assert [(report.reason, report.signal) for report in reports] == [("signal", signal.SIGTERM)] * 2


@kinds
def test_a_program_that_has_handlers_keeps_them(kind: str) -> None:
    with own_handlers() as came, stream_server(stay) as server:
        ours = handlers()

        def stop(number: int) -> None:
            assert handlers() == ours
            if number == 4:
                os.kill(os.getpid(), signal.SIGTERM)
                listener.stop_from_within()

        listener = Listener(kind, server.url, handler=stop)
        report = run_one(kind, listener)
        assert (report.reason, report.signal) == ("stopped", None)
        assert came == [signal.SIGTERM]
        assert handlers() == ours


@kinds
def test_with_handle_signals_both_the_run_and_the_program_hear_of_each_signal(kind: str) -> None:
    with own_handlers() as came, stream_server(stay) as server:
        ours = handlers()
        listener = Listener(kind, server.url)
        sender = send_soon(signal.SIGTERM, lambda: len(listener.handled) == 5)
        report = run_one(kind, listener, handle_signals=True)
        sender.join()
        assert (report.reason, report.signal) == ("signal", signal.SIGTERM)
        assert came == [signal.SIGTERM]
        assert handlers() == ours


def test_a_worker_leaves_a_signal_alone_that_its_shell_has_ignored() -> None:
    """So a script starts in the background what Ctrl-C shall not end; it ends by the other signal."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)

    async def work() -> None:
        stopped = asyncio.Event()
        with _stopped_by_signals(stopped.set, None):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0)
            assert not stopped.is_set()
            os.kill(os.getpid(), signal.SIGTERM)
            await stopped.wait()

    try:
        asyncio.run(work())
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@kinds
@pytest.mark.parametrize("setting", [signal.SIG_IGN, None])
def test_signals_that_are_ignored_or_not_wanted_are_left_alone(kind: str, setting: Any) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN if setting is signal.SIG_IGN else signal.SIG_DFL)
    found: list[Any] = []

    def look(number: int) -> None:
        found.append(signal.getsignal(signal.SIGTERM))

    try:
        with stream_server() as server:
            options = {} if setting is signal.SIG_IGN else {"handle_signals": False}
            run_one(kind, Listener(kind, server.url, handler=look), **options)
        assert set(found) == {signal.SIG_IGN if setting is signal.SIG_IGN else signal.SIG_DFL}
    finally:
        signal.signal(signal.SIGTERM, before)


def test_signals_can_not_be_wanted_in_another_thread() -> None:
    problems: list[BaseException] = []

    def work() -> None:
        with SyncEventStreamer("http://127.0.0.1:1", "me") as client:
            try:
                client.create_streaming_client(1).run(handle_signals=True)
            except EventStreamerValidationError as error:
                problems.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "main thread only" in str(problems[0])


@kinds
@pytest.mark.parametrize("by", ["signal", "another thread"])
def test_run_does_not_outlive_stop_timeout(kind: str, by: str) -> None:
    """A handler that hangs is broken off, also where it runs in the main thread and sleeps in the system."""

    def hang(number: int) -> Any:
        if kind == "async":
            return asyncio.sleep(60)
        # In pieces first: a signal that strikes between Python's last look at its signals and a system call
        # doesn't wake that call (Python's own limit), and the one that is sent here strikes just there.
        while not listener.stream._run.session.stopping:
            time.sleep(0.01)
        return time.sleep(60)

    with stream_server(stay) as server:
        listener = Listener(kind, server.url, handler=hang, stop_timeout=0.3)
        hangs = lambda: listener.attempts == [0]  # noqa: E731 - it is short
        if by == "signal" or kind == "async":
            helper = send_soon(signal.SIGTERM, hangs)
        else:
            helper = threading.Thread(target=lambda: (_wait(hangs), listener.stream.stop_streaming()))
            helper.start()
        began = time.monotonic()
        report = run_one(kind, listener)
        assert time.monotonic() - began < 5
        helper.join()
        assert report.reason == ("signal" if by == "signal" or kind == "async" else "stopped")
        assert listener.stream.get_current_resume_token() is None
        assert server.acked == set()
    assert handlers() == PYTHONS


@pytest.mark.parametrize("options", [{}, {"handle_signals": False}], ids=["in a thread", "without signals"])
def test_run_does_not_outlive_stop_timeout_where_no_signal_reaches_it(options: dict[str, Any]) -> None:
    released = threading.Event()
    with stream_server(stay) as server:
        listener = Listener("sync", server.url, handler=lambda _: released.wait(30), stop_timeout=0.3)
        reports: list[Any] = []

        def run() -> None:
            reports.append(run_one("sync", listener, **options))

        def stop() -> None:
            _wait(lambda: listener.attempts == [0])
            listener.stream.stop_streaming()

        began = time.monotonic()
        first, second = (stop, run) if options else (run, stop)
        thread = threading.Thread(target=first)
        thread.start()
        second()
        thread.join(5)
        assert time.monotonic() - began < 5
        assert [report.reason for report in reports] == ["stopped"]
        released.set()
        assert server.acked == set()


def _wait(condition: Any) -> None:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)


def test_a_handler_that_swallows_its_end_is_left_behind_by_run() -> None:
    async def swallow() -> None:
        while not released:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                swallowed.append(1)

    async def main() -> Any:
        async with listener.async_client() as client:
            stream = listener.listen(client)
            run = asyncio.create_task(stream.run())
            await until(lambda: listener.attempts == [0])
            os.kill(os.getpid(), signal.SIGTERM)
            report = await asyncio.wait_for(run, 5)
            released.append(1)
            return report

    released: list[int] = []
    swallowed: list[int] = []
    with stream_server(stay) as server:
        listener = Listener("async", server.url, handler=lambda _: swallow(), stop_timeout=0.2)
        assert asyncio.run(main()).reason == "signal"
        assert swallowed
        assert server.acked == set()


UVICORN = """
import asyncio, contextlib, sys
import uvicorn
from event_streamer_sdk import EventStreamer

URL, WANTED = sys.argv[1], {"None": None, "True": True}[sys.argv[2]]


@contextlib.asynccontextmanager
async def lifespan():
    async with EventStreamer(URL, "me") as client:
        stream = client.create_streaming_client(1)

        @stream.on_event("Transfer")
        async def handle(events):
            print("handled", flush=True)

        run = asyncio.create_task(stream.run(handle_signals=WANTED))
        yield
        await stream.stop_streaming()
        print("ended", (await run).reason, flush=True)


async def app(scope, receive, send):
    if scope["type"] != "lifespan":
        return
    await receive()
    async with lifespan():
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


uvicorn.run(app, port=0, log_level="critical")
print("server ended", flush=True)
"""


@pytest.mark.parametrize(("wanted", "reason"), [(None, "stopped"), (True, "signal")])
@pytest.mark.parametrize("number", BOTH)
def test_uvicorn_ends_at_one_signal_with_a_run_inside(
    wanted: bool | None, reason: str, number: signal.Signals, tmp_path: Path
) -> None:
    file = tmp_path / "server.py"
    file.write_text(UVICORN)
    with (
        stream_server(stay) as server,
        subprocess.Popen(
            [sys.executable, file, server.url, str(wanted)], stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "handled\n"
            process.send_signal(number)
            told = process.communicate(timeout=10)[0].splitlines()
            assert [line for line in told if line != "handled"][:1] == [f"ended {reason}"]
            assert process.returncode in (0, 130, -number)
        finally:
            process.kill()

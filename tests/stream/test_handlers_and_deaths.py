"""Rows 34 to 40 of the fault matrix: handlers, signals, sudden death, full disks."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk.checkpoints import (
    Checkpoint,
    CheckpointError,
    FileCheckpoint,
)
from event_streamer_sdk.exceptions import HandlerTimeoutError
from support import stream_program
from support.listener import KINDS, Listener
from support.stream_server import FIRST_BLOCK, Wire, stay, stream_server

ALL = [0, 1, 2, 3, 4]
kinds = pytest.mark.parametrize("kind", KINDS)


@contextmanager
def program(kind: str, url: str, folder: Path, **options: object) -> Iterator[subprocess.Popen[str]]:
    """Run a user's program for as long as the block lasts."""
    process = subprocess.Popen(
        [
            sys.executable,
            stream_program.__file__,
            kind,
            url,
            str(folder),
            *(f"{name}={value}" for name, value in options.items()),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str], words: str) -> None:
    """Wait until the program has said something."""
    assert process.stdout is not None
    for text in process.stdout:
        if text.strip() == words:
            return
    assert process.stderr is not None
    pytest.fail(f"it never said {words!r}: {process.stderr.read()}")


def handled(folder: Path) -> list[int]:
    file = folder / "handled"
    return [int(text) for text in file.read_text().split()] if file.exists() else []


# --- signals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", [*KINDS, "async-plain"])
def test_a_signal_inside_a_handler(kind: str, number: signal.Signals, tmp_path: Path) -> None:
    """Row 34 of the fault matrix."""
    with stream_server(stay) as server:
        with program(kind, server.url, tmp_path, handler_seconds=0.5) as process:
            said(process, "handling 0")
            process.send_signal(number)
            said(process, "handled 0")  # the handler is let finish
            said(process, f"ended signal {int(number)}")
            assert process.wait(30) == 0
        assert handled(tmp_path) == [0]
        assert server.acked == {"b0"}
        assert json.loads((tmp_path / "position.json").read_text())["resume_token"] == "t0"


@pytest.mark.parametrize("kind", [*KINDS, "async-plain"])
def test_a_second_ctrl_c(kind: str, tmp_path: Path) -> None:
    """Row 35 of the fault matrix."""
    with stream_server(stay) as server:
        with program(kind, server.url, tmp_path, handler_seconds=60) as process:
            said(process, "handling 0")
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.wait(5) in (1, 130, -signal.SIGINT)
        assert handled(tmp_path) == []
        assert server.acked == set()
        assert not (tmp_path / "position.json").exists()


# --- handlers -----------------------------------------------------------------------------------


@kinds
@pytest.mark.quick
def test_a_handler_that_raises_once(kind: str) -> None:
    """Row 36 of the fault matrix."""

    def once(number: int) -> None:
        if listener.attempts.count(2) == 1 and number == 2:
            raise RuntimeError("once")

    with stream_server() as server:
        listener = Listener(kind, server.url, handler=once)
        others: list[int] = []

        def other(events: list[dict[str, Any]]) -> None:
            others.append(events[0]["block_number"] - FIRST_BLOCK)

        listen = listener.listen
        listener.listen = lambda client: listen(client).on_event("Transfer")(other)  # type: ignore[method-assign]
        listener.run()
        assert listener.attempts == [0, 1, 2, 2, 3, 4]
        assert listener.handled == ALL
        assert others == ALL  # only the handler that failed is called again
        assert listener.stream.stats.handler_errors == 1
        assert server.acked == {f"b{number}" for number in ALL}


@kinds
@pytest.mark.quick
def test_a_handler_that_always_raises_stops_the_stream(kind: str) -> None:
    """Row 36 of the fault matrix."""

    def always(number: int) -> None:
        if number == 2:
            raise RuntimeError("always")

    with stream_server() as server:
        listener = Listener(kind, server.url, handler=always)
        with pytest.raises(RuntimeError, match="always") as caught:
            listener.run()
        assert any("batch b2" in note for note in caught.value.__notes__)
        assert listener.attempts == [0, 1, 2, 2, 2, 2]
        assert listener.report is not None
        assert listener.report.reason == "handler_failed"
        assert listener.stream.get_current_resume_token() == "t1"
        assert server.acked == {"b0", "b1"}
        assert not listener.stream.is_running


@kinds
@pytest.mark.parametrize("policy", ["skip", "dead_letter"])
def test_a_handler_that_always_raises_is_passed_over(kind: str, policy: Any, tmp_path: Path) -> None:
    """Row 36 of the fault matrix."""

    def always(number: int) -> None:
        if number == 2:
            raise RuntimeError("always")

    letters = tmp_path / "dead.jsonl"
    with stream_server() as server:
        listener = Listener(
            kind, server.url, handler=always, on_handler_error=policy, dead_letter=letters, handler_retries=1
        )
        listener.run()
        assert listener.attempts == [0, 1, 2, 2, 3, 4]
        assert server.acked == {f"b{number}" for number in ALL}
        stats = listener.stream.stats
        assert (stats.skipped, stats.dead_letters) == ((1, 0) if policy == "skip" else (0, 1))
        assert [error.error_code for error in listener.errors] == ["HANDLER_FAILED"]
        if policy == "dead_letter":
            letter = json.loads(letters.read_text())
            assert letter["batch_id"] == "b2"
            assert letter["message"]["events"]["Transfer"][0]["block_number"] == 102
            assert "resume_token" not in letter["message"]
            assert "always" in letter["reason"]


@kinds
def test_a_dead_letter_that_cannot_be_written_is_no_dead_letter(kind: str) -> None:
    """Row 36 of the fault matrix."""

    def always(number: int) -> None:
        if number == 2:
            raise RuntimeError("always")

    with stream_server() as server:
        listener = Listener(
            kind,
            server.url,
            handler=always,
            on_handler_error="dead_letter",
            dead_letter="/dev/full",
            handler_retries=0,
        )
        with pytest.raises(Exception, match="No space left"):
            listener.run()
        assert listener.stream.get_current_resume_token() == "t1"
        assert server.acked == {"b0", "b1"}


@kinds
def test_a_handler_that_hangs_has_a_time_out(kind: str) -> None:
    """Row 37 of the fault matrix."""

    def hang(number: int) -> Any:
        if number == 2:
            return asyncio.sleep(60) if kind == "async" else time.sleep(3)
        return None

    with stream_server() as server:
        listener = Listener(kind, server.url, handler=hang, handler_timeout=0.1)
        with pytest.raises(HandlerTimeoutError, match=r"handler_timeout=0\.1"):
            listener.run()
        # A coroutine is stopped and tried again; a thread can't be stopped, so it is not called twice.
        assert listener.attempts.count(2) == (4 if kind == "async" else 1)
        assert listener.stream.get_current_resume_token() == "t1"


@kinds
def test_heartbeats_stop_for_a_handler_that_hangs(kind: str) -> None:
    """Row 37 of the fault matrix."""
    beats: list[int] = []

    def hang(number: int) -> Any:
        if number != 2:
            return None
        if kind == "async":

            async def wait() -> None:
                await asyncio.sleep(0.6)
                beats.append(len(server.heartbeats))
                await asyncio.sleep(0.4)
                beats.append(len(server.heartbeats))

            return wait()
        time.sleep(0.6)
        beats.append(len(server.heartbeats))
        time.sleep(0.4)
        beats.append(len(server.heartbeats))
        return None

    def stay_and_end(wire: Wire) -> None:
        wire.batches(0, 4)
        for _ in range(60):
            wire.send(b"\n")
            wire.pause(0.02)
        wire.rest(5)

    with stream_server(stay_and_end) as server:
        listener = Listener(
            kind, server.url, handler=hang, heartbeat_interval=0.05, handler_stall_timeout=0.3
        )
        listener.run()
        assert beats[0] >= 3  # they go on for a slow handler
        assert beats[1] == beats[0]  # and stop for one that hangs
        assert listener.handled == ALL


@kinds
def test_a_handler_that_blocks(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Row 38 of the fault matrix."""
    beats: list[int] = []

    def block(number: int) -> None:
        if number == 2:
            time.sleep(1.5)
            beats.append(len(server.heartbeats))

    with stream_server() as server:
        listener = Listener(kind, server.url, handler=block, heartbeat_interval=0.1)
        listener.run()
        assert listener.handled == ALL
        assert listener.reconnects == {}  # our own sleep is not taken for the service's silence
        if kind == "sync":
            assert beats[0] >= 5  # heartbeats have a thread of their own
        else:
            assert "blocks the event loop" in caplog.text


# --- death and disks ----------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("die", ["before_save", "after_save"])
def test_kill_9_around_the_checkpoint(kind: str, die: str, tmp_path: Path) -> None:
    """Row 39 of the fault matrix."""
    with stream_server() as server:
        with program(kind, server.url, tmp_path, die=die) as process:
            assert process.wait(30) == -signal.SIGKILL
        assert handled(tmp_path) == [0, 1]
        saved = "t0" if die == "before_save" else "t1"
        assert json.loads((tmp_path / "position.json").read_text())["resume_token"] == saved
        assert server.acked <= {"b0", "b1"}
        if die == "before_save":
            assert "b1" not in server.acked
        with program(kind, server.url, tmp_path) as process:
            assert process.wait(30) == 0
        assert server.tokens == [None, saved]
        assert sorted(set(handled(tmp_path))) == ALL


@kinds
def test_the_disk_is_full(kind: str, tmp_path: Path) -> None:
    """Row 40 of the fault matrix."""
    file = tmp_path / "position.json"
    room = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_up(number: int) -> None:
        if number == 2:
            # The system takes so many bytes of a file and refuses the next one, as a full disk does.
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, room[1]))

    with stream_server() as server:
        listener = Listener(kind, server.url, handler=fill_up, checkpoint=file)
        try:
            with pytest.raises(CheckpointError, match=r"position\.json can't be written: .*File too large"):
                listener.run()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, room)
        assert [path.name for path in tmp_path.iterdir()] == ["position.json"]
        assert listener.report is not None
        assert listener.report.reason == "checkpoint_failed"
        assert listener.handled == [0, 1, 2]
        assert server.acked == {"b0", "b1"}
        assert listener.stream.get_current_resume_token() == "t1"
        stored = FileCheckpoint(file).load("tester:1")
        assert stored is not None
        assert stored.resume_token == "t1"
        again = Listener(kind, server.url, checkpoint=file)
        again.run()
        assert again.handled == [2, 3, 4]


def test_a_torn_write_leaves_the_old_position(tmp_path: Path) -> None:
    """Row 40 of the fault matrix."""
    store = FileCheckpoint(tmp_path / "position.json")
    store.save("key", Checkpoint(resume_token="t1", block=101))
    whole = (tmp_path / "position.json").read_bytes()
    (tmp_path / "position.json.0123456789abcdef.new").write_bytes(whole[: len(whole) // 2])
    stored = FileCheckpoint(tmp_path / "position.json").load("key")
    assert stored is not None
    assert (stored.resume_token, stored.block) == ("t1", 101)


@pytest.mark.parametrize("content", [b"", b"{", b'{"key": "k"}', b"\xff", b"[]", b"null"])
def test_a_damaged_position_is_told(content: bytes, tmp_path: Path) -> None:
    """Row 40 of the fault matrix."""
    file = tmp_path / "position.json"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"position\.json"):
        FileCheckpoint(file).load("k")


def test_the_program_of_these_tests_is_where_it_is_looked_for() -> None:
    assert os.path.exists(stream_program.__file__)

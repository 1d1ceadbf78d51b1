"""A checkpoint's file belongs to one process at a time, as long as that streams."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from event_streamer_sdk.checkpoints import CheckpointError, FileCheckpoint
from support.listener import KINDS, Listener
from support.stream_server import stream_server

kinds = pytest.mark.parametrize("kind", KINDS)

HOLDER = """
import os, sys
from event_streamer_sdk.checkpoints import FileCheckpoint
from pathlib import Path
store = FileCheckpoint(Path(sys.argv[1]))
store.claim("tester:1")
children = os.fork() if sys.argv[2] == "fork" else 1  # a child has nothing of it, and outlives its parent
print(os.getpid(), flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(place: Path, how: str = "") -> Iterator[subprocess.Popen[str]]:
    """Have another process use the file until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(place), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process


@kinds
def test_a_second_process_is_refused_until_the_first_has_ended(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "place.json"
    with stream_server() as server:
        with another_process(place) as other:
            refused = Listener(kind, server.url, checkpoint=place)
            with pytest.raises(
                CheckpointError, match=rf"process {other.pid} already streams with the checkpoint .*place"
            ):
                refused.run()
            assert refused.handled == []
            assert FileCheckpoint(place).load("tester:1") is None  # to look is allowed
        after = Listener(kind, server.url, checkpoint=place)
        after.run()
    assert after.handled == [0, 1, 2, 3, 4]
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("how", ["", "fork"])
def test_a_process_that_was_killed_holds_nothing(how: str, tmp_path: Path) -> None:
    place = tmp_path / "place.json"
    with another_process(place, how) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert (tmp_path / "place.json.lock").exists()
        store = FileCheckpoint(place)
        store.claim("tester:1")
        store.let_go()
    assert list(tmp_path.iterdir()) == []


@kinds
def test_one_program_may_use_its_file_again_and_again(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "place.json"
    other_view = FileCheckpoint(os.path.relpath(place))
    with stream_server() as server:
        for expected in ([0, 1, 2, 3, 4], []):
            other_view.claim("tester:1")
            listener = Listener(kind, server.url, checkpoint=place)
            listener.run()
            assert listener.handled == expected
    assert (tmp_path / "place.json.lock").exists()
    other_view.close()
    assert list(tmp_path.iterdir()) == [place]

"""Every file of examples/ is run as a user runs it: against a service, until Ctrl-C."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from event_streamer_service import DevChain, LocalService

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = [
    path for path in sorted((ROOT / "examples").glob("*.py")) if "__main__" in path.read_text("utf-8")
]


@pytest.fixture
def service() -> Iterator[LocalService]:
    with LocalService(DevChain(blocks=50, mine_every=0.2)) as running:
        yield running


@pytest.mark.parametrize("example", PROGRAMS, ids=lambda path: path.stem)
def test_an_example_shows_events_and_ends_on_ctrl_c(
    example: Path, service: LocalService, tmp_path: Path
) -> None:
    with started(example, service, tmp_path) as process:
        shown = [process.stdout.readline() for _ in range(5)]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert err == ""
    assert any("block" in line for line in shown), shown
    assert out


@pytest.mark.parametrize("example", PROGRAMS, ids=lambda path: path.stem)
def test_an_example_runs_a_second_time(example: Path, service: LocalService, tmp_path: Path) -> None:
    for _ in range(2):
        with started(example, service, tmp_path) as process:
            assert process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("name", ["checkpointed", "transactional"])
def test_the_second_run_goes_on_where_the_first_ended(
    name: str, service: LocalService, tmp_path: Path
) -> None:
    example = ROOT / "examples" / f"{name}.py"
    first = run_for_a_moment(example, service, tmp_path)
    second = run_for_a_moment(example, service, tmp_path)
    assert first
    assert second
    assert not set(first) & set(second), "a line of the first run came again"


def test_the_classes_are_what_codegen_writes(tmp_path: Path) -> None:
    fresh = tmp_path / "token_events.py"
    subprocess.run(
        [sys.executable, "-m", "event_streamer_sdk.cli", "abi", "codegen", "token.json", "-o", fresh],
        cwd=ROOT / "examples",
        check=True,
        capture_output=True,
    )
    assert fresh.read_text() == (ROOT / "examples" / "token_events.py").read_text()


def run_for_a_moment(example: Path, service: LocalService, folder: Path) -> list[str]:
    with started(example, service, folder) as process:
        shown = [process.stdout.readline()]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    return [line for line in [*shown, *out.splitlines(keepends=True)] if line.startswith("block ")]


@contextmanager
def started(example: Path, service: LocalService, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run an example for as long as the block lasts, and not longer."""
    process = subprocess.Popen(
        [sys.executable, example],
        cwd=folder,
        env={**os.environ, "EVENT_STREAMER_URL": service.url, "STATE": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()

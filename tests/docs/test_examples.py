"""Every file of examples/ is run as a user runs it: against a service, until Ctrl-C."""

import os
import random
import runpy
import secrets
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbclient
import nbformat
import psycopg
import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_service import DevChain, LocalService
from support.postgres import cluster

ROOT = Path(__file__).resolve().parent.parent.parent
TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
NEED_MORE = {"erc20_balances", "uniswap_swaps"}
"""Programs that need more than a service: each has a test of its own below."""

PROGRAMS = [
    path
    for path in sorted((ROOT / "examples").glob("*.py"))
    if "__main__" in path.read_text("utf-8") and path.stem not in NEED_MORE
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
def started(
    example: Path, service: LocalService, folder: Path, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """Run an example for as long as the block lasts, and not longer."""
    process = subprocess.Popen(
        [sys.executable, example],
        cwd=folder,
        env={**os.environ, "EVENT_STREAMER_URL": service.url, "STATE": str(folder), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


# --- the programs that need more than a service ------------------------------------------------


@pytest.fixture(scope="module")
def database_server() -> Iterator[str]:
    with cluster() as url:
        yield url


@pytest.fixture
def database(database_server: str) -> str:
    name = f"chain_{secrets.token_hex(4)}"
    with psycopg.connect(f"{database_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{database_server}/{name}"


def balances_of(transfers: Iterable[tuple[str, str, str, int]]) -> dict[tuple[str, str], int]:
    """What transfers lead to, account by account."""
    balances: defaultdict[tuple[str, str], int] = defaultdict(int)
    for token, sender, receiver, value in transfers:
        balances[token, sender] -= value
        balances[token, receiver] += value
    return {key: value for key, value in balances.items() if value and int(key[1], 16)}


@pytest.mark.postgres
@pytest.mark.parametrize("seed", [1, 2])
def test_balances_are_those_of_the_chain_whatever_happened(seed: int, database: str, tmp_path: Path) -> None:
    """Killed with SIGKILL four times, while the chain replaces its newest blocks again and again."""
    rng, last = random.Random(seed), 160
    with LocalService(DevChain(blocks=60, mine_every=0.05, seed=seed)) as service:
        environment = {"DATABASE": database, "END_BLOCK": str(last)}
        kills = reorgs = 0
        while True:
            with started(
                ROOT / "examples" / "erc20_balances.py", service, tmp_path, **environment
            ) as process:
                end = time.monotonic() + (rng.uniform(0.5, 1.5) if kills < 4 else 60)
                while process.poll() is None and time.monotonic() < end:
                    time.sleep(rng.uniform(0.1, 0.3))
                    if service.chain.head_number < last - 8:
                        service.chain.reorg(depth=rng.randint(1, 6))
                        reorgs += 1
                if process.poll() is not None:
                    _, err = process.communicate()
                    assert (process.returncode, err) == (0, "")
                    break
                kills += 1  # leaving the block kills it
        with SyncEventStreamer(service.url, "truth") as client:
            frame = client.fetch(TRANSFER, chain_id=31337, start_block=0, end_block=last)
            there = sorted((e["address"], e["from"], e["to"], e["value"]) for e in frame)
    assert (kills, reorgs > 5) == (4, True)
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT token, sender, receiver, value FROM transfers").fetchall()
        kept = connection.execute("SELECT token, account, value FROM balances WHERE value <> 0").fetchall()
    stored = sorted((token, sender, receiver, int(value)) for token, sender, receiver, value in rows)
    assert stored == there
    assert {(token, account): int(value) for token, account, value in kept} == balances_of(there)


def test_the_fastapi_example_answers_while_it_streams(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastapi.testclient import TestClient

    monkeypatch.setenv("EVENT_STREAMER_URL", service.url)
    application = runpy.run_path(str(ROOT / "examples" / "fastapi_app.py"))["app"]
    with TestClient(application) as http:
        until(lambda: http.get("/health").json()["events"] > 100)
        top = http.get("/top?count=2").json()
        assert http.get("/health").json()["streaming"]
    assert [int(entry["received"]) for entry in top] == sorted(
        (int(e["received"]) for e in top), reverse=True
    )
    assert len(top) == 2
    with SyncEventStreamer(service.url, "fastapi-example") as client:
        assert client.list_subscriptions().total == 0, "its subscription stayed behind"


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_swaps_are_written_once_and_drawn(service: LocalService, tmp_path: Path) -> None:
    with SyncEventStreamer(service.url, "look") as client:
        swap = runpy.run_path(str(ROOT / "examples" / "uniswap_swaps.py"))["SWAP"]
        frame = client.fetch(swap, chain_id=31337, start_block=0, end_block=40)
        pool = next(iter(frame))["address"]
        expected = sum(event["address"] == pool for event in frame)
    shown = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, ROOT / "examples" / "uniswap_swaps.py", service.url, "31337", "0", "40"],
            cwd=tmp_path, env={**os.environ, "POOL": pool}, capture_output=True, text=True, timeout=90,
            check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        shown.append(done.stdout)
    assert shown[0].startswith(f"{expected} new swaps")
    assert shown[1].startswith("0 new swaps")
    assert all(f"{expected} swaps, last price" in text for text in shown)
    assert (tmp_path / "swaps-31337-0-40.png").stat().st_size > 10_000


@pytest.mark.filterwarnings("default")  # of the libraries of notebooks
def test_the_notebook_runs_from_top_to_bottom(
    service: LocalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENT_STREAMER_URL", service.url)
    notebook = nbformat.read(ROOT / "examples" / "transfers.ipynb", as_version=4)
    kernel = nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    cells = kernel.execute().cells
    assert "image/png" in cells[-1].outputs[-1]["data"]
    assert all(cell.outputs for cell in cells if cell.cell_type == "code")


def test_the_window_of_the_alert_forgets_what_is_old() -> None:
    example = runpy.run_path(str(ROOT / "examples" / "whale_alert.py"))
    window = example["RollingSum"](timedelta(hours=1))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert [window.add(start + timedelta(minutes=minute), 10) for minute in (0, 30, 59)] == [10, 20, 30]
    assert window.add(start + timedelta(minutes=60), 1) == 21, "the first one is an hour old"
    assert window.add(start + timedelta(minutes=300), 5) == 5

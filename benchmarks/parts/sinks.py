"""
Events into each sink, against its library alone that writes the same rows.

The rate is that of the clock, since a database works in processes of its own; both write as many rows at a
time. The library alone is given rows that are ready: what we convert and check is on our side of the scales.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..report import Row, compared
from ..rounds import Sample, interleave, middle, ratio, work

EVENTS = {"parquet": 400_000, "csv": 400_000, "postgresql": 200_000, "sqlite": 200_000, "redis": 40_000,
          "kafka": 200_000, "nats": 20_000}  # fmt: skip
GOALS = {"redis": 0.6, "kafka": 0.6}
RATES = {"parquet": 300_000, "postgresql": 100_000}
"""Events a second that are aimed at."""


def run(*, quick: bool) -> Iterator[Row]:
    """Yield two rows for each sink: the library alone, and ours."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        places = {
            "parquet": f"{folder}/parquet-",
            "csv": f"{folder}/csv-",
            "sqlite": f"sqlite:///{folder}/sqlite-",
            "kafka": "kafka://mock/",
            "postgresql": stack.enter_context(postgresql(folder)) + "?table=t",
            "redis": stack.enter_context(_server("redis-server", folder)) + "?stream=s",
            "nats": stack.enter_context(_server("nats-server", folder)) + "/s",
        }
        for kind, place in places.items():
            yield from _compare(kind, place, EVENTS[kind] // (4 if quick else 1), 2 if quick else 5)


def _compare(kind: str, place: str, events: int, rounds: int) -> Iterator[Row]:
    counts = iter(range(1_000))

    def ours() -> Sample:
        if kind == "csv":
            folder = f"{place}{next(counts)}"
            Path(folder).mkdir()
            return work("sinks", "sinks", "ours", kind, f"{folder}/x.csv", events)
        return work("sinks", "sinks", "ours", kind, f"{place}{next(counts)}", events)

    def alone() -> Sample:
        ending = f"{next(counts)}.{kind}-alone" if kind in ("parquet", "csv") else next(counts)
        return work("sinks", "sinks", "alone", kind, f"{place}{ending}", events)

    contestants: dict[str, Callable[[], Sample]] = {"the library alone": alone, "ours": ours}
    results = interleave(contestants, rounds)
    for name, samples in results.items():
        rate = events / middle(samples, "wall")
        aim = f", aimed at {RATES[kind]:,}" if name == "ours" and kind in RATES else ""
        yield compared(
            f"{events:,} events into {kind}: {name}",
            samples,
            ratio=ratio(results["the library alone"], samples, "wall"),
            against="the library alone",
            bound=GOALS.get(kind) if name == "ours" else None,
            rate=events / middle(samples, "cpu"),
            note=f"by the clock {rate:,.0f} events/s{aim}",
        )


@contextlib.contextmanager
def _server(program: str, folder: Path) -> Iterator[str]:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if found is None:
        raise RuntimeError(f"{program} is not installed")
    port = _free_port()
    home = folder / program
    home.mkdir()
    durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    commands = {
        "redis-server": [found, "--port", str(port), "--dir", str(home), *durable],
        "nats-server": [found, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(home)],
    }
    process = subprocess.Popen(commands[program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"{program.partition('-')[0]}://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run a cluster that keeps its promises: with fsync, as a user's would."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        raise RuntimeError("PostgreSQL is not installed")
    home = folder / "postgresql"
    home.mkdir()
    folder.chmod(0o755)
    shutil.chown(home, "postgres", "postgres")
    run_as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data, port = home / "data", _free_port()
    subprocess.run(
        [*run_as, str(programs[-1] / "initdb"), "-D", str(data), "-U", "bench", "-A", "trust"],
        check=True, capture_output=True, cwd=home,
    )  # fmt: skip
    process = subprocess.Popen(
        [*run_as, str(programs[-1] / "postgres"), "-D", str(data), "-p", str(port), "-k", str(home)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home,
    )  # fmt: skip
    try:
        _wait_for(port)
        time.sleep(1)
        yield f"postgresql://bench@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port}")

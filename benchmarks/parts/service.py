"""The service alone: history, and 200 live streams; what ``benchmarks.service_load`` measures, as rows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

from .. import peers
from ..report import Goal, Row

HISTORY = re.compile(
    r"history +(?P<events>[\d,]+) events.* in (?P<seconds>[\d.]+) s.*?"
    r"(?P<cpu>[\d.]+) µs of the service's CPU an event"
    r".*?then (?P<memory>[\d., ]+) MB",
    re.DOTALL,
)
LIVE = re.compile(
    r"live +(?P<streams>\d+) streams, (?P<blocks>\d+) blocks, (?P<events>[\d,]+) events each: "
    r"(?P<complete>\d+) complete"
    r".*?(?P<seconds>[\d.]+) s, service CPU (?P<cpu>\d+) %, memory (?P<memory>\d+) MB",
    re.DOTALL,
)
MEGABYTE = 2**20


def run(*, quick: bool) -> Iterator[Row]:
    """Yield a row for history and one for live streams."""
    command = [sys.executable, "-m", "benchmarks.service_load", "history", "live"]
    if quick:
        command.append("--quick")
    done = subprocess.run(command, capture_output=True, text=True, cwd=peers.ROOT, timeout=900)
    history, live = HISTORY.search(done.stdout), LIVE.search(done.stdout)
    if history is None or live is None:
        raise RuntimeError(f"the load did not run: {(done.stderr or done.stdout)[-500:]}")
    events, cpu = int(history["events"].replace(",", "")), float(history["cpu"])
    memory = [float(part) for part in history["memory"].split(",")]
    yield Row(
        what=f"service, history of {events:,} events to one stream",
        goal=Goal("memory flat", "MISSED memory flat" not in done.stdout),
        cpu=events * cpu / 1e6,
        wall=float(history["seconds"]),
        rate=1e6 / cpu,
        rss=max(memory) * MEGABYTE,
        note="the development chain's own work included",
    )
    streams, complete = int(live["streams"]), int(live["complete"])
    delivered = streams * int(live["events"].replace(",", ""))
    yield Row(
        what=f"service, {streams} live streams, {live['blocks']} blocks",
        goal=Goal("all complete", streams == complete),
        cpu=float(live["seconds"]) * int(live["cpu"]) / 100,
        wall=float(live["seconds"]),
        rss=int(live["memory"]) * MEGABYTE,
        note=f"{delivered:,} events delivered, {live['cpu']} % of a core",
    )

"""A table, ratios before the figures they come from; and the machine and versions that go with it."""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from . import peers
from .rounds import Sample, middle


@dataclasses.dataclass(frozen=True)
class Goal:
    """What a row must reach, and whether it does."""

    text: str
    met: bool


def at_least(bound: float, value: float, unit: Literal["×", "%"] = "×") -> Goal:
    """Return the goal that a ratio is not below a bound, told in times or in per cent."""
    return Goal(f"≥ {bound * 100:g} %" if unit == "%" else f"≥ {bound:g} ×", value >= bound)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    """What is measured, and who."""
    ratio: float | None = None
    """How many times as good as the peer named in ``against``; above 1 is better."""
    against: str = ""
    goal: Goal | None = None
    cpu: float | None = None
    """CPU seconds of the process, user and system."""
    wall: float | None = None
    rate: float | None = None
    """Events or calls or logs for each CPU second."""
    rss: float | None = None
    """Peak resident memory in bytes."""
    note: str = ""


def compared(
    what: str,
    samples: Sequence[Sample],
    *,
    ratio: float,
    against: str,
    bound: float | None = None,
    rate: float | None = None,
    note: str = "",
) -> Row:
    """
    Make the row of a contestant out of its samples.

    Args:
        what: What is measured, and who.
        samples: Its rounds; CPU, time and memory of the row are their medians.
        ratio: How many times as good as the peer it is.
        against: The peer.
        bound: The ratio that it must reach; None for a peer, of which nothing is asked.
        rate: Events or calls or logs for each CPU second.
        note: What else a reader should know.
    """
    return Row(
        what=what,
        ratio=ratio,
        against=against,
        goal=None if bound is None else at_least(bound, ratio),
        cpu=middle(samples, "cpu"),
        wall=middle(samples, "wall"),
        rate=rate,
        rss=middle(samples, "peak_rss"),
        note=note,
    )


HEAD = ("what", "ratio", "against", "target", "met", "CPU s", "wall s", "per CPU s", "peak MiB", "note")


def _cells(row: Row) -> tuple[str, ...]:
    def number(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    return (
        row.what,
        number(row.ratio, ".2f") + (" ×" if row.ratio is not None else ""),
        row.against,
        *(("", "") if row.goal is None else (row.goal.text, "yes" if row.goal.met else "**no**")),
        number(row.cpu, ".3f"),
        number(row.wall, ".3f"),
        number(row.rate, ",.0f"),
        number(None if row.rss is None else row.rss / 2**20, ".1f"),
        row.note,
    )


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "|".join("---" for _ in HEAD) + "|"]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    return "\n".join(lines)


def circumstances(seconds: float, *, quick: bool) -> str:
    """Say when something was measured that has just ended, in what time, and what else the machine did."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    how = " with `--quick`: fewer rounds and events" if quick else ""
    return (
        f"Measured{how}, {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, in {seconds:,.0f} s; "
        f"load average at the end (1, 5, 15 minutes) {load}."
    )


def machine() -> str:
    """Return the kind of machine and the versions; nothing that names the machine itself."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = [
        f"- {os.cpu_count()} cores, {model}, {memory:.0f} GiB, {platform.system()},"
        f" {platform.python_implementation()} {platform.python_version()}",
    ]
    for name in peers.NAMED:
        if (peers.CACHE / name).exists():
            found = ", ".join(f"{package} {version}" for package, version in peers.versions(name).items())
            lines.append(f"- {name.replace('_', ' ')}: {found}")
    return "\n".join(lines)

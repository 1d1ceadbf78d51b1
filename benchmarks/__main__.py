"""Runs the parts, prints the table and writes it to a file."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from . import report

PARTS = (
    *(
        "stream",
        "observe",
        "memory",
        "imports",
        "rest",
        "abi",
        "node",
        "raw_fetch",
        "service",
        "sinks",
        "frames",
    ),
    "balances",
)
NOTES = Path(__file__).parent / "NOTES.md"
"""What was found out about the lines that miss their target, by hand."""

INTRODUCTION = """\
# Results

Made by `make bench`. A ratio says how many times as good as the peer in its row: above 1 is better. It is
the median of the ratios within each interleaved round, so it holds on a busy machine; the seconds beside it
are medians and belong to this run alone. CPU seconds are user and system time of the client's process
(getrusage); "per CPU s" counts events, calls or logs.
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and events: under two minutes")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"of: {', '.join(PARTS)}")
    parser.add_argument("--out", type=Path, help="write the table to this Markdown file too")
    options = parser.parse_args()
    rows: list[report.Row] = []
    failures: list[str] = []
    for name in options.only or PARTS:
        print(f"{name} …", file=sys.stderr)
        started = time.perf_counter()
        try:
            rows.extend(importlib.import_module(f".parts.{name}", __package__).run(quick=options.quick))
        except Exception as error:  # noqa: BLE001 - one part that cannot run must not cost the others their figures
            failures.append(f"{name}: {error}")
            print(f"{name} failed: {error}", file=sys.stderr)
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    sections = [INTRODUCTION, report.table(rows), "## Machine and versions", report.machine()]
    if failures:
        sections += ["## Could not run", "\n".join(f"- {failure.splitlines()[0]}" for failure in failures)]
    text = "\n\n".join(section.strip() for section in [*sections, NOTES.read_text()]) + "\n"
    print(text)
    if options.out:
        options.out.write_text(text)
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Broken off; no results were written.")

"""
Runs the parts, prints their tables and writes the results to a file.

The file has a section for each part, which says when and how it was made. A run of all parts writes it whole;
with `--only` the sections of these parts alone are new.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from . import report, results

PARTS = {
    "stream": "Stream to handler",
    "observe": "Traces and figures",
    "memory": "Memory",
    "imports": "Importing the package",
    "rest": "REST calls",
    "abi": "ABIs and logs",
    "node": "Node to handler",
    "raw_fetch": "Node to handler, beside the raw fetch",
    "service": "The service",
    "sinks": "Sinks",
    "frames": "Frames and files, from a node",
    "balances": "ERC-20 balances in PostgreSQL",
}
"""Part → the title of its section."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and events")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"of: {', '.join(PARTS)}")
    parser.add_argument("--out", type=Path, help="write the results to this Markdown file too")
    options = parser.parse_args()
    sections: dict[str, str] = {}
    is_complete = True
    for name in options.only or PARTS:
        print(f"{name} …", file=sys.stderr)
        started = time.monotonic()
        try:
            rows = list(importlib.import_module(f".parts.{name}", __package__).run(quick=options.quick))
            found = report.table(rows)
        except Exception as error:  # noqa: BLE001 - one part that cannot run must not cost the others their figures
            is_complete = False
            found = f"**Could not run:** {str(error).splitlines()[0] if str(error) else type(error).__name__}"
            print(f"{name} failed: {error}", file=sys.stderr)
        seconds = time.monotonic() - started
        print(f"{name}: {seconds:.0f} s", file=sys.stderr)
        about = report.circumstances(seconds, quick=options.quick)
        sections[PARTS[name]] = f"{about}\n\n{found}"
        print(f"## {PARTS[name]}\n\n{sections[PARTS[name]]}\n", flush=True)
        if options.out:  # after each part: what is measured isn't lost where a later one is broken off
            results.write(options.out, list(PARTS.values()), sections, report.machine())
    return 0 if is_complete else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Broken off; parts that had ended are in the file of --out.")

"""
The fault matrix, row by row: the published client 0.5.0 and both of ours.

    python tests/comparison/compare.py [--out FILE] [ROW ...]

Each client runs in a process of its own against a service that misbehaves on a real socket.
"""

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

from extra import EXTRA  # noqa: E402 - found by the path set above, as what follows
from rows import ROWS, Outcome, Problem, Row  # noqa: E402

from support.environments import environment  # noqa: E402
from support.stream_server import stream_server  # noqa: E402

CLIENTS = ("published", "async", "sync")
INTRODUCTION = """\
# Results

Made by `make compare-faults`: each client meets a service that misbehaves on a real socket, a process of its
own for each cell. "ok" means that the client did what [the promises](../../docs/streaming.md) say; else the
cell says what it did instead. The published client is version 0.5.0 of the index, which promises less.
"""

RUNNER = Path(__file__).with_name("runner.py")


def play(row: Row, client: str, published: Path) -> Problem:
    """Let a client meet a row; tell what is wrong with what it did."""
    python = published if client == "published" else Path(sys.executable)
    options = {"limit": row.limit, **row.options}
    with stream_server(*row.scripts, size=row.size) as server:
        row.prepare(server)
        try:
            done = subprocess.run(
                [str(python), str(RUNNER), client, server.url, json.dumps(options)],
                capture_output=True,
                text=True,
                timeout=row.limit + 20,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "hangs"
        lines = done.stdout.splitlines()
        if not lines:
            return f"dies: {done.stderr.strip().splitlines()[-1][:60] if done.stderr else done.returncode}"
        return row.judge(Outcome(**json.loads(lines[-1])), server)


def table(cells: dict[tuple[int, str, str], Problem]) -> str:
    """The rows as a Markdown table, with a line of sums."""
    named = sorted({(number, fault) for number, fault, _ in cells})
    lines = ["| # | fault | published 0.5.0 | ours, asyncio | ours, blocking |", "|---|---|---|---|---|"]
    for number, fault in named:
        words = [cells[number, fault, client] or "ok" for client in CLIENTS]
        lines.append(f"| {number} | {fault} | {' | '.join(words)} |")
    good = [sum(cells[number, fault, client] is None for number, fault in named) for client in CLIENTS]
    return "\n".join(
        [*lines, f"| | **as promised** | {' | '.join(f'{count} of {len(named)}' for count in good)} |"]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", type=int, metavar="ROW", help="numbers of rows; all unless named")
    parser.add_argument("--out", type=Path, help="write the table to this Markdown file too")
    options = parser.parse_args()
    published = environment("published", "event-streamer-sdk==0.5.0")
    cells: dict[tuple[int, str, str], Problem] = {}
    with ThreadPoolExecutor(2) as pool:
        rows = [row for row in ROWS if not options.rows or row.number in options.rows]
        jobs = {
            (row.number, row.fault, client): pool.submit(play, row, client, published)
            for row in rows
            for client in CLIENTS
        }
        for number, fault, run in EXTRA:
            if not options.rows or number in options.rows:
                for client in CLIENTS:
                    jobs[number, fault, client] = pool.submit(run, client, published)
        cells = {key: job.result() for key, job in jobs.items()}
    text = table(cells)
    print(text)
    if options.out:
        options.out.write_text(f"{INTRODUCTION}\n{text}\n")
    ours = [problem for (_, _, client), problem in cells.items() if client != "published"]
    sys.exit(1 if any(ours) else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Broken off.")

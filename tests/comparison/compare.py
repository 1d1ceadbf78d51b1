"""
The fault matrix, row by row: the published client 0.5.0 and both of ours.

    python tests/comparison/compare.py [ROW ...]

Each client runs in a process of its own against a service that misbehaves on a real socket.
"""

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


def main() -> None:
    wanted = {int(number) for number in sys.argv[1:]}
    published = environment("published", "event-streamer-sdk==0.5.0")
    cells: dict[tuple[int, str, str], Problem] = {}
    with ThreadPoolExecutor(2) as pool:
        rows = [row for row in ROWS if not wanted or row.number in wanted]
        jobs = {
            (row.number, row.fault, client): pool.submit(play, row, client, published)
            for row in rows
            for client in CLIENTS
        }
        for number, fault, run in EXTRA:
            if not wanted or number in wanted:
                for client in CLIENTS:
                    jobs[number, fault, client] = pool.submit(run, client, published)
        cells = {key: job.result() for key, job in jobs.items()}
    named = sorted({(number, fault) for number, fault, _ in cells})
    width = max(len(fault) for _, fault in named)
    column = 44
    print(f" # | {'fault':<{width}} | {'published 0.5.0':<{column}} | {'ours, asyncio':<16} | ours, blocking")
    print(f"---|-{'-' * width}-|-{'-' * column}-|-{'-' * 16}-|---------------")
    for number, fault in named:
        words = [cells[number, fault, client] or "ok" for client in CLIENTS]
        print(f"{number:2} | {fault:<{width}} | {words[0]:<{column}} | {words[1]:<16} | {words[2]}")
    for client in CLIENTS:
        good = sum(cells[number, fault, client] is None for number, fault in named)
        print(f"{client:>10}: {good} of {len(named)}")
    ours = [problem for (_, _, client), problem in cells.items() if client != "published"]
    sys.exit(1 if any(ours) else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Broken off.")

"""
Every attack against a fresh service each: what it cost in memory, how long /health took meanwhile, who won.

    python tests/attack/attack.py [--out FILE] [NAME …]

The service is a process of its own on loopback; a verdict is "held" where its memory grew by less than the
attack's limit, /health was answered within PATIENCE all the time, and the attack's own condition is met. The
same things are tests of tests/service, with smaller numbers; this is to look at, and to try larger ones.
"""

import argparse
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from attrs import field, frozen

if __name__ == "__main__":  # this file's own folder would hide the package `attack`
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from attack import callers, outages, wire
from attack.victim import KEY, Victim, victim
from support import postgres
from support.raw_client import RawClient
from support.service_process import starved
from support.slow_link import Link, link_to

LIMIT = 96 * 2**20
"""Bytes by which a service's memory may grow under attack."""
FOR_STREAMS = 256 * 2**20
"""The same where a hundred streams read history: a chain holds 100,000 logs for all, 1 to 2 KiB each."""
PATIENCE = 5.0


@frozen(kw_only=True)
class Attack:
    """
    An attack.

    Attributes:
        run: Carries it out; tells whether the service did as it should.
        limits: Settings that it needs.
        keys: Whether the service has keys.
        growth: Bytes by which memory may grow.
        log_level: What the service logs.
        behind_a_link: It is about the database, a PostgreSQL behind a slow link, which it gets too.
        outage: It makes the service fail for a while, so that only the time of /health counts.
    """

    run: Callable[..., bool]
    limits: dict[str, str] = field(factory=dict)
    keys: bool = True
    growth: int = LIMIT
    log_level: str = "warning"
    behind_a_link: bool = False
    outage: bool = False


ATTACKS: dict[str, Attack] = {
    "endless heads": Attack(run=wire.endless_heads),
    "slow heads": Attack(run=wire.slow_heads),
    "slow bodies": Attack(run=wire.slow_bodies),
    "slow reading of answers": Attack(run=wire.slow_answers),
    "idle connections": Attack(run=wire.idle_connections),
    "no descriptors left": Attack(run=wire.no_descriptors),
    "pipelined requests": Attack(run=wire.pipelined),
    "padded chunks": Attack(run=wire.chunk_padding),
    "what is not HTTP": Attack(run=wire.not_http),
    # A slow machine, too, must ask more often than strangers may.
    "guessed keys": Attack(run=callers.guessed_keys, limits={"requests_per_second": "20"}),
    "/ready without a key": Attack(run=callers.ready_without_a_key),
    "pages of other origins": Attack(run=callers.pages_of_others, keys=False),
    "nodes of the inside": Attack(run=callers.nodes_of_the_inside),
    "a node that redirects": Attack(run=callers.redirecting_node, limits={"private_nodes": "true"}),
    "nested bodies": Attack(run=callers.nested_bodies),
    "hoarded subscriptions": Attack(run=callers.hoarding),
    "too many streams": Attack(
        run=callers.many_streams,
        # Nobody reads these streams: those cut off for that would make room for others.
        limits={"max_streams": "100", "write_timeout": "60"},
        growth=FOR_STREAMS,
    ),
    "forged tokens": Attack(run=callers.forged_tokens),
    "stalled readers": Attack(run=callers.stalled_readers, growth=FOR_STREAMS),
    "a slow database": Attack(run=outages.slow_database, behind_a_link=True, outage=True),
    "a silent database": Attack(
        run=outages.silent_database,
        behind_a_link=True,
        outage=True,
        limits={"database_timeout": "2"},
    ),
    "restart under 200 streams": Attack(
        run=outages.restart, outage=True, log_level="info", growth=FOR_STREAMS
    ),
}


@frozen
class Outcome:
    """What an attack cost: memory in bytes, time in seconds; an empty problem means that it was held."""

    name: str
    before: int
    after: int
    health: float
    problem: str

    def row(self) -> str:
        """The outcome as a row of a table in Markdown."""
        before, after = (f"{size / 2**20:.0f} MiB" for size in (self.before, self.after))
        return f"| {self.name} | {before} | {after} | {self.health:.2f} s | {self.problem or 'held'} |"


class HealthWatch:
    """
    Asks /health again and again, from another address, and remembers the longest answer.

    Args:
        service: Whom it asks.

    Attributes:
        longest: Seconds, without those in which other programs had the CPU.
        failed: What was not answered with 200.
    """

    def __init__(self, service: Victim) -> None:
        self.longest = 0.0
        self.failed: list[str] = []
        self._http = httpx.Client(
            base_url=service.url, timeout=30, transport=httpx.HTTPTransport(local_address="127.0.0.3")
        )
        self._service = service
        # Connected before the attack: what takes the last descriptors may not shut out who is there already.
        self._http.get("/health")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            began, process = time.monotonic(), self._service.pid
            lost = self._starved(process)
            try:
                answered = self._http.get("/health")
                if answered.status_code != 200:
                    self.failed.append(f"{answered.status_code} {answered.text}")
            except httpx.HTTPError as problem:
                self.failed.append(repr(problem))
            # A process that has ended meanwhile has no such figure any more.
            others = max(0.0, self._starved(process) - lost)
            self.longest = max(self.longest, time.monotonic() - began - others)

    def _starved(self, process: int) -> float:
        return starved(process) + starved(threading.get_native_id())

    def close(self) -> None:
        """Stop asking."""
        self._over.set()
        self._thread.join(35)
        self._http.close()


@contextmanager
def database(attack: Attack) -> Iterator[tuple[dict[str, Any], tuple[Link, ...]]]:
    """Give an attack the database that it needs: arguments of the victim and of the attack."""
    if not attack.behind_a_link:
        yield {}, ()
        return
    with postgres.cluster() as url, link_to(urlsplit(url).port or 5432) as link:
        yield {"database": f"postgresql://tests@127.0.0.1:{link.url_port}/postgres"}, (link,)


def run(name: str, attack: Attack) -> Outcome:
    """Carry out one attack."""
    how = {"limits": attack.limits, "keys": attack.keys, "log_level": attack.log_level}
    with database(attack) as (where, link), victim(**how, **where) as service:
        with RawClient(service.url, key=KEY) as client:  # what the first requests load isn't the attack's
            client.subscribe(subscriber_id="attacker")
        before = service.memory()
        watch = HealthWatch(service)
        try:
            problem = "" if attack.run(service, *link) else "the condition is not met"
        except Exception as failed:  # noqa: BLE001 - an attack that can't be carried out is a verdict too
            problem = f"{type(failed).__name__}: {failed}"
        time.sleep(1.5)
        watch.close()
        try:
            after = service.memory()
        except OSError:
            after, problem = 0, problem or "the service is gone"
    if after - before > attack.growth:
        problem = problem or f"more than {attack.growth >> 20} MiB"
    if watch.longest > PATIENCE:
        problem = problem or "/health took too long"
    if watch.failed and not attack.outage:
        problem = problem or f"/health {watch.failed[0]}"
    return Outcome(name, before, after, watch.longest, " ".join(problem.split())[:200])


def rows_of(page: Path) -> dict[str, str]:
    """The rows of a page that was written before, by attack."""
    lines = page.read_text("utf-8").splitlines() if page.exists() else []
    return {name: line for name in ATTACKS for line in lines if line.startswith(f"| {name} |")}


def report(rows: dict[str, str]) -> str:
    """The outcomes as a page of Markdown."""
    lines = [
        "# What each attack cost",
        "",
        "`make attack` runs every attack against a fresh service and writes this page. Held means:",
        f"memory grew by less than {LIMIT >> 20} MiB ({FOR_STREAMS >> 20} MiB where a hundred streams",
        f"read history), `/health` was answered within {PATIENCE:g} s from another address all the time, and",
        "the service did what it should (`tests/attack`).",
        "",
        f"Run on {datetime.now(UTC):%Y-%m-%d} with Python {sys.version_info[0]}.{sys.version_info[1]}"
        " on a machine that had other work too; what that",
        "took of the CPU isn't counted in the times.",
        "",
        "| attack | memory before | after | longest `/health` | verdict |",
        "|---|---|---|---|---|",
        *(rows[name] for name in ATTACKS if name in rows),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(ATTACKS)}")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a page there; with names, these rows")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - ATTACKS.keys()
    if unknown:
        parser.error(f"there is no attack {', '.join(sorted(unknown))}")
    logging.getLogger("event_streamer_sdk").addHandler(logging.NullHandler())  # what clients tell of restarts
    outcomes = []
    for name in arguments.names or ATTACKS:
        outcomes.append(run(name, ATTACKS[name]))
        print(outcomes[-1].row(), flush=True)
        if arguments.out:
            before = rows_of(arguments.out) if arguments.names else {}
            rows = before | {outcome.name: outcome.row() for outcome in outcomes}
            arguments.out.write_text(report(rows), "utf-8")
    return 1 if any(outcome.problem for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())

"""
Workers as processes on a real PostgreSQL, killed, paused and replaced at random, and what must hold.

Each write of a position is recorded by a trigger, with the name of the worker whose connection made it and
the owner of the lease at that moment; another one records who has which lease (`attendance`).
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from event_streamer_sdk import SyncEventStreamer
from event_streamer_service import DevChain, LocalService
from support.attendance import RECORD_LEASES, Gap, Presence, Witness, gaps, grants_of
from support.services import expected_transfers

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
RECORD = """
CREATE TABLE writes (number BIGSERIAL PRIMARY KEY, at DOUBLE PRECISION, key TEXT, token TEXT, block BIGINT,
                     fencing BIGINT, owner TEXT, writer TEXT);
CREATE FUNCTION record() RETURNS trigger AS $$ BEGIN
    IF NEW.resume_token IS DISTINCT FROM OLD.resume_token THEN
        INSERT INTO writes (at, key, token, block, fencing, owner, writer)
        VALUES (EXTRACT(EPOCH FROM clock_timestamp()), NEW.position_key, NEW.resume_token, NEW.block,
                NEW.fencing, NEW.owner, current_setting('application_name'));
    END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER recording AFTER UPDATE ON event_streamer_checkpoints FOR EACH ROW EXECUTE FUNCTION record();
"""
LEASES = """
SELECT position_key, owner FROM event_streamer_checkpoints
WHERE owner IS NOT NULL AND expires_at > EXTRACT(EPOCH FROM clock_timestamp())
"""


class ProcessFleet:
    """A service with live subscriptions, and workers as processes."""

    def __init__(self, postgres: str, service: LocalService, subscriptions: int, lease: float) -> None:
        self.postgres = postgres
        self.service = service
        self.lease = lease
        self.folder = Path(tempfile.mkdtemp(prefix="event-streamer-workers-"))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.paused: dict[str, float] = {}
        self._number = 0
        with SyncEventStreamer(service.url, "fleet") as client:
            made = (
                client.subscribe(TRANSFER, chain_id=31337, start_block=0, new=True)
                for _ in range(subscriptions)
            )
            self.ids = [each.id for each in made]
        self.connection = psycopg.connect(postgres, autocommit=True)
        self.presences: dict[str, Presence] = {}
        self._recorded_since = 0.0
        self._stack = ExitStack()
        self.witness = self._stack.enter_context(
            Witness(lambda: [self.processes[name].pid for name in self.well]).watched()
        )

    def start(self) -> str:
        self._number += 1
        name = f"worker-{self._number}"
        self.presences[name] = Presence()
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
            "WORKER_FOLDER": str(self.folder),
        }
        with (self.folder / name).open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [
                    *(sys.executable, "-W", "error", "-m", "event_streamer_sdk.cli", "worker"),
                    *("--app", "worker_app:app", "--all", "--name", name, "--lease", str(self.lease)),
                    *("--checkpoint", f"{self.postgres}?application_name={name}"),
                    *("--url", self.service.url, "--subscriber-id", "fleet"),
                ],
                env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        return name

    def record(self) -> None:
        """Begin to write down writes: the workers have made the table."""
        self._recorded_since = time.time()
        self.connection.execute(RECORD)
        self.connection.execute(RECORD_LEASES)

    @property
    def well(self) -> set[str]:
        return {name for name in self.processes if name not in self.paused}

    def longest_gap(self) -> Gap | None:
        """The longest time for which workers have left a subscription to nobody."""
        found = gaps(
            grants_of(self.connection),
            self.presences,
            keys=[f"fleet:{each}" for each in self.ids],
            within=(self._recorded_since, time.time()),
            database_away=[],
            held_up=self.witness.held_up,
        )
        return found[0] if found else None

    def owners(self) -> dict[str, str]:
        with suppress(psycopg.errors.UndefinedTable):
            return dict(self.connection.execute(LEASES).fetchall())
        return {}

    def look_until(self, true: Any, seconds: float) -> float:
        """Keep watch until something is so; gives how long that took."""
        began = time.monotonic()
        while not true():
            assert time.monotonic() - began < seconds, self.logs()
            for name in [name for name, until in self.paused.items() if time.monotonic() > until]:
                self.processes[name].send_signal(signal.SIGCONT)
                self.presences[name].returns()
                del self.paused[name]
            time.sleep(0.05)
        return time.monotonic() - began

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        self.presences[name].died()
        process.kill()
        process.wait(10)

    def pause(self, name: str, seconds: float) -> None:
        self.presences[name].leaves()
        self.processes[name].send_signal(signal.SIGSTOP)
        self.paused[name] = time.monotonic() + seconds

    def end(self, name: str) -> int:
        """SIGTERM; gives the exit code."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
        self.presences[name].died()
        return code

    def handled(self) -> set[tuple[int, int, int]]:
        found = set()
        for path in self.folder.glob("handled-*"):
            for line in path.read_text().splitlines():
                number, block, index, _ = line.split()
                found.add((int(number), int(block), int(index)))
        return found

    def logs(self) -> str:
        return "\n".join(f"{path.name}: {path.read_text()[-1500:]}" for path in self.folder.glob("worker-*"))

    def trouble(self, random_: random.Random) -> str:
        """Do something to one worker; the others go on."""
        name = random_.choice(sorted(self.well))
        what = random_.choice(["kill", "pause", "pause", "end"])
        if what == "kill":
            self.kill(name)
            self.start()
        elif what == "pause":
            self.pause(name, self.lease + 1.5)
        else:
            assert self.end(name) == 0, self.logs()
            self.start()
        return f"{what} {name}"

    def check_writes(self) -> int:
        """Nobody wrote without the lease, and no position went back; gives how many writes there were."""
        rows = self.connection.execute(
            "SELECT key, block, fencing, owner, writer FROM writes ORDER BY number"
        ).fetchall()
        last: dict[str, tuple[int, int]] = {}
        for key, block, fencing, owner, writer in rows:
            assert writer == owner, f"{writer} wrote the position of {key}, which {owner} had"
            before = last.get(key, (0, 0))
            assert fencing >= before[0], f"{key}: fencing number {fencing} after {before[0]}"
            assert (block or 0) >= before[1], f"{key}: block {block} after {before[1]}"
            last[key] = (fencing, block or before[1])
        return len(rows)

    def close(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(10)
        self._stack.close()
        self.connection.close()


@contextmanager
def process_fleet(postgres: str, *, workers: int, subscriptions: int, lease: float) -> Iterator[ProcessFleet]:
    chain = DevChain(blocks=20, logs_per_block=4, mine_every=0.25)
    with LocalService(chain, heartbeat_interval=1.0) as service:
        fleet = ProcessFleet(postgres, service, subscriptions, lease)
        try:
            for _ in range(workers):
                fleet.start()
            give_up = time.monotonic() + 60
            while len(fleet.owners()) < subscriptions or len(set(fleet.owners().values())) < workers:
                assert time.monotonic() < give_up, fleet.logs()
                time.sleep(0.1)
            fleet.record()
            yield fleet
        finally:
            fleet.close()


def chaos(fleet: ProcessFleet, *, seconds: float, seed: int) -> dict[str, Any]:
    """
    Trouble the workers for so long, one at a time, then let them finish, and check all that must hold.

    Returns:
        What happened, in figures.
    """
    chance = random.Random(seed)
    until = time.monotonic() + seconds
    done = []
    while time.monotonic() < until:
        done.append(fleet.trouble(chance))
        rest = time.monotonic() + fleet.lease + 1.5 + chance.random()
        fleet.look_until(lambda rest=rest: time.monotonic() > rest, 60)
        # One trouble at a time: the one before is over, and whoever was started anew is there.
        fleet.look_until(
            lambda: not fleet.paused and set(fleet.owners().values()) == set(fleet.processes), 60
        )
    chain = fleet.service.chain
    head = chain.head_number
    expected = expected_transfers(chain, 0, head)
    wanted = {(number, *place) for number in fleet.ids for place in expected}
    fleet.look_until(lambda: wanted <= fleet.handled(), 60)
    writes = fleet.check_writes()
    longest = fleet.longest_gap()
    assert longest is not None
    assert longest.of_workers <= fleet.lease + 2.0, longest
    return {
        "troubles": done,
        "events": len(wanted),
        "writes": writes,
        "longest unattended": round(longest.of_workers, 2),
        "and held up by the machine": round(longest.held_up, 2),
    }

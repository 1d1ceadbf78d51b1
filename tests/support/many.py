"""
Replicas and workers at once, on one PostgreSQL, in trouble of every kind; and what must hold.

Three replicas stand behind nginx's round robin, three workers share thirty subscriptions of theirs. Every
process has a machine of its own (`support.machines`): a link to PostgreSQL that can be cut, and a clock that
is wrong by a minute in either direction. Triggers write down who stores what, and who has which lease.
"""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from attrs import define, field

from event_streamer_service.devchain.node import DevNode
from support import postgres
from support.attendance import RECORD_LEASES, Gap, Witness, gaps, grants_of
from support.brokers import answers
from support.machines import Machine, python
from support.ports import own_port
from support.raw_client import TRANSFER_TOPIC, RawClient
from support.replicas import REPLICAS, execute, nginx, node_process
from support.slow_link import Link
from support.worker_fleet import LEASES, RECORD

WORKERS = 3
HISTORY = 200
"""Blocks of the chain at the start."""
BLOCK_SECONDS = 0.5
CLOCKS = (0.0, 60.0, -60.0)
SUBSCRIBER = "many"
PATIENCE = 90.0
"""Seconds without any progress after which a stream counts as stuck: clients try again each 30 s."""
START_PATIENCE = 120.0
"""Seconds in which all processes have to be there: a busy machine takes long to start them."""
_PROGRESS = """
CREATE TABLE went_back (id BIGINT, before BIGINT, after BIGINT);
CREATE FUNCTION watch_progress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF (NEW.position_block, coalesce(NEW.position_log_index, 1000000))
     < (OLD.position_block, coalesce(OLD.position_log_index, 1000000))
     OR NEW.events_delivered < OLD.events_delivered
     OR (NEW.position_block IS NULL AND OLD.position_block IS NOT NULL)
  THEN INSERT INTO went_back VALUES (OLD.id, OLD.position_block, NEW.position_block); END IF;
  RETURN NEW; END $$;
CREATE TRIGGER watch BEFORE UPDATE ON subscriptions FOR EACH ROW EXECUTE FUNCTION watch_progress();
"""


@define(kw_only=True)
class Outcome:
    """
    What was seen.

    Attributes:
        troubles: Kind of trouble → how often.
        reorgs: Block up to which a reorganisation left the chain as it was, and the head before it.
        events: Events of the chain that each subscription is to get.
        repeated: Events that came more than once, of all.
        writes: Positions that the workers stored.
        missing: Subscription → events that no worker has handled.
        longest: The longest time for which workers left a subscription to nobody.
        held_up: The longest time for which the machine held this process up, seconds.
        problems: Whatever must not be.
    """

    troubles: dict[str, int] = field(factory=dict)
    reorgs: list[tuple[int, int]] = field(factory=list)
    events: int = 0
    repeated: int = 0
    writes: int = 0
    missing: dict[int, int] = field(factory=dict)
    longest: Gap | None = None
    held_up: float = 0.0
    problems: list[str] = field(factory=list)

    def explained(self, before: int, after: int) -> bool:
        """Tell whether a reorganisation took a position back."""
        return any(ancestor <= after and ancestor < before for ancestor, _ in self.reorgs)


class Many:
    """The machines, and what happens to them."""

    def __init__(
        self, server: str, restart: Any, node: DevNode, folder: Path, seed: int, lease: float
    ) -> None:
        self.node = node
        self.lease = lease
        self.outcome = Outcome()
        self.replicas: list[Machine] = []
        self.workers: list[Machine] = []
        self.connection = psycopg.connect(f"{server}/postgres", autocommit=True)
        self.witness = Witness(lambda: [each.process.pid for each in self.workers if each.is_well])
        self.numbers: list[int] = []
        self._server = server
        self._port = int(server.rpartition(":")[2])
        self._restart = restart
        self._restarting: threading.Thread | None = None
        self._folder = folder
        self._choose = random.Random(seed)
        self._links: list[Link] = []
        self._mining = threading.Lock()
        """Held while the chain changes."""
        self._slow_until = self._silent_until = 0.0
        self._ports: list[int] = []
        self._recorded_since = self._quiet_since = 0.0
        self._away: list[tuple[float, float]] = []
        """From when to when the database was away, as `time.time` tells it."""
        self._away_since: float | None = None

    # --- machines ------------------------------------------------------------------------------

    def _machine(self, name: str, command: list[str], clock: float, **environment: str) -> Machine:
        link = Link(self._port)
        self._links.append(link)
        return Machine(name, command, link, clock, self._folder / f"{name}.log", **environment)

    def start_replicas(self) -> list[int]:
        ports = self._ports = [own_port() for _ in range(REPLICAS)]
        for index, port in enumerate(ports):
            command = python(
                *("event_streamer_service", "--database", "postgresql://tests@127.0.0.1:{database}/postgres"),
                *("--replicas", "--chain", f"31337={self.node.url}", "--port", str(port)),
                *("--replica-url", f"http://127.0.0.1:{port}", "--block-time", str(BLOCK_SECONDS)),
                *("--heartbeat-interval", "2", "--log-level", "warning", "--log-format", "text"),
            )
            self.replicas.append(self._machine(f"replica-{index}", command, CLOCKS[index % len(CLOCKS)]))
        give_up = time.monotonic() + START_PATIENCE
        while not all(machine.said().startswith("http") for machine in self.replicas):
            assert time.monotonic() < give_up, "\n".join(each.said()[-1500:] for each in self.replicas)
            time.sleep(0.2)
        return ports

    def start_workers(self, url: str) -> None:
        for index in range(WORKERS):
            name = f"worker-{index}"
            database = f"postgresql://tests@127.0.0.1:{{database}}/postgres?application_name={name}"
            command = python(
                *("event_streamer_sdk.cli", "worker", "--app", "worker_app:app", "--all", "--name", name),
                *("--lease", str(self.lease), "--checkpoint", database),
                *("--url", url, "--subscriber-id", SUBSCRIBER),
            )
            support = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
            self.workers.append(
                self._machine(
                    name,
                    command,
                    CLOCKS[(index + 1) % len(CLOCKS)],
                    PYTHONPATH=support,
                    WORKER_FOLDER=str(self._folder),
                )
            )

    # --- what happens --------------------------------------------------------------------------

    def trouble(self) -> None:
        """Do one thing to somebody; one machine of each side stays at work."""
        choose, now = self._choose, time.monotonic()
        kinds = ["reorganisation"]
        ready = {"replica": self._ready_replicas(), "worker": self._ready_workers()}
        if now > self._slow_until and not self._database_is_away and self._database_was_there_for_long:
            kinds += ["database restarted", "database silent", "database slow"]
        for side, machines in ready.items():
            if len(machines) > 1:
                kinds += [f"{side} killed", f"{side} stopped", f"{side} cut off"] * 2
        if len(ready["worker"]) > 1:
            kinds.append("worker ended")
        kind = choose.choice(kinds)
        self.outcome.troubles[kind] = self.outcome.troubles.get(kind, 0) + 1
        if kind == "reorganisation":
            self._reorganise(choose.randrange(1, 6))
        elif kind == "database restarted":
            self._away_since = time.time()
            self._restarting = threading.Thread(target=self._restart)
            self._restarting.start()
        elif kind == "database silent":
            self._away_since = time.time()
            for link in self._links:
                link.silent = True
            self._silent_until = now + choose.uniform(1.0, 1.5 * self.lease)
        elif kind == "database slow":
            for link in self._links:
                link.delay = 0.2
            self._slow_until = now + choose.uniform(4.0, 8.0)
        else:
            machine, seconds = choose.choice(ready[kind.split()[0]]), choose.uniform(0.5, self.lease + 4.0)
            self._note(f"{kind}: {machine.name}, {seconds:.1f} s")
            if kind.endswith("killed"):
                machine.kill()
            elif kind.endswith("stopped"):
                machine.stop(seconds)
            elif kind.endswith("cut off"):
                machine.cut(seconds, silently=choose.random() < 0.5)
            else:
                machine.end()
            return
        self._note(kind)

    def _note(self, what: str) -> None:
        with (self._folder / "troubles").open("a") as file:
            file.write(f"{datetime.now():%H:%M:%S.%f} {what}\n")

    def _reorganise(self, depth: int) -> None:
        with self._mining:
            head = self.node.block_number()
            self.outcome.reorgs.append((head - depth, head))
            self.node.reorg(depth)

    def _ready_workers(self) -> list[Machine]:
        """Workers that have said they are there since they were started: Python alone takes its seconds."""
        query = "SELECT worker, max(expires_at) FROM event_streamer_workers GROUP BY worker"
        said = {name: expires - self.lease for name, expires in self._asked(query)}
        return [each for each in self.workers if each.is_well and said.get(each.name, 0.0) > each.started_at]

    def _ready_replicas(self) -> list[Machine]:
        pairs = zip(self.replicas, self._ports, strict=True)
        return [each for each, port in pairs if each.is_well and answers(port)]

    def _asked(self, query: str) -> list[Any]:
        """Ask the database, which may be away."""
        try:
            if self.connection.closed:
                self.connection = psycopg.connect(f"{self._server}/postgres", autocommit=True)
            return self.connection.execute(query).fetchall()
        except psycopg.OperationalError:
            self.connection.close()
            return []

    @property
    def _database_was_there_for_long(self) -> bool:
        """Else one outage behind the other would excuse everything."""
        return not self._away or time.time() - self._away[-1][1] > 3 * self.lease

    @property
    def _database_is_away(self) -> bool:
        """Nobody can have a lease meanwhile; the time without a worker counts from when it is there again."""
        return bool(self._silent_until) or (self._restarting is not None and self._restarting.is_alive())

    def look(self) -> None:
        """Mend what is over."""
        now = time.monotonic()
        for machine in [*self.replicas, *self.workers]:
            machine.mend(now=now)
        if self._slow_until and now > self._slow_until:
            self._slow_until = 0.0
            for link in self._links:
                link.delay = 0.0
        if self._silent_until and now > self._silent_until:
            self._silent_until = 0.0
            for machine in [*self.replicas, *self.workers]:
                machine.link.silent = machine.cut_until is not None and not machine.link.refusing
        if self._away_since is not None and not self._database_is_away:
            self._away.append((self._away_since, time.time()))
            self._away_since = None

    def look_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.look()
            time.sleep(0.05)

    def mend_all(self) -> None:
        if self._restarting is not None:
            self._restarting.join()
        self._slow_until = self._silent_until = 0.0
        for link in self._links:
            link.delay, link.silent, link.refusing = 0.0, False, False
        for machine in [*self.replicas, *self.workers]:
            machine.mend()
        self.look()

    def record(self) -> None:
        """Begin to write down who stores what, and who has which lease."""
        self._recorded_since = time.time()
        self.connection.execute(RECORD)
        self.connection.execute(RECORD_LEASES)

    @contextmanager
    def mining(self, seconds: float) -> Iterator[None]:
        """Have the chain go on by itself, a block in so many seconds."""
        enough = threading.Event()

        def mine() -> None:
            while not enough.wait(seconds):
                with self._mining:
                    self.node.mine(1)

        miner = threading.Thread(target=mine, daemon=True)
        miner.start()
        try:
            yield
        finally:
            enough.set()
            miner.join(30)

    # --- what must hold ------------------------------------------------------------------------

    def handled(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {number: [] for number in self.numbers}
        for path in self._folder.glob("handled-*"):
            for line in path.read_text().splitlines():
                number, _, index, transaction = line.split()
                found[int(number)].append(f"{transaction}:{index}")
        return found

    def judge(self) -> None:
        """Wait until it is quiet, and check all of it."""
        self._quiet_since = time.time()
        outcome = self.outcome
        head = self.node.block_number()
        question = {"fromBlock": "0x0", "toBlock": hex(head), "topics": [TRANSFER_TOPIC]}
        logs = [log for log in self.node.call("eth_getLogs", question) if len(log["topics"]) == 3]
        wanted = {f"{log['transactionHash']}:{int(log['logIndex'], 16)}" for log in logs}
        outcome.events = len(wanted)
        outcome.problems += self._wait_until_quiet(wanted, head)
        handled = self.handled()
        outcome.missing = {each: len(wanted - set(handled[each])) for each in self.numbers}
        outcome.missing = {each: count for each, count in outcome.missing.items() if count}
        if outcome.missing:
            outcome.problems.append(f"events that nobody has handled: {outcome.missing}")
        outcome.repeated = sum(len(each) - len(set(each)) for each in handled.values())
        self._judge_attendance()
        self._judge_writes()
        self._judge_processes()

    def _wait_until_quiet(self, wanted: set[str], head: int) -> list[str]:
        """
        Wait until all up to a block is handled and acknowledged, for as long as something still moves.

        The chain goes on meanwhile, as chains do: what an acknowledgement would have told that was lost with
        its connection, the next block tells.
        """
        moved = time.monotonic()
        before: object = None
        while time.monotonic() - moved < PATIENCE:
            handled = self.handled()
            missing = sum(len(wanted - set(each)) for each in handled.values())
            query = "SELECT id, position_block FROM subscriptions"
            behind = {number: block for number, block in self._asked(query) if (block or 0) < head}
            if not missing and not behind:
                return []
            if (missing, behind) != before:
                before, moved = (missing, behind), time.monotonic()
            time.sleep(1.0)
        return [f"subscription {number} stands at {block} of {head}" for number, block in behind.items()]

    def _judge_attendance(self) -> None:
        outcome, limit = self.outcome, self.lease + 2.0
        found = gaps(
            grants_of(self.connection),
            {each.name: each.presence for each in self.workers},
            keys=[f"{SUBSCRIBER}:{number}" for number in self.numbers],
            within=(self._recorded_since, self._quiet_since),
            database_away=self._away,
            held_up=self.witness.held_up,
        )
        outcome.longest = found[0] if found else None
        outcome.held_up = self.witness.longest
        for gap in found:
            if gap.seconds > limit:
                since = f"{datetime.fromtimestamp(gap.begin):%H:%M:%S.%f}"
                self._note(f"{gap.key} unattended for {gap.seconds:.1f} s since {since}: {gap}")
            if gap.of_workers > limit:
                outcome.problems.append(f"unattended for {gap.seconds:.1f} s: {gap}")

    def _judge_writes(self) -> None:
        outcome = self.outcome
        rows = self.connection.execute("SELECT id, before, after FROM went_back").fetchall()
        outcome.problems += [
            f"the service's progress of {number} went back from {before} to {after}"
            for number, before, after in rows
            if not outcome.explained(before, after)
        ]
        writes = self.connection.execute(
            "SELECT key, block, fencing, owner, writer FROM writes ORDER BY number"
        ).fetchall()
        outcome.writes = len(writes)
        last: dict[str, tuple[int, int]] = {}
        for key, block, fencing, owner, writer in writes:
            number, before = last.get(key, (0, 0))
            if writer != owner:
                outcome.problems.append(f"{writer} wrote the position of {key}, which {owner} had")
            if fencing < number:
                outcome.problems.append(f"{key}: fencing number {fencing} after {number}")
            if (block or before) < before and not outcome.explained(before, block):
                outcome.problems.append(f"{key}: block {block} after {before}")
            last[key] = (fencing, block or before)

    def _judge_processes(self) -> None:
        outcome = self.outcome
        for machine in self.workers + self.replicas:
            code = machine.close()
            if code != 0:
                outcome.problems.append(f"{machine.name} ended with {code}: {machine.said()[-600:]}")
            if "Traceback" in machine.said():
                said = machine.said()
                outcome.problems.append(f"{machine.name}: {said[said.index('Traceback') - 300 :][:2500]}")
            # At its start a replica says so, and is started again.
            may_end = ("Can't open the database", "can't use the database")
            outcome.problems += [
                said for said in machine.ended if not any(reason in said for reason in may_end)
            ]

    def close(self) -> None:
        for machine in self.workers + self.replicas:
            if machine.process.poll() is None:
                machine.close()
        for link in self._links:
            link.close()
        self.connection.close()


@contextmanager
def many(folder: Path, *, subscriptions: int, seed: int, lease: float) -> Iterator[Many]:
    """Start all of it, and wait until every subscription has its worker."""
    with ExitStack() as stack:
        node = stack.enter_context(node_process(HISTORY))
        server, restart = stack.enter_context(postgres.restartable_cluster())
        scene = Many(server, restart, node, folder, seed, lease)
        stack.callback(scene.close)
        url = stack.enter_context(nginx(folder, scene.start_replicas()))
        with RawClient(url) as client:
            scene.numbers = [client.subscribe(subscriber_id=SUBSCRIBER) for _ in range(subscriptions)]
        execute(f"{server}/postgres", _PROGRESS)
        scene.start_workers(url)
        give_up = time.monotonic() + START_PATIENCE
        while len(_owners(scene)) < subscriptions or len(set(_owners(scene).values())) < WORKERS:
            assert time.monotonic() < give_up, "\n".join(each.said()[-1500:] for each in scene.workers)
            time.sleep(0.2)
        scene.record()
        with scene.witness.watched():
            yield scene


def _owners(scene: Many) -> dict[str, str]:
    try:
        return dict(scene.connection.execute(LEASES).fetchall())
    except psycopg.errors.UndefinedTable:
        return {}


def trouble(
    folder: Path,
    *,
    seconds: float,
    subscriptions: int = 30,
    seed: int = 1,
    lease: float = 5.0,
    block_seconds: float = BLOCK_SECONDS,
) -> Outcome:
    """Let it run for so long, then wait until it is quiet, and judge."""
    with (
        many(folder, subscriptions=subscriptions, seed=seed, lease=lease) as scene,
        scene.mining(block_seconds),
    ):
        pause = random.Random(seed)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            scene.trouble()
            scene.look_for(pause.uniform(0.5, 3.0))
        scene.mend_all()
        scene.look_for(lease + 2.0)
        scene.judge()
        return scene.outcome

"""
Three replicas behind a balancer, killed at random, on a PostgreSQL that restarts.

Clients of ours follow thirty subscriptions through it, from history to the head. A trigger in the database
writes down every stored progress that is less than the one before.
"""

import asyncio
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from attrs import define, field
from sqlalchemy import create_engine, text

from event_streamer_sdk import EventStreamer, Reconnect
from event_streamer_service.devchain.node import DevNode
from support import postgres
from support.ports import own_port
from support.raw_client import TRANSFER_TOPIC, RawClient
from support.service_process import ServiceProcess

Place = tuple[int, int]
Balancer = Callable[[Path, list[int]], AbstractContextManager[str]]
"""Runs a balancer, its files in a folder, in front of replicas on these ports; gives its URL."""
REPLICAS = 3
_LEAST_TROUBLES = 3
_ERC20_TOPICS = 3
_WATCHED = """
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
_NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/nginx.log; events {{ worker_connections 1024; }}
http {{
  access_log off;
  {paths}
  {upstream}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://streamer; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host 127.0.0.1; proxy_buffering off; proxy_read_timeout 90s; {in_location}
    }}
  }}
}}
"""
_DEPLOYMENT = Path(__file__).resolve().parents[2] / "docs" / "deployment.md"


@define
class Outcome:
    """
    What was seen.

    Attributes:
        events: Events of the chain.
        missing: Subscription → events that its client never saw.
        went_back: Stored progress that became less: subscription, block before, block after.
        behind: Subscription → its stored progress and the head after the trouble, where it stays behind that.
        repeated: Events that came more than once.
        kills: Replicas that were killed.
        restarts: Restarts of the database.
        problems: What clients ended with, and what replicas said about mistakes of theirs.
    """

    events: int = 0
    missing: dict[int, list[Place]] = field(factory=dict)
    went_back: list[Any] = field(factory=list)
    behind: dict[int, Any] = field(factory=dict)
    repeated: int = 0
    kills: int = 0
    restarts: int = 0
    problems: list[str] = field(factory=list)

    def check(self) -> None:
        """Raise unless nothing was lost and nothing went back."""
        assert not self.problems, self.problems[:3]
        assert not self.missing, {key: places[:5] for key, places in self.missing.items()}
        assert not self.went_back, self.went_back[:5]
        assert not self.behind, self.behind


def trouble(
    folder: Path,
    *,
    seconds: float,
    subscriptions: int = 30,
    seed: int = 1,
    balancer: Balancer | None = None,
) -> Outcome:
    """
    Let it run for so long behind a balancer (nginx), then wait until it is quiet.

    Three things happen at least, however long a busy machine takes for them.
    """
    choose, outcome = random.Random(seed), Outcome()
    with ExitStack() as stack:
        node = stack.enter_context(node_process())
        server, restart = stack.enter_context(postgres.restartable_cluster())
        database = f"{server}/postgres"
        ports = [own_port() for _ in range(REPLICAS)]
        threads = stack.enter_context(ThreadPoolExecutor())
        replicas = list(threads.map(lambda port: _replica(database, node, port), ports))
        stack.callback(lambda: [each.end() for each in replicas if each.process.poll() is None])
        execute(database, _WATCHED)
        url = stack.enter_context((balancer or nginx)(folder, ports))
        with RawClient(url) as client:
            numbers = [client.subscribe(start_block=index % 3) for index in range(subscriptions)]
        clients = stack.enter_context(_clients(url, numbers, outcome))
        mining = stack.enter_context(_mining(node))
        starting: dict[int, Future[ServiceProcess]] = {}
        until = time.monotonic() + seconds
        while time.monotonic() < until or outcome.kills + outcome.restarts < _LEAST_TROUBLES:
            time.sleep(choose.uniform(0.3, 2.0))
            for index in [index for index, started in starting.items() if started.done()]:
                replicas[index] = starting.pop(index).result()
            there = [index for index in range(REPLICAS) if index not in starting]
            if choose.random() < 0.15:
                restart()
                outcome.restarts += 1
            elif len(there) > 1:
                index = choose.choice(there)
                replicas[index].end(signal.SIGKILL)
                outcome.problems += _mistakes(replicas[index])
                starting[index] = threads.submit(_replica, database, node, ports[index])
                outcome.kills += 1
        for index, started in starting.items():
            replicas[index] = started.result()
        # The chain goes on meanwhile, as chains do: what an acknowledgement would have told, and was lost
        # with its connection, the next block tells.
        _wait_until_quiet(node, database, clients, numbers, outcome)
        mining.set()
        for each in replicas:
            each.end(signal.SIGTERM)
            outcome.problems += _mistakes(each)
    return outcome


def _replica(database: str, node: DevNode, port: int) -> ServiceProcess:
    """Start a replica, as a supervisor would: again where the database was just away."""
    for attempt in range(5):
        try:
            return ServiceProcess(
                *("--database", database, "--replicas", "--chain", f"31337={node.url}", "--port", str(port)),
                *("--block-time", "0.5", "--heartbeat-interval", "2"),
                *("--log-level", "warning", "--log-format", "text"),
            )  # fmt: skip
        except AssertionError as problem:
            if attempt == 4 or "database" not in str(problem):
                raise
            time.sleep(0.5)
    raise AssertionError("not reached")


def _mistakes(replica: ServiceProcess) -> list[str]:
    """What a replica has logged as an error of its own."""
    log = "".join(replica.log)
    return [log[-3000:]] if "Traceback" in log else []


@contextmanager
def node_process(blocks: int = 400) -> Iterator[DevNode]:
    """A development chain as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "event_streamer_service.devchain.server", "--blocks", str(blocks)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process, DevNode(process.stdout.readline().strip()) as node:
        try:
            yield node
        finally:
            process.kill()


@contextmanager
def _mining(node: DevNode) -> Iterator[threading.Event]:
    enough = threading.Event()

    def mine() -> None:
        while not enough.wait(0.5):
            node.mine(1)

    miner = threading.Thread(target=mine)
    miner.start()
    try:
        yield enough
    finally:
        enough.set()
        miner.join()


def documented_nginx(ports: list[int]) -> tuple[str, str]:
    """Return what the documentation says to write for replicas: the upstream, and what the location gets."""
    (block,) = re.findall(r"```text\n(upstream streamer .+?)```", _DEPLOYMENT.read_text("utf-8"), re.DOTALL)
    upstream, _, in_location = block.partition("\n}\n")
    server = re.findall(r"^ *server \S+(.*;)$", upstream, re.MULTILINE)[0]
    servers = "\n".join(f"server 127.0.0.1:{port}{server}" for port in ports)
    rest = re.sub(r"^ *server .*\n", "", upstream, flags=re.MULTILINE)
    return rest.replace("{\n", "{\n" + servers + "\n", 1) + "\n}", in_location


@contextmanager
def nginx(folder: Path, ports: list[int]) -> Iterator[str]:
    """Run nginx in front of replicas; gives its URL."""
    port = own_port()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    upstream, in_location = documented_nginx(ports)
    (folder / "nginx.conf").write_text(
        _NGINX.format(folder=folder, paths=paths, upstream=upstream, in_location=in_location, port=port)
    )
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", f"{folder}/nginx.conf"], env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(lambda: _answers(f"{url}/health"), "nginx does not answer", 20)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def _clients(url: str, numbers: list[int], outcome: Outcome) -> Iterator[dict[int, set[Place]]]:
    """Follow the subscriptions with our asyncio client, in a thread; gives what each has handled."""
    handled: dict[int, set[Place]] = {number: set() for number in numbers}
    loop = asyncio.new_event_loop()

    async def follow(number: int) -> None:
        async with EventStreamer(url, "tests") as client:
            stream = client.create_streaming_client(
                number, reconnect=Reconnect(initial=0.05, maximum=1.0), batch_ack_interval=0.2
            )

            @stream.on_event("Transfer")
            async def handle(events: list[dict[str, Any]]) -> None:
                places = {(event["block_number"], event["log_index"]) for event in events}
                outcome.repeated += len(places & handled[number])
                handled[number] |= places

            ended = await stream.run()
            outcome.problems.append(f"the stream of subscription {number} ended: {ended}")

    async def follow_all() -> None:
        results = await asyncio.gather(*map(follow, numbers), return_exceptions=True)
        outcome.problems += [f"a client failed: {result!r}" for result in results if result is not None]

    task = loop.create_task(follow_all())
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    )
    thread.start()
    try:
        yield handled
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(20)
        loop.close()


def _wait_until_quiet(
    node: DevNode, database: str, handled: dict[int, set[Place]], numbers: list[int], outcome: Outcome
) -> None:
    head = node.block_number()
    question = {"fromBlock": "0x0", "toBlock": hex(head), "topics": [TRANSFER_TOPIC]}
    logs = [log for log in node.call("eth_getLogs", question) if len(log["topics"]) == _ERC20_TOPICS]
    everything = {(int(log["blockNumber"], 16), int(log["logIndex"], 16)) for log in logs}
    wanted = {
        number: {place for place in everything if place[0] >= index % 3}
        for index, number in enumerate(numbers)
    }
    outcome.events = len(everything)
    stored: dict[int, int] = {}

    def quiet() -> bool:
        stored.update(execute(database, "SELECT id, position_block FROM subscriptions"))
        return all(handled[n] >= wanted[n] and (stored[n] or 0) >= head for n in numbers) or bool(
            outcome.problems
        )

    try:
        _wait(quiet, "", 60)
    except AssertionError:
        outcome.missing = {n: sorted(wanted[n] - handled[n]) for n in numbers if wanted[n] - handled[n]}
        outcome.behind = {n: (stored[n], head) for n in numbers if (stored[n] or 0) < head}
    outcome.went_back = list(execute(database, "SELECT * FROM went_back"))


def _wait(true: Callable[[], bool], problem: str, seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        if time.monotonic() > give_up:
            raise AssertionError(problem)
        time.sleep(0.1)


def execute(database: str, statement: str) -> list[Any]:
    """Execute a statement in a transaction of its own; gives its rows."""
    engine = create_engine(database.replace("postgresql", "postgresql+psycopg", 1))
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement.replace(":", "\\:")))
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()

"""Several processes on one database: who may be there, and what each makes of the others' changes."""

import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import Connection, create_engine

from event_streamer_service import ChainConfig, LocalService
from event_streamer_service.cluster.directory import hold_openings
from event_streamer_service.cluster.handover import replica_secret
from event_streamer_service.devchain.node import DevNode
from event_streamer_service.store.database import Database
from event_streamer_service.store.token_secrets import token_secrets
from support.raw_client import RawClient, RawStream, definition
from support.replicas import trouble
from support.service_process import refused, service_process
from support.services import wait_until
from support.slow_link import link_to

from .conftest import execute

pytestmark = pytest.mark.postgres

ALICE, BOB, ADMIN = "a-key-that-is-alices", "a-key-that-belongs-to-bob", "a-key-of-the-admins"
KEYS = {"api_keys": {ALICE: "alice", BOB: "bob"}, "admin_keys": [ADMIN]}
CUT_SESSIONS = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE application_name LIKE 'event-streamer%'"
)
SOON = 2.0
"""Seconds in which all replicas know what one was told; it takes some milliseconds on a quiet machine."""


@pytest.fixture(scope="module")
def node() -> Iterator[DevNode]:
    process = subprocess.Popen(
        [sys.executable, "-m", "event_streamer_service.devchain.server", "--blocks", "200"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process, DevNode(process.stdout.readline().strip()) as node:
        yield node
        process.kill()


Make = Callable[..., LocalService]


@pytest.fixture
def replica(postgres_database: str, node: DevNode) -> Iterator[Make]:
    """Starts a replica on the test's database and the node's chain."""
    started: list[LocalService] = []

    def make(**settings: Any) -> LocalService:
        chain = ChainConfig(chain_id=31_337, name="Development", rpc_urls=[node.url], average_block_time=0.5)
        service = LocalService(
            chains=[chain], **{"database": postgres_database, "replicas": True, **settings}
        )
        started.append(service.start())
        return service

    yield make
    for service in started:
        service.stop()


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "event_streamer_sdk.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def two(replica: Make, **settings: Any) -> tuple[LocalService, LocalService]:
    return replica(**settings), replica(**settings)


def through(client: RawClient, stream: RawStream, number: int) -> RawStream:
    """The same stream, with its acknowledgements sent to another replica."""
    other = RawStream.__new__(RawStream)
    other.__dict__.update(stream.__dict__ | {"_client": client, "_number": number})
    return other


# --- who may be there --------------------------------------------------------------------------------


def test_a_second_lone_service_is_refused_in_one_line(postgres_database: str) -> None:
    with service_process("--database", postgres_database, "--port", "0") as first:
        for more in ([], ["--replicas"]):
            code, lines = refused("--database", postgres_database, "--port", "0", *more)
            assert code == 1
            assert len(lines) == 1, lines
            assert "postgresql" in lines[0]
            assert "--replicas" in lines[0]
        first.end(signal.SIGKILL)
    with service_process("--database", postgres_database, "--port", "0", "--replicas") as replica:
        code, [line] = refused("--database", postgres_database, "--port", "0")
        assert code == 1
        assert "Another service is using postgresql" in line
        assert replica.end(signal.SIGTERM) == 0


def test_replicas_need_postgresql(sqlite_database: str) -> None:
    code, [line] = refused("--database", sqlite_database, "--port", "0", "--replicas")
    assert code == 2
    assert "Replicas share a PostgreSQL" in line


def test_a_service_whose_place_was_taken_delivers_nothing_until_it_has_it_again(
    postgres_database: str, node: DevNode
) -> None:
    import psycopg

    chain = ChainConfig(chain_id=31_337, name="Development", rpc_urls=[node.url])
    with (
        LocalService(chains=[chain], database=postgres_database) as service,
        RawClient(service.url) as client,
    ):
        number = client.subscribe()
        with psycopg.connect(postgres_database, autocommit=True) as thief, client.stream(number) as stream:
            stream.next("event_batch")
            thief.execute(CUT_SESSIONS)
            thief.execute("SELECT pg_advisory_lock(7203552, hashtext(current_schema()))")
            messages = [message["type"] for message in stream.messages()]
            assert messages[-1] == "error"
            refusal = client.get(f"/subscriptions/{number}/stream", 503)
            assert "lost its place" in refusal["detail"]
            thief.execute(CUT_SESSIONS)  # so it finds the place free as soon as it has a session again
        wait_until(lambda: client.http.get(f"/subscriptions/{number}/last-processed-block").status_code)

        def delivers() -> bool:
            with client.http.stream("GET", f"/subscriptions/{number}/stream") as answer:
                return answer.status_code == 200

        wait_until(delivers)


# --- streams of others -------------------------------------------------------------------------------


def test_any_replica_takes_acknowledgements_and_heartbeats(replica: Make) -> None:
    here, there = two(replica)
    with RawClient(here.url) as client, RawClient(there.url) as other:
        number = client.subscribe(end_block=150)
        with client.stream(number) as stream:
            batches = stream.batches_to_end()
            elsewhere = through(other, stream, number)
            half = len(batches) // 2
            for batch in batches[:half]:
                answer = elsewhere.acknowledge(batch)
                assert answer["acknowledged"] is True
                assert answer["events_acknowledged"] == batch["batch_size"]
            said = stream.acknowledge(*batches[half:], *batches[half:]) if half else {}
            assert said["failed_batches"] == 0
            beat = other.post(
                f"/stream/{stream.connection_id}/heartbeat",
                {"timestamp": "2026-01-01T00:00:00Z", "sequence_number": 1},
            )
            assert beat["connection_id"] == stream.connection_id
        for each in (client, other):
            assert each.subscription(number)["last_processed_block"] == 150
            each.call("GET", f"/subscriptions/{number}/stream", 204)


def test_acknowledgements_of_one_stream_in_any_order_over_all_replicas(replica: Make) -> None:
    here, there = two(replica, max_batch_events=20)
    with RawClient(here.url) as client, RawClient(there.url) as other:
        number = client.subscribe(end_block=100)
        with client.stream(number) as stream:
            batches = stream.batches_to_end()
            assert len(batches) > 4
            elsewhere = through(other, stream, number)
            for index, batch in enumerate(reversed(batches)):
                assert (stream if index % 2 else elsewhere).acknowledge(batch)["acknowledged"]
        assert client.subscription(number)["last_processed_block"] == 100


def test_of_a_replica_that_is_gone_nothing_is_known_and_the_stream_goes_on_elsewhere(
    replica: Make, postgres_database: str, node: DevNode
) -> None:
    there = replica()
    arguments = ("--database", postgres_database, "--replicas", "--port", "0", "--chain", f"31337={node.url}")
    with service_process(*arguments) as gone, RawClient(gone.url) as client, RawClient(there.url) as other:
        number = client.subscribe()
        with client.stream(number) as stream:
            first = stream.next("event_batch")
            stream.acknowledge(first)
            wait_until(
                lambda: other.get(f"/subscriptions/{number}/processing-status")["connection_count"] == 1
            )
            gone.end(signal.SIGKILL)
            path = f"/subscriptions/{number}/stream/{stream.connection_id}/ack/batch"
            began = time.monotonic()
            refusal = other.post(path, {"batch_id": first["batch_id"]}, 404)
            assert refusal["error_code"] == "CONNECTION_NOT_FOUND"
            assert time.monotonic() - began < SOON
        with other.stream(number, first["resume_token"]) as again:
            assert again.next("event_batch")["first_block"] > first["first_block"]
        # Its lease ends, and with it what was open there.
        wait_until(
            lambda: other.get(f"/subscriptions/{number}/processing-status")["connection_count"] == 0,
            seconds=20,
        )


def test_a_key_is_looked_at_by_the_replica_that_is_called(replica: Make) -> None:
    here, there = two(replica, **KEYS)
    with RawClient(here.url, key=ALICE) as client:
        number = client.post("/subscriptions", definition(subscriber_id="alice"), 201)["id"]
        with client.stream(number) as stream:
            batch = stream.next("event_batch")
            path = f"/subscriptions/{number}/stream/{stream.connection_id}/ack/batch"
            body = {"batch_id": batch["batch_id"]}
            with (
                RawClient(there.url, key=BOB) as bob,
                RawClient(there.url) as stranger,
                RawClient(there.url, key=ALICE) as alice,
                RawClient(there.url, key=ADMIN) as admin,
            ):
                bob.post(path, body, 404)
                stranger.post(path, body, 401)
                forged = {"x-event-streamer-replica": "eyJ0byI6IHt9fQ.AAAA"}
                for service in (here, there):
                    answer = httpx.post(f"{service.url}{path}", json=body, headers=forged)
                    assert answer.status_code == 401
                assert through(alice, stream, number).acknowledge(batch)["acknowledged"]
                assert through(admin, stream, number).acknowledge(batch)["acknowledged"]


# --- changes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "body", "code"),
    [
        ("PUT", {"streaming_status": "paused"}, "PROCESSING_STOPPED"),
        ("PUT", {"start_block": 5}, "PROCESSING_STOPPED"),
        ("DELETE", None, "SUBSCRIPTION_NOT_FOUND"),
    ],
)
def test_a_change_ends_the_streams_of_all_replicas(replica: Make, method: str, body: Any, code: str) -> None:
    here, there = two(replica)
    with RawClient(here.url) as client, RawClient(there.url) as other:
        number = client.subscribe()
        with client.stream(number) as stream:
            batch = stream.next("event_batch")
            began = time.monotonic()
            other.call(method, f"/subscriptions/{number}", 204 if method == "DELETE" else 200, json=body)
            [last] = [message for message in stream.messages() if message["type"] == "error"]
            assert last["error_code"] == code
            assert time.monotonic() - began < SOON
            path = f"/subscriptions/{number}/stream/{stream.connection_id}/ack/batch"
            for each in (client, other):
                each.post(path, {"batch_id": batch["batch_id"]}, 404)
        if method == "PUT":
            assert client.subscription(number)["last_processed_block"] is None


def test_what_was_missed_while_nobody_listened_is_looked_at_again(
    replica: Make, postgres_database: str
) -> None:
    here = replica()
    with RawClient(here.url) as client:
        number = client.subscribe()
        with client.stream(number) as stream:
            stream.next("event_batch")
            execute(
                postgres_database,
                CUT_SESSIONS,
                f"DELETE FROM subscriptions WHERE id = {number}",
            )
            [last] = [message for message in stream.messages() if message["type"] == "error"]
            assert last["error_code"] == "SUBSCRIPTION_NOT_FOUND"


def test_chains_are_the_same_for_all(replica: Make, node: DevNode) -> None:
    here, there = two(replica)
    with RawClient(here.url) as client, RawClient(there.url) as other:
        number = client.subscribe()
        changed = {"chain_id": 31_337, "name": "Another name", "rpc_urls": [node.url]}
        with client.stream(number) as stream:
            stream.batches_to(node.block_number() - 1)
            other.call("PUT", "/api/chains/31337", 200, json=changed)
            wait_until(lambda: client.get("/api/chains/31337")["name"] == "Another name", seconds=SOON)
            node.mine(1)
            stream.next("event_batch")  # it goes on with the new configuration
            other.call("DELETE", "/api/chains/31337", 200)
            [last] = [message for message in stream.messages() if message["type"] == "error"]
            assert last["error_code"] == "PROCESSING_STOPPED"
        client.get(f"/subscriptions/{number}/stream", 409)
    third = replica()  # its command line names the chain, and the database says that it isn't active
    with RawClient(third.url) as client:
        assert client.get("/api/chains/31337")["status"] == "inactive"


def test_a_new_secret_of_the_tokens_reaches_all(replica: Make, postgres_database: str) -> None:
    here, there = two(replica)
    with RawClient(here.url) as client, RawClient(there.url) as other:
        number = client.subscribe()
        with client.stream(number) as stream:
            token = stream.next("event_batch")["resume_token"]
        done = cli("keys", "rotate-tokens", "--database", postgres_database, "--keep", "0")
        assert done.returncode == 0, done.stderr

        def refused_by(each: RawClient) -> bool:
            with each.http.stream(
                "GET", f"/subscriptions/{number}/stream", params={"resume_token": token}
            ) as a:
                return a.status_code == 410

        for each in (client, other):
            wait_until(lambda each=each: refused_by(each), seconds=SOON)  # type: ignore[misc]
        with client.stream(number) as stream:
            fresh = stream.next("event_batch")["resume_token"]
        with other.stream(number, fresh) as stream:
            stream.next("event_batch")


@pytest.mark.parametrize("more", [(), ("--replicas",)], ids=["alone", "replica"])
def test_a_new_secret_that_comes_while_the_database_is_away_is_taken_when_it_is_back(
    more: tuple[str, ...], postgres_database: str, node: DevNode
) -> None:
    """Nobody asks a second time: old tokens were taken for ever."""
    parts = urlsplit(postgres_database)
    with link_to(parts.port or 5432) as link:
        through_link = postgres_database.replace(f":{parts.port}", f":{link.url_port}")
        arguments = ("--database", through_link, "--chain", f"31337={node.url}", "--port", "0", *more)
        with service_process(*arguments) as service, RawClient(service.url) as client:
            number = client.subscribe()
            with client.stream(number) as stream:
                token = stream.next("event_batch")["resume_token"]

            def status() -> int:
                with client.http.stream(
                    "GET", f"/subscriptions/{number}/stream", params={"resume_token": token}
                ) as answer:
                    return int(answer.status_code)

            assert status() == 200
            link.refusing = True
            link.cut()
            done = cli("keys", "rotate-tokens", "--database", postgres_database, "--keep", "0")
            assert done.returncode == 0, done.stderr
            service.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "secrets of tokens can't be read" in "".join(service.log), seconds=20)
            link.refusing = False
            wait_until(lambda: status() == 410, seconds=20)
            assert "Traceback" not in "".join(service.log)


# --- limits and figures ------------------------------------------------------------------------------


def test_streams_are_counted_over_all_replicas(replica: Make) -> None:
    here, there = two(replica, max_streams=2)
    with RawClient(here.url) as client, RawClient(there.url) as other:
        number, more = client.subscribe(), other.subscribe()
        with client.stream(number), other.stream(more):
            for each in (client, other):
                refusal = each.get(f"/subscriptions/{number}/stream", 429)
                assert "2 streams" in refusal["detail"]
                assert each.subscription(number)["streaming_status"] == "active"
                listed = each.get("/subscriptions?subscriber_id=tests")["subscriptions"]
                assert [one["streaming_status"] for one in listed] == ["active", "active"]
            client.subscribe(subscriber_id="somebody else")
        wait_until(lambda: other.get(f"/subscriptions/{number}/processing-status")["connection_count"] == 0)
        with other.stream(number), other.stream(more):
            client.get(f"/subscriptions/{number}/stream", 429)


def test_far_from_the_limit_no_stream_waits_until_another_one_is_open(
    replica: Make, postgres_database: str
) -> None:
    """Ten thousand that come back after a restart would be let in one after the other."""
    here = replica()
    engine = create_engine(postgres_database.replace("postgresql", "postgresql+psycopg", 1))
    with RawClient(here.url, timeout=5) as client, engine.begin() as opening:
        hold_openings(opening, "tests")
        with client.stream(client.subscribe()) as stream:
            assert stream.next("event_batch")
    engine.dispose()


def test_requests_are_counted_over_all_replicas(replica: Make) -> None:
    here, there = two(replica, requests_per_second=10, replica_lease=0.6)
    wait_until(lambda: "event_streamer_replicas 2.0" in httpx.get(f"{here.url}/metrics").text)
    with RawClient(here.url) as client, RawClient(there.url) as other:
        time.sleep(2.5)  # the bucket is full, and holds twice the rate
        began = time.monotonic()
        path = "/subscriptions?subscriber_id=tests"
        statuses = [each.http.get(path).status_code for _ in range(60) for each in (client, other)]
        seconds = time.monotonic() - began
    assert statuses.count(429), "each would take 20 at once and 10 a second by itself"
    assert statuses.count(200) <= 20 + 10 * (seconds + 1)


def test_who_does_what_is_shown(replica: Make, postgres_database: str) -> None:
    here, there = two(replica)

    def show(*options: str) -> str:
        return cli("replicas", "--database", postgres_database, *options).stdout

    with RawClient(here.url) as client:
        number = client.subscribe()
        with client.stream(number) as stream:
            stream.next("event_batch")
            wait_until(lambda: " 31337 (" in show() and show().count("not read") < 2, seconds=20)
            lines = show().splitlines()
            assert len(lines) == 3, lines
            [serving] = [line for line in lines if here.url in line]
            assert re.search(r"  1 +31337 \(\d+\) +\d+ s +there$", serving), serving
            assert sum(there.url in line for line in lines) == 1
            assert '"is_there":true' in show("--json")
    metrics = httpx.get(f"{there.url}/metrics").text
    assert "event_streamer_replicas 2.0" in metrics


def test_an_overview_tells_of_all_replicas(replica: Make) -> None:
    here, there = two(replica, **KEYS)
    with RawClient(here.url, key=ALICE) as alice, RawClient(there.url, key=ADMIN) as admin:
        number = alice.subscribe(subscriber_id="alice")
        with alice.stream(number) as stream:
            stream.next("event_batch")
            mine = alice.get("/api/overview")
            [own] = mine["connections"]
            assert "replica" not in own, "it is held where the question was asked"
            assert own["events"] > 0
            seen = admin.get("/api/overview")
            [other] = seen["connections"]
            assert (other["connection_id"], other["replica"]) == (own["connection_id"], mine["replica"])
            assert (other["subscription_id"], other["subscriber_id"]) == (number, "alice")
            assert seen["replica"] != mine["replica"]
            names = {each["name"]: each for each in seen["replicas"]}
            assert names.keys() == {seen["replica"], mine["replica"]}
            assert all(each["host"] for each in names.values())
            wait_until(
                lambda: {
                    each["name"]: each["streams"] for each in admin.get("/api/overview")["replicas"]
                }[mine["replica"]] == 1,
                seconds=20,
            )  # fmt: skip
            assert {each["host"] for each in mine["replicas"]} == {None}, "hosts are for admins"
            with RawClient(there.url, key=BOB) as bob:
                assert bob.get("/api/overview")["connections"] == []
        wait_until(lambda: admin.get("/api/overview")["connections"] == [])


def test_processes_that_start_on_an_empty_database_at_once_agree_on_its_secrets(
    postgres_database: str,
) -> None:
    held = [Database(postgres_database) for _ in range(4)]
    together = threading.Barrier(len(held))

    def read(database: Database) -> tuple[list[bytes], bytes]:
        def work(connection: Connection) -> tuple[list[bytes], bytes]:
            together.wait(10)
            return token_secrets(connection), replica_secret(connection)

        return database.run_now(work)

    with ThreadPoolExecutor() as threads:
        [first, *others] = threads.map(read, held)
    assert all(other == first for other in others)
    for database in held:
        database.close()


@pytest.mark.timeout(180)
def test_replicas_are_killed_and_the_database_restarts_and_nothing_is_lost(tmp_path: Path) -> None:
    """Ten seconds of what `make soak-replicas` does for five minutes."""
    if shutil.which("nginx", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("nginx is not installed (Debian and Ubuntu: apt install nginx)")
    outcome = trouble(tmp_path, seconds=10, subscriptions=8)
    outcome.check()
    assert outcome.kills + outcome.restarts > 2

"""A database that is slow, silent or away: callers are told, nothing piles up, and a stop still stops."""

import asyncio
import logging
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from event_streamer_service import DevChain, LocalService
from event_streamer_service.errors import Unavailable
from event_streamer_service.store.database import ClientGone, Database
from support.ports import own_port
from support.raw_client import RawClient, definition
from support.replicas import execute
from support.service_process import service_process
from support.services import wait_until
from support.slow_link import Link, link_to
from support.small_disk import fill, small_disk

TRIP = 0.2
"""Seconds for a round trip to a slow database."""


@pytest.fixture
def link(postgres_database: str) -> Iterator[Link]:
    with link_to(urlsplit(postgres_database).port or 5432) as made:
        yield made


def linked(link: Link) -> str:
    return f"postgresql://tests@127.0.0.1:{link.url_port}/postgres"


@pytest.mark.postgres
def test_a_read_costs_one_round_trip(link: Link) -> None:
    """It was four: ping, BEGIN, SELECT, COMMIT."""
    with LocalService(DevChain(blocks=3), database=linked(link)) as service, RawClient(service.url) as client:
        number = client.subscribe()
        client.subscription(number)
        link.delay = TRIP
        took = []
        for _ in range(3):
            began = time.monotonic()
            client.subscription(number)
            took.append(time.monotonic() - began)
        link.delay = 0
    assert TRIP <= min(took) < 1.9 * TRIP  # the quickest: a busy machine adds to others


@pytest.mark.postgres
def test_a_slow_database_refuses_what_it_can_not_do_and_comes_back(link: Link) -> None:
    """Clients reconnect at once, and give up after a second: the queue was never done with."""
    options = {"database_queue": 40, "database_connections": 4}
    with LocalService(DevChain(blocks=3), database=linked(link), **options) as service:
        with RawClient(service.url) as client:
            numbers = [client.subscribe(start_block=n) for n in range(3)]
        link.delay = TRIP

        def connect(number: int, patience: float) -> int:
            try:
                with httpx.stream(
                    "GET", f"{service.url}/subscriptions/{number}/stream", timeout=patience
                ) as answer:
                    if answer.status_code == 503:
                        assert 1 <= int(answer.headers["retry-after"]) <= 5
                    return answer.status_code
            except httpx.TimeoutException:
                return 0

        with ThreadPoolExecutor(100) as pool:
            patient = list(pool.map(lambda number: connect(number, 20), numbers * 33))
            assert 503 in patient, "beyond the queue callers are told to come again"
            list(pool.map(lambda number: connect(number, 1), numbers * 33))
        # What is left in the queue is nobody's any more, so the next one is served at once.
        began = time.monotonic()
        with RawClient(service.url) as client:
            client.subscription(numbers[0])
        assert time.monotonic() - began < 3
        link.delay = 0


@pytest.mark.postgres
@pytest.mark.parametrize("when", ["idle", "busy"])
def test_a_silent_database_fails_in_time_and_a_stop_is_not_held_up(
    link: Link, when: str, tmp_path: Path
) -> None:
    with service_process("--database", linked(link), "--port", "0") as service:
        with RawClient(service.url) as client, client.stream(client.subscribe()) as stream:
            batch = stream.next("event_batch")
            link.silent = True
            if when == "busy":
                waiting = threading.Thread(
                    target=lambda: _swallow(lambda: stream.acknowledge(batch)), daemon=True
                )
                waiting.start()
                time.sleep(0.5)
            began = time.monotonic()
            assert service.end(signal.SIGTERM, patience=15) == 0
            assert time.monotonic() - began < 6
        link.silent = False
    assert "Traceback" not in "".join(service.log)


def _swallow(work: Callable[[], object]) -> None:
    with suppress(httpx.HTTPError, AssertionError):
        work()


@pytest.mark.postgres
def test_a_silent_database_is_told_once_and_used_again_when_it_speaks(
    link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"database_timeout": 1.0, "database_connections": 2}
    with (
        LocalService(DevChain(blocks=3), database=linked(link), **options) as service,
        RawClient(service.url) as client,
    ):
        number = client.subscribe()
        link.silent = True
        for _ in range(5):
            refused = client.http.get(f"/subscriptions/{number}")
            assert refused.status_code == 503
            assert refused.headers["retry-after"]
        assert client.get("/health", 503)["status"] == "unhealthy"
        link.silent = False
        wait_until(lambda: client.http.get(f"/subscriptions/{number}").status_code == 200)
    _told_once(caplog)


@pytest.mark.postgres
def test_connections_that_a_restart_has_closed_are_replaced_unseen(link: Link) -> None:
    with LocalService(DevChain(blocks=3), database=linked(link)) as service, RawClient(service.url) as client:
        number = client.subscribe()
        for _ in range(3):
            link.cut()
            time.sleep(0.05)
            client.subscription(number)
            client.post("/subscriptions", definition(), 201)


@pytest.mark.postgres
def test_an_outage_is_two_lines_however_many_calls_it_strikes(
    link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    with LocalService(DevChain(blocks=3), database=linked(link)) as service, RawClient(service.url) as client:
        number = client.subscribe()
        port, link._port = link._port, 1  # nobody is there
        link.cut()
        for _ in range(20):
            client.get(f"/subscriptions/{number}", 503)
        link._port = port
        wait_until(lambda: client.http.get(f"/subscriptions/{number}").status_code == 200)
    _told_once(caplog)


def _told_once(caplog: pytest.LogCaptureFixture) -> None:
    ours = [record for record in caplog.records if record.name.startswith("event_streamer_service")]
    told = [record.getMessage() for record in ours if record.levelno >= logging.WARNING]
    assert told == ["The database can't be used", "The database works again"]
    assert not [record for record in ours if record.exc_info]


# --- the queue ------------------------------------------------------------------------------------


def _execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def test_a_disk_that_is_full_is_told_once_until_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Reads work meanwhile: each one ended the outage in the log, and `/ready` said that all was well."""
    with (
        small_disk(tmp_path / "disk") as disk,
        LocalService(DevChain(blocks=3), database=f"sqlite:///{disk}/service.db") as service,
        RawClient(service.url) as client,
    ):
        client.subscribe()
        filler = fill(disk)
        wait_until(lambda: client.http.post("/subscriptions", json=definition()).status_code == 503)
        for _ in range(3):
            client.get("/subscriptions")
        for path in ("/health", "/ready"):
            wait_until(lambda path=path: client.http.get(path).status_code == 503)
        filler.unlink()
        wait_until(lambda: client.http.get("/ready").status_code == 200, seconds=30)
        wait_until(lambda: client.http.post("/subscriptions", json=definition()).status_code == 201)
    told = [record.getMessage() for record in caplog.records if "atabase" in record.name]
    assert told == ["The database can't be used", "The database works again"]
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.postgres
def test_a_server_that_became_read_only_is_left_for_one_that_is_not(
    postgres_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A fail-over: the old primary answers on, as a standby. Its connections were kept for ever."""
    end_others = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with (
        LocalService(DevChain(blocks=3), database=postgres_database) as service,
        RawClient(service.url) as client,
    ):
        client.subscribe()
        try:
            read_only = "ALTER DATABASE postgres SET default_transaction_read_only = on"
            _execute(postgres_database, read_only, end_others)
            for _ in range(3):
                refused = client.post("/subscriptions", definition(), 503)
                assert refused["error_code"] == "UNAVAILABLE"
            assert client.get("/subscriptions")["total"] == 1
            client.get("/health", 503)
        finally:
            _execute(
                postgres_database,
                "SET default_transaction_read_only = off",
                "ALTER DATABASE postgres RESET default_transaction_read_only",
            )
        wait_until(lambda: client.http.post("/subscriptions", json=definition()).status_code == 201)
        wait_until(lambda: client.http.get("/health").status_code == 200)
    told = [record.getMessage() for record in caplog.records if "atabase" in record.name]
    assert told == ["The database can't be used", "The database works again"]
    assert not [record for record in caplog.records if record.exc_info]


def test_work_whose_client_has_gone_is_not_begun(database: str) -> None:
    held = Database(database, connections=1)
    done: list[int] = []
    gone = {2}

    def work(number: int) -> object:
        def add(_: Connection) -> None:
            time.sleep(0.1)
            done.append(number)

        return add

    async def run() -> list[object]:
        calls = [held.run(work(n), is_wanted=lambda n=n: n not in gone) for n in range(4)]  # type: ignore[arg-type, misc]
        return await asyncio.gather(*calls, return_exceptions=True)

    outcomes = asyncio.run(run())
    held.close()
    assert done == [0, 1, 3]
    assert isinstance(outcomes[2], ClientGone)


def test_a_full_queue_refuses_callers_and_takes_the_services_own_work(database: str) -> None:
    held = Database(database, connections=1, queue=2)
    gate = threading.Event()

    async def run() -> None:
        slow = [
            asyncio.create_task(held.run(lambda _: gate.wait(10), is_wanted=lambda: True)) for _ in range(2)
        ]
        await asyncio.sleep(0)  # both have begun
        with pytest.raises(Unavailable) as refused:
            await held.read(lambda _: None, is_wanted=lambda: True)
        assert 1 <= (refused.value.retry_after or 0) <= 5
        own = asyncio.create_task(held.run(lambda _: "own"))
        await asyncio.sleep(0)
        gate.set()
        assert await own == "own"
        assert await asyncio.gather(*slow) == [True, True]
        assert await held.read(lambda _: "room again", is_wanted=lambda: True) == "room again"

    asyncio.run(run())
    held.close()


def test_a_full_queue_makes_room_where_those_who_filled_it_have_gone(database: str) -> None:
    held = Database(database, connections=1, queue=3)
    here = True
    begun, gate = threading.Event(), threading.Event()

    def run_until_told(_: object) -> None:
        begun.set()
        gate.wait(10)

    async def run() -> None:
        nonlocal here
        running = asyncio.create_task(held.run(run_until_told, is_wanted=lambda: True))
        await asyncio.to_thread(begun.wait, 10)
        waiting = [asyncio.create_task(held.read(lambda _: None, is_wanted=lambda: here)) for _ in range(2)]
        await asyncio.sleep(0)  # both are in the queue
        with pytest.raises(Unavailable):
            await held.read(lambda _: None, is_wanted=lambda: True)
        here = False
        following = asyncio.create_task(held.read(lambda _: "next", is_wanted=lambda: True))
        await asyncio.sleep(0)
        gate.set()
        assert await following == "next"
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [ClientGone, ClientGone]
        await running

    asyncio.run(run())
    held.close()


@pytest.mark.postgres
def test_a_statement_that_takes_too_long_is_ended_by_the_server_too(postgres_database: str) -> None:
    held = Database(postgres_database, timeout=0.5)

    async def run() -> None:
        with pytest.raises(OperationalError):
            await held.run(lambda connection: connection.execute(text("SELECT pg_sleep(30)")))

    asyncio.run(run())
    held.close()
    running = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)' AND state = 'active'"
    wait_until(lambda: not execute(postgres_database, running))


# --- files ----------------------------------------------------------------------------------------


def test_the_databases_files_are_their_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "service.db"
    before = os.umask(0)
    try:
        with (
            LocalService(DevChain(blocks=3), database=f"sqlite:///{file}") as service,
            RawClient(service.url) as client,
        ):
            client.subscribe()
            made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert made.keys() >= {"service.db", "service.db-wal", "service.db-shm"}
    assert set(made.values()) == {0o600}, made


def test_files_of_an_earlier_release_are_closed_to_others(tmp_path: Path) -> None:
    file = tmp_path / "service.db"
    Database(f"sqlite:///{file}").close()
    file.chmod(0o644)
    Database(f"sqlite:///{file}").close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.postgres
def test_limits_that_an_administrator_sets_for_idle_sessions_leave_the_services_own_in_peace(
    postgres_database: str,
) -> None:
    """It would lose its place on the database again and again, and what is told meanwhile."""
    limits = "-c%20idle_session_timeout%3D200%20-c%20statement_timeout%3D200"
    sessions = "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"
    with LocalService(database=f"{postgres_database}?options={limits}"):
        before = execute(postgres_database, sessions)
        time.sleep(0.8)
        assert len(before) == 1
        assert execute(postgres_database, sessions) == before


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["/postgres?target_session_attrs=read-write", "/postgres", ""])
def test_of_several_servers_one_that_answers_is_taken(postgres_database: str, name: str) -> None:
    """A server and its standby, written as libpq and psql take them."""
    own = urlsplit(postgres_database)
    url = f"postgresql://tests:a,b@127.0.0.1:{own_port()},127.0.0.1:{own.port}{name}"
    if not name:  # libpq takes the user's name then
        url += "?dbname=postgres"
    with LocalService(database=url) as service, RawClient(service.url) as client:
        assert client.subscription(client.subscribe())["id"] == 1

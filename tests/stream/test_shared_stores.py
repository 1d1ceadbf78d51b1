"""The stores for several workers, each database held to the same contract, with and without asyncio."""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_sdk.checkpoints import (
    AsyncRedisCheckpoint,
    AsyncSQLCheckpoint,
    AsyncSQLDeadLetters,
    Checkpoint,
    CheckpointError,
    LeaseLostError,
    LeasingStore,
    RedisCheckpoint,
    SharedStore,
    SQLCheckpoint,
    SQLDeadLetters,
    SQLiteCheckpoint,
)
from support.brokers import Server, redis_server
from support.listener import KINDS, Listener
from support.postgres import Missing, cluster
from support.stream_server import stream_server

POSITION = Checkpoint(resume_token="rt_1", batch_id="b1", block=101, chain_id=1)
DATABASES = ["sqlite", "postgres", "redis"]
STORES = [f"{kind} {database}" for database in DATABASES for kind in KINDS]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    pytest.importorskip("psycopg")
    try:
        running = cluster()
        with running as url:
            yield f"{url}/postgres"
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    with redis_server() as running:
        yield running


class Plain:
    """A store whose answers are awaited where they have to be, so that one test holds for both kinds."""

    def __init__(self, runner: asyncio.Runner, store: SharedStore) -> None:
        self._runner = runner
        self.store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            async def asked() -> Any:
                answer = getattr(self.store, name)(*arguments)
                return await answer if isawaitable(answer) else answer

            return self._runner.run(asked())

        return call


Make = Callable[..., Plain]


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes stores that share one database, as `request.param` says."""
    kind, database = request.param.split()
    made: list[Plain] = []
    with asyncio.Runner() as runner:

        def store(**options: Any) -> Plain:
            options = {"lease_seconds": 30} | options
            built: SharedStore
            if database == "redis":
                url = request.getfixturevalue("redis").url
                factory = RedisCheckpoint if kind == "sync" else AsyncRedisCheckpoint
                built = factory(url, prefix=str(tmp_path), **options)
            else:
                where = f"sqlite:///{tmp_path}/positions.db"
                if database == "postgres":
                    where = request.getfixturevalue("postgres")
                    options["table"] = f"t{abs(hash(str(tmp_path)))}"
                built = (SQLCheckpoint if kind == "sync" else AsyncSQLCheckpoint)(where, **options)
            made.append(Plain(runner, built))
            return made[-1]

        yield store
        for each in made:
            each.close()


every_store = pytest.mark.parametrize("make", STORES, indirect=True)


@every_store
@pytest.mark.postgres
def test_a_position_comes_back_as_it_was_stored(make: Make) -> None:
    store = make(lease_seconds=None)
    assert isinstance(store.store, LeasingStore)
    assert store.load("me:1") is None
    store.save("me:1", POSITION)
    store.save("me:1", Checkpoint(resume_token="rt_ü%s?:1"))
    other = make(lease_seconds=None)
    found = other.load("me:1")
    assert (found.resume_token, found.batch_id) == ("rt_ü%s?:1", None)
    assert (found.block, found.chain_id) == (None, None)
    assert found.saved_at is not None
    other.save("me:1", POSITION)
    found = store.load("me:1")
    assert (found.resume_token, found.batch_id, found.block, found.chain_id) == ("rt_1", "b1", 101, 1)
    assert other.load("me:2") is None


@every_store
@pytest.mark.postgres
def test_one_at_a_time_has_the_lease(make: Make) -> None:
    first, second = make(), make()
    assert first.acquire("me:1")
    assert not second.acquire("me:1")
    assert second.acquire("me:2")  # others are not touched
    assert first.acquire("me:1")  # again, by the same worker
    first.save("me:1", POSITION)
    first.renew("me:1")
    first.release("me:1")
    with pytest.raises(LeaseLostError):
        first.save("me:1", POSITION)  # given back is given back
    assert second.acquire("me:1")
    assert second.load("me:1").resume_token == "rt_1"
    assert first.acquire_all(["me:3", "me:2", "me:1"]) == {"me:3"}  # of several those that are free
    assert first.store.fencing("me:2") is None


@every_store
@pytest.mark.postgres
def test_a_lease_that_has_run_out_may_be_taken_and_its_last_owner_is_fenced_off(make: Make) -> None:
    first, second = make(lease_seconds=0.5), make(lease_seconds=30)
    assert first.acquire("me:1")
    before = first.store.fencing("me:1")
    time.sleep(0.6)
    first.save("me:1", POSITION)  # nobody has taken it yet: it is still ours, and prolonged
    assert not second.acquire("me:1")
    time.sleep(0.6)
    assert second.acquire("me:1")
    assert second.store.fencing("me:1") > before
    with pytest.raises(LeaseLostError, match="taken over"):
        first.save("me:1", Checkpoint(resume_token="rt_late"))
    with pytest.raises(LeaseLostError):
        first.renew("me:1")
    assert first.renew_all(["me:1"]) == set()
    first.release("me:1")  # not ours to give back
    assert not first.acquire("me:1")
    assert second.load("me:1").resume_token == "rt_1"


@every_store
@pytest.mark.postgres
def test_who_has_no_lease_stores_nothing(make: Make) -> None:
    store = make()
    with pytest.raises(LeaseLostError):
        store.save("me:1", POSITION)
    with pytest.raises(LeaseLostError):
        store.renew("me:1")
    assert store.load("me:1") is None


@every_store
@pytest.mark.postgres
def test_clocks_that_differ_change_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's clock alone decides: a worker a minute ahead takes no lease, one behind loses none."""
    first, second = make(lease_seconds=5), make(lease_seconds=5)
    assert first.acquire("me:1")
    right = time.time
    for seconds in (60, -60):
        monkeypatch.setattr(time, "time", lambda seconds=seconds: right() + seconds)
        assert not second.acquire("me:1")
        first.renew("me:1")
        first.save("me:1", POSITION)
        assert 4 < second.overview("g", ["me:1"]).leases["me:1"].seconds_left <= 5


@every_store
@pytest.mark.postgres
def test_several_leases_are_prolonged_at_once(make: Make) -> None:
    first, second = make(lease_seconds=1), make(lease_seconds=30)
    keys = [f"me:{number}" for number in range(1200)]
    for key in (*keys[:3], "me:lost"):
        assert first.acquire(key)
    first.release("me:lost")
    assert second.acquire("me:lost")
    assert first.renew_all([*keys, "me:lost"]) == set(keys[:3])
    assert first.renew_all([]) == set()


@every_store
@pytest.mark.postgres
def test_who_is_there_and_who_has_what(make: Make) -> None:
    first, second, third = make(owner="one"), make(owner="two"), make(owner="three", lease_seconds=0.1)
    first.announce("g", '{"rate": 1}')
    first.announce("g", '{"rate": 2}')
    second.announce("g", "{}")
    second.announce("other", "{}")
    third.announce("g", "{}")
    assert first.acquire("me:1")
    first.save("me:1", POSITION)
    assert second.acquire("me:2")
    second.release("me:2")
    time.sleep(0.2)
    seen = second.overview("g", ["me:1", "me:2", "me:3"])
    assert [worker.name for worker in seen.workers] == ["one", "two"]
    assert seen.workers[0].report == {"rate": 2}
    assert seen.workers[0].age > 0.1
    assert set(seen.leases) == {"me:1", "me:2"}
    one, two = seen.leases["me:1"], seen.leases["me:2"]
    assert (one.owner, one.block, one.is_held) == ("one", 101, True)
    assert 25 < one.seconds_left <= 30
    assert not two.is_held
    assert -5 < two.seconds_left < 0  # since when nobody has it
    second.leave("g")
    assert [worker.name for worker in first.overview("g", []).workers] == ["one"]


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.postgres
def test_many_at_once_one_wins(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    stores: list[SharedStore]
    if database == "redis":
        url = request.getfixturevalue("redis").url
        stores = [RedisCheckpoint(url, lease_seconds=30, prefix=str(tmp_path)) for _ in range(6)]
    else:
        where = (
            request.getfixturevalue("postgres") if database == "postgres" else f"sqlite:///{tmp_path}/p.db"
        )
        stores = [SQLCheckpoint(where, lease_seconds=30, table="race") for _ in range(6)]
    gate = threading.Barrier(len(stores))

    def race(store: SharedStore) -> bool:
        gate.wait()
        return bool(store.acquire("me:1"))

    with ThreadPoolExecutor(len(stores)) as threads:
        assert sum(threads.map(race, stores)) == 1
    for store in stores:
        store.close()


def run(listener: Listener, store: SharedStore) -> None:
    """Stream to the end, and close the store where it was used."""

    async def run_async() -> None:
        async with listener.async_client() as client:
            listener.listen(client)
            assert (await listener.stream.run()).reason == "finished"
        await store.close()

    if store.asynchronous:
        asyncio.run(run_async())
    else:
        assert listener.run().reason == "finished"
        store.close()


@every_store
@pytest.mark.postgres
def test_in_a_stream(make: Make, request: pytest.FixtureRequest) -> None:
    """A client takes the lease, stores its position, and gives the lease back."""
    store = make()
    kind = "async" if store.store.asynchronous else "sync"
    with stream_server() as server:
        listener = Listener(kind, server.url, checkpoint=store.store)
        run(listener, store.store)
        assert listener.handled == [0, 1, 2, 3, 4]
    assert store.load("tester:1").resume_token == "t4"
    assert make().acquire("tester:1")


def test_the_blocking_client_refuses_a_store_for_asyncio(tmp_path: Path) -> None:
    with stream_server() as server:
        listener = Listener("sync", server.url)
        with listener.sync_client() as client:
            store = AsyncSQLCheckpoint(f"sqlite:///{tmp_path}/p.db")
            with pytest.raises(EventStreamerValidationError, match="coroutine function: use EventStreamer"):
                client.create_streaming_client(1, checkpoint=store)


# --- one pool -----------------------------------------------------------------------------------


def connections(url: str) -> int:
    import psycopg

    with psycopg.connect(url) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0]) - 1


@pytest.mark.postgres
@pytest.mark.parametrize("way", ["url", "function", "async"])
def test_a_hundred_and_fifty_stores_share_five_connections(way: str, postgres: str) -> None:
    """PostgreSQL allows a hundred: a store with a connection of its own each exhausted them."""
    import psycopg

    before = connections(postgres)
    stores: list[Any]
    if way == "async":
        stores = [AsyncSQLCheckpoint(postgres) for _ in range(150)]

        async def all_of_them() -> int:
            await asyncio.gather(*(store.save(f"a{n}", POSITION) for n, store in enumerate(stores)))
            open_now = await asyncio.to_thread(connections, postgres)
            for store in stores:
                await store.close()
            return open_now

        most = asyncio.run(all_of_them())
    else:
        stores = [
            SQLCheckpoint(postgres if way == "url" else lambda: psycopg.connect(postgres)) for _ in range(150)
        ]
        with ThreadPoolExecutor(50) as threads:
            list(threads.map(lambda pair: pair[1].save(f"{way}{pair[0]}", POSITION), enumerate(stores)))
        most = connections(postgres)
        for store in stores:
            store.close()
    assert most - before <= 5
    give_up = time.monotonic() + 5
    while connections(postgres) > before:
        assert time.monotonic() < give_up, "closing the last store closes the connections"
        time.sleep(0.02)


@pytest.mark.postgres
def test_a_forked_child_opens_connections_of_its_own(postgres: str) -> None:
    store = SQLCheckpoint(postgres, table="forked")
    store.save("k", POSITION)
    ours = store._database._shared
    child = os.fork()
    if child == 0:  # pragma: no cover - measured in the parent
        try:
            store.save("k", Checkpoint(resume_token="rt_child"))
            os._exit(0 if store._database._shared is not ours else 3)
        except BaseException:  # noqa: BLE001 - told by the exit code
            os._exit(4)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert store.load("k").resume_token == "rt_child"  # the parent's connection still works
    store.save("k", POSITION)
    store.close()


@pytest.mark.postgres
@pytest.mark.parametrize(
    "form", ["postgresql", "postgres", "postgresql+psycopg", "libpq", "engine", "autocommit"]
)
def test_ways_to_name_a_database(form: str, postgres: str) -> None:
    import psycopg
    import sqlalchemy
    from psycopg.rows import dict_row

    rest = postgres.partition("://")[2]
    where: Any = f"{form}://{rest}"
    if form == "libpq":
        address, _, database = rest.rpartition("/")
        user, _, place = address.partition("@")
        host, _, port = place.partition(":")
        where = f"host={host} port={port} user={user} dbname={database} connect_timeout=3"
    elif form == "engine":
        where = sqlalchemy.create_engine(f"postgresql+psycopg://{rest}")
    elif form == "autocommit":
        where = lambda: psycopg.connect(postgres, autocommit=True, row_factory=dict_row)  # noqa: E731
    store = SQLCheckpoint(where, lease_seconds=30, table="ways")
    assert store.acquire("k")
    store.save("k", POSITION)
    assert store.load("k").block == 101
    store.release("k")
    letters = SQLDeadLetters(where)
    letters.close()
    store.close()
    if form == "engine":
        assert store.load("k").block == 101  # the engine is the user's: it stays open
        store.close()
        where.dispose()


@pytest.mark.parametrize(
    "where", ["nonsense", "no+such://x", "mysql+nodriver://h/d", "host=a port=b dbname=c", 7]
)
def test_what_is_not_a_database_is_told_at_once_and_without_secrets(where: Any) -> None:
    with pytest.raises(EventStreamerValidationError, match="not a database") as told:
        SQLCheckpoint(where)
    assert (repr(where) in str(told.value)) == (where == "nonsense")
    with pytest.raises(EventStreamerValidationError):
        AsyncSQLDeadLetters(where)


def test_errors_show_neither_tokens_nor_passwords(tmp_path: Path) -> None:
    path = tmp_path / "p.db"
    store = SQLiteCheckpoint(path)
    store.save("k", POSITION)
    blocked = sqlite3.connect(path, isolation_level=None)
    blocked.execute(
        "CREATE TRIGGER no BEFORE UPDATE ON event_streamer_checkpoints BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with pytest.raises(CheckpointError) as told:
        store.save("k", Checkpoint(resume_token="rt_secret"))
    assert "rt_secret" not in f"{told.value!r} {told.value} {told.value.__cause__}"
    blocked.close()
    store.close()
    away = SQLCheckpoint("postgresql://me:pass-word@127.0.0.1:1/x", lease_seconds=3)
    with pytest.raises(CheckpointError) as refused:
        away.load("k")
    assert "pass-word" not in f"{refused.value} {refused.value.__cause__}"
    assert not refused.value.permanent


# --- outages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_redis_that_is_killed_and_comes_back_is_waited_for(kind: str) -> None:
    with redis_server() as server, stream_server() as service:
        store = (RedisCheckpoint if kind == "sync" else AsyncRedisCheckpoint)(server.url, lease_seconds=30)

        def handle(number: int) -> None:
            if number == 2 and not restarted:
                server.stop()
                restarted.append(threading.Timer(1.0, server.start))
                restarted[0].start()

        restarted: list[threading.Timer] = []
        listener = Listener(kind, service.url, handler=handle, checkpoint=store)
        run(listener, store)
        restarted[0].join()
        assert listener.handled == [0, 1, 2, 3, 4]
        assert {error.error_code for error in listener.errors} == {"CHECKPOINT_UNAVAILABLE"}
        plain = RedisCheckpoint(server.url)
        assert plain.load("tester:1").resume_token == "t4"
        plain.close()


def test_a_redis_that_refuses(redis: Server) -> None:
    import redis as driver

    raw = driver.Redis.from_url(redis.url)
    raw.set("wrong:position:k", "not a hash")
    raw.close()
    store = RedisCheckpoint(redis.url, prefix="wrong", lease_seconds=3)
    for action in (lambda: store.save("k", POSITION), lambda: store.load("k"), lambda: store.acquire("k")):
        with pytest.raises(CheckpointError, match="WRONGTYPE") as told:
            action()
        assert told.value.permanent
        assert "rt_1" not in str(told.value)
    store.close()
    with pytest.raises(EventStreamerValidationError, match="URL of Redis"):
        RedisCheckpoint("http://localhost")


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.postgres
def test_a_worker_that_announces_itself_twice_at_once(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A slow start lets two announcements of one worker meet; a second insert ended the worker."""
    stores: list[SharedStore]
    if database == "redis":
        url = request.getfixturevalue("redis").url
        stores = [RedisCheckpoint(url, lease_seconds=30, prefix=str(tmp_path), owner="w") for _ in range(8)]
    else:
        where = (
            request.getfixturevalue("postgres") if database == "postgres" else f"sqlite:///{tmp_path}/p.db"
        )
        stores = [SQLCheckpoint(where, lease_seconds=30, owner="w") for _ in range(8)]
    gate = threading.Barrier(len(stores))

    def announce(store: SharedStore) -> None:
        gate.wait()
        store.announce("twice", "{}")

    with ThreadPoolExecutor(len(stores)) as threads:
        list(threads.map(announce, stores))
    assert [worker.name for worker in stores[0].overview("twice", []).workers] == ["w"]
    for store in stores:
        store.close()

"""Positions of many streams, stored together: each as durable, as fenced and as told as if it were alone."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk.checkpoints import (
    AsyncSQLCheckpoint,
    Checkpoint,
    CheckpointError,
    LeaseLostError,
    SQLCheckpoint,
)
from support.listener import KINDS
from support.postgres import Missing, cluster

STREAMS = 60
kinds = pytest.mark.parametrize("kind", KINDS)
databases = pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    pytest.importorskip("psycopg")
    try:
        with cluster() as url:
            yield f"{url}/postgres"
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def where(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> str:
    if database == "postgres":
        return str(request.getfixturevalue("postgres"))
    return f"sqlite:///{tmp_path}/positions.db"


def at(block: int) -> Checkpoint:
    return Checkpoint(resume_token=f"rt_{block}", batch_id="b", block=block, chain_id=1)


Save = tuple[Any, str, Checkpoint]
"""What is to be stored: the store, the position's name, the position."""


def all_at_once(kind: str, saves: list[Save]) -> list[BaseException | None]:
    """Store all of it at the same time, as so many streams would; gives what each was told."""

    async def later() -> list[BaseException | None]:
        told = await asyncio.gather(
            *(store.save(key, position) for store, key, position in saves), return_exceptions=True
        )
        for store in {id(store): store for store, _, _ in saves}.values():
            await store.close()
        return told  # type: ignore[return-value]

    def one(save: Save) -> BaseException | None:
        store, key, position = save
        together.wait(20)
        try:
            store.save(key, position)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            return error
        return None

    if kind == "async":
        return asyncio.run(later())
    together = threading.Barrier(len(saves))
    with ThreadPoolExecutor(len(saves)) as threads:
        told = list(threads.map(one, saves))
    for store in {id(store): store for store, _, _ in saves}.values():
        store.close()
    return told


def store_of(kind: str, where: str, table: str, **options: Any) -> Any:
    return (SQLCheckpoint if kind == "sync" else AsyncSQLCheckpoint)(where, table=table, **options)


@contextmanager
def transactions(where: str, table: str) -> Iterator[Callable[[], int]]:
    """Count the transactions in which rows of a table were changed: of PostgreSQL, by who changed them."""
    import psycopg

    with psycopg.connect(where, autocommit=True) as connection:
        yield lambda: connection.execute(f"SELECT count(DISTINCT xmin::text) FROM {table}").fetchone()[0]  # type: ignore[index]


@kinds
@databases
@pytest.mark.parametrize("leases", [30, None], ids=["leases", "no leases"])
def test_all_are_stored_each_with_what_is_its_own(
    kind: str, database: str, where: str, leases: int | None
) -> None:
    """Of stores of their own, too: what counts is the database."""
    table = f"each_{kind}_{leases}"
    plain = SQLCheckpoint(where, table=table, lease_seconds=leases)
    stores = [store_of(kind, where, table, lease_seconds=leases) for _ in range(3)]
    keys = [f"me:{number}" for number in range(STREAMS)]
    if leases is not None:
        plain.acquire_all(keys)
        for store in stores:
            store._fencing.update(plain._fencing)
    saves = [(stores[number % 3], key, at(number)) for number, key in enumerate(keys)]
    assert all_at_once(kind, saves) == [None] * STREAMS
    assert [plain.load(key).resume_token for key in keys] == [f"rt_{number}" for number in range(STREAMS)]
    assert plain.load("me:7").block == 7
    plain.close()


@kinds
@pytest.mark.postgres
def test_many_streams_take_few_transactions(kind: str, postgres: str) -> None:
    table = f"few_{kind}"
    store = store_of(kind, postgres, table)
    plain = SQLCheckpoint(postgres, table=table)
    plain.load("makes the table")
    saves = [(store, f"me:{number}", at(number)) for number in range(STREAMS)]
    assert all_at_once(kind, saves) == [None] * STREAMS
    with transactions(postgres, table) as count:
        assert count() < STREAMS / 2
    plain.close()


@kinds
@databases
def test_who_has_lost_the_lease_is_told_so_and_no_other_fails(kind: str, database: str, where: str) -> None:
    table = f"fenced_{kind}"
    store = store_of(kind, where, table, lease_seconds=30)
    other = SQLCheckpoint(where, table=table, lease_seconds=30)
    keys = [f"me:{number}" for number in range(STREAMS)]
    plain = SQLCheckpoint(where, table=table, lease_seconds=30, owner=store.owner)
    plain.acquire_all(keys)
    store._fencing.update(plain._fencing)
    for key in keys[::10]:
        plain.release(key)
        assert other.acquire(key)
    told = all_at_once(kind, [(store, key, at(5)) for key in keys])
    lost = [key for key, error in zip(keys, told, strict=True) if isinstance(error, LeaseLostError)]
    assert lost == keys[::10]
    assert [error for error in told if error is not None and not isinstance(error, LeaseLostError)] == []
    assert [other.load(key) for key in lost] == [None] * len(lost)
    for each in (plain, other):
        each.close()


@kinds
@pytest.mark.postgres
def test_a_position_that_the_database_does_not_take_is_the_only_one_that_fails(
    kind: str, postgres: str
) -> None:
    """PostgreSQL has no text with a NUL."""
    table = f"refused_{kind}"
    store = store_of(kind, postgres, table)
    saves = [(store, f"me:{number}", at(number)) for number in range(10)]
    saves[4] = (store, "me:4", Checkpoint(resume_token="rt_\0"))
    told = all_at_once(kind, saves)
    again = store_of(kind, postgres, table)
    # A connection that was made before may be at fault itself: then all are told to try again.
    told = [
        error and all_at_once(kind, [(again, key, position)])[0]
        for error, (_, key, position) in zip(told, saves, strict=True)
    ]
    assert [number for number, error in enumerate(told) if error is not None] == [4]
    assert isinstance(told[4], CheckpointError)
    assert "rt_" not in str(told[4])


@kinds
def test_two_positions_of_one_name_are_stored_one_after_the_other(kind: str, tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path}/positions.db"
    store = store_of(kind, where, "twice")
    assert all_at_once(kind, [(store, "me:1", at(number)) for number in range(8)]) == [None] * 8
    plain = SQLCheckpoint(where, table="twice")
    assert plain.load("me:1").block in range(8)
    plain.close()


def test_what_a_cancelled_stream_had_waiting_is_not_stored_behind_its_back(tmp_path: Path) -> None:
    """Its next run may have stored a later position by then; and what others had waiting is stored."""
    path = tmp_path / "positions.db"

    async def scenario() -> None:
        store = AsyncSQLCheckpoint(f"sqlite:///{path}")
        await store.save("me:0", at(0))
        blocking = sqlite3.connect(path, check_same_thread=False)
        blocking.execute("BEGIN IMMEDIATE")
        first = asyncio.create_task(store.save("me:1", at(1)))
        await asyncio.sleep(0.1)
        waiting = asyncio.create_task(store.save("me:2", at(2)))
        other = asyncio.create_task(store.save("me:3", at(3)))
        await asyncio.sleep(0.1)
        waiting.cancel()
        await asyncio.sleep(0)
        blocking.rollback()
        blocking.close()
        assert await asyncio.gather(first, other) == [None, None]
        assert waiting.cancelled()
        assert [await store.load(f"me:{number}") is not None for number in range(4)] == [
            True,
            True,
            False,
            True,
        ]
        await store.close()

    asyncio.run(scenario())


def test_a_stream_that_is_cancelled_while_it_stores_for_others_leaves_them_to_the_next(
    tmp_path: Path,
) -> None:
    path = tmp_path / "positions.db"

    async def scenario() -> None:
        store = AsyncSQLCheckpoint(f"sqlite:///{path}")
        await store.save("me:0", at(0))
        blocking = sqlite3.connect(path, check_same_thread=False)
        blocking.execute("BEGIN IMMEDIATE")
        first = asyncio.create_task(store.save("me:1", at(1)))
        await asyncio.sleep(0.05)
        tasks = [asyncio.create_task(store.save(f"me:{number}", at(number))) for number in (2, 3, 4)]
        await asyncio.sleep(0.05)
        first.cancel()
        await asyncio.sleep(0.05)
        tasks[0].cancel()  # its turn has come: it stores for all three
        await asyncio.sleep(0.05)
        blocking.rollback()
        blocking.close()
        began = time.monotonic()
        assert await asyncio.gather(*tasks[1:]) == [None, None]
        assert time.monotonic() - began < 9
        assert [(await store.load(f"me:{number}")).block for number in (3, 4)] == [3, 4]
        await store.close()

    asyncio.run(scenario())


@pytest.mark.postgres
@kinds
def test_closing_the_last_store_leaves_a_users_engine_as_it_is(kind: str, postgres: str) -> None:
    import sqlalchemy
    from sqlalchemy.ext.asyncio import create_async_engine

    position = Checkpoint(resume_token="rt_1")
    url = f"postgresql+psycopg://{postgres.partition('://')[2]}"

    async def scenario() -> None:
        engine = create_async_engine(url)
        pool = engine.pool
        store = AsyncSQLCheckpoint(engine, table="engines")
        await store.save("k", position)
        await store.close()
        assert engine.pool is pool  # to dispose of an engine gives it another one
        await engine.dispose()

    if kind == "async":
        asyncio.run(scenario())
        return
    engine = sqlalchemy.create_engine(url)
    pool = engine.pool
    store = SQLCheckpoint(engine, table="engines")
    store.save("k", position)
    store.close()
    assert engine.pool is pool
    engine.dispose()

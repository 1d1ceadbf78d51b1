"""Tables that another worker makes in the very moment between the look for them and the making."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk.checkpoints import AsyncSQLCheckpoint, SQLCheckpoint, SQLiteCheckpoint
from support.postgres import Missing, cluster

sqlalchemy = pytest.importorskip("sqlalchemy")

# All stores of a database have the first one; the others are made by a test that runs again.
FORGET = "DROP TABLE IF EXISTS event_streamer_workers, blocking, asyncio"


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    pytest.importorskip("psycopg")
    try:
        running = cluster()
        with running as url:
            yield f"{url}/postgres"
    except Missing as missing:
        pytest.skip(str(missing))


def always_first(engine: Any, carry_out: Callable[[str], None]) -> list[str]:
    """Let another process make each table just before the engine does; gives the statements."""
    made: list[str] = []

    def make(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith("CREATE TABLE") and statement not in made:
            made.append(statement)
            carry_out(statement)

    sqlalchemy.event.listen(engine, "before_cursor_execute", make)
    return made


def in_file(path: Path) -> Callable[[str], None]:
    def carry_out(statement: str) -> None:
        other = sqlite3.connect(path)
        with other:
            other.execute(statement)
        other.close()

    return carry_out


def on_server(url: str) -> Callable[[str], None]:
    import psycopg

    def carry_out(statement: Any) -> None:
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(statement)

    return carry_out


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_blocking_worker_finds_each_table_made_by_another(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if database == "sqlite":
        engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/p.db")
        made = always_first(engine, in_file(tmp_path / "p.db"))
    else:
        url = request.getfixturevalue("postgres")
        on_server(url)(FORGET)
        engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        made = always_first(engine, on_server(url))
    store = SQLCheckpoint(engine, lease_seconds=30, table="blocking")
    assert store.acquire("me:1")
    assert len(made) > 1
    store.close()
    engine.dispose()


@pytest.mark.postgres
def test_an_asyncio_worker_finds_each_table_made_by_another(postgres: str) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    on_server(postgres)(FORGET)

    async def race() -> None:
        engine = create_async_engine(postgres.replace("postgresql:", "postgresql+psycopg:"))
        made = always_first(engine.sync_engine, on_server(postgres))
        store = AsyncSQLCheckpoint(engine, lease_seconds=30, table="asyncio")
        assert await store.acquire("me:1")
        assert len(made) > 1
        await store.close()
        await engine.dispose()

    asyncio.run(race())


def test_a_new_file_that_another_worker_begins_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite refuses the change to a write-ahead log at once where another process writes meanwhile."""
    other = sqlite3.connect(tmp_path / "p.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    pauses = []

    def go_on(seconds: float) -> None:
        pauses.append(seconds)
        if other.in_transaction:
            other.execute("COMMIT")

    monkeypatch.setattr(time, "sleep", go_on)
    store = SQLiteCheckpoint(tmp_path / "p.db", lease_seconds=30)
    try:
        assert store.acquire("me:1")
        assert pauses
    finally:
        store.close()
        other.close()

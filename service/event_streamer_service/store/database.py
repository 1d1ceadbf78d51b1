"""
The database: a transaction at a time, in worker threads, off the event loop.

SQLite gets one worker, so that writers wait for each other in our queue and not at the file's
lock; PostgreSQL gets a few.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from event_streamer_service.errors import StartupError, WrongArgument
from event_streamer_service.store.migrations import migrate

T = TypeVar("T")

_POSTGRES_WORKERS = 4
_POSTGRES_NAMES = {"postgres", "postgresql", "postgresql+psycopg"}


class Database:
    """
    A database that was opened and brought to the newest schema.

    Args:
        url: `sqlite:///file`, `sqlite://` (memory) or `postgresql://user:password@host/name`.

    Raises:
        StartupError: The URL is wrong, the database can't be reached, or it is newer than this release.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.name = parsed.render_as_string(hide_password=True)
        self.dialect = parsed.get_backend_name()
        self._engine = _engine(parsed)
        try:
            with self._engine.begin() as connection:
                migrate(connection)
        except BaseException as problem:
            self._engine.dispose()
            if not isinstance(problem, SQLAlchemyError):
                raise
            raise StartupError(f"Can't open the database {self.name}: {_reason(problem)}") from problem
        self._workers = ThreadPoolExecutor(
            1 if self.dialect == "sqlite" else _POSTGRES_WORKERS, thread_name_prefix="database"
        )

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction of its own: committed when it returns, undone when it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, self.run_now, work)

    def run_now(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction, in the thread that calls."""
        with self._engine.begin() as connection:
            return work(connection)

    async def check(self) -> None:
        """Ask the database for a sign of life; raises SQLAlchemy's error if there is none."""
        await self.run(lambda connection: connection.execute(text("SELECT 1")))

    def close(self) -> None:
        """Wait for what is running, then close all connections."""
        self._workers.shutdown(wait=True)
        self._engine.dispose()


def sqlite_file(url: str) -> str | None:
    """
    Return the file of an SQLite database, `None` where it is in memory, or another database.

    Raises:
        WrongArgument: The URL is wrong.
    """
    parsed = _parse(url)
    in_memory = parsed.database in {None, "", ":memory:"}
    return None if in_memory or parsed.get_backend_name() != "sqlite" else parsed.database


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as problem:
        raise WrongArgument(
            "The database URL can't be read. Write sqlite:///file.db or postgresql://user:password@host/name."
        ) from problem
    if parsed.drivername in _POSTGRES_NAMES:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite":
        return parsed
    raise WrongArgument(
        f"The service keeps its state in SQLite or PostgreSQL, not in {parsed.drivername!r}: "
        "write sqlite:///file.db or postgresql://user:password@host/name."
    )


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        in_memory = url.database in {None, "", ":memory:"}
        pool: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
        engine = create_engine(url, connect_args={"check_same_thread": False}, **pool)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        # A connection that a restart of the server has broken is replaced before it is used.
        return create_engine(url, pool_size=_POSTGRES_WORKERS, pool_pre_ping=True)
    except (NoSuchModuleError, ModuleNotFoundError) as problem:
        raise StartupError(
            "PostgreSQL needs psycopg: pip install 'event-streamer-sdk[service,postgres]'"
        ) from problem


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Set what SQLite needs on each connection (https://www.sqlite.org/wal.html)."""
    # By itself Python's driver begins a transaction late, and not at all for CREATE TABLE: a migration that
    # fails would stay half done. So it begins none, and `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # In WAL mode this loses nothing when the process dies; a power cut may lose the last
    # acknowledgements, whose batches then come again.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()


def _reason(problem: SQLAlchemyError) -> str:
    """One line of what the driver said, without SQLAlchemy's wrapping."""
    original = getattr(problem, "orig", None) or problem
    lines = str(original).strip().splitlines() or [type(original).__name__]
    return lines[0].rstrip(".") + "."

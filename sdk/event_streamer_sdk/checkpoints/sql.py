"""Positions in an SQL database, with leases for several workers. SQLAlchemy knows the databases."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from event_streamer_api.errors import EventStreamerValidationError

from .._extras import needs
from ..exceptions import CheckpointError
from ._sql_database import AsyncDatabase, Database
from ._sql_engines import Connect, DatabasePlace, sqlite_place
from ._sql_gathering import Position
from ._sql_statements import SQLQuestions, positions_table, workers_table
from .shared import SAVING, SharedStore, held

DEFAULT_TABLE = "event_streamer_checkpoints"


class SQLCheckpoint(SharedStore):
    """
    Keeps positions in a table of an SQL database, for blocking programs and (in threads) for asyncio.

    All stores of a process that name the same database share one pool of 5 connections, also where each has a
    connect function of its own (of psycopg; with other drivers such a store has one connection). Positions
    that streams of a process store at the same time are stored in one transaction. See `SharedStore` for
    leases. It needs the extra `[sql]`.

    Args:
        where: `postgresql://user:password@host/database`, any other URL of SQLAlchemy, libpq's
            `host=… dbname=…`, an engine of SQLAlchemy, or a function that makes a DB-API connection
            (PEP 249).
        dialect: SQLAlchemy's name for the kind of database, such as `mysql`, where `where` is a connect
            function of a driver that isn't known.
        lease_seconds: How long a lease lasts that is not renewed (a running client renews it every 5 s);
            `None` has no leases.
        table: The table's name; made where it doesn't exist.
        owner: The name under which leases are taken; by default a random one.

    Raises:
        EventStreamerValidationError: An argument can't be used.
        MissingExtraError: SQLAlchemy or psycopg isn't installed.

    Example:
        >>> store = SQLCheckpoint("postgresql://localhost/app", lease_seconds=30)
        >>> store = SQLCheckpoint(lambda: psycopg.connect(dsn), lease_seconds=30)
    """

    _questions: SQLQuestions

    def __init__(
        self,
        where: str | Connect | Any,
        *,
        dialect: str | None = None,
        lease_seconds: float | None = None,
        table: str = DEFAULT_TABLE,
        owner: str | None = None,
        _place: DatabasePlace | None = None,
    ) -> None:
        tables = _tables(table)
        super().__init__(SQLQuestions(*tables), lease_seconds, owner)
        self._database = Database(where, dialect, tables, CheckpointError, _place, singly=True)

    def _do(self, question: Any, what: str, then: Callable[[Any], Any]) -> Any:
        return then(self._database.transaction(question, what))

    def _save(self, key: str, values: tuple[Any, ...], fencing: int) -> None:
        position = Position(key, values, self.lease_seconds, fencing)
        held(key, self._database.save(position, self._questions.save_all, SAVING))

    def close(self) -> None:
        """Let go of the pool; its last user closes its connections. A further call opens others."""
        self._database.close()


class AsyncSQLCheckpoint(SharedStore):
    """
    The same for asyncio, through SQLAlchemy's engine for it: no thread waits for the database.

    Its methods give awaitables. Databases whose driver knows no asyncio (SQLite's) are used in threads.

    Args:
        where: As in `SQLCheckpoint`; also an `AsyncEngine`.
        dialect: As in `SQLCheckpoint`.
        lease_seconds: As in `SQLCheckpoint`.
        table: As in `SQLCheckpoint`.
        owner: As in `SQLCheckpoint`.

    Raises:
        EventStreamerValidationError: An argument can't be used.
        MissingExtraError: SQLAlchemy or psycopg isn't installed.

    Example:
        >>> store = AsyncSQLCheckpoint("postgresql://localhost/app")
        >>> async for batch in client.create_streaming_client(1, checkpoint=store):
        ...     print(batch.events)
        >>> await store.close()
    """

    asynchronous = True
    blocking = False

    _questions: SQLQuestions

    def __init__(
        self,
        where: str | Connect | Any,
        *,
        dialect: str | None = None,
        lease_seconds: float | None = None,
        table: str = DEFAULT_TABLE,
        owner: str | None = None,
    ) -> None:
        tables = _tables(table)
        super().__init__(SQLQuestions(*tables), lease_seconds, owner)
        self._database = AsyncDatabase(where, dialect, tables, CheckpointError, singly=True)

    async def _do(self, question: Any, what: str, then: Callable[[Any], Any]) -> Any:
        return then(await self._database.transaction(question, what))

    async def _save(self, key: str, values: tuple[Any, ...], fencing: int) -> None:
        position = Position(key, values, self.lease_seconds, fencing)
        held(key, await self._database.save(position, self._questions.save_all, SAVING))

    async def close(self) -> None:
        """Let go of the pool; the last store that uses it closes its connections."""
        await self._database.close()


class SQLiteCheckpoint(SQLCheckpoint):
    """
    Keeps positions in an SQLite file; several subscriptions and several processes may share it.

    Args:
        path: The file; made where it doesn't exist.
        lease_seconds: As in `SQLCheckpoint`.
        table: As in `SQLCheckpoint`.
        owner: As in `SQLCheckpoint`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        lease_seconds: float | None = None,
        table: str = DEFAULT_TABLE,
        owner: str | None = None,
    ) -> None:
        super().__init__(
            path, lease_seconds=lease_seconds, table=table, owner=owner, _place=sqlite_place(path)
        )


def _tables(name: str) -> list[Any]:
    if not name.isidentifier():
        raise EventStreamerValidationError(f"table must be a plain name, not {name!r}")
    needs("sqlalchemy")
    return [positions_table(name), workers_table()]

# Printed from _async/sql.py by `make generate`. Change it there, never here.
"""Positions in an SQL database, with leases for several workers, blocking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...exceptions import CheckpointError
from .._sql_database import Database
from .._sql_engines import Connect
from .._sql_gathering import Position
from .._sql_statements import DEFAULT_TABLE, SQLQuestions, tables_of
from ..shared import SAVING, SharedStore, held


class SQLCheckpoint(SharedStore):
    """
    Keeps positions in a table of an SQL database, blocking. SQLAlchemy knows the databases.

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
        >>> for batch in client.create_streaming_client(1, checkpoint=store):
        ...     print(batch.events)
        >>> store.close()
        >>> store = SQLCheckpoint(lambda: psycopg.connect(dsn))
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
    ) -> None:
        tables = tables_of(table)
        super().__init__(SQLQuestions(*tables), lease_seconds, owner)
        self._database = Database(where, dialect, tables, CheckpointError, singly=True)

    def _do(self, question: Any, what: str, then: Callable[[Any], Any]) -> Any:
        return then(self._database.transaction(question, what))

    def _save(self, key: str, values: tuple[Any, ...], fencing: int) -> None:
        position = Position(key, values, self.lease_seconds, fencing)
        held(key, self._database.save(position, self._questions.save_all, SAVING))

    def close(self) -> None:
        """Let go of the pool; its last user closes its connections. A further call opens others."""
        self._database.close()

"""What PostgreSQL and SQLite do differently: how rows are written, and what their drivers raise."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from attrs import frozen

from event_streamer_api.errors import EventStreamerValidationError

from ..._extras import needs
from .._text import Lines, cell_columns, json_columns
from ..columns import Column, EventTable
from .tables import PRIMARY_KEY, exact_columns

__all__ = ["Dialect", "Errors", "dialect_of"]

TABLES_LOCK = 7_203_554
"""Number of PostgreSQL's advisory lock, under which tables are looked for and made."""


@frozen
class Errors:
    """What a driver raises."""

    raised: tuple[type[Exception], ...]
    may_work_later: Callable[[BaseException], bool]


class Dialect(Protocol):
    """
    A kind of database.

    Attributes:
        name: Its name in SQLAlchemy.
        connect_args: Arguments for the driver's `connect`.
        errors: What its driver raises.
        copy: The COPY that takes prepared rows, once `begin` was called; `None` where there is none.
    """

    name: str
    connect_args: Mapping[str, Any]
    errors: Errors
    copy: str | None

    def begin(self, events: EventTable, table: Any, dialect: Any) -> None:
        """Take the tables that are written."""

    def alone(self, connection: Any) -> None:
        """Wait until no other process looks for tables and makes them; until the transaction ends."""

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Any:
        """Make the rows of some events."""

    def insert(self, raw: Any, prepared: Iterable[Any]) -> None:
        """Insert rows, or replace those that are there, within the driver's transaction."""

    def sever(self, raw: Any) -> None:
        """Let a statement fail that another thread waits for."""


class PostgreSQL:
    """
    Rows by COPY, in its text format.

    COPY can't replace rows. That is needed only where events come a second time, as after a lost token; then
    they go through a temporary table.
    """

    name = "postgresql"
    connect_args: Mapping[str, Any] = {
        "connect_timeout": 10,
        "application_name": "event-streamer",
        # A machine that is gone without a word is found out within half a minute.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 4,
        "tcp_user_timeout": 30_000,
    }

    def __init__(self) -> None:
        sa, self._psycopg = needs("sqlalchemy"), needs("psycopg")
        read_only = self._psycopg.errors.ReadOnlySqlTransaction  # a standby, until it takes over
        passing = self._psycopg.OperationalError, self._psycopg.InterfaceError, read_only
        self.errors: Errors = Errors(
            (sa.exc.DBAPIError, self._psycopg.Error), lambda problem: isinstance(problem, passing)
        )
        self._events: EventTable | None = None
        self._exact: dict[str, str] = {}
        self.copy: str | None = None
        self._statements: dict[str, str] = {}

    def begin(self, events: EventTable, table: Any, dialect: Any) -> None:
        """Take the tables that are written."""
        self._events, self._exact = events, exact_columns(events)
        quote = dialect.identifier_preparer.quote
        name = dialect.identifier_preparer.format_table(table)
        names = [*events.names, *self._exact.values()]
        columns, key = ", ".join(map(quote, names)), ", ".join(map(quote, PRIMARY_KEY))
        changed = ", ".join(
            f"{quote(each)} = excluded.{quote(each)}" for each in names if each not in PRIMARY_KEY
        )
        self.copy = f"COPY {name} ({columns}) FROM STDIN"
        self._statements = {
            "copy": self.copy,
            "stage": f"CREATE TEMPORARY TABLE staged ON COMMIT DROP AS SELECT {columns} FROM {name} LIMIT 0",  # noqa: S608
            "copy_staged": f"COPY staged ({columns}) FROM STDIN",
            "replace": f"INSERT INTO {name} ({columns}) SELECT DISTINCT ON ({key}) {columns} FROM staged "  # noqa: S608
            f"ON CONFLICT ({key}) DO UPDATE SET {changed}",
        }

    def alone(self, connection: Any) -> None:
        """Take a lock that all sinks of the database know."""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TABLES_LOCK})")

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Any:
        """Write rows in the text format of COPY."""
        table = self._events
        assert table is not None, "begin comes first"
        taken = table.take(events, wide_text=True)
        cells: list[Iterable[str]] = []
        exact: list[list[str]] = []
        for column, values in zip(table.columns, cell_columns(table, taken), strict=True):
            if column.name in self._exact:
                cells.append([_escaped(value.replace("\0", "\ufffd")) for value in values])
                exact.append(["\\\\x" + value.encode().hex() if "\0" in value else "\\N" for value in values])
            else:
                cells.append(_copied(column, values))
        lines = map("\t".join, zip(*cells, *exact, strict=True))
        text = "".join([line + "\n" for line in lines])
        return Lines(len(taken[0]), text.encode())

    def insert(self, raw: Any, prepared: Iterable[Any]) -> None:
        """Insert rows by COPY; where some are there already, by way of a temporary table."""
        rows = [each for each in prepared if each.rows]
        if not rows:
            return
        with raw.cursor() as cursor:
            try:
                with raw.transaction():  # a savepoint, to come back to
                    self._copy(cursor, "copy", rows)
            except self._psycopg.errors.UniqueViolation:
                cursor.execute(self._statements["stage"])
                self._copy(cursor, "copy_staged", rows)
                cursor.execute(self._statements["replace"])

    def sever(self, raw: Any) -> None:
        """Close both ways of the socket: whoever waits for it notices that at once."""
        with socket.socket(fileno=os.dup(raw.pgconn.socket)) as line:
            line.shutdown(socket.SHUT_RDWR)

    def _copy(self, cursor: Any, statement: str, rows: list[Lines]) -> None:
        with cursor.copy(self._statements[statement]) as copy:
            for each in rows:
                copy.write(each.content)


def _copied(column: Column, values: Sequence[Any]) -> Iterable[str]:
    if column.nullable:
        return [value or "\\N" for value in values]
    if column.type.kind in ("list", "struct"):
        return map(_escaped, values)
    return values if column.type.kind in ("hex", "bool") else map(str, values)


def _escaped(text: str) -> str:
    """Escape what means something in the text format of COPY."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if not text.isprintable():
        text = text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return text


class SQLite:
    """Rows by INSERT, or in place of those that are there; integers of more than 64 bits are text."""

    name = "sqlite"
    copy: str | None = None
    connect_args: Mapping[str, Any] = {"timeout": 2.0, "check_same_thread": False}
    """A lock is waited for again and again, and told of: sqlite3 itself would wait in silence."""

    def __init__(self) -> None:
        sa = needs("sqlalchemy")
        self.errors: Errors = Errors((sa.exc.DBAPIError, sqlite3.Error), _may_work_later)
        self._events: EventTable | None = None
        self._insert = ""

    def begin(self, events: EventTable, table: Any, dialect: Any) -> None:
        """Take the tables that are written."""
        self._events = events
        quote = dialect.identifier_preparer.quote
        marks = ", ".join("?" * len(events.names))
        name = dialect.identifier_preparer.format_table(table)
        self._insert = (
            f"INSERT OR REPLACE INTO {name} ({', '.join(map(quote, events.names))}) VALUES ({marks})"  # noqa: S608
        )

    def alone(self, connection: Any) -> None:
        """Begin as a writer: by itself the driver makes tables outside of a transaction."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Any:
        """Make rows that SQLite holds exactly."""
        table = self._events
        assert table is not None, "begin comes first"
        taken = table.take(events, wide_text=True)
        plain = zip(table.columns, json_columns(table, taken), cell_columns(table, taken), strict=True)
        return list(zip(*(_stored(column, values, cells) for column, values, cells in plain), strict=True))

    def insert(self, raw: Any, prepared: Iterable[Any]) -> None:
        """Insert rows, or replace those that are there."""
        for rows in prepared:
            raw.executemany(self._insert, rows)

    def sever(self, raw: Any) -> None:
        """Interrupt a statement; one that waits for a lock ends by itself."""
        raw.interrupt()


_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""Locked by another one, a full disk, a disk that fails. What else SQLite says stays as it is."""


def _may_work_later(problem: BaseException) -> bool:
    code = getattr(problem, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _PASSING  # the upper bits say more of it


_LARGEST = 63


def _stored(column: Column, values: Sequence[Any], cells: Sequence[Any]) -> Sequence[Any]:
    if column.type.kind in ("list", "struct"):
        return cells
    if column.type.kind == "integer" and column.type.bits - column.type.signed > _LARGEST:
        return list(map(str, values))
    return values


DIALECTS: dict[str, Callable[[], Dialect]] = {"postgresql": PostgreSQL, "sqlite": SQLite}


def dialect_of(name: str) -> Dialect:
    """
    Find what is done differently in a kind of database.

    Returns:
        The dialect.

    Raises:
        EventStreamerValidationError: It is none that is known here.
        MissingExtraError: Its driver isn't installed.
    """
    if name not in DIALECTS:
        raise EventStreamerValidationError(f"events go into PostgreSQL and SQLite, not into {name}")
    return DIALECTS[name]()

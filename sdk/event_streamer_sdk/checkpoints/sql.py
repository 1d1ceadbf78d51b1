"""Positions in an SQL database, with leases for several workers."""

from __future__ import annotations

import os
import secrets
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from event_streamer_api.errors import EventStreamerValidationError

from .._core.stream.checkpoint import Checkpoint
from .._core.stream.classify import store_may_come_back
from ..exceptions import CheckpointError, LeaseLostError, StoreError

TABLE = """
CREATE TABLE IF NOT EXISTS {table} (
    position_key VARCHAR(255) PRIMARY KEY,
    resume_token TEXT,
    batch_id TEXT,
    block BIGINT,
    chain_id BIGINT,
    saved_at VARCHAR(40),
    owner VARCHAR(64),
    fencing BIGINT NOT NULL DEFAULT 0,
    expires_at DOUBLE PRECISION NOT NULL DEFAULT 0
)
"""
COLUMNS = "resume_token, batch_id, block, chain_id, saved_at"


class Database:
    """
    One DB-API connection (PEP 249), made when needed and again after an error; one thread at a time uses it.

    Args:
        connect: Makes a connection.
        placeholder: How the driver marks a parameter; `None`: as its module says.
        create: Statements that make the tables.
        error: The exception to raise.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        placeholder: str | None,
        create: Sequence[str],
        error: type[StoreError],
    ) -> None:
        if placeholder not in {"?", "%s", None}:
            raise EventStreamerValidationError(f"placeholder must be '?' or '%s', not {placeholder!r}")
        self._connect = connect
        self._style = {"?": "qmark", "%s": "format"}.get(placeholder or "")
        self._create = create
        self._error = error
        self._connection: Any = None
        self._execute: Callable[..., Any]
        self._lock = threading.RLock()

    def transaction(self, work: Callable[[Callable[..., Any]], Any], what: str) -> Any:
        """
        Do some work in one transaction.

        Args:
            work: Gets a function that executes a statement (with `?` for parameters) and returns its cursor.
            what: What is being done, for the error's message.

        Returns:
            What `work` returns.

        Raises:
            Exception: The error this was made with; the transaction is rolled back.
        """
        with self._lock:
            fresh = self._connection is None
            try:
                if fresh:
                    self._open()
                result = work(self._execute)
                self._connection.commit()
            except Exception as error:
                self._discard()
                if isinstance(error, self._error):
                    raise
                raise self._error(
                    f"{what} failed: {type(error).__name__}: {error}",
                    # A kept connection may be at fault itself; the next one is made anew.
                    permanent=fresh and not store_may_come_back(error),
                ) from error
            return result

    def close(self) -> None:
        """Close the connection; a further call opens another one."""
        with self._lock:
            self._discard()

    def _open(self) -> None:
        """Connect, and make the tables where they don't exist."""
        self._connection = self._connect()
        style = self._style or paramstyle_of(self._connection)
        try:
            self._make_tables(style)
        except Exception:  # noqa: BLE001 - drivers raise what they like; the second try raises it again
            # Two workers that start at once may both find no table; then one of them fails to make it.
            self._discard()
            self._connection = self._connect()
            self._make_tables(style)

    def _make_tables(self, style: str) -> None:
        self._execute = partial(_execute, self._connection, style)
        for statement in self._create:
            self._execute(statement)
        self._connection.commit()

    def _discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # A broken connection may refuse either; it is of no use any more in any case.
            with suppress(Exception):
                connection.rollback()
            with suppress(Exception):
                connection.close()


_MARKS = {"format": "%s", "pyformat": "%(p{})s", "named": ":p{}", "numeric": ":{}"}
"""How a parameter's number is written; its name is a `p` before it, where it has one."""


def _execute(connection: Any, style: str, statement: str, *parameters: Any) -> Any:
    """Execute a statement that has `?` for its parameters, in the driver's own style."""
    cursor = connection.cursor()
    if style == "qmark":
        cursor.execute(statement, parameters)
        return cursor
    first, *rest = statement.split("?")
    marked = [_MARKS[style].format(number) + part for number, part in enumerate(rest, 1)]
    by_name = {f"p{number}": value for number, value in enumerate(parameters, 1)}
    cursor.execute(first + "".join(marked), by_name if style in {"pyformat", "named"} else parameters)
    return cursor


PARAMSTYLES = frozenset({"qmark", "numeric", "named", "format", "pyformat"})
"""How drivers mark the parameters of a statement (PEP 249, `paramstyle`)."""


def paramstyle_of(connection: Any) -> str:
    """
    Tell how a connection's driver marks parameters: its module says so (PEP 249, `paramstyle`).

    Args:
        connection: A DB-API connection, or a wrapper that has the driver's one as `dbapi_connection` or
            `driver_connection` (SQLAlchemy's pool).

    Returns:
        One of `PARAMSTYLES`.

    Raises:
        EventStreamerValidationError: No module of the connection's class says it.
    """
    inner = getattr(connection, "dbapi_connection", None) or getattr(connection, "driver_connection", None)
    for found in (inner, connection):
        for base in type(found).__mro__:
            parts = base.__module__.split(".")
            for length in range(len(parts), 0, -1):  # the class may live in a part of the driver
                style = getattr(sys.modules.get(".".join(parts[:length])), "paramstyle", None)
                if isinstance(style, str) and style in PARAMSTYLES:
                    return style
    raise EventStreamerValidationError(
        f"{type(connection).__module__}.{type(connection).__qualname__} doesn't say how its driver marks "
        "parameters: name the mark with placeholder='?' or placeholder='%s'"
    )


class SQLCheckpoint:
    """
    Keeps positions in a table of any SQL database.

    With `lease_seconds` one worker at a time has a subscription: the others wait (`standby`), and take over
    when it stops or its lease runs out. Each takeover raises a fencing number, which the database checks with
    every write, so a worker that was paused and comes back too late can't overwrite its successor's position.

    Args:
        connect: Makes a DB-API connection (PEP 249) of this store's own.
        placeholder: How the driver marks a parameter, `?` or `%s`; asked of the driver where it is left out.
        lease_seconds: How long a lease lasts that is not renewed (a running client renews it every 5 s);
            `None` has no leases.
        table: The table's name; made where it doesn't exist.

    Example:
        >>> store = SQLCheckpoint(lambda: psycopg.connect(dsn), lease_seconds=30)
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        *,
        placeholder: str | None = None,
        lease_seconds: float | None = None,
        table: str = "event_streamer_checkpoints",
    ) -> None:
        if not table.isidentifier():
            raise EventStreamerValidationError(f"table must be a plain name, not {table!r}")
        if lease_seconds is not None and not lease_seconds > 0:
            raise EventStreamerValidationError(f"lease_seconds must be above 0, not {lease_seconds!r}")
        self.lease_seconds = lease_seconds
        self._table = table
        self._owner = secrets.token_hex(16)
        self._fencing: dict[str, int] = {}
        self._database = Database(connect, placeholder, [TABLE.format(table=table)], CheckpointError)

    def load(self, key: str) -> Checkpoint | None:
        """
        Read a position.

        Args:
            key: Its name.

        Returns:
            The position, `None` where there is none yet.

        Raises:
            CheckpointError: The database can't be read.
        """

        def work(execute: Callable[..., Any]) -> Any:
            query = f"SELECT {COLUMNS} FROM {self._table} WHERE position_key = ?"  # noqa: S608 - a checked name
            return execute(query, key).fetchone()

        row = self._database.transaction(work, "reading a checkpoint")
        if row is None or row[0] is None:
            return None
        token, batch_id, block, chain_id, saved_at = row
        return Checkpoint(
            resume_token=token,
            batch_id=batch_id,
            block=block,
            chain_id=chain_id,
            saved_at=datetime.fromisoformat(saved_at) if saved_at else None,
        )

    def save(self, key: str, checkpoint: Checkpoint) -> None:
        """
        Store a position; when this returns the database has committed it.

        Args:
            key: Its name.
            checkpoint: The position.

        Raises:
            LeaseLostError: Another worker has taken over.
            CheckpointError: It could not be stored; the old one is still there.
        """
        values = (
            checkpoint.resume_token,
            checkpoint.batch_id,
            checkpoint.block,
            checkpoint.chain_id,
            datetime.now(UTC).isoformat(),
        )
        assignments = "resume_token = ?, batch_id = ?, block = ?, chain_id = ?, saved_at = ?"

        def work(execute: Callable[..., Any]) -> None:
            if self.lease_seconds is not None:
                update = (
                    f"UPDATE {self._table} SET {assignments}, expires_at = ? "  # noqa: S608 - a checked name
                    "WHERE position_key = ? AND fencing = ?"
                )
                expires_at = time.time() + self.lease_seconds
                cursor = execute(update, *values, expires_at, key, self._fencing.get(key, -1))
                if cursor.rowcount != 1:
                    raise _lost(key)
                return
            update = f"UPDATE {self._table} SET {assignments} WHERE position_key = ?"  # noqa: S608 - a checked name
            if execute(update, *values, key).rowcount == 0:
                insert = f"INSERT INTO {self._table} ({COLUMNS}, position_key) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - a checked name
                execute(insert, *values, key)

        self._database.transaction(work, "storing a checkpoint")

    def acquire(self, key: str) -> bool:
        """
        Take the lease, with a fencing number higher than every one before.

        Args:
            key: The position's name.

        Returns:
            Whether we have it now.

        Raises:
            CheckpointError: The database can't be reached.
        """
        assert self.lease_seconds is not None, "leases are on"
        now = time.time()

        def insert(execute: Callable[..., Any]) -> None:
            execute(f"INSERT INTO {self._table} (position_key) VALUES (?)", key)  # noqa: S608 - a checked name

        def work(execute: Callable[..., Any]) -> Any:
            exists = execute(f"SELECT 1 FROM {self._table} WHERE position_key = ?", key).fetchone()  # noqa: S608 - a checked name
            if exists is None:
                return None
            take = (
                f"UPDATE {self._table} SET owner = ?, fencing = fencing + 1, expires_at = ? "  # noqa: S608 - a checked name
                "WHERE position_key = ? AND (owner IS NULL OR owner = ? OR expires_at < ?)"
            )
            expires_at = now + (self.lease_seconds or 0)
            if execute(take, self._owner, expires_at, key, self._owner, now).rowcount != 1:
                return 0
            number = execute(f"SELECT fencing FROM {self._table} WHERE position_key = ?", key).fetchone()  # noqa: S608 - a checked name
            return int(number[0])

        fencing = self._database.transaction(work, "taking a lease")
        if fencing is None:
            # Two workers may insert at once; then one of them fails here, and both look again.
            with suppress(CheckpointError):
                self._database.transaction(insert, "making a lease")
            fencing = self._database.transaction(work, "taking a lease")
        if not fencing:
            return False
        self._fencing[key] = fencing
        return True

    def renew(self, key: str) -> None:
        """
        Prolong the lease.

        Args:
            key: The position's name.

        Raises:
            LeaseLostError: Somebody else has it.
            CheckpointError: The database can't be reached.
        """

        def work(execute: Callable[..., Any]) -> None:
            update = f"UPDATE {self._table} SET expires_at = ? WHERE position_key = ? AND fencing = ?"  # noqa: S608 - a checked name
            expires_at = time.time() + (self.lease_seconds or 0)
            if execute(update, expires_at, key, self._fencing.get(key, -1)).rowcount != 1:
                raise _lost(key)

        self._database.transaction(work, "renewing a lease")

    def release(self, key: str) -> None:
        """
        Give the lease back, if it is ours.

        Args:
            key: The position's name.

        Raises:
            CheckpointError: The database can't be reached; the lease runs out by itself.
        """

        def work(execute: Callable[..., Any]) -> None:
            update = (
                f"UPDATE {self._table} SET owner = NULL, expires_at = 0 "  # noqa: S608 - a checked name
                "WHERE position_key = ? AND fencing = ?"
            )
            execute(update, key, self._fencing.pop(key, -1))

        self._database.transaction(work, "giving a lease back")

    def close(self) -> None:
        """Close the connection. A further call opens another one."""
        self._database.close()


class SQLiteCheckpoint(SQLCheckpoint):
    """
    Keeps positions in an SQLite file; several subscriptions and several processes may share it.

    Args:
        path: The file; made where it doesn't exist.
        lease_seconds: As in `SQLCheckpoint`.
        table: The table's name.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        lease_seconds: float | None = None,
        table: str = "event_streamer_checkpoints",
    ) -> None:
        super().__init__(lambda: connect_sqlite(path), lease_seconds=lease_seconds, table=table)


def _make_private(path: str | os.PathLike[str]) -> None:
    """Make a file that isn't there yet, for its owner alone: it will hold resume tokens and events."""
    if os.fspath(path) in {"", ":memory:"}:
        return
    # What stays in the way (it is there, its folder isn't) is sqlite3's to tell.
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def connect_sqlite(path: str | os.PathLike[str]) -> sqlite3.Connection:
    """
    Open an SQLite file so that a commit survives a loss of power.

    Args:
        path: The file.

    Returns:
        The connection.
    """
    _make_private(path)
    # The lock of Database lets one thread at a time use it.
    connection = sqlite3.connect(path, timeout=10.0, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()  # the file may not be a database
        raise
    return connection


def _lost(key: str) -> LeaseLostError:
    return LeaseLostError(f"another worker has taken over {key!r}; nothing of this one is stored any more")

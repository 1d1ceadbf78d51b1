"""Places for what could not be handled."""

from __future__ import annotations

import base64
import json
import os
import threading
from pathlib import Path
from typing import Any

from event_streamer_api.errors import EventStreamerValidationError

from .._core.stream.checkpoint import DeadLetterRecord
from .._extras import needs
from ..exceptions import DeadLetterError
from ._sql_database import AsyncDatabase, Database, Work
from ._sql_engines import Connect, DatabasePlace, sqlite_place
from .file import may_pass

# A link that somebody else has put there would choose the file that is written to. Windows has no such flag.
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)

DEFAULT_TABLE = "event_streamer_dead_letters"
WRITING = "writing a dead letter"


def as_json(record: DeadLetterRecord) -> str:
    """
    Write a record as one line of JSON.

    Args:
        record: The record. Bytes are written as base64, and as text beside it where they are UTF-8.

    Returns:
        The line, without its end.
    """
    fields: dict[str, Any] = {
        "time": record.time.isoformat(),
        "kind": record.kind,
        "subscription_id": record.subscription_id,
        "batch_id": record.batch_id,
        "reason": record.reason,
        "handlers": list(record.handlers),
        "message": record.message,
        "raw_base64": None if record.raw is None else base64.b64encode(record.raw).decode(),
    }
    return json.dumps(fields, default=str)


class JSONLinesDeadLetters:
    """
    Appends dead letters to a file, one JSON object a line, each flushed to the disk.

    Args:
        path: The file, not a symbolic link; made where it doesn't exist, for its owner alone. Its folder must
            exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        self._lock = threading.Lock()

    def write(self, record: DeadLetterRecord) -> None:
        """
        Write a record; when this returns it survives a loss of power.

        Args:
            record: What could not be handled.

        Raises:
            DeadLetterError: It could not be written.
        """
        line = as_json(record).encode() + b"\n"
        with self._lock:
            try:
                descriptor = os.open(self.path, _APPEND, 0o600)
                with open(descriptor, "ab") as file:
                    file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                problem = f"the dead letter file {self.path} can't be written: {error}"
                raise DeadLetterError(problem, permanent=not may_pass(error)) from error

    def close(self) -> None:
        """Do nothing: no file is kept open."""


class _SQLLetters:
    """What both kinds do: the table, and the row of a record."""

    def __init__(self, table: str) -> None:
        if not table.isidentifier():
            raise EventStreamerValidationError(f"table must be a plain name, not {table!r}")
        sa = needs("sqlalchemy")
        self._table = sa.Table(
            table,
            sa.MetaData(),
            sa.Column("time", sa.String(40), nullable=False),
            sa.Column("kind", sa.String(16), nullable=False),
            sa.Column("subscription_id", sa.BigInteger, nullable=False),
            sa.Column("batch_id", sa.Text),
            sa.Column("reason", sa.Text, nullable=False),
            sa.Column("record", sa.Text, nullable=False),
        )

    def _insert(self, record: DeadLetterRecord) -> Work:
        insert = self._table.insert().values(
            time=record.time.isoformat(),
            kind=record.kind,
            subscription_id=record.subscription_id,
            batch_id=record.batch_id,
            reason=record.reason,
            record=as_json(record),
        )
        return lambda connection: connection.execute(insert)


class SQLDeadLetters(_SQLLetters):
    """
    Writes dead letters into a table of an SQL database; it shares the pool of the process's stores.

    Args:
        where: As in `SQLCheckpoint`.
        dialect: As in `SQLCheckpoint`.
        table: The table's name; made where it doesn't exist.

    Raises:
        EventStreamerValidationError: An argument can't be used.
        MissingExtraError: SQLAlchemy or psycopg isn't installed.

    Example:
        >>> letters = SQLDeadLetters("postgresql://localhost/app")
    """

    def __init__(
        self,
        where: str | Connect | Any,
        *,
        dialect: str | None = None,
        table: str = DEFAULT_TABLE,
        _place: DatabasePlace | None = None,
    ) -> None:
        super().__init__(table)
        self._database = Database(where, dialect, [self._table], DeadLetterError, _place)

    def write(self, record: DeadLetterRecord) -> None:
        """
        Write a record; when this returns the database has committed it.

        Args:
            record: What could not be handled.

        Raises:
            DeadLetterError: It could not be written.
        """
        self._database.transaction(self._insert(record), WRITING)

    def close(self) -> None:
        """Let go of the pool. A further call opens connections again."""
        self._database.close()


class AsyncSQLDeadLetters(_SQLLetters):
    """
    The same for asyncio, through SQLAlchemy's engine for it.

    Args:
        where: As in `AsyncSQLCheckpoint`.
        dialect: As in `SQLCheckpoint`.
        table: The table's name; made where it doesn't exist.
    """

    def __init__(
        self, where: str | Connect | Any, *, dialect: str | None = None, table: str = DEFAULT_TABLE
    ) -> None:
        super().__init__(table)
        self._database = AsyncDatabase(where, dialect, [self._table], DeadLetterError)

    async def write(self, record: DeadLetterRecord) -> None:
        """
        Write a record; when this returns the database has committed it.

        Args:
            record: What could not be handled.

        Raises:
            DeadLetterError: It could not be written.
        """
        await self._database.transaction(self._insert(record), WRITING)

    async def close(self) -> None:
        """Let go of the pool. A further call opens connections again."""
        await self._database.close()


class SQLiteDeadLetters(SQLDeadLetters):
    """
    Writes dead letters into an SQLite file.

    Args:
        path: The file; made where it doesn't exist.
        table: The table's name.
    """

    def __init__(self, path: str | os.PathLike[str], *, table: str = DEFAULT_TABLE) -> None:
        super().__init__(path, table=table, _place=sqlite_place(path))

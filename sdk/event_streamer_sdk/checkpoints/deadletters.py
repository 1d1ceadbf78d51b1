"""Places for what could not be handled."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from event_streamer_api.errors import EventStreamerValidationError

from .._core.stream.checkpoint import DeadLetterRecord
from ..exceptions import DeadLetterError
from .file import may_pass
from .sql import Database, connect_sqlite

# A link that somebody else has put there would choose the file that is written to. Windows has no such flag.
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)

TABLE = """
CREATE TABLE IF NOT EXISTS {table} (
    time VARCHAR(40) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    subscription_id BIGINT NOT NULL,
    batch_id TEXT,
    reason TEXT NOT NULL,
    record TEXT NOT NULL
)
"""


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
        self.path = Path(path)
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


class SQLDeadLetters:
    """
    Writes dead letters into a table of any SQL database.

    Args:
        connect: Makes a DB-API connection (PEP 249) of this store's own.
        placeholder: How the driver marks a parameter, `?` or `%s`; asked of the driver where it is left out.
        table: The table's name; made where it doesn't exist.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        *,
        placeholder: str | None = None,
        table: str = "event_streamer_dead_letters",
    ) -> None:
        if not table.isidentifier():
            raise EventStreamerValidationError(f"table must be a plain name, not {table!r}")
        self._table = table
        self._database = Database(connect, placeholder, [TABLE.format(table=table)], DeadLetterError)

    def write(self, record: DeadLetterRecord) -> None:
        """
        Write a record; when this returns the database has committed it.

        Args:
            record: What could not be handled.

        Raises:
            DeadLetterError: It could not be written.
        """

        def work(execute: Callable[..., Any]) -> None:
            insert = (
                f"INSERT INTO {self._table} (time, kind, subscription_id, batch_id, reason, record) "  # noqa: S608 - a checked name
                "VALUES (?, ?, ?, ?, ?, ?)"
            )
            execute(
                insert,
                record.time.isoformat(),
                record.kind,
                record.subscription_id,
                record.batch_id,
                record.reason,
                as_json(record),
            )

        self._database.transaction(work, "writing a dead letter")

    def close(self) -> None:
        """Close the connection. A further call opens another one."""
        self._database.close()


class SQLiteDeadLetters(SQLDeadLetters):
    """
    Writes dead letters into an SQLite file.

    Args:
        path: The file; made where it doesn't exist.
        table: The table's name.
    """

    def __init__(self, path: str | os.PathLike[str], *, table: str = "event_streamer_dead_letters") -> None:
        super().__init__(lambda: connect_sqlite(path), table=table)

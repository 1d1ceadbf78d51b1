# Printed from _async/deadletters.py by `make generate`. Change it there, never here.
"""Dead letters in an SQL database, blocking."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from ..._core.stream.checkpoint import DeadLetterRecord
from ...exceptions import DeadLetterError
from .._sql_database import Database
from .._sql_engines import Connect
from .._sql_letters import DEFAULT_TABLE, READING, REMOVING, WRITING, SQLLetters
from ..letters import DeadLetter


class SQLDeadLetters:
    """
    Writes dead letters into a table of an SQL database, blocking; shares the pool of the process's stores.

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
        self, where: str | Connect | Any, *, dialect: str | None = None, table: str = DEFAULT_TABLE
    ) -> None:
        self._letters = SQLLetters(table)
        self._database = Database(where, dialect, [self._letters.table], DeadLetterError)
        # Reading makes no table: in another database than was meant it would stay there.
        self._reading = Database(where, dialect, [], DeadLetterError)

    def write(self, record: DeadLetterRecord) -> None:
        """
        Write a record; when this returns the database has committed it.

        Args:
            record: What could not be handled.

        Raises:
            DeadLetterError: It could not be written.
        """
        self._database.transaction(self._letters.insert(record), WRITING)

    def read(self) -> Iterator[DeadLetter]:
        """
        Read what is kept, in the order of its time.

        Yields:
            The dead letters.

        Raises:
            DeadLetterError: The database can't be read, or has no such table.
        """
        yield from self._reading.transaction(self._letters.select(), READING)

    def remove(self, ids: Collection[str]) -> int:
        """
        Forget dead letters.

        Args:
            ids: Their ids.

        Returns:
            How many were there.

        Raises:
            DeadLetterError: The database can't be changed.
        """
        removed: int = self._reading.transaction(self._letters.delete(ids), REMOVING)
        return removed

    def close(self) -> None:
        """Let go of the pool. A further call opens connections again."""
        self._database.close()
        self._reading.close()

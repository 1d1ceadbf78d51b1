"""Dead letters in an SQL database, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Any

from ..._core.stream.checkpoint import DeadLetterRecord
from ...exceptions import DeadLetterError
from .._sql_database import AsyncDatabase
from .._sql_engines import Connect
from .._sql_letters import DEFAULT_TABLE, READING, REMOVING, WRITING, SQLLetters
from ..letters import DeadLetter


class AsyncSQLDeadLetters:
    """
    Writes dead letters into a table of an SQL database, for asyncio; shares the pool of the process's stores.

    Args:
        where: As in `AsyncSQLCheckpoint`.
        dialect: As in `AsyncSQLCheckpoint`.
        table: The table's name; made where it doesn't exist.

    Raises:
        EventStreamerValidationError: An argument can't be used.
        MissingExtraError: SQLAlchemy or psycopg isn't installed.

    Example:
        >>> letters = AsyncSQLDeadLetters("postgresql://localhost/app")
    """

    def __init__(
        self, where: str | Connect | Any, *, dialect: str | None = None, table: str = DEFAULT_TABLE
    ) -> None:
        self._letters = SQLLetters(table)
        self._database = AsyncDatabase(where, dialect, [self._letters.table], DeadLetterError)
        # Reading makes no table: in another database than was meant it would stay there.
        self._reading = AsyncDatabase(where, dialect, [], DeadLetterError)

    async def write(self, record: DeadLetterRecord) -> None:
        """
        Write a record; when this returns the database has committed it.

        Args:
            record: What could not be handled.

        Raises:
            DeadLetterError: It could not be written.
        """
        await self._database.transaction(self._letters.insert(record), WRITING)

    async def read(self) -> AsyncIterator[DeadLetter]:
        """
        Read what is kept, in the order of its time.

        Yields:
            The dead letters.

        Raises:
            DeadLetterError: The database can't be read, or has no such table.
        """
        for letter in await self._reading.transaction(self._letters.select(), READING):
            yield letter

    async def remove(self, ids: Collection[str]) -> int:
        """
        Forget dead letters.

        Args:
            ids: Their ids.

        Returns:
            How many were there.

        Raises:
            DeadLetterError: The database can't be changed.
        """
        removed: int = await self._reading.transaction(self._letters.delete(ids), REMOVING)
        return removed

    async def close(self) -> None:
        """Let go of the pool. A further call opens connections again."""
        await self._database.close()
        await self._reading.close()

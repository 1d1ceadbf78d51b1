"""Positions and dead letters in an SQLite file."""

from __future__ import annotations

import os

from ._sql_engines import sqlite_place
from ._sql_letters import DEFAULT_TABLE as LETTERS_TABLE
from ._sql_statements import DEFAULT_TABLE
from ._sync.deadletters import SQLDeadLetters
from ._sync.sql import SQLCheckpoint


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
        super().__init__(sqlite_place(path), lease_seconds=lease_seconds, table=table, owner=owner)


class SQLiteDeadLetters(SQLDeadLetters):
    """
    Writes dead letters into an SQLite file.

    Args:
        path: The file; made where it doesn't exist.
        table: The table's name.
    """

    def __init__(self, path: str | os.PathLike[str], *, table: str = LETTERS_TABLE) -> None:
        super().__init__(sqlite_place(path), table=table)

"""SQLite's write-ahead log, switched on by several processes at once."""

from __future__ import annotations

import random
import sqlite3
import time

PATIENCE = 10.0
"""Seconds for which others may be at it."""
PAUSE = (0.005, 0.05)
"""Seconds between two tries, spread so that processes don't meet again."""


def write_ahead(connection: sqlite3.Connection) -> None:
    """
    Have SQLite keep a write-ahead log, which lets others read while somebody writes.

    The file says so from then on. While another process makes the change, or writes its first table, SQLite
    refuses it at once, whatever the connection's timeout is (https://www.sqlite.org/wal.html).

    Args:
        connection: To the file, without a transaction.

    Raises:
        sqlite3.Error: It isn't a database, or others write to it all the time.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as refused:
            if refused.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
        time.sleep(random.uniform(*PAUSE))  # noqa: S311 - spreads processes, no secret

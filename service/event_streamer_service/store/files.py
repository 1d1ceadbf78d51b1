"""The file of an SQLite database: its owner's alone, usable, and the same as long as it is used."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection

OWNER_ONLY = 0o600


def keep_private(database_file: str) -> None:
    """
    Give an SQLite database, and what SQLite keeps beside it, to its owner alone.

    SQLite makes `-wal` and `-shm` with the mode of the database
    (https://www.sqlite.org/wal.html), so that files made later are private too.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(OSError):  # not there, not ours, or a file system without modes
            path = database_file + suffix
            if os.stat(path).st_mode & 0o077:
                os.chmod(path, OWNER_ONLY)


def make_private(path: str) -> None:
    """Make a file that is not there yet, so that it is never readable for others, not even for a moment."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY))


def hindrance(path: str) -> str:
    """Return what keeps a database file from being used: a sentence to follow SQLite's, or nothing."""
    file = Path(path).absolute()
    if not file.parent.is_dir():
        return f" There is no folder {file.parent}."
    if file.is_dir():
        return f" {file} is a folder."
    if not os.access(file.parent, os.W_OK | os.X_OK):
        return f" This user may not write to the folder {file.parent}, where SQLite keeps files beside it."
    if file.exists() and not os.access(file, os.R_OK | os.W_OK):
        return f" This user may not read and write the file {file}."
    return ""


def takes_no_changes(problem: object) -> bool:
    """Tell whether a statement failed since nothing can be written: the disk is full, or read-only now."""
    code = getattr(problem, "sqlite_errorcode", 0)
    return code & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY} or code == sqlite3.SQLITE_IOERR_WRITE


def check_writable(connection: Connection) -> None:
    """
    Write something, which changes nothing.

    Raises:
        OperationalError: The file takes no changes.
    """
    version = connection.exec_driver_sql("PRAGMA user_version").scalar()
    connection.exec_driver_sql(f"PRAGMA user_version = {version}")


class SameFile:
    """
    Tells whether a file is still the one that it was.

    A file that is deleted or replaced lives on in the process that holds it open, and dies with it.

    Args:
        path: The file, which is there now.
    """

    def __init__(self, path: str) -> None:
        self._path = os.path.abspath(path)
        self._at_first = _identity(self._path)

    def problem(self) -> str | None:
        """Return what has happened to it, `None` where it is the same."""
        if self._at_first is None:
            return None
        now = _identity(self._path)
        if now == self._at_first:
            return None
        if now is None:
            return f"{self._path} is gone; put it back, since a restart would begin with an empty database"
        return f"{self._path} was replaced by another file; put the original back, or restart the service"


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino

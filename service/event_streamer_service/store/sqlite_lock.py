"""One service for a database file: a second one would overwrite the progress that the first has saved."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from event_streamer_service.errors import StartupError
from event_streamer_service.store.database import sqlite_file

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as taken:  # EACCES: what Windows calls a lock that another one holds
            raise BlockingIOError(*taken.args) from taken

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def only_service_on(url: str) -> Iterator[None]:
    """
    Keep other services from a database while the block lasts, or until the process dies, however it dies.

    The lock is on a file beside the database: SQLite's own locks would be lost when we close the database's
    file (https://www.sqlite.org/howtocorrupt.html, 2.2). It stays there, since removing it would race.
    Where there is no such folder, or a file system without locks, the service goes on without.

    Args:
        url: The database; only an SQLite file is locked.

    Raises:
        StartupError: Another service is using it, or the URL can't be read.
    """
    file = sqlite_file(url)
    if file is None:
        yield
        return
    try:
        # One lock for one file, whichever links lead there.
        descriptor = os.open(f"{os.path.realpath(file)}-lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield
        return
    try:
        _take(descriptor, file)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, file: str) -> None:
    try:
        _lock(descriptor)
    except BlockingIOError as taken:
        raise StartupError(
            f"Another service is using {file}: stop it, or name another file with --database sqlite:///other.db."
        ) from taken
    except OSError:
        return

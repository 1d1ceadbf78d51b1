"""Files that hold secrets: nobody but their owner reads them."""

from __future__ import annotations

import contextlib
import os

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

"""
A lock that keeps other processes away from a file, as long as somebody here holds it.

POSIX record locks (fcntl(2), F_SETLK) fit: they belong to a process, the system drops them however that ends,
a forked child doesn't have them, and NFS passes them on to its server. Windows has no such thing.
"""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

_HELD_BY_ANOTHER = frozenset({errno.EACCES, errno.EAGAIN})


class FileIsLocked(Exception):  # noqa: N818 - no error yet: whoever asked says what it means
    """
    Another process holds the lock.

    Attributes:
        pid: Its number, where it could be read.
    """

    def __init__(self, pid: str) -> None:
        super().__init__(pid)
        self.pid = pid


class FileLock:
    """
    A share in the lock of one file: all in this process who have one hold it together.

    The lock is on a file beside it, since the file itself is replaced with each write. That one is removed
    by the last one who lets go. What a killed process leaves behind is unlocked, and used again.

    Args:
        path: The file. It needn't be there, but its folder.

    Raises:
        FileIsLocked: Another process holds the lock.
        OSError: The file can't be locked.
        ImportError: This system has no such locks.
    """

    def __init__(self, path: Path) -> None:
        # A forked child has none of its parent's locks.
        self._key = os.getpid(), os.path.realpath(path)
        self._path = path.with_name(f"{path.name}.lock")
        with _CHANGING:
            descriptor, holders = _HELD[self._key] if self._key in _HELD else (_locked(self._path), 0)
            _HELD[self._key] = descriptor, holders + 1

    def let_go(self) -> None:
        """Give the share back; the last one unlocks the file. Called once."""
        with _CHANGING:
            descriptor, holders = _HELD.pop(self._key)
            if holders > 1:
                _HELD[self._key] = descriptor, holders - 1
            elif self._key[0] == os.getpid():
                self._path.unlink(missing_ok=True)  # while it is locked: it is still ours
                os.close(descriptor)


_HELD: dict[tuple[int, str], tuple[int, int]] = {}
"""
By process and file the descriptor that holds the lock, and how many share it.

Closing another descriptor of the same file would end a POSIX lock, so there is only this one.
"""
_CHANGING = threading.Lock()


def _locked(path: Path) -> int:
    import fcntl

    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as refused:
                if refused.errno not in _HELD_BY_ANOTHER:
                    raise
                raise FileIsLocked(os.read(descriptor, 20).decode("ascii", "replace").strip()) from None
            if _is_there(descriptor, path):
                os.truncate(descriptor, 0)
                os.write(descriptor, b"%d\n" % os.getpid())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its holder has removed it meanwhile: another one has to be made


def _is_there(descriptor: int, path: Path) -> bool:
    """Tell whether the locked file is the one that others find under its name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False

"""A position in a file of its own."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .._core.stream.checkpoint import Checkpoint
from ..exceptions import CheckpointError
from ._file_lock import FileIsLocked, FileLock

LARGEST = 1024 * 1024
"""Bytes that are read of a file; what holds more is not a checkpoint."""


REPLACE_TRIES = 20
"""How often a file is put in the place of the old one: some 2 s, until a virus scanner lets go of that."""
PASSING = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ETIMEDOUT,
        *(getattr(errno, name) for name in ("ESTALE",) if hasattr(errno, name)),
    }
)
"""What may be wrong with a file for a while: too many are open, its server is away."""


_WITHOUT_A_POSITION = (
    "the stream goes on after what the service has already delivered; subscribe(new=True) starts over"
)
"""What a file that isn't there means."""


def refused(problem: str, cause: OSError | None = None) -> CheckpointError:
    """Make the error of a file that can't be used: permanent, but for what may pass by itself."""
    return CheckpointError(problem, permanent=cause is None or not may_pass(cause))


def may_pass(error: OSError) -> bool:
    """
    Tell whether the system may do later what it refuses now.

    Args:
        error: What it said.

    Returns:
        Whether it may. A full disk doesn't count: somebody has to do something about it.
    """
    return error.errno in PASSING


class FileCheckpoint:
    """
    Keeps the position of one subscription in a JSON file.

    Each write goes to a new file beside it, which is flushed to the disk and then renamed over the first one
    (POSIX rename is atomic), so that a crash or a full disk at any moment leaves the old or the new position
    whole. A program that is killed just then leaves its new file behind (`<name>.<digits>.new`), of no use to
    anybody. The files are readable by their owner alone: a resume token is a credential.

    While a stream goes on from the file, `<name>.lock` is locked, and other processes are refused.

    Args:
        path: The file; made with the first write, its folder must exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        self._lock = threading.Lock()
        self._claim: FileLock | None = None

    def claim(self, key: str) -> Checkpoint | None:
        """
        Read the position to go on from it, and keep other processes from doing so until `let_go`.

        The system ends the claim of a process that dies. On Windows, and where files can't be locked, there
        is none.

        Args:
            key: Its name.

        Returns:
            The position, as `load` gives it.

        Raises:
            CheckpointError: Another process streams with this file, or as `load` says.
        """
        position = self.load(key)
        if self._claim is not None:
            return position
        try:
            self._claim = FileLock(self.path)
        except (ImportError, OSError):
            return position
        except FileIsLocked as locked:
            who = f"process {locked.pid}" if locked.pid.isdecimal() else "another process"
            raise refused(
                f"{who} already streams with the checkpoint {self.path}: give each program its own file, or "
                "let one stand by for the other with SQLiteCheckpoint(…, lease_seconds=30)"
            ) from None
        # What was read before the claim may have been written anew by the process that had it.
        return self.load(key)

    def let_go(self) -> None:
        """Let other processes stream with this file, when all in this one have let go of it."""
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.let_go()

    def load(self, key: str) -> Checkpoint | None:
        """
        Read the position.

        Args:
            key: Its name.

        Returns:
            The position, `None` where the file doesn't exist.

        Raises:
            CheckpointError: The file can't be read, holds the position of something else, or has no folder to
                be written to.
        """
        self._refuse_what_is_no_file()
        try:
            with self.path.open("rb") as file:
                data = file.read(LARGEST + 1)
        except FileNotFoundError:
            if not self.path.parent.is_dir():
                # Told before the first batch, and not after it.
                raise refused(
                    f"the checkpoint {self.path} can't be written: make its folder {self.path.parent} first"
                ) from None
            self._try_the_folder()
            return None
        except OSError as error:
            raise refused(
                f"the checkpoint {self.path} can't be read: {error.strerror or error}", error
            ) from error
        try:
            stored: dict[str, Any] = json.loads(data[:LARGEST].decode())
            found = stored["key"]
            checkpoint = Checkpoint(
                resume_token=stored["resume_token"],
                batch_id=stored.get("batch_id"),
                block=stored.get("block"),
                chain_id=stored.get("chain_id"),
                saved_at=datetime.fromisoformat(stored["saved_at"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise refused(
                f"{self.path} is not a checkpoint; move it away, and {_WITHOUT_A_POSITION}"
            ) from error
        if found != key:
            raise refused(
                f"{self.path} holds the position of {found!r} and not of {key!r}; use a file for each. "
                f"If that subscription is gone, move the file away, and {_WITHOUT_A_POSITION}"
            )
        self._try_the_folder()
        return checkpoint

    def save(self, key: str, checkpoint: Checkpoint) -> None:
        """
        Store the position; when this returns it survives a loss of power.

        Args:
            key: Its name.
            checkpoint: The position.

        Raises:
            CheckpointError: It could not be stored; the old one is still readable.
        """
        stored = {
            "key": key,
            "resume_token": checkpoint.resume_token,
            "batch_id": checkpoint.batch_id,
            "block": checkpoint.block,
            "chain_id": checkpoint.chain_id,
            "saved_at": datetime.now(UTC).isoformat(),
        }
        with self._lock:
            self._refuse_what_is_no_file()
            try:
                _replace(self.path, json.dumps(stored, indent=1).encode() + b"\n")
            except OSError as error:
                reason = error.strerror or error if self.path.parent.is_dir() else "its folder is gone"
                raise refused(f"the checkpoint {self.path} can't be written: {reason}", error) from error

    def _try_the_folder(self) -> None:
        """Make a file and remove it: a folder without the right to write is told before any handler runs."""
        fresh = _fresh(self.path)
        try:
            os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            fresh.unlink(missing_ok=True)
        except OSError as error:
            raise refused(
                f"the checkpoint {self.path} can't be written: {error.strerror or error}; "
                f"new files are made in {self.path.parent}",
                error,
            ) from error

    def _refuse_what_is_no_file(self) -> None:
        """Leave devices, pipes and folders alone: a pipe never ends, and a device would be replaced."""
        if self.path.exists() and not self.path.is_file():
            raise refused(f"the checkpoint {self.path} is not a file; name one, or a new one")

    def close(self) -> None:
        """Let go of the file."""
        self.let_go()


def _fresh(path: Path) -> Path:
    """Name a new file beside another: with a name of its own, since two processes may write one position."""
    return path.with_name(f"{path.name}.{os.urandom(8).hex()}.new")


def _replace(path: Path, data: bytes) -> None:
    fresh = _fresh(path)
    try:
        _write(fresh, data)
        _put(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _put(fresh: Path, path: Path) -> None:
    """Put one file in the place of another; Windows refuses that while somebody has the old one open."""
    for tried in range(1, REPLACE_TRIES):
        try:
            os.replace(fresh, path)
        except PermissionError:
            time.sleep(tried / 100)
        else:
            return
    os.replace(fresh, path)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; Windows has no such thing, and doesn't open folders."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Dead letters in a file."""

from __future__ import annotations

import logging
import os
import secrets
import stat
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .._core.stream.checkpoint import DeadLetterRecord
from ..exceptions import DeadLetterError
from .file import may_pass
from .letters import DeadLetter, as_json, from_json

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

_logger = logging.getLogger(__name__)

# A link that somebody else has put there would choose the file that is written to. Windows has no such flag.
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | _NOFOLLOW


class JSONLinesDeadLetters:
    """
    Appends dead letters to a file, one JSON object a line, each flushed to the disk.

    Args:
        path: The file, not a symbolic link; made where it doesn't exist, for its owner alone. Its folder must
            exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
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
        with self._lock, self._problems("written"), self._locked(_APPEND) as descriptor:
            if _ends_within_a_line(descriptor):  # written by a process that was killed, or on a full disk
                line = b"\n" + line
            with open(descriptor, "ab", closefd=False) as file:
                file.write(line)
                file.flush()
                os.fsync(descriptor)

    def read(self) -> Iterator[DeadLetter]:
        """
        Read what is kept, in the order in which it was written; lines that are something else are logged.

        Yields:
            The dead letters; none where there is no file.

        Raises:
            DeadLetterError: The file can't be read.

        Example:
            >>> for letter in JSONLinesDeadLetters("dead.jsonl").read():
            ...     print(letter.id, letter.record.reason)
        """
        with self._problems("read"), suppress(FileNotFoundError), open(self.path, "rb") as file:
            for number, line in enumerate(file, 1):
                letter = _letter(line)
                if letter is not None:
                    yield letter
                elif line.strip():
                    _logger.warning("%s, line %d: not a dead letter, passed over", self.path, number)

    def remove(self, ids: Collection[str]) -> int:
        """
        Forget dead letters.

        The others are moved to a new file, which takes the place of the old one. A program that writes to it
        meanwhile waits; on Windows it must be stopped first.

        Args:
            ids: Their ids.

        Returns:
            How many were there.

        Raises:
            DeadLetterError: The file can't be changed; it is as it was.
        """
        removed = 0
        new = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}.new")
        with self._lock, self._problems("changed"):
            try:
                with self._locked(os.O_RDWR | _NOFOLLOW) as descriptor:
                    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
                    with (
                        open(descriptor, "rb", closefd=False) as old,
                        open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file,
                    ):
                        for line in old:
                            if _id(line) in ids:
                                removed += 1
                            else:
                                file.write(line)
                        file.flush()
                        os.fsync(file.fileno())
                    if removed:
                        os.replace(new, self.path)
            except FileNotFoundError:
                return 0
            finally:
                new.unlink(missing_ok=True)
        return removed

    @contextmanager
    def _locked(self, flags: int) -> Iterator[int]:
        """Open the file, and keep other processes from writing to it."""
        while True:
            descriptor = os.open(self.path, flags, 0o600)
            try:
                if fcntl is None or not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    yield descriptor
                    return
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Whoever had it until now may have put another file in its place.
                if self.path.exists() and os.path.samestat(os.fstat(descriptor), os.stat(self.path)):
                    yield descriptor
                    return
            finally:
                os.close(descriptor)

    @contextmanager
    def _problems(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            problem = f"the dead letter file {self.path} can't be {what}: {error}"
            raise DeadLetterError(problem, permanent=not may_pass(error)) from error

    def close(self) -> None:
        """Do nothing: no file is kept open."""


def _ends_within_a_line(descriptor: int) -> bool:
    seen = os.fstat(descriptor)
    if not stat.S_ISREG(seen.st_mode) or not seen.st_size:
        return False
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) != b"\n"


def _letter(line: bytes) -> DeadLetter | None:
    with suppress(ValueError):
        return from_json(line.decode().strip())
    return None


def _id(line: bytes) -> str | None:
    letter = _letter(line)
    return None if letter is None else letter.id

"""Folders that files are put into whole: on a disk, or in the store of a cloud."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from event_streamer_api.errors import EventStreamerValidationError

from ..._extras import needs
from ..protocol import SinkError, SinkUnavailableError

__all__ = ["Folder", "folder_at", "told"]

SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
UNFINISHED = ".tmp"


class Folder(Protocol):
    """
    A folder whose files appear whole, or not at all.

    Attributes:
        name: What it is called in messages.
    """

    name: str

    def make(self) -> None:
        """Make the folder where it isn't there, and keep other processes out."""

    def names(self) -> list[str]:
        """Name its files."""

    def read(self, name: str) -> IO[bytes]:
        """Open a file."""

    def write(self, name: str) -> Any:
        """Give a context in which a file is written; it is there when the context ends well."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def dissolve(self) -> None:
        """Remove the folder, if it is empty."""

    def close(self) -> None:
        """Let other processes in."""


class LocalFolder:
    """A folder on a disk: files are written under another name, made durable, and renamed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name: str = str(path)
        self._lock: IO[bytes] | None = None

    def make(self) -> None:
        """Make the folder, and lock it for this process."""
        if self._path.exists() and not self._path.is_dir():
            raise SinkError(
                f"{self.name} is a file: name a folder, or a file that ends with .parquet, .csv or .jsonl"
            )
        if self._lock is None:
            try:
                self._lock = self._opened_lock()
            except FileNotFoundError:  # whoever had the folder until now has just removed it
                self._lock = self._opened_lock()
            try:
                _lock(self._lock)
            except OSError:
                self.close()
                raise SinkError(f"another process writes into {self.name}: name another folder") from None

    def _opened_lock(self) -> IO[bytes]:
        self._path.mkdir(parents=True, exist_ok=True)
        return (self._path / ".lock").open("wb")

    def names(self) -> list[str]:
        """Name its files."""
        return sorted(each.name for each in self._path.iterdir()) if self._path.is_dir() else []

    def read(self, name: str) -> IO[bytes]:
        """Open a file."""
        return (self._path / name).open("rb")

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """Write a file that survives a loss of power once it is there."""
        # Readers of the whole folder skip names that begin with a dot.
        unfinished = self._path / f".{name}{UNFINISHED}"
        try:
            with unfinished.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._path / name)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        _sync_folder(self._path)

    def remove(self, name: str) -> None:
        """Remove a file."""
        (self._path / name).unlink(missing_ok=True)

    def dissolve(self) -> None:
        """Remove the folder with its lock, if there is nothing else in it."""
        self.close()
        with contextlib.suppress(OSError):  # another process looks into it, or something else is there
            (self._path / ".lock").unlink(missing_ok=True)
            self._path.rmdir()

    def close(self) -> None:
        """Unlock it."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()


class RemoteFolder:
    """A folder of any file system of fsspec. An object of a cloud's store appears whole by itself."""

    def __init__(self, url: str) -> None:
        fsspec = needs("fsspec")
        self.name: str = _without_secrets(url)
        scheme = url.partition("://")[0].lower()
        if scheme not in fsspec.available_protocols() or scheme in _READ_ONLY:
            raise EventStreamerValidationError(f"events can't go to {scheme}://: {_KNOWN}")
        try:
            self._system, self._path = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError, OSError) as problem:
            raise SinkError(f"{self.name} can't be used: {problem}") from problem

    def make(self) -> None:
        """Make the folder, where such a store has folders; not a bucket, whose name may be a mistake."""
        if not self._protocols & _OBJECTS:
            with _as_os_errors():
                self._system.makedirs(self._path, exist_ok=True)

    @property
    def _protocols(self) -> set[str]:
        named = self._system.protocol
        return {named} if isinstance(named, str) else set(named)

    def names(self) -> list[str]:
        """Name its files; asked anew, since a listing is remembered."""
        with _as_os_errors():
            self._system.invalidate_cache()
            if not self._system.exists(self._path):
                return []
            found = self._system.ls(self._path, detail=False)
        return sorted(each.rpartition("/")[2] for each in found)

    def read(self, name: str) -> IO[bytes]:
        """Open an object."""
        with _as_os_errors():
            opened: IO[bytes] = self._system.open(f"{self._path}/{name}", "rb")
        return opened

    @contextmanager
    def write(self, name: str) -> Iterator[Any]:
        """Collect an object, and put it there in one piece."""
        collected = io.BytesIO()
        yield _Kept(collected)
        with _as_os_errors():
            self._system.pipe_file(f"{self._path}/{name}", collected.getvalue())

    def remove(self, name: str) -> None:
        """Remove an object."""
        with _as_os_errors():
            if self._system.exists(f"{self._path}/{name}"):
                self._system.rm_file(f"{self._path}/{name}")

    def dissolve(self) -> None:
        """Remove the folder, where such a store has folders."""
        if not self._protocols & _OBJECTS:
            with contextlib.suppress(OSError, NotImplementedError):
                self._system.rmdir(self._path)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


_OBJECTS = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl"}
"""Stores that have no folders, but objects whose names hold `/`."""


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Turn what a store's library raises, each its own, into what file systems raise."""
    try:
        yield
    except (OSError, NotImplementedError):
        raise
    except Exception as problem:
        raise OSError(str(problem)) from problem


_READ_ONLY = ("http", "https")
_KNOWN = (
    "they go to files and folders, postgresql://, sqlite://, redis://, kafka://, nats://, and to stores of "
    "files such as s3://, gs:// and az://"
)


def _without_secrets(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


class _Kept(io.BufferedIOBase):
    """A file that writers may close while what they wrote is kept."""

    def __init__(self, target: io.BytesIO) -> None:
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return self._target.write(data)

    def tell(self) -> int:
        return self._target.tell()


def folder_at(place: str | os.PathLike[str]) -> Folder:
    """
    Find a folder.

    Returns:
        The folder; nothing is made yet.

    Raises:
        SinkError: There is no such kind of place.
        MissingExtraError: fsspec isn't installed.
    """
    text = os.fspath(place)
    if text.startswith("file://"):
        text = text.removeprefix("file://")
    return RemoteFolder(text.rstrip("/")) if SCHEME.match(text) else LocalFolder(Path(text))


@contextmanager
def told(doing: str) -> Iterator[None]:
    """
    Turn what file systems raise into what a sink may raise.

    Raises:
        SinkError: It will not work however often it is tried.
        SinkUnavailableError: It may work later, as with a disk that is full.
    """
    try:
        yield
    except (
        FileNotFoundError,
        FileExistsError,
        NotADirectoryError,
        IsADirectoryError,
        PermissionError,
    ) as problem:
        raise SinkError(f"{doing}: {problem.strerror or problem}") from problem
    except OSError as problem:
        raise SinkUnavailableError(f"{doing}: {problem.strerror or problem}") from problem


def _lock(file: IO[bytes]) -> None:
    """Lock a file; the system unlocks it when the process ends, however it does."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync_folder(path: Path) -> None:
    """Make a rename durable, where the system has a way to (Windows has none)."""
    with contextlib.suppress(OSError):
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

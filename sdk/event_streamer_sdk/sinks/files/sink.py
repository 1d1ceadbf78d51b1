"""Events in files: a folder of part files with a manifest, or one file that is there when all is done."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import StreamingReorg

from ..arrow import ByteStyle, IntegerStyle
from ..columns import EventTable
from ..protocol import SinkBatch, SinkError, Source, compare_options, differing
from .folders import Folder, folder_at, told
from .formats import FORMATS, Format
from .manifest import MANIFEST, Manifest, Part, free_name, load, rename_old, sweep

__all__ = ["FileSink"]

PARTS = ".parts"
"""What the folder is called in which the parts of one file are collected."""

_SUFFIXES = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

_OTHER_FILES = re.compile(
    r"\.(arrow|avro|bz2|db|duckdb|feather|gz|html|json|orc|pkl|pq|sqlite3?|sql|tar|tsv|txt|xlsx?|xml|xz|ya?ml"
    r"|zip|zst)"
)
"""What the names of other kinds of files end with: whoever writes `x.txt` doesn't mean a folder."""


class FileSink:
    """
    Writes events into files: Parquet, CSV or JSON lines.

    A folder gets part files, named by the blocks that they cover, each renamed when it is whole. Its
    `_manifest.json` lists them, and holds the position: a part that isn't listed does not count, and is
    removed by the next run. On a reorganisation the parts that hold replaced blocks are written anew.

    A place that ends with `.parquet`, `.csv` or `.jsonl` becomes one file when the subscription is finished;
    until then its parts are collected in `<place>.parts`.

    Args:
        place: A path, or a URL such as `s3://bucket/transfers` (fsspec; `s3://` needs s3fs too, `gs://`
            gcsfs, `az://` adlfs).
        format: `parquet`, `csv` or `jsonl`; as the place ends, else `parquet`.
        integers: How integers of more than 64 bits are written, see `IntegerStyle`.
        byte_style: How addresses, hashes and bytes are written: `hex`, or in Parquet `binary`.
        columns: The parameters that are wanted; all where not given.
        where: A condition for rows, such as `value > 10**24`.
        part_rows: Events in a part file, at most about so many, 1 or more.
        part_seconds: Seconds between two part files while events come.
        patience: Seconds that the place may be unavailable, as a disk that is full, before the stream ends.

    Raises:
        EventStreamerValidationError: An option that doesn't exist.

    Example:
        >>> streaming_client.run(into=FileSink("transfers", integers="decimal"))
    """

    writes_when_idle = False
    """A part holds what came in `part_seconds`, and not only the last block."""

    def __init__(
        self,
        place: str | os.PathLike[str],
        *,
        format: str | None = None,  # noqa: A002 - the word that everybody looks for
        integers: IntegerStyle = "text",
        byte_style: ByteStyle = "hex",
        columns: Iterable[str] | None = None,
        where: str | None = None,
        part_rows: int = 250_000,
        part_seconds: float = 60.0,
        patience: float = 60.0,
    ) -> None:
        text = os.fspath(place)
        suffix = os.path.splitext(text)[1].lower()
        if _OTHER_FILES.fullmatch(suffix) and not os.path.isdir(text):
            raise EventStreamerValidationError(
                f"{text}: a file of events ends with .parquet, .csv or .jsonl. For a folder of that name "
                f"write {text}/"
            )
        self._file = text if suffix in _SUFFIXES else None
        self._format_name = format or _SUFFIXES.get(suffix, "parquet")
        if self._format_name not in FORMATS:
            raise EventStreamerValidationError(f"format must be one of {', '.join(FORMATS)}, not {format!r}")
        if self._file is not None and _SUFFIXES[suffix] != self._format_name:
            raise EventStreamerValidationError(f"{text} doesn't end as a file of {self._format_name} does")
        if part_rows < 1:
            raise EventStreamerValidationError(f"part_rows must be 1 or more, not {part_rows}")
        self._columns = None if columns is None else tuple(columns)
        self._where = where
        self._integers: IntegerStyle = integers
        self._byte_style: ByteStyle = byte_style
        self.write_rows = part_rows
        self.write_seconds = part_seconds
        self.patience = patience
        self._folder: Folder = folder_at(text + PARTS if self._file is not None else text)
        self._source: Source | None = None
        self._format: Format | None = None
        self._manifest = Manifest(self._options())

    def _options(self) -> dict[str, Any]:
        return {
            "format": self._format_name,
            "integers": self._integers,
            "byte_style": self._byte_style,
            "columns": list(self._columns) if self._columns is not None else None,
            "where": self._where,
        }

    @property
    def needs_end(self) -> bool:
        """Whether it is one file, which is there only when all events are."""
        return self._file is not None

    @property
    def rows(self) -> int:
        """How many events the place holds."""
        return self._manifest.rows

    # --- the sink ------------------------------------------------------------------------------

    def open(self, source: Source) -> str | None:
        """
        Find out what is there already, and remove what doesn't count.

        Args:
            source: The subscription.

        Returns:
            The token in the manifest.

        Raises:
            SinkError: The place holds something else.
        """
        table = EventTable(source.event, source.chain_id, only=self._columns, where=self._where)
        self._format = FORMATS[self._format_name](table, self._integers, self._byte_style)
        self._source = source
        with told(f"{self._file or self._folder.name} can't be used"):
            self._look(source)  # what is refused leaves nothing behind
            self._folder.make()
            try:
                rename_old(self._folder)
                # Others may have written between the look and the lock, and even have come to the end.
                token, self._manifest = self._look(source)
                if self._manifest.position is None:
                    self._commit(self._manifest.parts, None)
                sweep(self._folder, self._manifest)
            except BaseException:
                self._folder.close()
                raise
        return token

    def _look(self, source: Source) -> tuple[str | None, Manifest]:
        """Read the token and the manifest that belongs to it."""
        self._refuse_existing_file()
        found = self._found()
        if found is None:
            return None, Manifest(self._options())
        name = self._folder.name
        compare_options(name, found.options, self._options())
        return source.token_in(json.dumps(found.position) if found.position else None, name), found

    def _found(self) -> Manifest | None:
        """Read the manifest; one without rows doesn't count if other options are wanted now."""
        found = load(self._folder)
        if found is None or found.rows or not differing(found.options, self._options()):
            return found
        return None

    def _refuse_existing_file(self) -> None:
        if self._file is None:
            return
        beside, _, name = self._file.rpartition("/")
        folder = folder_at(beside or ("/" if self._file.startswith("/") else "."))
        left = self._folder.names()
        if name in folder.names() and MANIFEST not in left:
            if left:  # of a run that died while it tidied up, or of ours that came just after it
                for each in left:
                    self._folder.remove(each)
                self._folder.dissolve()
            raise SinkError(f"{self._file} exists already: remove it, or name another file")

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Any:
        """
        Bring events into the format's form.

        Args:
            events: Event objects.

        Returns:
            A record batch, or lines of text.
        """
        return self._opened().prepare(events)

    def write(self, batch: SinkBatch) -> None:
        """
        Write a part file, then the manifest that lists it and holds the token.

        Args:
            batch: The events.

        Raises:
            SinkUnavailableError: The disk is full, or the store is away.
            SinkError: The place refuses.
        """
        parts = self._manifest.parts
        with told(f"{self._folder.name} can't be written"):
            if batch.size:
                first, last = batch.first_block or 0, batch.last_block or 0
                part = self._part(first, last, lambda file: self._opened().write(file, batch.prepared))
                parts = (*parts, *part)
            self._commit(parts, batch.resume_token)

    def undo(self, reorg: StreamingReorg) -> None:
        """
        Write the parts anew that hold replaced blocks, then the manifest.

        Args:
            reorg: The replaced blocks.

        Raises:
            SinkUnavailableError: The disk is full, or the store is away.
            SinkError: The place refuses.
        """
        ancestor = reorg.common_ancestor
        before = self._manifest.parts
        kept: list[Part] = []
        with told(f"{self._folder.name} can't be written"):
            for part in before:
                if part.last_block <= ancestor:
                    kept.append(part)
                elif part.first_block <= ancestor:
                    kept.extend(self._part(part.first_block, ancestor, self._cutting(part, ancestor), kept))
            self._commit(tuple(kept), reorg.resume_token)
            for part in before:
                if part not in kept:
                    self._folder.remove(part.name)

    def _cutting(self, part: Part, ancestor: int) -> Callable[[IO[bytes]], int]:
        def cut(file: IO[bytes]) -> int:
            with self._folder.read(part.name) as source:
                return self._opened().cut(source, file, ancestor)

        return cut

    def finish(self) -> None:
        """
        Note that the subscription has no further events; make the one file, where one is wanted.

        Raises:
            SinkUnavailableError: The disk is full, or the store is away.
            SinkError: The place refuses.
        """
        position = self._manifest.position or {}
        with told(f"{self._file or self._folder.name} can't be written"):
            if not position.get("finished"):
                self._commit(self._manifest.parts, position.get("resume_token"), finished=True)
            if self._file is not None:
                self._join(self._file)

    def close(self) -> None:
        """Let other processes write into the folder."""
        self._folder.close()

    # --- files ---------------------------------------------------------------------------------

    def _opened(self) -> Format:
        assert self._format is not None, "open comes first"
        return self._format

    def _part(
        self, first: int, last: int, write: Callable[[IO[bytes]], int], beside: Iterable[Part] = ()
    ) -> tuple[Part, ...]:
        """Write a part file; none is left where it would hold no rows."""
        used = {part.name for part in (*self._manifest.parts, *beside)}
        name = free_name(first, last, self._opened().suffix, used)
        with self._folder.write(name) as file:
            rows = write(file)
        if not rows:
            self._folder.remove(name)
            return ()
        return (Part(name, rows, first, last),)

    def _commit(self, parts: tuple[Part, ...], token: str | None, *, finished: bool = False) -> None:
        assert self._source is not None, "open comes first"
        manifest = self._manifest.at(self._source.position(token, finished=finished), parts)
        manifest.save(self._folder)
        self._manifest = manifest

    def _join(self, place: str) -> None:
        beside, _, name = place.rpartition("/")
        target = folder_at(beside or ("/" if place.startswith("/") else "."))
        with target.write(name) as file:
            self._opened().join([self._reading(part.name) for part in self._manifest.parts], file)
        self._folder.remove(MANIFEST)
        for part in self._manifest.parts:
            self._folder.remove(part.name)
        self._folder.dissolve()

    def _reading(self, name: str) -> Callable[[], IO[bytes]]:
        return lambda: self._folder.read(name)

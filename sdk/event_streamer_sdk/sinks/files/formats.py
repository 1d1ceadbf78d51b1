"""The formats of part files: JSON lines, CSV and Parquet. Each writes, cuts and joins whole files."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any, Protocol

from event_streamer_api.errors import EventStreamerValidationError

from ..._extras import needs
from .. import arrow
from .._text import Lines, cell_columns, json_text
from ..columns import Column, EventTable
from .early import COMPRESSION, EarlyPart

__all__ = ["FORMATS", "Format"]

BLOCK = "block_number"
"""The column by which files are cut."""


class Format(Protocol):
    """
    One format of files.

    Attributes:
        suffix: What the names of its files end with.
    """

    suffix: str

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Any:
        """Make a compact form of some events."""

    def write(self, file: IO[bytes], prepared: Iterable[Any]) -> int:
        """Write a whole file; gives the number of rows."""

    def cut(self, source: IO[bytes], file: IO[bytes], last_block: int) -> int:
        """Write the rows of a file up to a block into another one; gives their number."""

    def join(self, sources: Iterable[Callable[[], IO[bytes]]], file: IO[bytes]) -> None:
        """Write the rows of several files into one."""


class JSONLines:
    """One JSON object a line; wide integers are text unless another style is wanted."""

    suffix = ".jsonl"

    def __init__(self, table: EventTable, integers: arrow.IntegerStyle, byte_style: arrow.ByteStyle) -> None:
        _refuse_binary(byte_style)
        self._table = table
        self._integers = integers

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Any:
        """Write events as lines."""
        columns = self._table.take(events, wide_text=self._integers == "text")
        return Lines(len(columns[0]), json_text(self._table, columns, self._integers))

    def write(self, file: IO[bytes], prepared: Iterable[Any]) -> int:
        """Write a whole file."""
        return _write_texts(file, prepared)

    def cut(self, source: IO[bytes], file: IO[bytes], last_block: int) -> int:
        """Copy the lines up to a block."""
        rows = 0
        for line in source:
            if json.loads(line)[BLOCK] <= last_block:
                file.write(line)
                rows += 1
        return rows

    def join(self, sources: Iterable[Callable[[], IO[bytes]]], file: IO[bytes]) -> None:
        """Put files behind each other."""
        for opened in sources:
            with opened() as source:
                _copy(source, file)


class CSV:
    r"""RFC 4180 with a head line and `\n` as the end of lines; lists and structs are JSON in a cell."""

    suffix = ".csv"

    def __init__(self, table: EventTable, integers: arrow.IntegerStyle, byte_style: arrow.ByteStyle) -> None:
        _refuse_binary(byte_style)
        self._table = table
        self._integers = integers
        self._block = table.names.index(BLOCK)

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Any:
        """Write events as lines, a column at a time: a quarter of what csv.writer takes for it."""
        columns = cell_columns(
            self._table, self._table.take(events, wide_text=self._integers == "text"), self._integers
        )
        cells = map(_csv_cells, self._table.columns, columns)
        lines = map(",".join, zip(*cells, strict=True))
        return Lines(len(columns[0]), "".join([line + "\n" for line in lines]).encode())

    def write(self, file: IO[bytes], prepared: Iterable[Any]) -> int:
        """Write a whole file."""
        file.write(self._head())
        return _write_texts(file, prepared)

    def _head(self) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(self._table.names)
        return text.getvalue().encode()

    def cut(self, source: IO[bytes], file: IO[bytes], last_block: int) -> int:
        """Copy the rows up to a block."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        rows = iter(csv.reader(io.StringIO(source.read().decode(), newline="")))
        writer.writerow(next(rows))
        kept = [row for row in rows if int(row[self._block]) <= last_block]
        writer.writerows(kept)
        file.write(text.getvalue().encode())
        return len(kept)

    def join(self, sources: Iterable[Callable[[], IO[bytes]]], file: IO[bytes]) -> None:
        """Put files behind each other, with one head line."""
        head = self._head()
        file.write(head)
        for opened in sources:
            with opened() as source:
                source.read(len(head))
                _copy(source, file)


class Parquet:
    """Apache Parquet, compressed with zstd, typed from the ABI."""

    suffix = ".parquet"

    def __init__(self, table: EventTable, integers: arrow.IntegerStyle, byte_style: arrow.ByteStyle) -> None:
        self._table = table
        self._schema = arrow.schema(table, integers=integers, byte_style=byte_style)
        self._parquet = needs("pyarrow.parquet")
        self._early = EarlyPart(self._schema)

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Any:
        """Convert events into a record batch, which is written ahead while more are converted."""
        batch = arrow.record_batch(self._table, events, self._schema)
        self._early.take(batch)
        return batch

    def write(self, file: IO[bytes], prepared: Iterable[Any]) -> int:
        """Write a whole file."""
        due = list(prepared)
        early, self._early = self._early, EarlyPart(self._schema)
        if not early.begins(due):  # as where blocks are replaced in between, or the disk was full
            early = EarlyPart(self._schema)
        for batch in due[early.batches :]:
            early.take(batch)
        file.write(early.end())
        return sum(batch.num_rows for batch in due)

    def _writer(self, file: IO[bytes]) -> Any:
        return self._parquet.ParquetWriter(file, self._schema, compression=COMPRESSION)

    def cut(self, source: IO[bytes], file: IO[bytes], last_block: int) -> int:
        """Copy the rows up to a block."""
        whole = self._parquet.read_table(source, filters=[(BLOCK, "<=", last_block)]).cast(self._schema)
        with self._writer(file) as writer:
            writer.write_table(whole)
        rows: int = whole.num_rows
        return rows

    def join(self, sources: Iterable[Callable[[], IO[bytes]]], file: IO[bytes]) -> None:
        """Write the row groups of files into one."""
        with self._writer(file) as writer:
            for opened in sources:
                with opened() as source:
                    for batch in self._parquet.ParquetFile(source).iter_batches():
                        writer.write_batch(batch.cast(self._schema))


FORMATS: dict[str, type[JSONLines | CSV | Parquet]] = {"jsonl": JSONLines, "csv": CSV, "parquet": Parquet}
"""Name → format."""

_CHUNK = 1 << 20


_QUOTED = re.compile(r'[",\r\n]')
"""What a cell with quotation marks around it holds (RFC 4180, 2.6)."""


def _csv_cells(column: Column, values: Sequence[Any]) -> Iterable[str]:
    """Quote what must be: text of others alone can hold a comma, a quotation mark or an end of line."""
    if column.type.kind in ("text", "list", "struct"):
        return ['"' + value.replace('"', '""') + '"' if _QUOTED.search(value) else value for value in values]
    return map(str, values)


def _refuse_binary(byte_style: arrow.ByteStyle) -> None:
    if byte_style != "hex":
        raise EventStreamerValidationError("text files hold bytes as hex: binary needs Parquet")


def _write_texts(file: IO[bytes], prepared: Iterable[Lines]) -> int:
    rows = 0
    for text in prepared:
        file.write(text.content)
        rows += text.rows
    return rows


def _copy(source: IO[bytes], file: IO[bytes]) -> None:
    while chunk := source.read(_CHUNK):
        file.write(chunk)

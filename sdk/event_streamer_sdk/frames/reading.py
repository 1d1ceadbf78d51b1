"""Exported files and folders, read for a plot: Parquet, CSV and JSON lines as the sinks write them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from event_streamer_api.errors import EventStreamerValidationError

from .._extras import needs
from ..abi import parse_abi
from ..sinks.files.folders import folder_at
from ..sinks.files.manifest import MANIFEST, load
from .charts import PlotData

__all__ = ["read_export"]

Columns = dict[str, list[Any]]


def read_export(place: str) -> PlotData:
    """
    Read an exported file, or a folder of part files.

    Args:
        place: A file that ends with .parquet, .csv or .jsonl, or a folder with its manifest, also as a URL.

    Returns:
        Its events.

    Raises:
        EventStreamerValidationError: It is none of them, or can't be read.
        OSError: It isn't there.
        MissingExtraError: A library isn't installed.
    """
    path = Path(place)
    if "://" not in place and path.is_file():
        columns = _read(path.suffix, path.read_bytes(), place)
        return PlotData(path.stem, path.name, _checked(columns, place))
    if "://" not in place and not path.exists():
        raise EventStreamerValidationError(
            f"{place} isn't there: name an exported file or folder, or a subscription by its number"
        )
    folder = folder_at(place)
    manifest = load(folder)
    if manifest is None:
        raise EventStreamerValidationError(f"{place} holds no export: it has no {MANIFEST}")
    columns = {}
    for part in manifest.parts:
        with folder.read(part.name) as file:
            for name, values in _read(Path(part.name).suffix, file.read(), part.name).items():
                columns.setdefault(name, []).extend(values)
    position = manifest.position or {}
    if not manifest.parts:
        columns = {"block_number": []}
    event = position.get("event")
    name = parse_abi(event).only_event().name if isinstance(event, str) else path.name
    about = f"chain {position['chain_id']}" if "chain_id" in position else path.name
    return PlotData(name, about, _checked(columns, place))


def _checked(columns: Columns, place: str) -> Columns:
    if "block_number" not in columns:
        raise EventStreamerValidationError(
            f"{place} has no column block_number: it is not an export of events"
        )
    return columns


def _read(suffix: str, content: bytes, name: str) -> Columns:
    readers: dict[str, Callable[[IO[bytes]], Columns]] = {
        ".parquet": _parquet,
        ".csv": _csv,
        ".jsonl": _json_lines,
        ".ndjson": _json_lines,
    }
    if suffix not in readers:
        raise EventStreamerValidationError(
            f"{name} is not an export: those end with .parquet, .csv or .jsonl"
        )
    try:
        columns = readers[suffix](io.BytesIO(content))
    except (ValueError, LookupError, TypeError, csv.Error) as problem:  # Arrow's errors are ValueErrors
        raise EventStreamerValidationError(f"{name} can't be read: {problem}") from problem
    if "timestamp" in columns:
        columns["timestamp"] = list(map(_moment, columns["timestamp"]))
    if "block_number" in columns:
        columns["block_number"] = list(map(int, columns["block_number"]))
    return columns


def _parquet(file: IO[bytes]) -> Columns:
    table = needs("pyarrow.parquet").read_table(file)
    columns = {}
    for field in table.schema:
        abi_type = (field.metadata or {}).get(b"abi_type", b"").decode()
        columns[field.name] = [_plain(value, abi_type) for value in table.column(field.name).to_pylist()]
    return columns


def _plain(value: Any, abi_type: str) -> Any:
    """Undo the binary style of an export."""
    if not isinstance(value, bytes):
        return value
    if abi_type.startswith(("uint", "int")):
        return int.from_bytes(value, "big", signed=abi_type.startswith("int"))
    return "0x" + value.hex()


def _csv(file: IO[bytes]) -> Columns:
    rows = csv.reader(io.TextIOWrapper(file, "utf-8", newline=""))
    names = next(rows, [])
    return _turned(names, rows)


def _json_lines(file: IO[bytes]) -> Columns:
    lines = [json.loads(line) for line in file if line.strip()]
    names = list(lines[0]) if lines else ["block_number"]
    return _turned(names, ([line[name] for name in names] for line in lines))


def _turned(names: list[str], rows: Iterator[list[Any]]) -> Columns:
    columns = list(zip(*rows, strict=True)) or [() for _ in names]
    return {name: list(values) for name, values in zip(names, columns, strict=True)}


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str) and value:
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

"""The list of a folder's part files, with the position: what is not in it does not count."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping
from contextlib import suppress
from typing import Any

from attrs import asdict, evolve, field, frozen

from ..protocol import SinkError
from .folders import UNFINISHED, Folder

__all__ = ["MANIFEST", "Manifest", "Part"]

MANIFEST = "_manifest.json"
"""Readers of whole folders (pyarrow, pandas, polars, DuckDB, Spark) skip names that begin with `_` or `.`."""

OLD_MANIFEST = "manifest.json"
"""What it was called before; it is read where there is no new one, and replaced by the next write."""

VERSION = 1

_PART = re.compile(r"\d{10,}-\d{10,}(\.\d+)?\.(jsonl|csv|parquet)")
_UNFINISHED = re.compile(rf"\.({_PART.pattern}|{MANIFEST}){UNFINISHED}|{_PART.pattern}{UNFINISHED}")
"""What a process leaves that dies in the middle of a write; earlier versions put no dot in front."""


@frozen
class Part:
    """One part file."""

    name: str
    rows: int
    first_block: int
    last_block: int


@frozen
class Manifest:
    """
    What a folder holds.

    Attributes:
        options: How its files are written; a second run must want the same.
        position: What `Source.position` wrote, as JSON values; `None` before the first write.
        parts: The part files, in the order of the chain.
    """

    options: Mapping[str, Any]
    position: Mapping[str, Any] | None = field(default=None, repr=False)
    parts: tuple[Part, ...] = ()

    @property
    def rows(self) -> int:
        """How many events there are in all parts."""
        return sum(part.rows for part in self.parts)

    def at(self, position: str, parts: tuple[Part, ...]) -> Manifest:
        """Make the manifest behind a write."""
        return evolve(self, position=json.loads(position), parts=parts)

    def save(self, folder: Folder) -> None:
        """Write it; from then on its parts count, and no others."""
        content = {
            "version": VERSION,
            "options": self.options,
            "rows": self.rows,
            "position": self.position,
            "parts": [asdict(part) for part in self.parts],
        }
        with folder.write(MANIFEST) as file:
            file.write(json.dumps(content, indent=1).encode() + b"\n")


def free_name(first_block: int, last_block: int, suffix: str, used: Container[str]) -> str:
    """
    Name a new part file.

    Args:
        first_block: The first block that it covers.
        last_block: The last one.
        suffix: What its name ends with.
        used: Names that others have.

    Returns:
        A name that sorts as the blocks do, and is free.
    """
    stem, number = f"{first_block:010d}-{last_block:010d}", 1
    name = stem + suffix
    while name in used:
        number += 1
        name = f"{stem}.{number}{suffix}"
    return name


def load(folder: Folder) -> Manifest | None:
    """
    Read the manifest of a folder.

    Returns:
        The manifest; `None` where there is none.

    Raises:
        SinkError: It can't be read, or there are part files that none speaks of.
    """
    names = folder.names()
    for name in (MANIFEST, OLD_MANIFEST):
        if name in names:
            return _read(folder, name)
    if strange := [name for name in names if _PART.fullmatch(name)]:
        raise SinkError(f"{folder.name} holds {strange[0]} and no {MANIFEST}: name another folder")
    return None


def _read(folder: Folder, name: str) -> Manifest:
    with folder.read(name) as file:
        content = file.read()
    try:
        found = json.loads(content)
        if found["version"] != VERSION:
            raise SinkError(f"{folder.name}/{name} was written by a later version: update event-streamer-sdk")
        parts = tuple(Part(**part) for part in found["parts"])
        return Manifest(found["options"], found["position"], parts)
    except (ValueError, KeyError, TypeError) as problem:
        raise SinkError(f"{folder.name}/{name} can't be read: {problem}") from problem


def rename_old(folder: Folder) -> None:
    """Give a manifest with the old name the new one."""
    names = folder.names()
    if OLD_MANIFEST not in names:
        return
    if MANIFEST not in names:
        _read(folder, OLD_MANIFEST).save(folder)
    with suppress(SinkError):  # where it isn't one of ours it stays
        _read(folder, OLD_MANIFEST)
        folder.remove(OLD_MANIFEST)


def sweep(folder: Folder, manifest: Manifest) -> None:
    """Remove part files that don't count: what a process left that died in the middle of a write."""
    counted = {part.name for part in manifest.parts}
    for name in folder.names():
        if (_PART.fullmatch(name) and name not in counted) or _UNFINISHED.fullmatch(name):
            folder.remove(name)

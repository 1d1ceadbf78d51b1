"""Columns as text: what JSON, CSV and messages are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from attrs import frozen

from .arrow import IntegerStyle
from .columns import ColumnType, EventTable

__all__ = ["Lines", "cell_columns", "json_columns", "json_lines", "json_text"]

_WIDE_BYTES = 32


def _dumps_stdlib(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _row_type_stdlib(names: tuple[str, ...]) -> Callable[..., Any]:
    return lambda *values: dict(zip(names, values, strict=True))


def _dump_lines_stdlib(rows: list[Any]) -> bytes:
    return b"".join([_dumps_stdlib(row) + b"\n" for row in rows])


_dumps: Callable[[Any], bytes] = _dumps_stdlib
_dump_lines: Callable[[list[Any]], bytes] = _dump_lines_stdlib
_row_type: Callable[[tuple[str, ...]], Callable[..., Any]] = _row_type_stdlib
"""Names → what makes an object of a row's values, for `_dumps`."""

with suppress(ImportError):  # the plain install
    import msgspec

    _dumps = msgspec.json.Encoder().encode
    _dump_lines = msgspec.json.Encoder().encode_lines

    @lru_cache(maxsize=256)
    def _row_type_msgspec(names: tuple[str, ...]) -> Callable[..., Any]:
        """Make a struct, which costs half of what a dict does, to make and to write."""
        # Attributes are numbered, since a parameter may have any name, such as `from` or `__init__`.
        attributes = {f"f{number}": name for number, name in enumerate(names)}
        return msgspec.defstruct("Row", list(attributes), rename=attributes, gc=False)

    _row_type = _row_type_msgspec


@frozen
class Lines:
    """
    Some rows as text; its `len` is their number.

    Attributes:
        rows: How many there are.
        content: The text.
    """

    rows: int
    content: bytes

    def __len__(self) -> int:
        return self.rows

    @property
    def nbytes(self) -> int:
        """Its size."""
        return len(self.content)


def json_columns(
    table: EventTable, columns: Sequence[Sequence[Any]], integers: IntegerStyle = "text"
) -> list[Sequence[Any]]:
    """
    Give columns the form that JSON has for them.

    Args:
        table: The event's table.
        columns: What its `take` gave.
        integers: How integers of more than 64 bits are written: `text` and `binary` as text, `decimal` and
            `float` as numbers of JSON.

    Returns:
        Columns of what JSON can hold. Times are ISO 8601 in UTC, fixed-point numbers text.
    """
    return [
        _plain(values, column.type, integers) for column, values in zip(table.columns, columns, strict=True)
    ]


def json_lines(
    table: EventTable, columns: Sequence[Sequence[Any]], integers: IntegerStyle = "text"
) -> list[bytes]:
    """
    Write rows as JSON objects.

    Args:
        table: The event's table.
        columns: What its `take` gave.
        integers: As in `json_columns`.

    Returns:
        An object for each row, in UTF-8, without an end of line.
    """
    # JSON holds no end of line within, so one call for all and a cut are two thirds of a call for each.
    return json_text(table, columns, integers).split(b"\n")[:-1]


def json_text(table: EventTable, columns: Sequence[Sequence[Any]], integers: IntegerStyle = "text") -> bytes:
    """
    Write rows as lines of JSON.

    Args:
        table: The event's table.
        columns: What its `take` gave.
        integers: As in `json_columns`.

    Returns:
        An object for each row, in UTF-8, with an end of line behind each.
    """
    made = _row_type(table.names)
    return _dump_lines(list(map(made, *json_columns(table, columns, integers))))


def cell_columns(
    table: EventTable, columns: Sequence[Sequence[Any]], integers: IntegerStyle = "text"
) -> list[Sequence[Any]]:
    """
    Give columns the form that a cell of text has for them.

    Args:
        table: The event's table.
        columns: What its `take` gave.
        integers: As in `json_columns`.

    Returns:
        Columns of text and numbers: `true` and `false`, lists and structs as JSON, nothing for null.
    """
    cells: list[Sequence[Any]] = []
    for column, values in zip(table.columns, json_columns(table, columns, integers), strict=True):
        if column.type.kind == "bool":
            cells.append(["true" if value else "false" for value in values])
        elif column.type.kind in ("list", "struct"):
            cells.append([_dumps(value).decode() for value in values])
        elif column.nullable:
            cells.append(["" if value is None else value for value in values])
        else:
            cells.append(values)
    return cells


def _plain(values: Sequence[Any], type_: ColumnType, integers: IntegerStyle) -> Sequence[Any]:
    if type_.is_wide:
        return _wide(values, type_, integers)
    if type_.kind == "decimal":
        return list(map(float, values)) if integers == "float" else [format(value, "f") for value in values]
    if type_.kind == "timestamp":
        known = {value: None if value is None else _moment(value) for value in set(values)}
        return [known[value] for value in values]
    if type_.kind == "list":
        assert type_.item is not None, "a list has items"
        return [_plain(value, type_.item, integers) for value in values]
    if type_.kind == "struct":
        members = [
            _plain([value[name] for value in values], member, integers) for name, member in type_.members
        ]
        names = [name for name, _ in type_.members]
        return [dict(zip(names, row, strict=True)) for row in zip(*members, strict=True)]
    return values


def _wide(values: Sequence[int], type_: ColumnType, integers: IntegerStyle) -> Sequence[Any]:
    if integers == "text":
        return list(map(str, values))
    if integers == "float":
        return list(map(float, values))
    if integers == "binary":
        return ["0x" + value.to_bytes(_WIDE_BYTES, "big", signed=type_.signed).hex() for value in values]
    return values


def _moment(value: Any) -> str:
    text: str = value.isoformat()
    return text.replace("+00:00", "Z")

"""Columns as text: what JSON, CSV and messages are made of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from attrs import frozen

from .arrow import IntegerStyle
from .columns import Column, ColumnType, EventTable

__all__ = ["JSONRows", "Lines", "cell_columns", "json_columns", "json_rows", "json_text"]

_WIDE_BYTES = 32
_IDENTIFIER = re.compile(r"[\w$]+")
"""An identifier of Solidity."""


def _dumps_stdlib(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


_dumps: Callable[[Any], bytes] = _dumps_stdlib

with suppress(ImportError):  # the plain install
    import msgspec

    _dumps = msgspec.json.Encoder().encode


@frozen
class Lines:
    """Some rows as text; its `len` is their number."""

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


@frozen
class JSONRows:
    """
    Some rows as JSON objects, each of which is written when it is asked for; `len` is their number.

    Rows that are sent on at once don't have to be in memory all together.

    Attributes:
        columns: For each column the texts and numbers that a row is put together from.
        write: What puts them together.
    """

    columns: Sequence[Sequence[Any]]
    write: Callable[..., str]

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[str]:
        return map(self.write, *self.columns)


def json_rows(
    table: EventTable, columns: Sequence[Sequence[Any]], integers: IntegerStyle = "text"
) -> JSONRows:
    """
    Write rows as JSON objects.

    Args:
        table: The event's table.
        columns: What its `take` gave; columns of wide integers may be text already where text is wanted.
        integers: As in `json_columns`.

    Returns:
        An object for each row, without an end of line in it.
    """
    pieces = [
        _json_pieces(column, values, integers) for column, values in zip(table.columns, columns, strict=True)
    ]
    return JSONRows(
        [values for _, values in pieces], _row_writer(table.names, tuple(each for each, _ in pieces))
    )


def json_text(table: EventTable, columns: Sequence[Sequence[Any]], integers: IntegerStyle = "text") -> bytes:
    """
    Write rows as lines of JSON.

    Args:
        table: The event's table.
        columns: As in `json_rows`.
        integers: As in `json_columns`.

    Returns:
        An object for each row, in UTF-8, with an end of line behind each.
    """
    return "".join([row + "\n" for row in json_rows(table, columns, integers)]).encode()


@lru_cache(maxsize=256)
def _row_writer(names: tuple[str, ...], in_quotes: tuple[bool, ...]) -> Callable[..., str]:
    """
    Make what puts a row together: an f-string costs half of what an object and a library's writer do.

    Args:
        names: The columns' names.
        in_quotes: For each column whether its values are text that needs quotation marks around it.

    Raises:
        ValueError: A name could be code: it isn't an identifier, as the ABI's part has made sure it is.
    """
    if not all(map(_IDENTIFIER.fullmatch, names)):
        raise ValueError(f"column names must be identifiers, got {names}")
    arguments = [f"v{number}" for number in range(len(names))]
    members = [
        f'"{name}":' + (f'"{{{value}}}"' if is_text else f"{{{value}}}")
        for name, value, is_text in zip(names, arguments, in_quotes, strict=True)
    ]
    code = f"lambda {', '.join(arguments)}: f'{{{{{','.join(members)}}}}}'"
    made: Callable[..., str] = eval(code, {"__builtins__": {}})  # noqa: S307 - of identifiers alone
    return made


def _json_pieces(column: Column, values: Sequence[Any], integers: IntegerStyle) -> tuple[bool, Sequence[Any]]:
    """Give what a column's values are written as, and whether that needs quotation marks around it."""
    type_ = column.type
    if column.key is None:
        return False, list(map(str, values[:1])) * len(values)  # the chain's id
    if not (type_.is_wide and integers == "text"):
        values = _plain(values, type_, integers)
    is_text = type_.kind in ("hex", "timestamp") or (
        # Numbers of JSON are written as they are.
        (type_.is_wide and integers in ("text", "binary"))
        or (type_.kind == "decimal" and integers != "float")
    )
    if type_.kind == "bool":
        values = ["true" if value else "false" for value in values]
    elif type_.kind == "text":
        values = list(map(json.encoder.encode_basestring, values))
    elif type_.kind in ("list", "struct"):
        values = [_dumps(value).decode() for value in values]
    if column.nullable and None in values:
        return False, ["null" if value is None else f'"{value}"' if is_text else value for value in values]
    return is_text, values


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

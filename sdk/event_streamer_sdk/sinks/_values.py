"""The values of columns: what they are, and how they are made of what a stream holds, a column at a time."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Literal

from attrs import frozen

__all__ = ["PROBLEMS", "ColumnType", "Kind", "Values", "convert", "wide_as_text", "with_nulls"]

Kind = Literal["integer", "decimal", "bool", "text", "hex", "timestamp", "list", "struct"]
"""What the values of a column are; see `ColumnType`."""

Values = list[Any]


@frozen
class ColumnType:
    """
    The type of a column, or of the items and members in one.

    The values, by their `kind`:

    =========  ==================================================================================
    integer    int, in the range of the ABI type
    decimal    decimal.Decimal, for `fixedMxN` and `ufixedMxN`
    bool       bool
    text       str
    hex        str: 0x and lower-case hex; addresses, bytes, hashes, and what is indexed by its hash
    timestamp  datetime.datetime in UTC
    list       list of such values
    struct     dict of such values, by the members' names
    =========  ==================================================================================

    Attributes:
        kind: What its values are.
        name: The canonical ABI type, such as `uint256` or `address[]`; `timestamp` for a time.
        bits: Bits of an integer or of a fixed-point number, else 0.
        signed: Whether these may be below 0.
        scale: Decimal places of a fixed-point number.
        size: Bytes of a hex value; `None` where any length is right.
        item: The type of a list's items.
        members: Name and type of each member of a struct.
        length: How many items a list has; `None` where any number is right.
    """

    kind: Kind
    name: str
    bits: int = 0
    signed: bool = False
    scale: int = 0
    size: int | None = None
    item: ColumnType | None = None
    members: tuple[tuple[str, ColumnType], ...] = ()
    length: int | None = None

    @property
    def is_wide(self) -> bool:
        """Whether it is an integer that 64 bits can't hold."""
        return self.kind == "integer" and self.bits > 64


PROBLEMS: tuple[type[Exception], ...] = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    decimal.DecimalException,
    OverflowError,
)
"""What a value that doesn't fit makes Python raise."""


def with_nulls(values: Values, type_: ColumnType) -> Values:
    """
    Convert the values of a column that may lack some.

    Args:
        values: The values as they came; None stays None.
        type_: The column's type.

    Returns:
        As many values.
    """
    if None not in values:
        return convert(values, type_)
    converted = iter(convert([value for value in values if value is not None], type_))
    return [None if value is None else next(converted) for value in values]


def convert(values: Values, type_: ColumnType) -> Values:
    """
    Convert the values of a column, all at once.

    Args:
        values: The values as they came.
        type_: The column's type.

    Returns:
        As many values. One that doesn't fit raises one of `PROBLEMS`.
    """
    return _CONVERTERS[type_.kind](values, type_) if values else []


def wide_as_text(values: Values, type_: ColumnType) -> Values:
    """
    Write integers of more than 64 bits as text, which most are already when they come.

    Args:
        values: The values as they came.
        type_: The column's type.

    Returns:
        As many decimal numbers, written as Python does. One that doesn't fit raises one of `PROBLEMS`.
    """
    return values if _are_plain_digits(values, type_) else list(map(str, convert(values, type_)))


def _are_plain_digits(values: Values, type_: ColumnType) -> bool:
    """Whether all are text that `str(int(value))` doesn't change, and in range: a tenth of the time."""
    try:
        joined = "\n".join(["", *values, ""])
    except TypeError:
        return False
    return (
        joined.isascii()
        and joined.encode().translate(None, _DIGITS) == b"\n" * (len(values) + 1)
        and "\n\n" not in joined
        # One digit less than the largest number has: any such number is smaller.
        and max(map(len, values)) < len(str(1 << (type_.bits - type_.signed)))
        and ("\n0" not in joined or joined.count("\n0") == values.count("0"))
    )


_DIGITS = b"0123456789"


def _integers(values: Values, type_: ColumnType) -> Values:
    kinds = set(map(type, values))
    if kinds == {str}:
        digits = "".join(values).replace("-", "")
        if not (digits.isascii() and digits.isdecimal()):
            raise ValueError("not an integer")
        values = list(map(int, values))
    elif kinds != {int}:
        values = [convert([value], type_)[0] if type(value) is str else _int(value) for value in values]
    low = -(1 << (type_.bits - 1)) if type_.signed else 0
    if min(values) < low or max(values) >= 1 << (type_.bits - type_.signed):
        raise ValueError("out of range")
    return values


def _int(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("not an integer")
    return value


def _decimals(values: Values, type_: ColumnType) -> Values:
    if not set(map(type, values)) <= {str, int, decimal.Decimal}:
        raise TypeError("not a number")
    numbers = list(map(decimal.Decimal, values))
    low = -(1 << (type_.bits - 1)) if type_.signed else 0
    high = 1 << (type_.bits - type_.signed)
    for number in numbers:
        scaled = number.scaleb(type_.scale, _EXACT)
        if not number.is_finite() or scaled != scaled.to_integral_value() or not low <= scaled < high:
            raise ValueError("not such a number")
    return numbers


_EXACT = decimal.Context(prec=200)


def _truths(values: Values, _: ColumnType) -> Values:
    if set(map(type, values)) != {bool}:
        raise TypeError("neither true nor false")
    return values


def _texts(values: Values, _: ColumnType) -> Values:
    "".join(values).encode()  # only text joins, and half of a surrogate pair is not UTF-8
    return values


def _hexes(values: Values, type_: ColumnType) -> Values:
    # All logs of a block have its hash, and those of a contract its address: each is looked at once.
    different = list(set(values)) if values[0] == values[-1] or values[0] == values[1] else values
    if type_.size is not None and _is_plain_hex(different, 2 + 2 * type_.size):
        return values
    digits = _digits(values, type_.size)
    raw = bytes.fromhex(digits)
    if 2 * len(raw) != len(digits):
        raise ValueError("not hex: there is a blank in it")
    # In a mixed case addresses carry a checksum; as values they would be different ones then.
    return values if raw.hex() == digits else [value.lower() for value in values]


_LOWER_HEX = b"0123456789abcdef"


def _is_plain_hex(values: Values, length: int) -> bool:
    """Whether all are 0x and lower-case digits, which most are: a third of the time that `_digits` takes."""
    # With a mark between them, lengths needn't be looked at one by one.
    joined, last, step = "\n".join(values), len(values) - 1, length + 1
    return (
        len(joined) == last * step + length
        and joined[::step] == "0" * (last + 1)
        and joined[1::step] == "x" * (last + 1)
        and joined[length::step] == "\n" * last
        and joined.encode().translate(None, _LOWER_HEX) == b"x\n" * last + b"x"
    )


def _digits(values: Values, size: int | None) -> str:
    """Join the hex digits of a column."""
    if size is None:
        if {value[:2] for value in values} != {"0x"} or any(len(value) % 2 for value in values):
            raise ValueError("not 0x-hex of whole bytes")
        return "".join([value[2:] for value in values])
    joined, count, length = "".join(values), len(values), 2 + 2 * size
    if set(map(len, values)) != {length}:
        raise ValueError("another length")
    digits = joined.replace("0x", "")
    if joined[::length] != "0" * count or joined[1::length] != "x" * count or len(digits) != 2 * size * count:
        raise ValueError("not 0x-hex")
    return digits


def _moments(values: Values, _: ColumnType) -> Values:
    # All events of a block have the same one, so most are read once.
    known = {value: _moment(value) for value in set(values)}
    return list(map(known.__getitem__, values))


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            from dateutil import parser  # what a foreign service may write

            moment = parser.isoparse(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a time")
    return datetime.fromtimestamp(value, UTC)


def _lists(values: Values, type_: ColumnType) -> Values:
    assert type_.item is not None, "a list has items"
    if not set(map(type, values)) <= {list, tuple}:
        raise TypeError("not a list")
    if type_.length is not None and set(map(len, values)) != {type_.length}:
        raise ValueError("another number of items")
    items = iter(convert(list(chain.from_iterable(values)), type_.item))
    return [[next(items) for _ in value] for value in values]


def _structs(values: Values, type_: ColumnType) -> Values:
    names = [name for name, _ in type_.members]
    rows = [_members(value, names) for value in values]
    columns = [
        convert([row[position] for row in rows], member) for position, (_, member) in enumerate(type_.members)
    ]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _members(value: Any, names: list[str]) -> Sequence[Any]:
    """Read a struct, which comes as an object, or as a list of its members."""
    if isinstance(value, Mapping):
        return [value[name] for name in names]
    if not isinstance(value, list | tuple) or len(value) != len(names):
        raise TypeError("not a struct")
    return value


_CONVERTERS: dict[Kind, Callable[[Values, ColumnType], Values]] = {
    "integer": _integers,
    "decimal": _decimals,
    "bool": _truths,
    "text": _texts,
    "hex": _hexes,
    "timestamp": _moments,
    "list": _lists,
    "struct": _structs,
}

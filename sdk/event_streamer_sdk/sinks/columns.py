"""
From event objects to typed columns: the one conversion that every sink and every frame is made of.

::

    table = EventTable(event, chain_id=1)             # columns typed from the ABI
    table.names                                       # ("chain_id", "block_number", …, "from", "to", "value")
    columns = table.take(events)                      # one list of Python values for each column
    rows = zip(*columns)                              # the same as rows

    from event_streamer_sdk.sinks import arrow        # with pyarrow, extra [arrow]
    schema = arrow.schema(table, integers="text")
    batch = arrow.record_batch(table, events, schema)  # a pyarrow.RecordBatch; many of them make a Table

`events` are event objects of the stream, as a handler gets them without `typed=True`. Convert some thousands
at a time: the work is done column by column, which costs a third of what it costs row by row. Pure, and
without any library.

The values of a column, by its `ColumnType.kind`:

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

Metadata comes first and is always there. `chain_id`, `block_number`, `transaction_hash`, `log_index` and
`address` are never null; `block_hash` and `timestamp` are null where a service doesn't send them.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, compress
from typing import Any, Literal

from attrs import field, frozen

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import LogDecodeError
from event_streamer_sdk.abi._events import Parameter, resolve, unique_names
from event_streamer_sdk.abi._types import ABIType, ArrayType, BaseType, TupleType

from .conditions import Where

__all__ = ["METADATA", "Column", "ColumnType", "EventTable", "Kind"]

Kind = Literal["integer", "decimal", "bool", "text", "hex", "timestamp", "list", "struct"]
"""What the values of a column are; see the module's table."""

Values = list[Any]


@frozen
class ColumnType:
    """
    The type of a column, or of the items and members in one.

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


@frozen
class Column:
    """
    One column of an event's table.

    Attributes:
        name: Its name, different from those of all others also where upper and lower case are the same.
        type: Its type.
        key: Where its values are in an event object; `None` for `chain_id`, which the subscription says.
        nullable: Whether a value may be missing.
        is_parameter: Whether it is a parameter of the event, and not metadata.
    """

    name: str
    type: ColumnType
    key: str | None
    nullable: bool = False
    is_parameter: bool = field(default=False)


_INT64 = ColumnType("integer", "int64", bits=64, signed=True)
_HASH = ColumnType("hex", "bytes32", size=32)

METADATA = (
    Column("chain_id", _INT64, None),
    Column("block_number", _INT64, "block_number"),
    Column("block_hash", _HASH, "block_hash", nullable=True),
    Column("transaction_hash", _HASH, "transaction_hash"),
    Column("log_index", _INT64, "log_index"),
    Column("address", ColumnType("hex", "address", size=20), "address"),
    Column("timestamp", ColumnType("timestamp", "timestamp"), "timestamp", nullable=True),
)
"""The columns that every table begins with."""


class EventTable:
    """
    The columns of one event, and the conversion of event objects into them.

    A parameter keeps its name; one without a name is called `arg` and its position, and one whose name
    repeats, or is that of a metadata column, gets `_` appended until it is free. Names that differ in case
    only count as the same, since most databases see them so.

    Args:
        event: The event.
        chain_id: The chain that its logs come from (EIP-155).
        only: The parameters that are wanted, by their column names; all where not given.
        where: A condition for rows, such as `value > 10**24`; see `Where`.
        longest_name: Longest name of a column in bytes, 8 or more (PostgreSQL has 63); longer ones are cut.
        reserved: Names that no column may have, such as those of a database's own; they count as taken.

    Attributes:
        event: The event.
        chain_id: The chain.
        columns: Metadata, then the wanted parameters in the order of the event.

    Raises:
        EventStreamerValidationError: The event or the condition is not valid, or `only` names no parameter.

    Example:
        >>> table = EventTable(extract_abi_event("Transfer(address from, uint256 value)", "Transfer"), 1)
        >>> table.names[-2:]
        ('from', 'value')
    """

    def __init__(
        self,
        event: ABIEvent,
        chain_id: int,
        *,
        only: Iterable[str] | None = None,
        where: str | None = None,
        longest_name: int | None = None,
        reserved: Iterable[str] = (),
    ) -> None:
        self.event = event
        self.chain_id = chain_id
        every = (*METADATA, *_parameters(event, longest_name, reserved))
        self.columns: tuple[Column, ...] = _wanted(every, only, event)
        # The condition may look at columns that are not wanted.
        self._where = (
            Where(where, {column.name: column.type.kind for column in every}) if where is not None else None
        )
        used = self._where.names if self._where is not None else ()
        self._read = (
            *self.columns,
            *(each for each in every if each.name in used and each not in self.columns),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def parameters(self) -> tuple[Column, ...]:
        """The columns that are parameters of the event."""
        return tuple(column for column in self.columns if column.is_parameter)

    def take(self, events: Sequence[Mapping[str, Any]]) -> list[Values]:
        """
        Convert event objects into columns.

        Args:
            events: Event objects as they came; rows keep their order.

        Returns:
            A list of values for each column, all of the same length: less than that of `events` where a
            condition leaves some out.

        Raises:
            LogDecodeError: A value is missing or doesn't fit its type; says which, in which log.
        """
        read = [self._values(column, events) for column in self._read]
        if self._where is not None:
            named = {column.name: values for column, values in zip(self._read, read, strict=True)}
            kept = self._where.select(named, len(events))
            if not all(kept):
                read = [list(compress(values, kept)) for values in read]
        return read[: len(self.columns)]

    def _values(self, column: Column, events: Sequence[Mapping[str, Any]]) -> Values:
        key = column.key
        if key is None:
            return [self.chain_id] * len(events)
        try:
            if column.nullable:
                return _with_nulls([event.get(key) for event in events], column.type)
            return _convert([event[key] for event in events], column.type)
        except _PROBLEMS:
            raise _fault(column, events) from None


def _wanted(every: tuple[Column, ...], only: Iterable[str] | None, event: ABIEvent) -> tuple[Column, ...]:
    if only is None:
        return every
    names = {column.name for column in every}
    chosen = set(only)
    if unknown := sorted(chosen - names):
        there = ", ".join(column.name for column in every if column.is_parameter) or "none"
        raise EventStreamerValidationError(
            f"{event.name} has no column {', '.join(unknown)}; its parameters are {there}"
        )
    return tuple(column for column in every if not column.is_parameter or column.name in chosen)


# --- names and types -----------------------------------------------------------------------------


def _parameters(event: ABIEvent, longest_name: int | None, reserved: Iterable[str]) -> list[Column]:
    checked = resolve(event)
    names = _free_names([*(column.name for column in METADATA), *reserved], checked.wire_names, longest_name)
    return [
        Column(name, _type_of_parameter(parameter), key, is_parameter=True)
        for name, key, parameter in zip(names, checked.wire_names, checked.parameters, strict=True)
    ]


def _free_names(taken: Iterable[str], names: Iterable[str], longest: int | None) -> list[str]:
    used = {name.casefold() for name in taken}
    free = []
    for name in names:
        made, tries = name[:longest], 0
        while made.casefold() in used:
            tries += 1
            suffix = "_" * tries if tries <= _PLAIN_TRIES else f"_{tries}"
            made = name[: None if longest is None else longest - len(suffix)] + suffix
        used.add(made.casefold())
        free.append(made)
    return free


_PLAIN_TRIES = 4
"""Underscores that are appended to a name at most, before it is numbered."""


def _type_of_parameter(parameter: Parameter) -> ColumnType:
    type_ = parameter.type
    if parameter.indexed and (type_.dynamic or not isinstance(type_, BaseType)):
        return ColumnType("hex", "bytes32", size=32)  # a log holds no more of it than its hash
    return _type_of(type_)


def _type_of(type_: ABIType) -> ColumnType:
    name = type_.canonical
    if isinstance(type_, ArrayType):
        return ColumnType("list", name, item=_type_of(type_.item), length=type_.length)
    if isinstance(type_, TupleType):
        members = zip(unique_names(type_.names), map(_type_of, type_.items), strict=True)
        return ColumnType("struct", name, members=tuple(members))
    base = type_.base
    if base in ("uint", "int"):
        return ColumnType("integer", name, bits=type_.size, signed=base == "int")
    if base in ("ufixed", "fixed"):
        return ColumnType("decimal", name, bits=type_.size, signed=base == "fixed", scale=type_.scale)
    if base == "bool":
        return ColumnType("bool", name)
    if base == "string":
        return ColumnType("text", name)
    sizes = {"address": 20, "function": 24}
    return ColumnType("hex", name, size=sizes.get(base) or type_.size or None)


# --- values, a column at a time ------------------------------------------------------------------

_PROBLEMS = (ValueError, TypeError, KeyError, AttributeError, decimal.DecimalException, OverflowError)
"""What a value that doesn't fit makes Python raise."""


def _with_nulls(values: Values, type_: ColumnType) -> Values:
    if None not in values:
        return _convert(values, type_)
    converted = iter(_convert([value for value in values if value is not None], type_))
    return [None if value is None else next(converted) for value in values]


def _convert(values: Values, type_: ColumnType) -> Values:
    return _CONVERTERS[type_.kind](values, type_) if values else []


def _integers(values: Values, type_: ColumnType) -> Values:
    kinds = set(map(type, values))
    if kinds == {str}:
        digits = "".join(values).replace("-", "")
        if not (digits.isascii() and digits.isdecimal()):
            raise ValueError("not an integer")
        values = list(map(int, values))
    elif kinds != {int}:
        values = [_convert([value], type_)[0] if type(value) is str else _int(value) for value in values]
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
    digits = _digits(values, type_.size)
    raw = bytes.fromhex(digits)
    if 2 * len(raw) != len(digits):
        raise ValueError("not hex: there is a blank in it")
    # In a mixed case addresses carry a checksum; as values they would be different ones then.
    return values if raw.hex() == digits else [value.lower() for value in values]


def _digits(values: Values, size: int | None) -> str:
    """Join the hex digits of a column: as a whole where all are of one length, since most values are hex."""
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
    return [known[value] for value in values]


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
    items = iter(_convert(list(chain.from_iterable(values)), type_.item))
    return [[next(items) for _ in value] for value in values]


def _structs(values: Values, type_: ColumnType) -> Values:
    names = [name for name, _ in type_.members]
    rows = [_members(value, names) for value in values]
    columns = [
        _convert([row[position] for row in rows], member)
        for position, (_, member) in enumerate(type_.members)
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


def _fault(column: Column, events: Sequence[Mapping[str, Any]]) -> LogDecodeError:
    """Find the value that can't be converted, and say which it is. Slow, and only for what is wrong."""
    key = str(column.key)
    for event in events:
        where = f"block {event.get('block_number')}, log {event.get('log_index')}"
        if key not in event and not column.nullable:
            return LogDecodeError(f"the event in {where} lacks {key}", column.name)
        value = event.get(key)
        if value is None and column.nullable:
            continue
        try:
            _convert([value], column.type)
        except _PROBLEMS:
            shown = repr(value)
            shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
            problem = f"{shown} in {where} is not a value of type {column.type.name}"
            return LogDecodeError(problem, column.name)
    raise AssertionError(f"each value of {column.name} fits, and all together don't")


_SHOWN = 60
"""Characters of a wrong value that a message shows."""

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

`ColumnType` says what the values of a column are.

Metadata comes first and is always there. `chain_id`, `block_number`, `transaction_hash`, `log_index` and
`address` are never null; `block_hash` and `timestamp` are null where a service doesn't send them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import Any

from attrs import field, frozen

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import LogDecodeError
from event_streamer_sdk.abi._events import Parameter, resolve, unique_names
from event_streamer_sdk.abi._types import ABIType, ArrayType, BaseType, TupleType

from ._values import PROBLEMS, ColumnType, Kind, Values, convert, wide_as_text, with_nulls
from .conditions import Where

__all__ = ["METADATA", "Column", "ColumnType", "EventTable", "Kind"]


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

    def take(self, events: Sequence[Mapping[str, Any]], *, wide_text: bool = False) -> list[Values]:
        """
        Convert event objects into columns.

        Args:
            events: Event objects as they came; rows keep their order.
            wide_text: Give columns of integers of more than 64 bits as decimal text: most come as such.

        Returns:
            A list of values for each column, all of the same length: less than that of `events` where a
            condition leaves some out.

        Raises:
            LogDecodeError: A value is missing or doesn't fit its type; says which, in which log.
        """
        as_they_come = wide_text and self._where is None
        read = [self._values(column, events, as_they_come) for column in self._read]
        if self._where is not None:
            named = {column.name: values for column, values in zip(self._read, read, strict=True)}
            kept = self._where.select(named, len(events))
            if not all(kept):
                read = [list(compress(values, kept)) for values in read]
            if wide_text:
                read = [
                    list(map(str, values)) if column.type.is_wide else values
                    for column, values in zip(self._read, read, strict=True)
                ]
        return read[: len(self.columns)]

    def _values(self, column: Column, events: Sequence[Mapping[str, Any]], wide_text: bool = False) -> Values:
        key = column.key
        if key is None:
            return [self.chain_id] * len(events)
        try:
            if column.nullable:
                return with_nulls([event.get(key) for event in events], column.type)
            values = [event[key] for event in events]
            if wide_text and column.type.is_wide and values:
                return wide_as_text(values, column.type)
            return convert(values, column.type)
        except PROBLEMS:
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
            convert([value], column.type)
        except PROBLEMS:
            shown = repr(value)
            shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
            problem = f"{shown} in {where} is not a value of type {column.type.name}"
            return LogDecodeError(problem, column.name)
    raise AssertionError(f"each value of {column.name} fits its type, but all of them together don't")


_SHOWN = 60
"""Characters of a wrong value that a message shows."""

"""
Events as Arrow record batches: what Parquet files are written from, and frames are made of.

It needs pyarrow, extra `[arrow]`, which is imported when the first function is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_sdk.abi import LogDecodeError

from .._extras import needs
from .columns import Column, ColumnType, EventTable

if TYPE_CHECKING:
    import pyarrow

__all__ = ["ByteStyle", "IntegerStyle", "batch_of_columns", "record_batch", "schema"]

IntegerStyle = Literal["text", "decimal", "binary", "float"]
"""
How integers of more than 64 bits are written; shorter ones are integers of Arrow's own.

`text` is the decimal number, exact, and read by everything. `decimal` is Arrow's decimal256 of 76 digits:
the largest numbers of uint256 have 78, and are refused. `binary` is 32 bytes, big-endian, two's complement,
exact. `float` is a double, which keeps 15 to 17 digits.
"""

ByteStyle = Literal["hex", "binary"]
"""How addresses, hashes and bytes are written: as 0x-hex, or as they are."""

DECIMAL_DIGITS = 76
"""Digits that Arrow's longest decimal has."""
_WIDE_BYTES = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def schema(
    table: EventTable, *, integers: IntegerStyle = "text", byte_style: ByteStyle = "hex"
) -> pyarrow.Schema:
    """
    Give the Arrow schema of an event's table.

    Args:
        table: The table.
        integers: How integers of more than 64 bits are written.
        byte_style: How addresses, hashes and bytes are written.

    Returns:
        The schema. Its fields carry the ABI type in their metadata, under `abi_type`.

    Raises:
        EventStreamerValidationError: A style that doesn't exist.
        MissingExtraError: pyarrow isn't installed.
    """
    pa = needs("pyarrow")
    if integers not in get_args(IntegerStyle):
        raise EventStreamerValidationError(
            f"integers must be one of {', '.join(get_args(IntegerStyle))}, not {integers!r}"
        )
    if byte_style not in get_args(ByteStyle):
        raise EventStreamerValidationError(f"byte_style must be hex or binary, not {byte_style!r}")
    return pa.schema([_field(pa, column, integers, byte_style) for column in table.columns])


def record_batch(
    table: EventTable, events: Sequence[Mapping[str, Any]], wanted: pyarrow.Schema | None = None
) -> pyarrow.RecordBatch:
    """
    Convert event objects into a record batch.

    Args:
        table: The event's table.
        events: Event objects of the stream, as they came.
        wanted: What `schema` gave; its defaults where not given.

    Returns:
        The record batch.

    Raises:
        LogDecodeError: A value doesn't fit its type, or the chosen style can't hold it.
        MissingExtraError: pyarrow isn't installed.
    """
    if wanted is None:
        wanted = schema(table)
    is_string = needs("pyarrow").types.is_string
    wide = [each.type for column, each in zip(table.columns, wanted, strict=True) if column.type.is_wide]
    return batch_of_columns(table, table.take(events, wide_text=all(map(is_string, wide))), wanted)


def batch_of_columns(
    table: EventTable, columns: Sequence[list[Any]], wanted: pyarrow.Schema | None = None
) -> pyarrow.RecordBatch:
    """
    Convert columns of Python values into a record batch.

    Args:
        table: The event's table.
        columns: A list of values for each of its columns, as `EventTable.take` gives them.
        wanted: What `schema` gave; its defaults where not given.

    Returns:
        The record batch.

    Raises:
        LogDecodeError: The chosen style can't hold a value.
        MissingExtraError: pyarrow isn't installed.
    """
    pa = needs("pyarrow")
    if wanted is None:
        wanted = schema(table)
    arrays = [
        _array(pa, column, values, field.type)
        for column, values, field in zip(table.columns, columns, wanted, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=wanted)


def _field(pa: Any, column: Column, integers: IntegerStyle, byte_style: ByteStyle) -> Any:
    return pa.field(
        column.name,
        _type(pa, column.type, integers, byte_style),
        nullable=column.nullable,
        metadata={"abi_type": column.type.name},
    )


def _type(pa: Any, type_: ColumnType, integers: IntegerStyle, byte_style: ByteStyle) -> Any:
    if type_.kind == "integer":
        return _integer_type(pa, type_, integers)
    if type_.kind == "decimal":
        fits = _digits(type_) <= DECIMAL_DIGITS and type_.scale <= DECIMAL_DIGITS
        return (
            pa.decimal256(DECIMAL_DIGITS, type_.scale)
            if integers == "decimal" and fits
            else (pa.float64() if integers == "float" else pa.string())
        )
    if type_.kind == "hex":
        if byte_style == "hex":
            return pa.string()
        return pa.binary() if type_.size is None else pa.binary(type_.size)
    if type_.kind == "list":
        assert type_.item is not None, "a list has items"
        item = pa.field("item", _type(pa, type_.item, integers, byte_style), nullable=False)
        return pa.list_(item)
    if type_.kind == "struct":
        return pa.struct(
            [
                pa.field(name, _type(pa, member, integers, byte_style), nullable=False)
                for name, member in type_.members
            ]
        )
    plain: dict[str, Callable[[], Any]] = {
        "bool": pa.bool_,
        "text": pa.string,
        "timestamp": lambda: pa.timestamp("us", tz="UTC"),
    }
    return plain[type_.kind]()


def _integer_type(pa: Any, type_: ColumnType, integers: IntegerStyle) -> Any:
    if not type_.is_wide:
        size = next(size for size in (8, 16, 32, 64) if size >= type_.bits)
        return getattr(pa, f"{'int' if type_.signed else 'uint'}{size}")()
    styles: dict[IntegerStyle, Callable[[], Any]] = {
        "text": pa.string,
        "decimal": lambda: pa.decimal256(DECIMAL_DIGITS, 0),
        "binary": lambda: pa.binary(_WIDE_BYTES),
        "float": pa.float64,
    }
    return styles[integers]()


def _digits(type_: ColumnType) -> int:
    return len(str(1 << type_.bits))


def _array(pa: Any, column: Column, values: list[Any], type_: Any) -> Any:
    if column.type.size is not None and not column.nullable:
        return _hex_array(pa, values, column.type.size, type_)
    try:
        return pa.array(_shaped(pa, values, column.type, type_), type=type_)
    except (pa.ArrowInvalid, OverflowError) as problem:
        raise LogDecodeError(
            f"a value doesn't fit {type_}: {problem}; another style holds it", column.name
        ) from None


def _hex_array(pa: Any, values: list[str], size: int, type_: Any) -> Any:
    """Make an array of hex values of one length, checked already: half of the time that pa.array takes."""
    joined, count, length = "".join(values), len(values), 2 + 2 * size
    if pa.types.is_string(type_):
        return pa.StringArray.from_buffers(count, _offsets(pa, count, length), pa.py_buffer(joined.encode()))
    raw = bytes.fromhex(joined.replace("0x", ""))
    return pa.FixedSizeBinaryArray.from_buffers(type_, count, [None, pa.py_buffer(raw)])


@lru_cache(maxsize=16)
def _offsets(pa: Any, count: int, length: int) -> Any:
    """Say where each text of a length begins, and the last one ends."""
    return pa.array(range(0, (count + 1) * length, length), pa.int32()).buffers()[1]


def _shaped(pa: Any, values: list[Any], column: ColumnType, type_: Any) -> list[Any]:
    """Give values the form that Arrow takes for its type; most have it."""
    if column.kind in ("integer", "decimal") and pa.types.is_string(type_):
        return (
            [format(value, "f") for value in values] if column.kind == "decimal" else list(map(str, values))
        )
    if column.kind == "integer" and pa.types.is_decimal(type_):
        return _as_decimals(values, type_)
    if column.kind == "integer" and pa.types.is_fixed_size_binary(type_):
        return [value.to_bytes(_WIDE_BYTES, "big", signed=column.signed) for value in values]
    if column.kind in ("integer", "decimal") and pa.types.is_floating(type_):
        return list(map(float, values))
    if column.kind == "timestamp":
        # All events of a block have the same one, so each is reckoned once.
        known = {value: None if value is None else (value - _EPOCH) // _MICROSECOND for value in set(values)}
        return list(map(known.__getitem__, values))
    if column.kind == "hex" and not pa.types.is_string(type_):
        return [None if value is None else bytes.fromhex(value[2:]) for value in values]
    if column.kind == "list":
        assert column.item is not None, "a list has items"
        return [_shaped(pa, value, column.item, type_.value_type) for value in values]
    if column.kind == "struct":
        shaped = {
            name: _shaped(pa, [value[name] for value in values], member, type_.field(name).type)
            for name, member in column.members
        }
        return [dict(zip(shaped, row, strict=True)) for row in zip(*shaped.values(), strict=True)]
    return values


def _as_decimals(values: list[int], type_: Any) -> list[Any]:
    from decimal import Decimal

    largest = 10**type_.precision
    for value in values:
        if abs(value) >= largest:
            raise OverflowError(f"{value} has more than {type_.precision} digits")
    return list(map(Decimal, values))

"""From an event object of the stream to Python values: decimal text becomes int, hex becomes bytes."""

import decimal
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ._errors import LogDecodeError
from ._events import Event, unique_names
from ._types import ABIType, ArrayType, BaseType, TupleType
from ._values import IndexedHash, checksum_address, struct_class

__all__ = ["Convert", "compile_converter"]

Convert: TypeAlias = Callable[[Any], Any]
"""Turns one value of the wire into a Python value; raises ValueError, TypeError or KeyError."""


def compile_converter(
    event: Event, *, checksum: bool, hex_bytes: bool
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """
    Make the function that gives an event object of the stream its Python values.

    Args:
        event: The event.
        checksum: Addresses with the checksum of EIP-55.
        hex_bytes: Bytes stay 0x-hex.

    Returns:
        A function from an event object to a new one; it raises LogDecodeError.
    """
    maker = _Maker(checksum=checksum, hex_bytes=hex_bytes)
    steps: list[tuple[str, Convert]] = []
    for name, parameter in zip(event.wire_names, event.parameters, strict=True):
        hashed = parameter.indexed and (parameter.type.dynamic or not isinstance(parameter.type, BaseType))
        steps.append((name, _hash_converter(parameter.type) if hashed else maker.converter(parameter.type)))

    def convert(source: Mapping[str, Any]) -> dict[str, Any]:
        result = dict(source)
        name = ""
        try:
            for name, step in steps:
                result[name] = step(result[name])
        except (ValueError, TypeError, KeyError, decimal.DecimalException, RecursionError) as error:
            raise _fault(event, source, name, error) from None
        return result

    return convert


def _fault(event: Event, source: Mapping[str, Any], name: str, error: Exception) -> LogDecodeError:
    """Say why an event object can't be read."""
    if name not in source:
        return LogDecodeError(f"the event object lacks a parameter of {event.signature}", name)
    shown = repr(source[name])
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return LogDecodeError(f"the value {shown} doesn't fit its type ({error or type(error).__name__})", name)


class _Maker:
    """Makes converters, one for each type."""

    def __init__(self, *, checksum: bool, hex_bytes: bool) -> None:
        self._checksum = checksum
        self._hex_bytes = hex_bytes

    def converter(self, type_: ABIType) -> Convert:
        """Make the converter of a type."""
        if isinstance(type_, TupleType):
            return self._tuple(type_)
        if isinstance(type_, ArrayType):
            return self._array(type_)
        if type_.base in ("uint", "int"):
            return _integer(type_)
        if type_.base in ("ufixed", "fixed"):
            return _decimal
        if type_.base == "address":
            return _checksummed if self._checksum else _address
        if type_.base == "bool":
            return _bool
        if type_.base == "string":
            return _text
        size = 24 if type_.base == "function" else type_.size
        return _hex_converter(size) if self._hex_bytes else _bytes_converter(size)

    def _tuple(self, type_: TupleType) -> Convert:
        """Make the converter of a tuple, which comes as an object, or as a list of its members."""
        names = unique_names(type_.names)
        made = struct_class(names)
        members = [self.converter(item) for item in type_.items]

        def convert(value: Any) -> Any:
            if isinstance(value, Mapping):
                value = [value[name] for name in names]
            return made(member(each) for member, each in zip(members, _listed(value), strict=True))

        return convert

    def _array(self, type_: ArrayType) -> Convert:
        """Make the converter of an array."""
        item, length = self.converter(type_.item), type_.length

        def convert(value: Any) -> Any:
            if length is not None and len(value) != length:
                raise ValueError(f"{len(value)} items instead of {length}")
            return [item(each) for each in _listed(value)]

        return convert


def _listed(value: Any) -> list[Any] | tuple[Any, ...]:
    """Refuse what is not a list; text would be one of characters."""
    if not isinstance(value, list | tuple):
        raise TypeError("not a list")
    return value


def _integer(type_: BaseType) -> Convert:
    """Make the converter of an integer, which comes as decimal text, or as a number of JSON."""
    signed = type_.base == "int"
    low = -(1 << (type_.size - 1)) if signed else 0
    high = 1 << (type_.size - signed)

    def convert(value: Any) -> int:
        if value.__class__ is not int and value.__class__ is not str:
            raise TypeError("not an integer")
        if value.__class__ is str and (len(value) > 80 or "_" in value):
            raise ValueError("not an integer")
        number = int(value)
        if not low <= number < high:
            raise ValueError("out of range")
        return number

    return convert


def _decimal(value: Any) -> decimal.Decimal:
    """Convert a fixed-point number."""
    if isinstance(value, bool) or not isinstance(value, str | int | decimal.Decimal):
        raise TypeError("not a number")
    number = decimal.Decimal(value)
    if not number.is_finite():
        raise ValueError("not a number")
    return number


def _address(value: Any) -> str:
    """Convert an address: to lower case."""
    if len(_raw(value)) != 20:
        raise ValueError("an address has 20 bytes")
    text: str = value.lower()
    return text


def _checksummed(value: Any) -> str:
    """Convert an address: to mixed case."""
    return checksum_address(_address(value))


def _bool(value: Any) -> bool:
    """Convert a truth value."""
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def _text(value: Any) -> str:
    """Convert text."""
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def _bytes_converter(size: int) -> Convert:
    """Make the converter of bytes; a size of 0 means any."""

    def convert(value: Any) -> bytes:
        raw = _raw(value)
        if size and len(raw) != size:
            raise ValueError(f"{len(raw)} bytes instead of {size}")
        return raw

    return convert


def _hex_converter(size: int) -> Convert:
    """Make the converter of bytes that stay hex."""
    convert = _bytes_converter(size)
    return lambda value: f"0x{convert(value).hex()}"


def _hash_converter(type_: ABIType) -> Convert:
    """Make the converter of what a log has only the hash of."""
    convert = _bytes_converter(32)
    return lambda value: IndexedHash(convert(value), type_.canonical)


def _raw(value: Any) -> bytes:
    """Read 0x-hex; bytes are what they are."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise TypeError("not 0x-hex")
    raw = bytes.fromhex(value[2:])
    if value[:2] != "0x" or len(raw) * 2 != len(value) - 2:
        raise ValueError("not 0x-hex")
    return raw

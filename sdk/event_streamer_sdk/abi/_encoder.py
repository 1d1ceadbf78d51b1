"""From Python values to the words of a log: topics to filter by, and whole logs for tests."""

import decimal
import re
from collections.abc import Mapping, Sequence
from typing import Any

from event_streamer_api.models import ABIEvent

from ._errors import ABIParsingError
from ._events import Event, hash_of_signature, resolve, unique_names
from ._keccak import keccak256
from ._messages import listed, nearest
from ._types import ABIType, ArrayType, BaseType, TupleType
from ._values import IndexedHash

__all__ = ["encode_log", "encode_topics", "hash_indexed"]

_DECIMAL_DIGITS = re.compile(r"-?[0-9]{1,80}", re.ASCII)
_EXACT = decimal.Context(prec=400, traps=[decimal.InvalidOperation, decimal.Overflow])


def encode_topics(event: ABIEvent, values: Mapping[str, Any]) -> list[str | list[str] | None]:
    """
    Write the topics by which a node filters the logs of an event.

    Args:
        event: The event.
        values: Values of indexed parameters by name, as `EventDecoder.decode` names and types them;
            integers may also be decimal text and bytes 0x-hex. `None`, or no value, means any; a set means
            any of its members. An indexed string, bytes, array or tuple is given as such and hashed here,
            or as its `IndexedHash`.

    Returns:
        topic0 (not for an anonymous event), then one entry for each indexed parameter: the topic as 0x-hex,
        a list of alternatives, or `None` for any. With a value for each parameter these are the topics of a
        log.

    Raises:
        ABIParsingError: The event is not a valid one, no indexed parameter has such a name, or a value
            doesn't fit its type.

    Example:
        >>> encode_topics(transfer, {"to": "0x" + "ab" * 20})
        ['0xddf252ad…', None, '0x000000000000000000000000abab…']
    """
    checked = resolve(event)
    _check_names(checked, values)
    topics: list[str | list[str] | None] = []
    if not checked.anonymous:
        topics.append(hash_of_signature(checked.signature))
    for name, parameter in zip(checked.names, checked.parameters, strict=True):
        if not parameter.indexed:
            continue
        value = values.get(name)
        if value is None:
            topics.append(None)
        elif isinstance(value, set | frozenset):
            topics.append(sorted(_topic(parameter.type, each, name) for each in value))
        else:
            topics.append(_topic(parameter.type, value, name))
    return topics


def encode_log(event: ABIEvent, values: Mapping[str, Any]) -> tuple[list[str], str]:
    """
    Write the log that an event with these values leaves.

    It is what a test of a handler or of a node needs; nothing else in the library does.

    Args:
        event: The event.
        values: A value for each parameter by name, as `EventDecoder.decode` names and types them.

    Returns:
        The topics and the data, as 0x-hex.

    Raises:
        ABIParsingError: The event is not a valid one, a value is missing, or doesn't fit its type.

    Example:
        >>> topics, data = encode_log(transfer, {"from": alice, "to": bob, "value": 1})
        >>> EventDecoder(transfer).decode(topics, data)["value"]
        1
    """
    checked = resolve(event)
    missing = [name for name in checked.names if values.get(name) is None]
    if missing:
        raise ABIParsingError(f"no value for {listed(missing)}")
    topics = [] if checked.anonymous else [hash_of_signature(checked.signature)]
    plain: list[tuple[str, ABIType]] = []
    for name, parameter in zip(checked.names, checked.parameters, strict=True):
        if parameter.indexed:
            topics.append(_topic(parameter.type, values[name], name))
        else:
            plain.append((name, parameter.type))
    data = _encode_all([type_ for _, type_ in plain], [(values[name], name) for name, _ in plain])
    return topics, f"0x{data.hex()}"


def hash_indexed(type_: ABIType, value: Any, path: str) -> IndexedHash:
    """
    Hash a value as an indexed parameter of dynamic or composite type is.

    Text and bytes are hashed as they are. Of arrays and tuples the items are put together, each padded to
    whole words, with neither lengths nor pointers (Solidity's ABI specification, "Encoding of Indexed Event
    Parameters").

    Returns:
        The hash.

    Raises:
        ABIParsingError: The value doesn't fit the type.
    """
    raw = (
        _encode_dynamic(type_, value, path) if isinstance(type_, BaseType) else _in_place(type_, value, path)
    )
    return IndexedHash(keccak256(raw), type_.canonical)


def _check_names(event: Event, values: Mapping[str, Any]) -> None:
    """Refuse names that nothing can be filtered by."""
    indexed = [
        name for name, parameter in zip(event.names, event.parameters, strict=True) if parameter.indexed
    ]
    for name in values:
        if name not in indexed:
            why = "is not an indexed parameter" if name in event.names else "is not a parameter"
            known = f"{listed(indexed)}{nearest(str(name), indexed)}"
            raise ABIParsingError(f"{name!r} {why} of {event.signature}; its indexed parameters: {known}")


def _topic(type_: ABIType, value: Any, path: str) -> str:
    """Write a value as a topic."""
    if isinstance(type_, BaseType) and not type_.dynamic:
        return f"0x{_encode_word(type_, value, path).hex()}"
    if not isinstance(value, IndexedHash):
        value = hash_indexed(type_, value, path)
    return str(value)


def _encode(type_: ABIType, value: Any, path: str) -> bytes:
    """Encode a value as the ABI does where it stands by itself: without the pointer to it."""
    if isinstance(type_, BaseType):
        if not type_.dynamic:
            return _encode_word(type_, value, path)
        raw = _encode_dynamic(type_, value, path)
        return len(raw).to_bytes(32, "big") + _padded(raw)
    types, items = _members(type_, value, path)
    body = _encode_all(types, items)
    if isinstance(type_, ArrayType) and type_.length is None:
        return len(items).to_bytes(32, "big") + body
    return body


def _encode_all(types: Sequence[ABIType], items: Sequence[tuple[Any, str]]) -> bytes:
    """Encode values one behind the other: what is static in place, pointers to all else."""
    encoded = [_encode(type_, value, path) for type_, (value, path) in zip(types, items, strict=True)]
    offset = sum(32 if type_.dynamic else len(part) for type_, part in zip(types, encoded, strict=True))
    heads, tails = [], []
    for type_, part in zip(types, encoded, strict=True):
        if type_.dynamic:
            heads.append(offset.to_bytes(32, "big"))
            tails.append(part)
            offset += len(part)
        else:
            heads.append(part)
    return b"".join(heads + tails)


def _in_place(type_: ABIType, value: Any, path: str) -> bytes:
    """Encode a value inside of an indexed array or tuple."""
    if isinstance(type_, BaseType):
        return (
            _padded(_encode_dynamic(type_, value, path))
            if type_.dynamic
            else _encode_word(type_, value, path)
        )
    types, items = _members(type_, value, path)
    return b"".join(_in_place(each, item, where) for each, (item, where) in zip(types, items, strict=True))


def _padded(raw: bytes) -> bytes:
    """Fill up to whole words."""
    return raw + bytes(-len(raw) % 32)


def _members(
    type_: ArrayType | TupleType, value: Any, path: str
) -> tuple[Sequence[ABIType], list[tuple[Any, str]]]:
    """Take an array or a tuple apart: the types of its members, their values and their paths."""
    if isinstance(type_, TupleType):
        names = unique_names(type_.names)
        if isinstance(value, Mapping):
            missing = [name for name in names if name not in value]
            if missing:
                raise ABIParsingError(f"no value for {listed(missing)}", path)
            value = [value[name] for name in names]
        if not isinstance(value, list | tuple) or len(value) != len(names):
            raise ABIParsingError(f"expected a tuple of {len(names)}: {listed(names)}", path)
        return type_.items, [(each, f"{path}.{name}") for each, name in zip(value, names, strict=True)]
    if not isinstance(value, list | tuple):
        raise ABIParsingError(f"expected a list for {type_.canonical}", path)
    if type_.length is not None and len(value) != type_.length:
        raise ABIParsingError(f"{len(value)} items were given for {type_.canonical}", path)
    return [type_.item] * len(value), [(each, f"{path}[{index}]") for index, each in enumerate(value)]


def _encode_word(type_: BaseType, value: Any, path: str) -> bytes:
    """Encode a value that takes one word."""
    if type_.base == "bool":
        if not isinstance(value, bool):
            raise _unfit(type_, value, path)
        return int(value).to_bytes(32, "big")
    if type_.base == "address":
        return bytes(12) + _fixed_bytes(type_, value, 20, path)
    if type_.base in ("bytes", "function"):
        size = 24 if type_.base == "function" else type_.size
        return _fixed_bytes(type_, value, size, path) + bytes(32 - size)
    number = _scaled(type_, value, path) if "fixed" in type_.base else _integer(type_, value, path)
    signed = type_.base in ("int", "fixed")
    bits = type_.size - signed
    if not (-(1 << bits) if signed else 0) <= number < 1 << bits:
        raise ABIParsingError(f"{value} is out of range for {type_.canonical}", path)
    return number.to_bytes(32, "big", signed=signed)


def _integer(type_: BaseType, value: Any, path: str) -> int:
    """Read an integer, or the decimal text that the stream has for it."""
    if isinstance(value, str) and _DECIMAL_DIGITS.fullmatch(value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _unfit(type_, value, path)
    return value


def _scaled(type_: BaseType, value: Any, path: str) -> int:
    """Read a fixed-point number as an integer of its smallest unit."""
    if isinstance(value, bool) or not isinstance(value, decimal.Decimal | int | str):
        raise _unfit(type_, value, path)
    try:
        number = _EXACT.scaleb(_EXACT.create_decimal(value), type_.scale)
        whole = number.to_integral_exact(context=_EXACT)
    except decimal.DecimalException:
        raise _unfit(type_, value, path) from None
    if not number.is_finite():
        raise _unfit(type_, value, path)
    if whole != number or number.adjusted() > 100:
        raise ABIParsingError(f"{value} has more decimal places than {type_.canonical}", path)
    return int(whole)


def _fixed_bytes(type_: BaseType, value: Any, size: int, path: str) -> bytes:
    """Read bytes of a fixed number."""
    raw = _raw_bytes(type_, value, path)
    if len(raw) != size:
        raise ABIParsingError(f"{len(raw)} bytes were given for {type_.canonical}, which takes {size}", path)
    return raw


def _encode_dynamic(type_: BaseType, value: Any, path: str) -> bytes:
    """Read bytes or text of any length."""
    if type_.base == "bytes":
        return _raw_bytes(type_, value, path)
    if not isinstance(value, str):
        raise _unfit(type_, value, path)
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ABIParsingError("the text has a lone surrogate", path) from None


def _raw_bytes(type_: BaseType, value: Any, path: str) -> bytes:
    """Read bytes, or the 0x-hex that the stream has for them."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str) and value[:2] == "0x":
        try:
            raw = bytes.fromhex(value[2:])
        except ValueError:
            raise _unfit(type_, value, path) from None
        if len(raw) * 2 == len(value) - 2:
            return raw
    raise _unfit(type_, value, path)


_EXPECTED = {
    "uint": "an int",
    "int": "an int",
    "bool": "True or False",
    "address": "0x and 40 hex digits, or 20 bytes",
    "bytes": "bytes or 0x-hex",
    "function": "bytes or 0x-hex",
    "string": "a str",
    "fixed": "a Decimal",
    "ufixed": "a Decimal",
}


def _unfit(type_: BaseType, value: Any, path: str) -> ABIParsingError:
    """Say that a value isn't what its type takes."""
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return ABIParsingError(f"{type_.canonical} takes {_EXPECTED[type_.base]}, not {shown}", path)

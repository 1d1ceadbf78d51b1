"""
JSON as ABIs need it: no NaN, no key twice in an object that is read, no depth that hurts.

An artifact is mostly bytecode and functions, and a document is read for its events. So with msgspec (which
the extra `fast` installs) objects are opened two levels at a time and lists one, and what nobody opens stays
text. Without it the whole document is read at once.

Both ways take the same documents and give the same answers: what msgspec refuses, Python's own reader decides
on. (It takes a lone surrogate and a number beyond all floats, which are JSON by RFC 8259.)
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeVar

from ._errors import ABIParsingError
from ._types import kind_of

__all__ = [
    "indexes_of_type",
    "is_text",
    "is_unread",
    "load_json",
    "may_hold",
    "opened",
    "refuse_repeated_keys",
    "type_of",
    "whole",
    "whole_object",
]

try:
    import msgspec
except ImportError:
    _Raw: Any = None
    _UNREADABLE: tuple[type[Exception], ...] = (ValueError, RecursionError)
else:
    _Raw = msgspec.Raw
    _UNREADABLE = (ValueError, RecursionError, msgspec.DecodeError)  # a ValueError since 0.21

    class _Key(str):
        """A key that equals no other, so that of a key that stands twice neither gets lost."""

        __slots__ = ()
        __hash__ = object.__hash__
        __eq__ = object.__eq__

    class _Typed(msgspec.Struct, gc=False):
        type: str = ""

    _read_types = msgspec.json.Decoder(list[_Typed]).decode
    _read_all = msgspec.json.Decoder().decode
    _Scalar = str | int | float | bool | None
    _Level = dict[_Key, msgspec.Raw] | list[msgspec.Raw] | _Scalar
    _read_levels = msgspec.json.Decoder(
        dict[_Key, _Level] | list[msgspec.Raw] | _Scalar,
        dec_hook=str.__new__,
    ).decode


_Result = TypeVar("_Result")


class _RepeatedKey(dict[str, Any]):
    """
    An object that has a key twice. Whatever is read of it is that error, at the place where it is read.

    Args:
        key: The key.
        type_: What stands in the object as its type, so that one that nobody needs can be passed over.
    """

    def __init__(self, key: str, type_: Any) -> None:
        super().__init__()
        self._key = key
        self.type = type_

    def _refuse(self, *_: object) -> NoReturn:
        raise ABIParsingError(f"the key {self._key[:60]!r} appears twice in one object")

    get = items = values = keys = __getitem__ = __contains__ = __iter__ = _refuse


def load_json(text: str) -> Any:
    """
    Take a JSON document.

    Args:
        text: The document, without a BOM and without lone surrogates.

    Returns:
        Its value, or what `opened` and `whole` make it of.

    Raises:
        ABIParsingError: It isn't JSON, has NaN or Infinity, or is nested too deep. With msgspec that comes to
            light where it is opened.
    """
    return _parse(text) if _Raw is None else _Raw(text)


def type_of(item: Any) -> Any:
    """
    Say of what type an item of an ABI is, even if a key stands in it twice.

    Args:
        item: The item, read whole.

    Returns:
        What its key `type` has; `None` if there is none, or if it is not an object.
    """
    if isinstance(item, _RepeatedKey):
        return item.type
    return item.get("type") if isinstance(item, Mapping) else None


def opened(value: Any) -> Any:
    """
    Read a level of a value, and of an object the next one with it.

    Args:
        value: What `load_json` returned, or a part of it that had been opened; or any Python value.

    Returns:
        A dict or a list whose members may have to be opened, or a value without members.

    Raises:
        ABIParsingError: It isn't valid JSON, or an object with a key twice.
    """
    if not is_unread(value):
        return value
    try:
        levels = _read_levels(value)
    except _UNREADABLE:
        return _parse(bytes(value))
    if levels.__class__ is not dict:
        return levels
    return _named({key: _named(each) if each.__class__ is dict else each for key, each in levels.items()})


def whole(value: Any) -> Any:
    """
    Read a value with all that is in it.

    Args:
        value: As for `opened`.

    Returns:
        The value. An object in it that has a key twice raises ABIParsingError as soon as it is read.

    Raises:
        ABIParsingError: It isn't valid JSON.
    """
    return _parse(bytes(value)) if is_unread(value) else value


def is_text(value: Any) -> bool:
    """Tell whether a value is text, without reading it."""
    return bytes(value)[:1] == b'"' if is_unread(value) else isinstance(value, str)


def whole_object(data: bytes) -> Mapping[str, Any]:
    """
    Read an object with all that is in it.

    Args:
        data: Its JSON.

    Returns:
        The object. One in it that has a key twice raises ABIParsingError as soon as it is read.

    Raises:
        ABIParsingError: It isn't valid JSON, or something else than an object.
    """
    value = _parse(data)
    if not isinstance(value, Mapping):
        raise ABIParsingError(f"an item of an ABI is an object, not {kind_of(value)}")
    return value


def is_unread(value: Any) -> bool:
    """
    Tell whether a value is a part of a document that nobody has read.

    Args:
        value: As for `opened`.

    Returns:
        Whether `opened` and `whole` would read it; `bytes` gives its JSON.
    """
    return value.__class__ is _Raw


def may_hold(value: Any, text: str) -> bool:
    """
    Tell whether a text may stand in a value, without reading it.

    Args:
        value: As for `opened`.
        text: The text, quotation marks included.

    Returns:
        False if it can't; True if it may, or if the value has been read already.
    """
    if not is_unread(value):
        return True
    raw = bytes(value)
    return text.encode(errors="replace") in raw or b"\\" in raw


def indexes_of_type(values: Any, type_: str) -> Iterable[int] | None:
    """
    Find the objects in a list that have a certain type, without reading the rest of them.

    Args:
        values: A list as `load_json` returned it, or a part of it that had been opened.
        type_: The text.

    Returns:
        Their indexes; `None` if that can't be told: the list has been read, or holds something else than
        objects.
    """
    if values.__class__ is list and values and is_unread(values[0]):
        values = b"[%b]" % b",".join(values)
    elif not is_unread(values):
        return None
    try:
        return [index for index, typed in enumerate(_read_types(values)) if typed.type == type_]
    except _UNREADABLE:
        return None


def refuse_repeated_keys(value: Any) -> None:
    """
    Refuse a value in which an object has a key twice, wherever it lies.

    Args:
        value: What `whole` returned.

    Raises:
        ABIParsingError: There is such an object.
    """
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _named(level: dict[Any, Any]) -> dict[str, Any]:
    """Give an object its keys back, each of them once."""
    named = {str(key): member for key, member in level.items()}
    return named if len(named) == len(level) else _object((str(key), each) for key, each in level.items())


def _parse(document: str | bytes) -> Any:
    """Read a whole document; objects that have a key twice become `_RepeatedKey`."""
    value, keys = _read(document)
    # A document has at least one colon for each key, and its value lacks one key for each repetition.
    colons = document.count(":") if isinstance(document, str) else document.count(b":")
    return value if colons == keys else _guarded(_read_with_care, document)


def _read(document: str | bytes) -> tuple[Any, int]:
    """Read a whole document and count the keys of its objects; of a repeated key the last one stays."""
    if _Raw is not None:
        with contextlib.suppress(*_UNREADABLE):
            return _read_msgspec(document)
    return _guarded(_read_stdlib, document)


def _read_msgspec(document: str | bytes) -> tuple[Any, int]:
    """Read a document and count the keys of its objects."""
    value = _read_all(document)
    return value, _count_keys(value)


def _count_keys(value: Any) -> int:
    """Count the keys of all objects in a value."""
    count = 0
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if value.__class__ is list:
            waiting += value
        elif value.__class__ is dict:
            count += len(value)
            for each in value.values():
                if each.__class__ is list or each.__class__ is dict:
                    waiting.append(each)
    return count


def _guarded(read: Callable[[Any], _Result], data: Any) -> _Result:
    """Read a document with Python's own reader; whatever goes wrong is our error."""
    try:
        return read(data)
    except RecursionError:
        raise ABIParsingError("the JSON is nested too deeply") from None
    except ValueError as error:
        raise ABIParsingError(f"this is not valid JSON: {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _integer(digits: str) -> int | float:
    """Read an integer; one of more digits than Python converts becomes infinite, as such a float does."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _read_stdlib(document: str | bytes) -> tuple[Any, int]:
    """Read a document with what Python brings, and count the keys of its objects on the way."""
    keys = 0

    def count(made: dict[str, Any]) -> dict[str, Any]:
        nonlocal keys
        keys += len(made)
        return made

    try:
        return json.loads(document, parse_constant=_refuse_constant, object_hook=count), keys
    except json.JSONDecodeError:
        raise
    except ValueError:  # perhaps an integer that is too long; a function for each would cost all others
        keys = 0
        read = json.loads(document, parse_constant=_refuse_constant, parse_int=_integer, object_hook=count)
        return read, keys


def _read_with_care(document: str | bytes) -> Any:
    """Read a document and mark the objects that have a key twice."""
    return json.loads(
        document, parse_constant=_refuse_constant, parse_int=_integer, object_pairs_hook=_object
    )


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs."""
    made: dict[str, Any] = {}
    repeated = None
    for key, value in pairs:
        if key in made and repeated is None:
            repeated = key
        made[key] = value
    return made if repeated is None else _RepeatedKey(repeated, made.get("type"))

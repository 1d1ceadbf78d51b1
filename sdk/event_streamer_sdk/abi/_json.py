"""JSON as ABIs need it: no NaN, no key twice, no size or depth that hurts."""

import json
import re
from collections.abc import Callable
from typing import Any

from ._errors import ABIParsingError

__all__ = ["load_json"]

_read: Callable[[bytes], Any]
try:
    import orjson
except ImportError:

    def _refuse_constant(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    def _read(data: bytes) -> Any:
        return json.loads(data, parse_constant=_refuse_constant)

else:
    _read = orjson.loads

_PAIR = re.compile(rb'"[ \t\r\n]*:')
"""What every key ends with; texts hold it too, if rarely."""


def load_json(data: bytes) -> Any:
    """
    Read a JSON document.

    Args:
        data: The document in UTF-8, without a BOM.

    Returns:
        Its value.

    Raises:
        ABIParsingError: It isn't JSON, has NaN or Infinity, a key twice in one object, or is nested too deep.
    """
    try:
        value = _read(data)
        if _may_repeat_a_key(data, value):
            json.loads(data, object_pairs_hook=_without_repetition)
    except RecursionError:
        raise ABIParsingError("the JSON is nested too deep") from None
    except ValueError as error:
        raise ABIParsingError(f"this is not valid JSON: {error}") from None
    return value


def _may_repeat_a_key(data: bytes, value: Any) -> bool:
    """
    Tell in a fraction of the time of a second parse that no key is repeated; True means that it isn't known.

    A document has at least as many colons behind quotation marks as it has pairs, and the value has a key
    less for each repetition. So where both counts are equal, there is none.
    """
    keys = _count_keys(value)
    return data.count(b":") != keys and len(_PAIR.findall(data)) != keys


def _count_keys(value: Any) -> int:
    """Count the keys of all objects in a value."""
    count = 0
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            count += len(value)
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return count


def _without_repetition(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object that has a key twice. Its value isn't needed."""
    if len(dict(pairs)) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key[:60]!r} stands twice in one object")
            seen.add(key)

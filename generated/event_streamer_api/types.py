"""What models and calls share: the base class, checks of values, readers of JSON, and `Operation`."""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from urllib.parse import quote

from attrs import Attribute, define, fields

from .errors import EventStreamerValidationError, invalid, within

T = TypeVar("T")

Check = Callable[[Any, str], None]
"""Takes a value and where it is; raises EventStreamerValidationError if the value breaks the rule."""

Decoder = Callable[[Any], T]
"""Turns decoded JSON into a Python value."""

UNSET: Final[Any] = type("Unset", (), {"__repr__": lambda _: "UNSET", "__bool__": lambda _: False})()
"""Stands inside models for a field that was left out where an explicit None means something else."""

_SHOWN_LENGTH = 60
_SURROGATE = re.compile("[\ud800-\udfff]")


class Model:
    """The base of all models: a readable repr and access to the fields that the API does not name."""

    __slots__ = ()

    if TYPE_CHECKING:
        additional_properties: dict[str, Any]

        def to_dict(self, *, include_none: bool = False) -> dict[str, Any]: ...

    def __repr__(self) -> str:
        shown = []
        for attribute in fields(type(self)):  # type: ignore[arg-type]  # every subclass is an attrs class
            value = getattr(self, attribute.name)
            if value is UNSET or (value is None and attribute.alias == attribute.name):
                continue
            if attribute.name == "additional_properties" and not value:
                continue
            shown.append(
                f"{attribute.alias}={'***' if attribute.metadata.get('secret') and value else repr(value)}"
            )
        return f"{type(self).__name__}({', '.join(shown)})"

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __contains__(self, key: object) -> bool:
        return key in self.additional_properties


def validated(check: Check) -> Callable[[Any, Attribute[Any], Any], None]:
    """
    Make an attrs validator of a check.

    Args:
        check: The rule.

    Returns:
        The validator, which names the model and the field in its error.
    """

    def validate(instance: Any, attribute: Attribute[Any], value: Any) -> None:
        if value is UNSET:
            return
        try:
            check(value, attribute.name)
        except EventStreamerValidationError:
            # Where it is wrong is put into words only when it is.
            check(value, f"{type(instance).__name__}.{attribute.alias}")
            raise

    return validate


def anything() -> Check:
    """Any value at all."""
    return lambda _value, _where: None


def nullable(check: Check) -> Check:
    """None, or what another check allows."""

    def checked(value: Any, where: str) -> None:
        if value is not None:
            check(value, where)

    return checked


def constant(expected: object) -> Check:
    """Exactly one value."""

    def checked(value: Any, where: str) -> None:
        if value != expected:
            raise invalid(where, f"must be {expected!r}, got {_shown(value)}")

    return checked


def boolean() -> Check:
    """True or False."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, bool):
            raise invalid(where, f"must be True or False, got {_shown(value)}")

    return checked


def text(
    *, pattern: str | None = None, min_length: int = 0, max_length: int | None = None, secret: bool = False
) -> Check:
    """A string; lengths in characters. The value of a secret is not shown in the error."""
    # JSON Schema's `$` is the very end; Python's also matches before a last newline.
    expression = None if pattern is None else re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern))

    def shown(value: Any) -> str:
        return f"a {type(value).__name__} (not shown)" if secret else _shown(value)

    longest = sys.maxsize if max_length is None else max_length

    def checked(value: Any, where: str) -> None:
        # What nearly every text is, first: an acknowledgement checks a thousand ids.
        plain = expression is None and type(value) is str and value.isascii()
        if plain and min_length <= len(value) <= longest:
            return
        if not isinstance(value, str):
            raise invalid(where, f"must be a string, got {shown(value)}")
        if not value.isascii() and _SURROGATE.search(value):
            raise invalid(where, "must be text that UTF-8 can hold, without lone surrogates")
        if expression is not None and expression.search(value) is None:
            raise invalid(where, f"must match {pattern}, got {shown(value)}")
        length = len(value)
        if length < min_length:
            raise invalid(where, f"must have {min_length} character(s) or more, got {shown(value)}")
        if max_length is not None and length > max_length:
            raise invalid(where, f"must have {max_length} characters at most, got {length}")

    return checked


def integer(
    *, minimum: int | None = None, maximum: int | None = None, exclusive_minimum: int | None = None
) -> Check:
    """A whole number within its range, ends included. Booleans are no numbers."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid(where, f"must be an integer, got {_shown(value)}")
        _in_range(value, where, minimum, maximum, exclusive_minimum)

    return checked


def number(
    *, minimum: float | None = None, maximum: float | None = None, exclusive_minimum: float | None = None
) -> Check:
    """A finite number within its range."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise invalid(where, f"must be a number, got {_shown(value)}")
        if value != value or value in (float("inf"), float("-inf")):
            raise invalid(where, f"must be a finite number, got {_shown(value)}")
        _in_range(value, where, minimum, maximum, exclusive_minimum)

    return checked


def _in_range(
    value: float, where: str, minimum: float | None, maximum: float | None, exclusive_minimum: float | None
) -> None:
    if minimum is not None and value < minimum:
        raise invalid(where, f"must be {minimum} or more, got {_shown(value)}")
    if exclusive_minimum is not None and value <= exclusive_minimum:
        raise invalid(where, f"must be more than {exclusive_minimum}, got {_shown(value)}")
    if maximum is not None and value > maximum:
        raise invalid(where, f"must be {maximum} or less, got {_shown(value)}")


def moment() -> Check:
    """A time with a zone."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, datetime.datetime):
            raise invalid(where, f"must be a datetime, got {_shown(value)}")
        if value.utcoffset() is None:
            raise invalid(where, "must be a datetime with a zone, such as datetime.now(UTC)")

    return checked


def instance(name: str) -> Check:
    """An instance of the model of this name. By name, so that models may refer to each other and themselves."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, Model) or all(base.__name__ != name for base in type(value).__mro__):
            hint = f"; make one by {name}.from_dict(…)" if isinstance(value, Mapping) else ""
            raise invalid(where, f"must be of the model {name}, got {_shown(value)}{hint}")

    return checked


def array(item: Check, *, min_items: int = 0, max_items: int | None = None) -> Check:
    """A list whose items pass another check."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, list | tuple):
            raise invalid(where, f"must be a list, got {_shown(value)}")
        if len(value) < min_items:
            raise invalid(where, f"must have {min_items} item(s) or more, got {len(value)}")
        if max_items is not None and len(value) > max_items:
            raise invalid(where, f"must have {max_items} items at most, got {len(value)}")
        try:
            for element in value:
                item(element, where)
        except EventStreamerValidationError:
            for index, element in enumerate(value):
                item(element, f"{where}[{index}]")
            raise

    return checked


def mapping(item: Check) -> Check:
    """A dict with strings as keys whose values pass another check."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise invalid(where, f"must be a dict, got {_shown(value)}")
        for key, element in value.items():
            if not isinstance(key, str):
                raise invalid(where, f"must have strings as keys, got {_shown(key)}")
            item(element, f"{where}[{key!r}]")

    return checked


def _shown(value: object) -> str:
    """A value as an error shows it: its type and its beginning."""
    if isinstance(value, Model):
        return f"the model {type(value).__name__}"
    shown = repr(value)
    if len(shown) > _SHOWN_LENGTH:
        shown = f"{shown[:_SHOWN_LENGTH]}…"
    return shown if isinstance(value, str | int | float | type(None)) else f"{shown} ({type(value).__name__})"


class Reader:
    """Reads the fields of one JSON object and remembers which ones are left over."""

    def __init__(self, model: str, source: Mapping[str, Any]) -> None:
        if not isinstance(source, Mapping):
            raise invalid(model, f"must be a JSON object, got {_shown(source)}")
        self._model = model
        self._left = dict(source)

    def required(self, name: str, decode: Decoder[T]) -> T:
        """Read a field that has to be there."""
        value = self._take(name)
        return self._decoded(name, decode, value)

    def nullable(self, name: str, decode: Decoder[T]) -> T | None:
        """Read a field that has to be there and may be null."""
        value = self._take(name)
        return None if value is None else self._decoded(name, decode, value)

    def optional(self, name: str, decode: Decoder[T], default: Any) -> Any:
        """Read a field that may be missing, but not null."""
        value = self._left.pop(name, UNSET)
        if value is UNSET:
            return default.copy() if isinstance(default, list | dict) else default
        if value is None:
            raise invalid(f"{self._model}.{name}", "must not be null: leave it out instead")
        return self._decoded(name, decode, value)

    def optional_or_null(self, name: str, decode: Decoder[T], default: Any) -> Any:
        """Read a field that may be missing or null, which is the same."""
        if self._left.get(name) is None:
            self._left.pop(name, None)
            return default
        return self._decoded(name, decode, self._left.pop(name))

    def clearable(self, name: str, decode: Decoder[T]) -> Any:
        """Read a field that may be missing or null, which is not the same."""
        value = self._left.pop(name, UNSET)
        return value if value is UNSET or value is None else self._decoded(name, decode, value)

    def rest(self) -> dict[str, Any]:
        """What no field has taken."""
        return self._left

    def _take(self, name: str) -> Any:
        try:
            return self._left.pop(name)
        except KeyError:
            raise invalid(f"{self._model}.{name}", "is missing") from None

    def _decoded(self, name: str, decode: Decoder[T], value: Any) -> T:
        try:
            return decode(value)
        except EventStreamerValidationError as error:
            raise within(f"{self._model}.{name}", error) from None


def as_is(value: Any) -> Any:
    """What JSON gives is what Python gets; the model's validator checks it."""
    return value


def to_integer(value: Any) -> Any:
    """
    Read an integer. JSON does not tell 7.0 from 7 (JSON Schema, "integer"); the validator refuses all else.
    """
    return int(value) if isinstance(value, float) and value.is_integer() else value


def list_of(decode: Decoder[T]) -> Decoder[list[T]]:
    """A list of what another decoder makes."""

    def decoded(value: Any) -> list[T]:
        if not isinstance(value, list):
            raise invalid("", f"must be a list, got {_shown(value)}")
        result = []
        for index, item in enumerate(value):
            try:
                result.append(decode(item))
            except EventStreamerValidationError as error:
                raise within(f"[{index}]", error) from None
        return result

    return decoded


def map_of(decode: Decoder[T]) -> Decoder[dict[str, T]]:
    """A dict of what another decoder makes."""

    def decoded(value: Any) -> dict[str, T]:
        if not isinstance(value, Mapping):
            raise invalid("", f"must be a JSON object, got {_shown(value)}")
        result = {}
        for key, item in value.items():
            try:
                result[key] = decode(item)
            except EventStreamerValidationError as error:
                raise within(f"[{key!r}]", error) from None
        return result

    return decoded


def to_datetime(value: Any) -> datetime.datetime:
    """
    Read a time. One without a zone is UTC.

    ISO 8601 is read by Python itself; what else services write, by python-dateutil, if it is there.
    """
    if isinstance(value, datetime.datetime):
        parsed = value
    elif isinstance(value, str):
        try:
            parsed = datetime.datetime.fromisoformat(value)
        except ValueError:
            parsed = _odd_datetime(value)
    else:
        raise invalid("", f"must be an ISO 8601 time, got {_shown(value)}")
    return parsed if parsed.utcoffset() is not None else parsed.replace(tzinfo=datetime.timezone.utc)


def _odd_datetime(value: str) -> datetime.datetime:
    from dateutil import parser

    try:
        return parser.parse(value)
    except (ValueError, OverflowError):
        raise invalid("", f"must be an ISO 8601 time, got {_shown(value)}") from None


def to_iso(value: datetime.datetime) -> str:
    """Write a time as ISO 8601, with `Z` for UTC."""
    return value.isoformat().replace("+00:00", "Z")


def in_path(value: object) -> str:
    """Write a value as one segment of a path."""
    return quote(str(value), safe="")


def in_query(**values: Any) -> dict[str, Any]:
    """Write the values that are not None as the parameters of a query."""
    return {name: _query_value(value) for name, value in values.items() if value is not None}


def _query_value(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return to_iso(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_query_value(item) for item in value]
    return value


@define(frozen=True, kw_only=True)
class Operation(Generic[T]):
    """
    One request, ready to be sent by anything that speaks HTTP, and how to read its answer.

    Attributes:
        operation_id: The call's name in openapi.yaml.
        method: The HTTP method, upper case.
        path: The path, with its values percent-encoded, to be appended to the service's URL.
        params: The query.
        json: The body as JSON values, or None.
        headers: Headers of this request alone.
        parse: Takes the status and the decoded JSON of a successful answer and gives the result; raises
            EventStreamerValidationError if the answer is not what the API promises.
        safe: Whether it may be sent again when it is unknown if the first one arrived.
    """

    operation_id: str
    method: str
    path: str
    params: Mapping[str, Any]
    json: Any
    headers: Mapping[str, str]
    parse: Callable[[int, Any], T]
    safe: bool


def answer_of(decode: Decoder[T]) -> Callable[[int, Any], T]:
    """A parser of answers that hold one model."""
    return lambda _status, body: decode(body)


def succeeded(_status: int, _body: Any) -> bool:
    """The parser of answers without a body."""
    return True


def nothing(_status: int, _body: Any) -> None:
    """The parser of answers that are read elsewhere, such as a stream."""


__all__ = ["UNSET", "Model", "Operation"]

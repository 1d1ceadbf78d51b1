"""From JSON to Python values: the readers behind `from_dict`, and behind the answers of calls."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar
from uuid import UUID

from .checks import shown
from .errors import EventStreamerValidationError, invalid, within
from .types import UNSET, Closed, File, Kind, Model, NumberEnum, TextEnum, Unknown

T = TypeVar("T")
M = TypeVar("M", bound=Model)

Decoder = Callable[[Any], T]
"""Turns decoded JSON into a Python value."""


class Reader:
    """Reads the fields of one JSON object and remembers which ones are left over."""

    def __init__(self, model: str, source: Mapping[str, Any]) -> None:
        if not isinstance(source, Mapping):
            raise invalid(model, f"must be a JSON object, got {shown(source)}")
        self._model = model
        self._left = dict(source)
        self._arrived: dict[str, Any] = {}

    def required(self, name: str, decode: Decoder[T]) -> T:
        """Read a field that has to be there."""
        try:
            value = self._left.pop(name)
        except KeyError:
            raise invalid(f"{self._model}.{name}", "is missing") from None
        return self._decoded(name, decode, value)

    def nullable(self, name: str, decode: Decoder[T]) -> T | None:
        """Read a field that has to be there and may be null."""
        value = self.required(name, as_is)
        return None if value is None else self._decoded(name, decode, value)

    def optional(self, name: str, decode: Decoder[T], default: Any) -> Any:
        """Read a field that may be missing, but not null."""
        value = self._left.pop(name, UNSET)
        if value is UNSET:
            return self._missing(name, default)
        if value is None:
            raise invalid(f"{self._model}.{name}", "must not be null: leave it out instead")
        return self._decoded(name, decode, value)

    def optional_or_null(self, name: str, decode: Decoder[T], default: Any) -> Any:
        """Read a field that may be missing or null, which is the same."""
        value = self._left.pop(name, UNSET)
        if value is UNSET:
            return self._missing(name, default)
        if value is None:
            self._arrived[name] = None
            return default() if callable(default) else default
        return self._decoded(name, decode, value)

    def clearable(self, name: str, decode: Decoder[T]) -> Any:
        """Read a field that may be missing or null, which is not the same."""
        value = self._left.pop(name, UNSET)
        return value if value is UNSET or value is None else self._decoded(name, decode, value)

    def rest(self) -> dict[str, Any]:
        """What no field has taken."""
        return self._left

    def rest_of(self, decode: Decoder[T]) -> dict[str, T]:
        """What no field has taken, where the values have a type."""
        return {name: self._decoded(name, decode, value) for name, value in self._left.items()}

    def rest_of_closed(self) -> dict[str, Any]:
        """What no field has taken, though nothing should be left."""
        return Closed(self._left)

    def finished(self, model: M) -> M:
        """Let a model remember what was left out or null, so that `to_dict` gives the same JSON."""
        if self._arrived:
            object.__setattr__(model, "_arrived", self._arrived)
        return model

    def _missing(self, name: str, default: Any) -> Any:
        if default is None:
            return None
        self._arrived[name] = UNSET
        return default() if callable(default) else default

    def _decoded(self, name: str, decode: Decoder[T], value: Any) -> T:
        if decode is as_is:
            plain: T = value  # most fields: two calls fewer for each
            return plain
        try:
            return decode(value)
        except EventStreamerValidationError as error:
            raise within(f"{self._model}.{name}", error) from None


def as_is(value: Any) -> Any:
    """What JSON gives is what Python gets; the model's validator checks it."""
    return value


def to_integer(value: Any) -> Any:
    """Read an integer: JSON does not tell 7.0 from 7 (JSON Schema). The validator refuses the rest."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def or_null(decode: Decoder[T]) -> Decoder[T | None]:
    """None, or what another decoder makes."""
    return lambda value: None if value is None else decode(value)


def list_of(decode: Decoder[T]) -> Decoder[list[T]]:
    """A list of what another decoder makes."""

    def decoded(value: Any) -> list[T]:
        if not isinstance(value, list):
            raise invalid("", f"must be a list, got {shown(value)}")
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
            raise invalid("", f"must be a JSON object, got {shown(value)}")
        result = {}
        for key, item in value.items():
            try:
                result[key] = decode(item)
            except EventStreamerValidationError as error:
                raise within(f"[{key!r}]", error) from None
        return result

    return decoded


def text_enum(enum: type[TextEnum]) -> Decoder[Any]:
    """A member of an enum of strings; the validator refuses what is not a string."""
    return lambda value: enum.arrived(value) if isinstance(value, str) else value


def number_enum(enum: type[NumberEnum]) -> Decoder[Any]:
    """A member of an enum of integers; the validator refuses what is not an integer."""

    def decoded(value: Any) -> Any:
        value = to_integer(value)
        return enum.arrived(value) if isinstance(value, int) and not isinstance(value, bool) else value

    return decoded


def known_or_kept(*values: Any) -> Decoder[Any]:
    """One of some values that no class is made of; another one is kept."""

    def decoded(value: Any) -> Any:
        known = any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in values)
        return value if known or value is None else Unknown(value)

    return decoded


def union_of(*decoders: Decoder[Any]) -> Decoder[Any]:
    """
    What one of several decoders makes; what none of them can is kept as `Unknown`.

    Of several models that all fit, the one that knows most of the fields is meant.
    """

    def decoded(value: Any) -> Any:
        best: Any = None
        for decode in decoders:
            try:
                made = decode(value)
            except EventStreamerValidationError:
                continue
            if not isinstance(made, Model):
                return made
            if best is None or len(made.additional_properties) < len(best.additional_properties):
                best = made
        return Unknown(value) if best is None else best

    return decoded


def discriminated(
    name: str, decoders: Mapping[str, Decoder[Any]], base: Decoder[Any] | None = None
) -> Decoder[Any]:
    """The model that a field of the object names; another one is of the base, or kept as `Unknown`."""

    def decoded(value: Any) -> Any:
        named = value.get(name) if isinstance(value, Mapping) else None
        decode = decoders.get(str(named), base)
        return Unknown(value) if decode is None else decode(value)

    return decoded


def only(check: Callable[[Any, str], None], decode: Decoder[T]) -> Decoder[T]:
    """What a decoder makes, if it passes a check: which member of a union a value is, it decides."""

    def decoded(value: Any) -> T:
        made = decode(value)
        check(made, "")
        return made

    return decoded


def only_if(fixed: Mapping[str, tuple[Any, ...]], decode: Decoder[T]) -> Decoder[T]:
    """A model of a union, if the fields that can have one value alone have it."""

    def decoded(value: Any) -> T:
        if not isinstance(value, Mapping) or any(
            name in value and value[name] not in fixed[name] for name in fixed
        ):
            raise invalid("", "must be of another model")
        return decode(value)

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
        raise invalid("", f"must be an ISO 8601 time, got {shown(value)}")
    return parsed if parsed.utcoffset() is not None else parsed.replace(tzinfo=datetime.UTC)


def _odd_datetime(value: str) -> datetime.datetime:
    from dateutil import parser

    try:
        return parser.parse(value)
    except (ValueError, OverflowError):
        raise invalid("", f"must be an ISO 8601 time, got {shown(value)}") from None


def to_date(value: Any) -> datetime.date:
    """Read a date, such as 2026-01-31."""
    try:
        return datetime.date.fromisoformat(value)
    except (ValueError, TypeError):
        raise invalid("", f"must be an ISO 8601 date, got {shown(value)}") from None


def to_uuid(value: Any) -> UUID:
    """Read a UUID."""
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise invalid("", f"must be a UUID, got {shown(value)}") from None


def to_file(value: Any) -> Any:
    """Read text of the format `binary`; the validator refuses what is not a string."""
    return File(value.encode()) if isinstance(value, str) else value


class Answers(Generic[T]):
    """The readers of the answers of a call, by status (`200`, `2XX` or `default`)."""

    def __init__(self, by_status: Mapping[str, tuple[Kind, Callable[[Any], Any]]]) -> None:
        self._by_status = by_status

    def read_as(self, status: int) -> Kind:
        """Say how the body of an answer is to be read."""
        return self._of(status)[0]

    def parse(self, status: int, body: Any) -> Any:
        """Get the result of an answer."""
        return self._of(status)[1](body)

    def _of(self, status: int) -> tuple[Kind, Callable[[Any], Any]]:
        for pattern in (str(status), f"{status // 100}XX", "default"):
            if pattern in self._by_status:
                return self._by_status[pattern]
        # A status that the document doesn't name is read as the first one that it does.
        return next(iter(self._by_status.values()))


def as_text(_status: int) -> Kind:
    """Say that an answer of any status is text."""
    return "text"


def as_bytes(_status: int) -> Kind:
    """Say that an answer of any status is bytes."""
    return "bytes"


def answer_of(decode: Decoder[T]) -> Callable[[int, Any], T]:
    """A parser of answers of one kind."""
    return lambda _status, body: decode(body)


def checked_answer(check: Callable[[Any, str], None], decode: Decoder[T]) -> Decoder[T]:
    """A decoder of answers that are not models, and so have no validators of their own."""

    def decoded(value: Any) -> T:
        try:
            made = decode(value)
        except EventStreamerValidationError as error:
            raise within("the answer", error) from None
        check(made, "the answer")
        return made

    return decoded


def succeeded(_status: int, _body: Any) -> bool:
    """The parser of answers without a body."""
    return True


def without_body(_body: Any) -> None:
    """The reader of an answer without a body, where others of the call have one."""


def nothing(_status: int, _body: Any) -> None:
    """The parser of answers that are read elsewhere, such as a stream."""

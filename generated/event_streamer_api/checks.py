"""The checks behind the validators of models and the arguments of calls: one for each kind of value."""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from fractions import Fraction
from typing import Any
from uuid import UUID

from attrs import Attribute

from .errors import EventStreamerValidationError, invalid
from .patterns import compiled
from .types import UNSET, Closed, File, Model, Unknown

Check = Callable[[Any, str], None]
"""Takes a value and where it is; raises EventStreamerValidationError if the value breaks the rule."""

# A check of the same rules is the same one, made once: calls ask for theirs each time they are made. How many
# there are is the document's business, so none has to be forgotten.

_SHOWN_LENGTH = 60
_FEW = 4
"""Up to so many items are checked sooner one by one."""
_SURROGATE = re.compile("[\ud800-\udfff]")


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


@functools.cache
def nullable(check: Check) -> Check:
    """None, or what another check allows."""

    def checked(value: Any, where: str) -> None:
        if value is not None:
            check(value, where)

    return checked


def nothing() -> Check:
    """None alone."""

    def checked(value: Any, where: str) -> None:
        if value is not None:
            raise invalid(where, f"must be None, got {shown(value)}")

    return checked


def constant(expected: object) -> Check:
    """Exactly one value."""

    def checked(value: Any, where: str) -> None:
        if not _same(value, expected):
            raise invalid(where, f"must be {expected!r}, got {shown(value)}")

    return checked


def fixed(value: Any) -> Any:
    """Give a constant as a default: pyright would take a literal for any value of its type."""
    return value


def one_of(values: Iterable[Any], check: Check) -> Check:
    """One of some values that no class is made of, all of which pass another check."""
    allowed = list(values)

    def checked(value: Any, where: str) -> None:
        if isinstance(value, Unknown):
            return
        check(value, where)
        if not any(_same(value, each) for each in allowed):
            raise invalid(where, f"must be one of {', '.join(map(repr, allowed))}, got {shown(value)}")

    return checked


def _same(value: Any, other: Any) -> bool:
    """Whether two values are the same in JSON, where true isn't 1."""
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


@functools.cache
def member(name: str, *values: str | int) -> Check:
    """A member of the enum of this name, or the value of one."""

    def checked(value: Any, where: str) -> None:
        if isinstance(value, Enum) and type(value).__name__ == name:
            return
        if isinstance(value, Enum | bool) or value not in values:
            raise invalid(where, f"must be one of {', '.join(map(repr, values))}, got {shown(value)}")

    return checked


@functools.cache
def boolean() -> Check:
    """True or False."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, bool):
            raise invalid(where, f"must be True or False, got {shown(value)}")

    return checked


@functools.cache
def text(
    *, pattern: str | None = None, min_length: int = 0, max_length: int | None = None, secret: bool = False
) -> Check:
    """A string; lengths in characters. The value of a secret is not shown in the error."""
    expression = None if pattern is None else compiled(pattern)

    def told(value: Any) -> str:
        return f"a {type(value).__name__} (not shown)" if secret else shown(value)

    def all_fit(values: Sequence[Any]) -> bool:
        """Tell in a few calls whether many are good: an acknowledgement checks a thousand ids."""
        try:
            return (
                expression is None
                and "".join(values).isascii()
                and min(map(len, values), default=min_length) >= min_length
                and (max_length is None or max(map(len, values), default=0) <= max_length)
            )
        except TypeError:
            return False

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, str):
            raise invalid(where, f"must be a string, got {told(value)}")
        if not value.isascii() and _SURROGATE.search(value):
            raise invalid(where, "must be text that UTF-8 can hold, without lone surrogates")
        if expression is not None and expression.search(value) is None:
            raise invalid(where, f"must match {pattern}, got {told(value)}")
        length = len(value)
        if length < min_length:
            raise invalid(where, f"must have {counted(min_length, 'character')} or more, got {told(value)}")
        if max_length is not None and length > max_length:
            raise invalid(where, f"must have {counted(max_length, 'character')} at most, got {length}")

    checked.all_fit = all_fit  # type: ignore[attr-defined]  # where `array` finds it
    return checked


@functools.cache
def integer(
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    exclusive_minimum: float | None = None,
    exclusive_maximum: float | None = None,
    multiple_of: float | None = None,
) -> Check:
    """A whole number within its range, ends included. Booleans are not numbers."""
    in_range = _range(minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of)

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid(where, f"must be an integer, got {shown(value)}")
        in_range(value, where)

    return checked


@functools.cache
def number(
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    exclusive_minimum: float | None = None,
    exclusive_maximum: float | None = None,
    multiple_of: float | None = None,
) -> Check:
    """A finite number within its range."""
    in_range = _range(minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of)

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise invalid(where, f"must be a number, got {shown(value)}")
        if value != value or value in (float("inf"), float("-inf")):
            raise invalid(where, f"must be a finite number, got {shown(value)}")
        in_range(value, where)

    return checked


def _range(
    minimum: float | None,
    maximum: float | None,
    exclusive_minimum: float | None,
    exclusive_maximum: float | None,
    multiple_of: float | None,
) -> Callable[[float, str], None]:
    def checked(value: float, where: str) -> None:
        if minimum is not None and value < minimum:
            raise invalid(where, f"must be {minimum} or more, got {shown(value)}")
        if exclusive_minimum is not None and value <= exclusive_minimum:
            raise invalid(where, f"must be more than {exclusive_minimum}, got {shown(value)}")
        if maximum is not None and value > maximum:
            raise invalid(where, f"must be {maximum} or less, got {shown(value)}")
        if exclusive_maximum is not None and value >= exclusive_maximum:
            raise invalid(where, f"must be less than {exclusive_maximum}, got {shown(value)}")
        # As decimals: 0.3 is a multiple of 0.1, though the nearest binary numbers aren't.
        if multiple_of is not None and Fraction(repr(value)) % Fraction(repr(multiple_of)) != 0:
            raise invalid(where, f"must be a multiple of {multiple_of}, got {shown(value)}")

    return checked


@functools.cache
def moment() -> Check:
    """A time with a zone."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, datetime.datetime):
            raise invalid(where, f"must be a datetime, got {shown(value)}")
        if value.utcoffset() is None:
            raise invalid(where, "must be a datetime with a zone, such as datetime.now(UTC)")

    return checked


@functools.cache
def day() -> Check:
    """A date without a time."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
            raise invalid(where, f"must be a date, got {shown(value)}")

    return checked


@functools.cache
def uuid() -> Check:
    """A UUID."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, UUID):
            raise invalid(where, f"must be a UUID, got {shown(value)}")

    return checked


def file() -> Check:
    """A file to be sent."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, File):
            raise invalid(where, f"must be a File, such as File(b'…', 'name.txt'), got {shown(value)}")

    return checked


def binary() -> Check:
    """Bytes, or a file to be sent."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, bytes | bytearray | File):
            raise invalid(where, f"must be bytes or a File, got {shown(value)}")

    return checked


@functools.cache
def instance(name: str) -> Check:
    """An instance of the model of this name; by name, so that models may refer to themselves."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, Model) or all(base.__name__ != name for base in type(value).__mro__):
            hint = f"; make one by {name}.from_dict(…)" if isinstance(value, Mapping) else ""
            raise invalid(where, f"must be of the model {name}, got {shown(value)}{hint}")

    return checked


@functools.cache
def array(
    item: Check, *, min_items: int = 0, max_items: int | None = None, unique_items: bool = False
) -> Check:
    """A list whose items pass another check."""
    all_fit: Callable[[Sequence[Any]], bool] = getattr(item, "all_fit", lambda _values: False)

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, list | tuple):
            raise invalid(where, f"must be a list, got {shown(value)}")
        if len(value) < min_items:
            raise invalid(where, f"must have {counted(min_items, 'item')} or more, got {len(value)}")
        if max_items is not None and len(value) > max_items:
            raise invalid(where, f"must have {counted(max_items, 'item')} at most, got {len(value)}")
        try:
            for element in () if len(value) > _FEW and all_fit(value) else value:
                item(element, where)
        except EventStreamerValidationError:
            for index, element in enumerate(value):
                item(element, f"{where}[{index}]")
            raise
        if unique_items:
            _unique(value, where)

    return checked


def _unique(value: Iterable[Any], where: str) -> None:
    # Told apart by their JSON, where 1 and true differ and models are had by value.
    seen: dict[str, int] = {}
    for index, element in enumerate(value):
        key = json.dumps(
            element, sort_keys=True, default=lambda each: getattr(each, "to_dict", each.__str__)()
        )
        if isinstance(element, float) and element.is_integer():
            key = str(int(element))
        if seen.setdefault(key, index) != index:
            raise invalid(f"{where}[{index}]", f"must not be there twice: it is that of [{seen[key]}]")


@functools.cache
def mapping(item: Check, *, min_properties: int = 0, max_properties: int | None = None) -> Check:
    """A dict with strings as keys whose values pass another check."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise invalid(where, f"must be a dict, got {shown(value)}")
        for key, element in value.items():
            if not isinstance(key, str):
                raise invalid(where, f"must have strings as keys, got {shown(key)}")
            item(element, f"{where}[{key!r}]")
        count_of(len(value), where, "entry", min_properties, max_properties)

    return checked


def count_of(count: int, where: str, what: str, least: int = 0, most: int | None = None) -> None:
    """Refuse too few or too many entries of a dict, or fields of a model."""
    if count < least:
        raise invalid(where, f"must have {counted(least, what)} or more, got {count}")
    if most is not None and count > most:
        raise invalid(where, f"must have {counted(most, what)} at most, got {count}")


def fields_of(model: Model, *, min_properties: int = 0, max_properties: int | None = None) -> None:
    """Refuse a model with too few or too many fields."""
    count_of(len(model.to_dict()), type(model).__name__, "field", min_properties, max_properties)


def needs(model: str, told: str, groups: list[list[Any]], *, exactly_one: bool) -> None:
    """
    Refuse a model that lacks fields of which some are needed.

    Args:
        model: The model's name.
        told: The fields, in words.
        groups: The values of the fields; those of a group belong together. None and an empty list are
            missing.
        exactly_one: Whether only one group may be there.

    Raises:
        EventStreamerValidationError: If none is there, or more than one where one is allowed.
    """
    given = [all(value is not None and value != [] for value in group) for group in groups]
    if not any(given) or (exactly_one and sum(given) > 1):
        raise invalid(model, f"needs {told}")


def closed() -> Check:
    """No fields beyond those that are described, unless they came from the service."""

    def checked(value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise invalid(where, f"must be a dict, got {shown(value)}")
        if value and not isinstance(value, Closed):
            raise invalid(where, f"must be empty: the model takes no other fields, got {shown(value)}")

    return checked


def any_of(kinds: str, *checks: Check) -> Check:
    """What one of several checks allows, or what came from the service and is none of them."""

    def checked(value: Any, where: str) -> None:
        if isinstance(value, Unknown):
            return None
        errors = []
        for check in checks:
            try:
                return check(value, where)
            except EventStreamerValidationError as error:
                errors.append(error)
        # The one that came furthest knows the most about what is wrong.
        nearest = max(errors, key=lambda error: len(error.field or ""))
        of_kind = [error for error in errors if not _is_of_other_kind(error)]
        if len(nearest.field or "") > len(where):
            raise nearest
        if len(of_kind) == 1:
            raise of_kind[0]
        raise invalid(where, f"must be {kinds}, got {shown(value)}")

    return checked


def _is_of_other_kind(error: EventStreamerValidationError) -> bool:
    problem = str(error)[len(error.field or "") :]
    return problem.startswith(
        (" must be a", " must be of the model", " must be True", " must be None", " must be by")
    )


def counted(number: int, what: str) -> str:
    """Write a number of things: `1 item`, `2 items`, `0 entries`."""
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{number} {what if number == 1 else plural}"


def shown(value: object) -> str:
    """Write a value as an error shows it: its type and its beginning."""
    if isinstance(value, Model):
        return f"the model {type(value).__name__}"
    written = repr(value)
    if len(written) > _SHOWN_LENGTH:
        written = f"{written[:_SHOWN_LENGTH]}…"
    return (
        written
        if isinstance(value, str | int | float | type(None))
        else f"{written} ({type(value).__name__})"
    )

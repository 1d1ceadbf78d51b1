"""
From an item of a JSON ABI to an ABIEvent.

First the item is checked and becomes a description, a tuple of its parts; from this the models are built. The
contracts of a package inherit the same events over and over, so the descriptions are kept for those that
come again.
"""

import functools
import marshal
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from event_streamer_api.models import ABIEvent, ABIInput

from ._errors import ABIParsingError
from ._events import LONGEST_NAME, InputBudget, check_event_name, check_indexed_count, check_parameter_name
from ._json import type_of, whole_object
from ._limits import Limits
from ._types import check_type, kind_of

__all__ = ["read_event", "read_event_text"]

_Input: TypeAlias = tuple[str | None, str, bool, str | None, "tuple[Any, ...] | None"]
"""An input that has been checked: name, type, indexed, internalType, components."""

_Event: TypeAlias = tuple[str, tuple[_Input, ...], bool]
"""An event that has been checked: name, inputs, anonymous."""

_LONGEST_KEPT = 8192
_MOST_KEPT = 2048
"""The events that are kept take some megabytes at most: so many, of so many bytes each."""


def read_event(item: Mapping[str, Any], limits: Limits) -> ABIEvent:
    """
    Read an event of a JSON ABI.

    Its types become canonical; `null` means absent; keys that no event has are left out.

    Args:
        item: The item; its type is `event`.
        limits: The limits on types, depth and number of inputs.

    Returns:
        The event.

    Raises:
        ABIParsingError: Something in it is wrong; the path is within the item.
    """
    return _new_event(*_described_value(item, limits))


def read_event_text(text: Any, limits: Limits) -> ABIEvent | None:
    """
    Read an item of a JSON ABI that has not been parsed yet.

    Args:
        text: The item's JSON, a part of a document as `event_streamer_sdk.abi._json` has them.
        limits: The limits on types, depth and number of inputs.

    Returns:
        The event; `None` if the item is something else.

    Raises:
        ABIParsingError: It is not an object, or an event with a mistake; the path is within the
            item.
    """
    raw = bytes(text)
    description = _kept(raw, limits) if len(raw) <= _LONGEST_KEPT else _described(raw, limits)
    if description is None:
        return None
    name, inputs, anonymous = description
    return _new_event(name, inputs, anonymous)


def _described(raw: bytes, limits: Limits) -> _Event | None:
    """Parse and check the JSON of an item; `None` if it is not an event."""
    item = whole_object(raw)
    return _checked(item, limits) if type_of(item) == "event" else None


_kept = functools.lru_cache(maxsize=_MOST_KEPT)(_described)


def _described_value(item: Mapping[str, Any], limits: Limits) -> _Event:
    """
    Check an event; of one that comes again the description is known.

    An item can't be looked up itself, but what `marshal` writes of it can: the same for what is the same, as
    its second version takes no notice of what is shared.
    """
    if item.__class__ is dict:
        try:
            written = marshal.dumps(item, 2)
        except ValueError:  # something that is not of JSON
            return _checked(item, limits)
        if len(written) <= _LONGEST_KEPT:
            return _kept_value(written, limits)
    return _checked(item, limits)


@functools.lru_cache(maxsize=_MOST_KEPT)
def _kept_value(written: bytes, limits: Limits) -> _Event:
    """Check an event that `marshal` has written."""
    return _checked(marshal.loads(written), limits)  # noqa: S302 - written here a moment ago


def _checked(item: Mapping[str, Any], limits: Limits) -> _Event:
    """Check an event."""
    name = item.get("name")
    check_event_name(name)
    anonymous = _flag(item, "anonymous")
    inputs = _inputs(item, "inputs", InputBudget(limits))
    check_indexed_count(sum([each[2] for each in inputs]), anonymous=anonymous)
    return item["name"], inputs, anonymous


def _inputs(
    item: Mapping[str, Any], key: str, budget: InputBudget, depth: int = 0, levels: int = 0
) -> tuple[_Input, ...]:
    """Check the inputs of an event, or the components of a tuple."""
    listed = item.get(key)
    if listed is None:
        return ()
    if not isinstance(listed, list | tuple):
        raise ABIParsingError(f"must be a list, not {kind_of(listed)}", key)
    index = -1
    result: list[_Input] = []
    try:
        budget.take(len(listed), depth, levels)
        for index, each in enumerate(listed):  # noqa: B007 - the index is for the error
            result.append(_input(each, budget, depth, levels))
    except ABIParsingError as error:
        raise error.within(key if index < 0 else f"{key}[{index}]") from None
    return tuple(result)


def _input(item: Any, budget: InputBudget, depth: int, levels: int) -> _Input:
    """Check one input or component. Only an input can be indexed; on a component the word means nothing."""
    if item.__class__ is not dict and not isinstance(item, Mapping):
        raise ABIParsingError(f"must be an object with a name and a type, not {kind_of(item)}")
    name, type_, internal, components = (
        item.get("name"), item.get("type"), item.get("internalType"), item.get("components")
    )  # fmt: skip
    if name is not None:
        check_parameter_name(name)
    if type_ is None:
        raise ABIParsingError("the type is missing", "type")
    read = check_type(type_, has_components=components is not None, limits=budget.limits)
    if components is not None:
        components = _inputs(item, "components", budget, depth + 1, levels + 1 + len(read.dimensions))
        if not components:
            raise ABIParsingError("a tuple has at least one component", "components")
    if internal is not None:
        _check_internal_type(internal)
    return name, read.canonical, _flag(item, "indexed") and depth == 0, internal, components


def _flag(item: Mapping[str, Any], key: str) -> bool:
    """Read something that is true, false or absent."""
    value = item.get(key)
    if value is True:
        return True
    if value is not None and value is not False:
        raise ABIParsingError(f"must be true or false, not {kind_of(value)}", key)
    return False


def _check_internal_type(value: Any) -> None:
    """Refuse what a model couldn't hold or JSON couldn't write."""
    if not isinstance(value, str):
        raise ABIParsingError(f"must be text, not {kind_of(value)}", "internalType")
    if len(value) > LONGEST_NAME:
        raise ABIParsingError(f"more than {LONGEST_NAME} characters", "internalType")
    if not value.isascii():
        raise ABIParsingError("has characters outside of ASCII", "internalType")


# What is described has been checked, and more strictly than the models check it; checking it again in their
# `__init__` would take most of the time of parsing. So they are made as objects whose fields can be set
# without a check, and become models when they are complete.


class _OpenEvent(ABIEvent):
    """An event whose fields are being set."""

    __slots__ = ()
    __setattr__ = object.__setattr__


class _OpenInput(ABIInput):
    """An input whose fields are being set."""

    __slots__ = ()
    __setattr__ = object.__setattr__


_new: Callable[[type[Any]], Any] = object.__new__


def _new_event(name: str, inputs: tuple[_Input, ...], anonymous: bool) -> ABIEvent:
    """Build an event."""
    event: ABIEvent = _new(_OpenEvent)
    event.type = "event"
    event.name = name
    event.inputs = _new_inputs(inputs)
    event.anonymous = anonymous
    event.additional_properties = {}
    event.__class__ = ABIEvent
    return event


def _new_inputs(inputs: tuple[_Input, ...]) -> list[ABIInput]:
    """Build inputs or components."""
    result: list[ABIInput] = []
    for name, type_, indexed, internal, components in inputs:
        made: ABIInput = _new(_OpenInput)
        made.name = name
        made.type = type_
        made.indexed = indexed
        made.internalType = internal
        made.components = None if components is None else _new_inputs(components)
        made.additional_properties = {}
        made.__class__ = ABIInput
        result.append(made)
    return result

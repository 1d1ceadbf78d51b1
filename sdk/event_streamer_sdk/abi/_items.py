"""From an item of a JSON ABI to an ABIEvent."""

from collections.abc import Mapping
from typing import Any

from event_streamer_api.models import ABIEvent, ABIInput

from ._errors import ABIParsingError
from ._events import LONGEST_NAME, InputBudget, check_event_name, check_indexed_count, check_parameter_name
from ._limits import Limits
from ._types import check_type, kind_of

__all__ = ["read_event"]


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
    name = item.get("name")
    check_event_name(name)
    anonymous = _flag(item, "anonymous")
    inputs = _inputs(item, "inputs", InputBudget(limits), depth=0)
    check_indexed_count(sum(bool(each.indexed) for each in inputs), anonymous=anonymous)
    return _new_event(name, inputs, anonymous)


def _inputs(item: Mapping[str, Any], key: str, budget: InputBudget, depth: int) -> list[ABIInput]:
    """Read the inputs of an event, or the components of a tuple."""
    listed = item.get(key)
    if listed is None:
        return []
    if not isinstance(listed, list | tuple):
        raise ABIParsingError(f"must be a list, not {kind_of(listed)}", key)
    try:
        budget.take(len(listed), depth)
    except ABIParsingError as error:
        raise error.within(key) from None
    result = []
    for index, each in enumerate(listed):
        try:
            result.append(_input(each, budget, depth))
        except ABIParsingError as error:
            raise error.within(f"{key}[{index}]") from None
    return result


def _input(item: Any, budget: InputBudget, depth: int) -> ABIInput:
    """Read one input or component. Only an input can be indexed; on a component the word means nothing."""
    if not isinstance(item, dict) and not isinstance(item, Mapping):
        raise ABIParsingError(f"must be an object with a name and a type, not {kind_of(item)}")
    name = item.get("name")
    check_parameter_name(name)
    has_components = item.get("components") is not None
    if "type" not in item:
        raise ABIParsingError("the type is missing", "type")
    type_ = check_type(item["type"], has_components=has_components, limits=budget.limits)
    components = None
    if has_components:
        components = _inputs(item, "components", budget, depth + 1)
        if not components:
            raise ABIParsingError("a tuple has at least one component", "components")
    indexed = _flag(item, "indexed")
    internal = item.get("internalType")
    if internal is not None:
        _check_internal_type(internal)
    return _new_input(name, type_.canonical, indexed and depth == 0, internal, components)


def _flag(item: Mapping[str, Any], key: str) -> bool:
    """Read something that is true, false or absent."""
    value = item.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise ABIParsingError(f"must be true or false, not {kind_of(value)}", key)
    return value


def _check_internal_type(value: Any) -> None:
    """Refuse what a model couldn't hold or JSON couldn't write."""
    if not isinstance(value, str):
        raise ABIParsingError(f"must be text, not {kind_of(value)}", "internalType")
    if len(value) > LONGEST_NAME:
        raise ABIParsingError(f"more than {LONGEST_NAME} characters", "internalType")
    if not value.isascii():
        raise ABIParsingError("has characters outside of ASCII", "internalType")


def _new_event(name: Any, inputs: list[ABIInput], anonymous: bool) -> ABIEvent:
    return ABIEvent(type="event", name=name, inputs=inputs, anonymous=anonymous)


def _new_input(
    name: Any, type_: str, indexed: bool, internal: str | None, components: list[ABIInput] | None
) -> ABIInput:
    return ABIInput(name=name, type=type_, indexed=indexed, internalType=internal, components=components)

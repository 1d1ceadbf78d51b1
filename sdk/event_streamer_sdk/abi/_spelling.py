"""Events as a line of Solidity."""

from event_streamer_api.models import ABIEvent

from ._events import Event, Parameter, resolve
from ._tokens import FUNCTION_TYPE_WORDS
from ._types import ABIType, ArrayType, TupleType

__all__ = ["human_readable", "spell"]

_MEANINGFUL = {"address": frozenset({"payable"}), "function": FUNCTION_TYPE_WORDS}
"""The words that belong to a type where they follow it."""


def human_readable(event: ABIEvent) -> str:
    """
    Write an event as a line of Solidity, its tuples inline.

    What `parse_abi` reads from the line equals the event, but for `internalType`, which a line has no room
    for. A JSON ABI can hold names that Solidity reserves, such as Vyper's `type`. They are written as they
    are, and those that would mean something else at their place in quotation marks: `bool "indexed"`.

    Args:
        event: The event.

    Returns:
        The line, without a semicolon.

    Raises:
        ABIParsingError: The event is not a valid one.

    Example:
        >>> human_readable(ABIEvent(name="Ping", inputs=[ABIInput(name="to", type="address", indexed=True)]))
        'event Ping(address indexed to)'
    """
    return f"event {spell(resolve(event))}"


def spell(event: Event, *, names: bool = True) -> str:
    """
    Write a checked event: its name, then the parameters with `indexed` and names, then `anonymous`.

    Args:
        event: The event.
        names: Whether the names of parameters and components are written.

    Returns:
        The line, without the word `event`.
    """
    parameters = ", ".join(_parameter(parameter, names) for parameter in event.parameters)
    return f"{event.name}({parameters}){' anonymous' if event.anonymous else ''}"


def _parameter(parameter: Parameter, names: bool) -> str:
    """Write a parameter of an event."""
    name = parameter.name if names else ""
    if parameter.indexed:
        return f"{_type(parameter.type, names)} indexed {name}".rstrip()
    return _named(parameter.type, f'"{name}"' if name == "indexed" else name, names)


def _named(type_: ABIType, name: str, names: bool) -> str:
    """Write a type and the name that follows it."""
    if name in _MEANINGFUL.get(type_.canonical, ()):
        name = f'"{name}"'
    return f"{_type(type_, names)} {name}".rstrip()


def _type(type_: ABIType, names: bool) -> str:
    """Write a type, its components inline."""
    if isinstance(type_, ArrayType):
        return f"{_type(type_.item, names)}[{'' if type_.length is None else type_.length}]"
    if isinstance(type_, TupleType):
        members = ", ".join(
            _named(item, name if names else "", names)
            for name, item in zip(type_.names, type_.items, strict=True)
        )
        return f"tuple({members})"
    return "function() external" if type_.base == "function" else type_.canonical

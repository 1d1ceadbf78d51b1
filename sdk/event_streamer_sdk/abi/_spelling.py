"""Events as a line of Solidity."""

from event_streamer_api.models import ABIEvent

from ._events import Event, resolve
from ._types import ABIType, ArrayType, TupleType

__all__ = ["human_readable", "spell"]


def human_readable(event: ABIEvent) -> str:
    """
    Write an event as a line of Solidity, its tuples inline.

    What `parse_abi` reads from the line equals the event, but for `internalType`, which a line has no room
    for. (Parameters of other languages may have names that Solidity reserves, such as Vyper's `type`: they
    are written as they are, and the parser refuses them.)

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
    parameters = ", ".join(
        _declaration(
            parameter.type, f" indexed {parameter.name}" if parameter.indexed else f" {parameter.name}", names
        )
        if names
        else _declaration(parameter.type, " indexed" if parameter.indexed else "", names)
        for parameter in event.parameters
    )
    return f"{event.name}({parameters}){' anonymous' if event.anonymous else ''}"


def _declaration(type_: ABIType, rest: str, names: bool) -> str:
    """Write a type and what follows it."""
    return (_type(type_, names) + rest).rstrip()


def _type(type_: ABIType, names: bool) -> str:
    """Write a type, its components inline."""
    if isinstance(type_, ArrayType):
        return f"{_type(type_.item, names)}[{'' if type_.length is None else type_.length}]"
    if isinstance(type_, TupleType):
        members = ", ".join(
            _declaration(item, f" {name}" if names else "", names)
            for name, item in zip(type_.names, type_.items, strict=True)
        )
        return f"tuple({members})"
    return "function() external" if type_.base == "function" else type_.canonical

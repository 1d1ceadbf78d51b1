"""An event, checked and with its types read: what signatures, decoders and writers work from."""

import functools
import re
from collections.abc import Collection, Sequence

import attrs

from event_streamer_api.models import ABIEvent, ABIInput

from ._errors import ABIParsingError
from ._keccak import keccak256
from ._limits import DEFAULT_LIMITS, Limits
from ._types import ABIType, TupleType, array_of, base_type, check_type, shortened

__all__ = [
    "DELIVERED_METADATA",
    "LONGEST_NAME",
    "METADATA_NAMES",
    "Event",
    "InputBudget",
    "Parameter",
    "check_event_name",
    "check_indexed_count",
    "check_parameter_name",
    "hash_of_signature",
    "resolve",
    "signature",
    "topic0",
    "unique_names",
    "wire_names",
]

DELIVERED_METADATA = frozenset({"block_number", "transaction_hash", "log_index", "address", "timestamp"})
"""What every event object of the stream holds beside the event's own parameters."""

METADATA_NAMES = DELIVERED_METADATA | {"block_hash"}
"""What an event object may hold, so that no parameter is called so there."""

LONGEST_NAME = 1024
"""The length of names, in characters, that the models allow."""

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*", re.ASCII).fullmatch


@attrs.frozen
class Parameter:
    """One parameter of an event; `name` is empty where it has none."""

    name: str
    indexed: bool
    type: ABIType


@attrs.frozen
class Event:
    """An event whose names, types and limits have been checked."""

    name: str
    anonymous: bool
    parameters: tuple[Parameter, ...]

    @property
    def signature(self) -> str:
        """The canonical signature, such as `Transfer(address,address,uint256)`."""
        return f"{self.name}({','.join(parameter.type.canonical for parameter in self.parameters)})"

    @property
    def names(self) -> tuple[str, ...]:
        """The keys of the decoded values."""
        return unique_names([parameter.name for parameter in self.parameters])

    @property
    def wire_names(self) -> tuple[str, ...]:
        """The keys of the parameters in an event object of the stream."""
        return unique_names([parameter.name for parameter in self.parameters], METADATA_NAMES)


def resolve(event: ABIEvent, limits: Limits = DEFAULT_LIMITS) -> Event:
    """
    Check an event and read its types.

    Raises:
        ABIParsingError: A name, a type or a limit is broken; the path is within the event.
    """
    if not isinstance(event, ABIEvent):
        raise ABIParsingError(
            f"expected an ABIEvent, not {type(event).__name__}; extract_abi_event makes one"
        )
    check_event_name(event.name)
    budget = InputBudget(limits)
    inputs = event.inputs or ()
    types = _types_of(inputs, "inputs", budget)
    parameters = tuple(
        Parameter(item.name or "", bool(item.indexed), type_)
        for item, type_ in zip(inputs, types, strict=True)
    )
    checked = Event(event.name, bool(event.anonymous), parameters)
    check_indexed_count(sum(item.indexed for item in parameters), anonymous=checked.anonymous)
    return checked


class InputBudget:
    """Counts the inputs of one event, the components of its tuples among them, and how deep these lie."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._left = limits.inputs

    def take(self, count: int, depth: int, levels: int) -> None:
        """
        Count what stands in one list.

        Args:
            count: How many inputs or components it has.
            depth: In how many tuples it lies.
            levels: In how many tuples and arrays.

        Raises:
            ABIParsingError: They are too many, or too deep.
        """
        self._left -= count
        if self._left < 0:
            raise ABIParsingError(f"more than {self.limits.inputs} inputs, the components of tuples counted")
        if depth > self.limits.tuple_depth:
            raise ABIParsingError(f"tuples in tuples, more than {self.limits.tuple_depth} deep")
        if levels > 2 * self.limits.tuple_depth:
            raise ABIParsingError(f"tuples and arrays, more than {2 * self.limits.tuple_depth} deep")


def _types_of(
    items: Sequence[ABIInput], key: str, budget: InputBudget, depth: int = 0, levels: int = 0
) -> list[ABIType]:
    """Read the types of some inputs or components."""
    try:
        budget.take(len(items), depth, levels)
    except ABIParsingError as error:
        raise error.within(key) from None
    types = []
    for index, item in enumerate(items):
        try:
            types.append(_type_of(item, budget, depth, levels))
        except ABIParsingError as error:
            raise error.within(f"{key}[{index}]") from None
    return types


def _type_of(item: ABIInput, budget: InputBudget, depth: int, levels: int) -> ABIType:
    """Read the type of one input or component."""
    check_parameter_name(item.name)
    name = check_type(item.type, has_components=bool(item.components), limits=budget.limits)
    if name.base != "tuple":
        return array_of(base_type(name), name.dimensions)
    components = item.components or []
    types = _types_of(components, "components", budget, depth + 1, levels + 1 + len(name.dimensions))
    names = tuple(component.name or "" for component in components)
    return array_of(TupleType(names, tuple(types)), name.dimensions)


def check_event_name(name: object) -> None:
    """
    Refuse a name that no event can have.

    Raises:
        ABIParsingError: It is missing, no identifier, or too long.
    """
    if not isinstance(name, str) or not name:
        raise ABIParsingError("an event needs a name", "name")
    _check_identifier(name)


def check_parameter_name(name: object) -> None:
    """
    Refuse a name that no parameter can have; `None` and an empty one mean that it has none.

    Raises:
        ABIParsingError: It is not text, not an identifier, or too long.
    """
    if name is None or name == "":
        return
    if not isinstance(name, str):
        raise ABIParsingError("a name must be text", "name")
    _check_identifier(name)


def check_indexed_count(count: int, *, anonymous: bool) -> None:
    """
    Refuse more indexed inputs than a log has topics for.

    Args:
        count: How many inputs are indexed.
        anonymous: Whether the event is; then no topic is taken by its hash.

    Raises:
        ABIParsingError: There are too many.
    """
    most = 4 if anonymous else 3
    if count > most:
        kind = "an anonymous event" if anonymous else "an event"
        raise ABIParsingError(f"{count} indexed inputs, but {kind} has {most} at most", "inputs")


def unique_names(names: Sequence[str], taken: Collection[str] = ()) -> tuple[str, ...]:
    """
    Give every parameter a name of its own.

    The first parameter of a name keeps it, an unnamed one is called `arg` and its position, and one
    whose name is taken gets `_` appended until it is free.

    Args:
        names: The parameters' names, empty where they have none.
        taken: Names that nobody may have.

    Returns:
        As many names, all different.
    """
    used = set(taken)
    result = [""] * len(names)
    for index, name in enumerate(names):
        if name and name not in used:
            result[index] = name
            used.add(name)
    for index, name in enumerate(names):
        if not result[index]:
            name = name or f"arg{index}"
            while name in used:
                name += "_"
            result[index] = name
            used.add(name)
    return tuple(result)


def wire_names(event: ABIEvent) -> tuple[str, ...]:
    """
    Name the keys under which an event's parameters stand in an event object of the stream.

    They are the parameters' names, but that an unnamed one is called `arg` and its position, and that one
    whose name repeats, or is that of a metadata field (`address`, `block_number`, …), gets `_` appended
    until it is free.

    Args:
        event: The event.

    Returns:
        One key for each input, in their order.

    Raises:
        ABIParsingError: The event is not a valid one.

    Example:
        >>> wire_names(ABIEvent(name="Moved", inputs=[ABIInput(name="address", type="address")]))
        ('address_',)
    """
    return resolve(event).wire_names


def signature(event: ABIEvent) -> str:
    """
    Write the canonical signature of an event: what its topic0 is the hash of.

    Args:
        event: The event.

    Returns:
        Its name and the canonical types of its inputs, as the Solidity ABI specification ("Events") defines
        them.

    Raises:
        ABIParsingError: The event is not a valid one.

    Example:
        >>> signature(extract_abi_event("event Transfer(address indexed, address indexed, uint)", "Transfer"))
        'Transfer(address,address,uint256)'
    """
    return resolve(event).signature


def topic0(event: ABIEvent) -> str:
    """
    Hash the canonical signature of an event.

    An anonymous event has a hash too, but its logs don't carry it.

    Args:
        event: The event.

    Returns:
        The keccak-256 of its signature, as 0x and 64 lower-case hex digits.

    Raises:
        ABIParsingError: The event is not a valid one.
    """
    return hash_of_signature(resolve(event).signature)


@functools.lru_cache(maxsize=4096)
def hash_of_signature(text: str) -> str:
    """Hash a canonical signature, once: as 0x and 64 lower-case hex digits."""
    return f"0x{keccak256(text.encode()).hex()}"


def _check_identifier(name: str) -> None:
    """Refuse a name that Solidity and Vyper couldn't write."""
    if name.isidentifier() and name.isascii() and len(name) <= LONGEST_NAME:
        return  # nearly always, and a third as fast as the expression
    if len(name) > LONGEST_NAME:
        raise ABIParsingError(f"a name of {len(name)} characters is over the limit of {LONGEST_NAME}", "name")
    if not _IDENTIFIER(name):
        raise ABIParsingError(
            f"{shortened(name)} is not a name: letters, digits, _ and $, and no digit in front", "name"
        )

"""`parse_abi` and the looking up of events: overloads, duplicates, spellings, topic0."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from event_streamer_api.models import ABIEvent, ABIInput

from ._abi_items import Items
from ._errors import ABIParsingError
from ._events import hash_of_signature, resolve
from ._items import read_event
from ._limits import DEFAULT_LIMITS, Limits
from ._messages import listed, nearest
from ._solidity import parse_event_line
from ._sources import ABISource, read_source
from ._spelling import spell
from ._types import kind_of, shortened

__all__ = [
    "ParsedABI",
    "extract_abi_event",
    "extract_abi_events",
    "merge_events",
    "parse_abi",
    "parse_contract_abi",
]

logger = logging.getLogger(__name__)

_TOPIC0 = re.compile(r"0[xX][0-9a-fA-F]{64}", re.ASCII)


class ParsedABI:
    """
    The ABI of one contract.

    Its items are read when they are asked for, so that a bad one doesn't stand in the way of another.

    Args:
        items: The items as they were found.
        limits: The limits that they are held against.
    """

    def __init__(self, items: Items, limits: Limits = DEFAULT_LIMITS) -> None:
        self._items = items
        self._limits = limits
        self._faults_are_told = False

    def __iter__(self) -> Iterator[ABIEvent]:
        return iter(self.events.values())

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        return f"ParsedABI(events: {listed(self._names())})"

    @property
    def items(self) -> list[Mapping[str, Any]]:
        """The items in the shape of a JSON ABI."""
        return [item.value() for item in self._items]

    @property
    def events(self) -> dict[str, ABIEvent]:
        """All events, by name where that is unique, else by signature; see `extract_abi_events`."""
        events, faults = self.read_events()
        if faults and not self._faults_are_told:
            self._faults_are_told = True
            logger.warning(
                "%d items of the ABI can't be read, left out: %s",
                len(faults),
                listed(map(str, faults)),
            )
        return events

    def read_events(self) -> tuple[dict[str, ABIEvent], list[ABIParsingError]]:
        """
        Read all events, and say which can't be read. `events` has the first alone, and logs the others.

        Returns:
            The events as `events` has them; and a fault for each item that is left out.

        Raises:
            ABIParsingError: No event can be read, and this is what is wrong with the first.

        Example:
            >>> events, faults = parse_abi(Path("Token.json")).read_events()
            >>> for fault in faults:
            ...     print(f"left out: {fault}")
        """
        events, faults = self._items.read_events(self._limits)
        if faults and not events:
            raise faults[0]
        return _keyed(events), faults

    def only_event(self) -> ABIEvent:
        """
        Take the ABI's event, where it has no more than one.

        Returns:
            The event.

        Raises:
            ABIParsingError: There is none or more than one, or one can't be read.
        """
        events, faults = self.read_events()
        if faults:
            raise faults[0]
        if len(events) != 1:
            raise ABIParsingError(
                f"the ABI has {len(events)} events ({listed(events)}): name the one that is wanted"
            )
        return next(iter(events.values()))

    def event(self, asked: str) -> ABIEvent:
        """
        Find an event.

        Args:
            asked: Its name, any spelling of its signature, or its topic0.

        Returns:
            The event.

        Raises:
            ABIParsingError: There is none, or more than one; or it is there, and wrong.
        """
        if not isinstance(asked, str):
            raise ABIParsingError(f"an event is asked for by its name, a text, not by {kind_of(asked)}")
        asked = asked.strip()
        if _TOPIC0.fullmatch(asked):
            found, fault = self._matching(None, lambda event: _topic0(event) == asked.lower())
        elif "(" in asked:
            found, fault = self._by_spelling(asked)
        else:
            found, fault = self._matching(asked, lambda _: True)
        if not found:
            raise self._unknown(asked, fault)
        keyed = _keyed(found)
        if len(keyed) > 1:
            raise ABIParsingError(f"{shortened(asked)} is ambiguous, ask for one of: {listed(keyed)}")
        return next(iter(keyed.values()))

    def _by_spelling(self, asked: str) -> tuple[list[ABIEvent], ABIParsingError | None]:
        """
        Find the events that a signature means.

        Those are meant that it spells out to the last `indexed`; if there are none, and it has no such
        word, all of that signature.
        """
        wanted = resolve(read_event(parse_event_line(asked, self._limits), self._limits), self._limits)
        found, fault = self._matching(
            wanted.name, lambda event: resolve(event, self._limits).signature == wanted.signature
        )
        spelling = spell(wanted, names=False)
        exact = [event for event in found if spell(resolve(event, self._limits), names=False) == spelling]
        if exact or wanted.anonymous or any(parameter.indexed for parameter in wanted.parameters):
            return exact, fault
        return found, fault

    def _matching(
        self, name: str | None, matches: Callable[[ABIEvent], bool]
    ) -> tuple[list[ABIEvent], ABIParsingError | None]:
        """Read the events of a name (or all), give those that match, and the first fault that was met."""
        found: list[ABIEvent] = []
        fault = None
        for item in self._items.events():
            if name is None or item.may_be_called(name):
                try:
                    event = item.event(self._limits)
                except ABIParsingError as error:
                    fault = fault or error
                else:
                    found += [event] if event is not None and matches(event) else []
        return found, fault

    def _unknown(self, asked: str, fault: ABIParsingError | None) -> ABIParsingError:
        """Say that an event isn't there: what is, and what was probably meant; or why it couldn't be read."""
        if fault and not _TOPIC0.fullmatch(asked):
            return fault
        names = self._names()
        unread = f"; not all of them could be read ({fault})" if fault else ""
        hint = nearest(asked.partition("(")[0].strip(), names)
        return ABIParsingError(
            f"no event {shortened(asked)}; available events: {listed(names)}{hint}{unread}"
        )

    def _names(self) -> list[str]:
        """Name all events, each name once, the bad ones too."""
        return list(dict.fromkeys(name for item in self._items.events() if (name := item.event_name())))


def parse_abi(
    source: ABISource, *, contract: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> ParsedABI:
    """
    Read an ABI, whatever holds it.

    Args:
        source: JSON or lines of Solidity (`str` or `bytes`), a path to a file of either, or the list or
            dict that the JSON would be. An ABI, one item, an artifact with a key `abi` (Hardhat, Foundry,
            Truffle), the standard or combined output of solc or Vyper. A plain `str` is always text, never
            a path.
        contract: `Name` or `path:Name`, where the source holds several contracts with events.
        limits: The limits on size, depth and number.

    Returns:
        The ABI of one contract. Events in it are read when they are asked for.

    Raises:
        ABIParsingError: The source isn't readable or not understood.

    Example:
        >>> abi = parse_abi("event Transfer(address indexed from, address indexed to, uint256 value)")
        >>> abi.event("Transfer").inputs[2].type
        'uint256'
    """
    return ParsedABI(read_source(source, contract, limits), limits)


def extract_abi_event(
    abi_json: ABISource, event_name: str, *, contract: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> ABIEvent:
    """
    Get one event from an ABI.

    A fault in another item of the ABI does no harm.

    Args:
        abi_json: The ABI, in any form that `parse_abi` takes.
        event_name: The event's name, any spelling of its signature (`Transfer(address,address,uint)`, or
            with names and `indexed`), or its topic0.
        contract: `Name` or `path:Name`, where the source holds several contracts with events.
        limits: The limits on size, depth and number.

    Returns:
        The event, its types canonical.

    Raises:
        ABIParsingError: There is no such event (the message lists those that there are), the name is that
            of several (the message lists their signatures), or it is wrong (the path says where).

    Example:
        >>> extract_abi_event('[{"type": "event", "name": "Ping"}]', "Ping").name
        'Ping'
    """
    return parse_abi(abi_json, contract=contract, limits=limits).event(event_name)


def extract_abi_events(
    abi_json: ABISource, *, contract: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> dict[str, ABIEvent]:
    """
    Get all events from an ABI.

    Identical events count once: those whose names, types and `indexed` flags are the same, whatever their
    parameters are called. One that can't be read is left out: a warning in the log says which and why, and
    `parse_abi(…).read_events()` returns it.

    Args:
        abi_json: The ABI, in any form that `parse_abi` takes.
        contract: `Name` or `path:Name`, where the source holds several contracts with events.
        limits: The limits on size, depth and number.

    Returns:
        The events in their order, each by its name where that is unique, else by its signature, and where
        even this isn't (ERC-20's and ERC-721's Transfer), by its signature with `indexed`. Each key finds its
        event again in `extract_abi_event`.

    Raises:
        ABIParsingError: The ABI can't be read, or none of its events can; the path says where.
    """
    return parse_abi(abi_json, contract=contract, limits=limits).events


def parse_contract_abi(
    abi_json: ABISource, *, contract: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> dict[str, Any]:
    """
    Sort the items of an ABI by what they are.

    An event that can't be read is left out, and a warning in the log says which and why.

    Args:
        abi_json: The ABI, in any form that `parse_abi` takes.
        contract: `Name` or `path:Name`, where the source holds several contracts with events.
        limits: The limits on size, depth and number.

    Returns:
        `events` (key → item, keyed and made canonical as by `extract_abi_events`), `functions` (name → list
        of items, since functions may be overloaded), `errors` (name → item), `constructor`, `fallback` and
        `receive` (an item or `None`), and `raw` (all items).

    Raises:
        ABIParsingError: None of the events can be read, or another item can't be; the path says where.
    """
    parsed = parse_abi(abi_json, contract=contract, limits=limits)
    result: dict[str, Any] = {
        "events": {key: event.to_dict() for key, event in parsed.events.items()},
        "functions": {},
        "constructor": None,
        "fallback": None,
        "receive": None,
        "errors": {},
        "raw": [],
    }
    for item in parsed._items:
        try:
            value = item.value()
        except ABIParsingError:
            if item.is_event():
                continue
            raise
        result["raw"].append(value)
        kind, name = value.get("type", "function"), value.get("name")
        if kind in ("function", "error") and not (isinstance(name, str) and name):
            raise ABIParsingError(f"a {kind} needs a name", f"{item.path}.name")
        if kind == "function":
            result["functions"].setdefault(name, []).append(value)
        elif kind == "error":
            result["errors"][name] = value
        elif kind in ("constructor", "fallback", "receive"):
            result[kind] = value
    return result


def _topic0(event: ABIEvent) -> str:
    """Hash the signature of an event that has just been read."""
    return hash_of_signature(resolve(event).signature)


def _keyed(events: list[ABIEvent]) -> dict[str, ABIEvent]:
    """Merge identical events, and give each a key of its own."""
    keyed = {event.name: event for event in events}
    if len(keyed) == len(events):
        return keyed
    by_name: dict[str, list[ABIEvent]] = {}
    for event in events:
        by_name.setdefault(event.name, []).append(event)
    keys: dict[str, ABIEvent] = {}
    for name, overloads in by_name.items():
        merged = _merged(overloads)
        signatures = [resolve(event).signature for event in merged.values()]
        for (spelling, event), signature in zip(merged.items(), signatures, strict=True):
            unique = signatures.count(signature) == 1
            keys[name if len(merged) == 1 else signature if unique else spelling] = event
    return keys


def merge_events(events: Iterable[ABIEvent]) -> list[ABIEvent]:
    """
    Merge identical events: those that differ in nothing but names of parameters.

    Returns:
        The different ones, in their order.

    Raises:
        ABIParsingError: An event is not a valid one.
    """
    return list(_merged(list(events)).values())


def _merged(overloads: list[ABIEvent]) -> dict[str, ABIEvent]:
    """
    Merge events that differ in nothing but names, by their spelling.

    Which one stays is decided by what it says, the one with the most names, and not by the order.
    """
    merged: dict[str, ABIEvent] = {}
    for event in overloads:
        spelling = spell(resolve(event), names=False)
        if spelling not in merged or _rank(event) < _rank(merged[spelling]):
            merged[spelling] = event
    return merged


def _rank(event: ABIEvent) -> tuple[int, str]:
    """Order events that differ in names only: the more names the better, then as text."""

    def unnamed(inputs: list[ABIInput]) -> int:
        return sum((not each.name) + unnamed(each.components or []) for each in inputs)

    return unnamed(event.inputs), repr(event)

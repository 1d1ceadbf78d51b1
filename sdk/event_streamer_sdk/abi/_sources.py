"""
From whatever holds an ABI to the items of one contract's ABI.

What is understood, in the order in which it is looked for:

===============================================  ==================================================
`[…]`                                            a JSON ABI, or lines of Solidity as its strings
`{"abi": …}`                                     an artifact: Hardhat, Foundry, Truffle, deployments
`{"type": "event", …}`                           one item
`{"output": {"abi": …}}`                         the compiler's metadata
`{"output": {"contracts": …}}`                   Hardhat's and Foundry's build-info
`{"contracts": {file: {name: {"abi": …}}}}`      solc's and Vyper's standard output
`{"contracts": {"file:name": {"abi": …}}}`       solc's combined output, hardhat-deploy's exports
`{file: {"abi": …}, "version": …}`               Vyper's combined output
`{"result": …}`                                  a block explorer's answer
===============================================  ==================================================

An ABI inside of these may also be text with JSON in it, as solc wrote it until 0.8. Everything else that is
text is read as Solidity.
"""

import codecs
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from event_streamer_api.models import ABIEvent

from ._errors import ABIParsingError
from ._items import read_event, read_event_text
from ._json import (
    indexes_of_type,
    is_text,
    is_unread,
    load_json,
    may_hold,
    opened,
    refuse_repeated_keys,
    whole,
)
from ._limits import Limits
from ._messages import listed, nearest
from ._solidity import Declaration, parse_lines
from ._types import kind_of, shortened

__all__ = ["ABISource", "Item", "Items", "read_source"]

ABISource: TypeAlias = "str | bytes | os.PathLike[str] | Sequence[Any] | Mapping[str, Any]"
"""What an ABI is read from. A `str` is text, never the name of a file; that is a `pathlib.Path`."""

_ITEM_TYPES = ("event", "function", "error", "constructor", "fallback", "receive")
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


class Item:
    """
    One item of an ABI; a part of a JSON document is read when it is asked for.

    Args:
        source: The item as it was found: an object, a part of a JSON document, or a declaration.
        place: Where the ABI stands; empty if the item stands alone.
        index: Its index in the ABI.
    """

    __slots__ = ("_index", "_place", "_source")

    def __init__(self, source: Any, place: str, index: int = 0) -> None:
        self._source = source
        self._place = place
        self._index = index

    @property
    def path(self) -> str:
        """Where it stands."""
        if isinstance(self._source, Declaration):
            return self._source.path
        return f"{self._place}[{self._index}]" if self._place else ""

    def value(self) -> Mapping[str, Any]:
        """
        Read the item.

        Returns:
            The item in the shape of a JSON ABI.

        Raises:
            ABIParsingError: It isn't an object, or a declaration that can't be read.
        """
        if isinstance(self._source, Declaration):
            return self._declared()
        try:
            value = self._object()
            refuse_repeated_keys(value)
        except ABIParsingError as error:
            raise error.within(self.path) from None
        return value

    def _declared(self) -> Mapping[str, Any]:
        """Take the item of a declaration, or the fault for which there is none."""
        if isinstance(self._source.value, ABIParsingError):
            raise self._source.value
        declared: dict[str, Any] = self._source.value
        return declared

    def _object(self) -> Mapping[str, Any]:
        """Read an item of JSON."""
        value = whole(self._source)
        if not isinstance(value, Mapping):
            raise ABIParsingError(f"an item of an ABI is an object, not {kind_of(value)}")
        return value

    def event(self, limits: Limits) -> ABIEvent | None:
        """
        Read the item if it is an event.

        Args:
            limits: The limits on types, depth and number of inputs.

        Returns:
            The event; `None` if the item is something else.

        Raises:
            ABIParsingError: It isn't an object, or an event of which something is wrong.
        """
        if isinstance(self._source, Declaration):
            return read_event(self._declared(), limits) if self._source.kind == "event" else None
        try:
            if is_unread(self._source):
                return read_event_text(self._source, limits)
            value = self._object()
            return read_event(value, limits) if value.get("type") == "event" else None
        except ABIParsingError as error:
            raise error.within(self.path) from None

    def may_be_called(self, name: str) -> bool:
        """
        Tell whether the item may have a name, without reading it if it hasn't been read.

        Args:
            name: The name.

        Returns:
            False if it hasn't.
        """
        return may_hold(self._source, f'"{name}"') and self.event_name() == name

    def event_name(self) -> str | None:
        """
        Name the event that the item is, or was meant to be.

        Returns:
            The name; `None` if it is no event, or has none.
        """
        if isinstance(self._source, Declaration):
            return self._source.name if self._source.kind == "event" else None
        try:
            value = self._object()
            name = value.get("name") if value.get("type") == "event" else None
        except ABIParsingError:
            return None
        return name if isinstance(name, str) else None


@attrs.frozen
class Items:
    """
    The items of an ABI.

    Attributes:
        sources: The items as they were found; see `Item`.
        place: Where the ABI stands; empty if it is one item alone.
        event_indexes: Which of them are events; `None` if that isn't known without reading them.
    """

    sources: Sequence[Any]
    place: str = ""
    event_indexes: Iterable[int] | None = None

    def __iter__(self) -> Iterator[Item]:
        """Walk over all items."""
        for index, source in enumerate(self.sources):
            yield Item(source, self.place, index)

    def events(self) -> Iterator[Item]:
        """Walk over the items that may be events, so that functions need not be read."""
        if self.event_indexes is not None:
            for index in self.event_indexes:
                yield Item(self.sources[index], self.place, index)
            return
        for index, source in enumerate(self.sources):
            if source.__class__ is not dict or source.get("type") == "event":
                yield Item(source, self.place, index)

    def read_events(self, limits: Limits) -> list[ABIEvent]:
        """
        Read all events.

        Args:
            limits: The limits on types, depth and number of inputs.

        Returns:
            The events, in their order.

        Raises:
            ABIParsingError: One of the items is wrong.
        """
        if self.event_indexes is None:
            return [event for item in self.events() if (event := item.event(limits)) is not None]
        events = []
        index = 0
        try:
            for index in self.event_indexes:  # no `Item` for each, since here is where the time goes
                event = read_event_text(self.sources[index], limits)
                if event is not None:
                    events.append(event)
        except ABIParsingError as error:
            raise error.within(f"{self.place}[{index}]") from None
        return events


@attrs.frozen
class _Contract:
    """A contract of a document that holds several: its full name, its ABI, and where that stands."""

    name: str
    abi: Any
    path: str


def read_source(source: ABISource, contract: str | None, limits: Limits) -> Items:
    """
    Find the items of an ABI.

    Args:
        source: What holds them; see the module's docstring.
        contract: The contract's name, `Name` or `path:Name`, where the source holds several.
        limits: The limit on the size of the source.

    Returns:
        The items, not yet read.

    Raises:
        ABIParsingError: The source can't be read, isn't understood, or holds several contracts and none was
            named.
    """
    if isinstance(source, str):
        return _from_text(source, contract, limits)
    if isinstance(source, bytes | bytearray | memoryview):
        _check_size(len(source), limits)
        return _from_text(_decode(bytes(source)), contract, limits)
    if isinstance(source, os.PathLike):
        return read_source(_read_file(source, limits), contract, limits)
    if isinstance(source, list | tuple | Mapping):
        return _from_value(source, contract, limits)
    raise ABIParsingError(
        f"an ABI comes as text, bytes, a path, a list or a dict, not as {type(source).__name__}"
    )


def _read_file(path: "os.PathLike[str]", limits: Limits) -> bytes:
    """Read a file, but not one that is over the limit."""
    try:
        with open(path, "rb") as file:
            data = file.read(limits.document_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ABIParsingError(f"{os.fspath(path)!r} can't be read: {reason}") from None
    return data


def _decode(data: bytes) -> str:
    """Decode a document, by its byte order mark if it has one."""
    mark = next((mark for mark in _BYTE_ORDER_MARKS if data.startswith(mark)), b"")
    encoding = _BYTE_ORDER_MARKS.get(mark, "utf-8")
    try:
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise ABIParsingError(f"the document is not {encoding.upper()}, at byte {error.start}") from None


def _check_size(size: int, limits: Limits) -> None:
    """Refuse a document over the limit."""
    if size > limits.document_bytes:
        raise ABIParsingError(f"the document is larger than the limit of {limits.document_bytes} bytes")


def _from_text(text: str, contract: str | None, limits: Limits) -> Items:
    """Tell JSON from Solidity."""
    _check_size(len(text), limits)
    text = text.removeprefix("\ufeff").lstrip()  # behind it JSON may have blanks: no need for a copy
    if not text:
        raise ABIParsingError("the document is empty")
    if text[0] not in '[{"':
        text = text.rstrip()
        if not {"(", "{"} & set(text):
            raise ABIParsingError(
                f"{shortened(text)} is neither JSON nor a declaration; a file is given as pathlib.Path(…)"
            )
        return _declared([(text, "")], limits)
    if not text.isascii():
        try:
            _check_size(len(text.encode()), limits)
        except UnicodeEncodeError as error:
            raise ABIParsingError(f"a lone surrogate, at character {error.start}") from None
    return _from_value(load_json(text), contract, limits)


def _declared(texts: list[tuple[str, str]], limits: Limits) -> Items:
    """Read texts as declarations in Solidity."""
    return Items(parse_lines(texts, limits))


def _from_value(value: Any, contract: str | None, limits: Limits) -> Items:
    """Find the items in a value that is, or was, JSON."""
    level = opened(value)
    if isinstance(level, str):
        return _from_text(level, contract, limits)
    if isinstance(level, Mapping):
        return _from_object(value, level, contract, limits)
    return _from_items(value, level, "abi", limits)


def _from_object(value: Any, level: Mapping[str, Any], contract: str | None, limits: Limits) -> Items:
    """Find the items in an object of which one level is open: an item, an artifact, or contracts."""
    if "abi" in level:
        _check_contract(level, contract)
        return _from_abi(level["abi"], "abi", limits)
    if opened(level.get("type")) in _ITEM_TYPES:
        return Items([value if is_unread(value) else {key: whole(each) for key, each in level.items()}])
    if "result" in level:
        return _from_value(level["result"], contract, limits)
    output = opened(level.get("output"))
    if isinstance(output, Mapping) and "abi" in output:
        return _from_abi(output["abi"], "output.abi", limits)
    contracts = list(_contracts(level))
    if not contracts:
        raise ABIParsingError(
            "no ABI in this object: expected an item with a type, a key 'abi', or a compiler's contracts"
        )
    chosen = _choose(contracts, contract, limits)
    return _from_abi(chosen.abi, chosen.path, limits) if chosen else Items([])


def _contracts(value: Mapping[str, Any]) -> Iterator[_Contract]:
    """Walk over the contracts of a compiler's output."""
    prefix = ""
    output = opened(value.get("output"))
    if isinstance(output, Mapping):
        value, prefix = output, "output."
    inside = opened(value.get("contracts"))
    if isinstance(inside, Mapping):
        value, prefix = inside, f"{prefix}contracts"
    for key, unopened in value.items():
        entry = opened(unopened)
        if not isinstance(entry, Mapping):
            continue
        if "abi" in entry:
            yield _Contract(str(key), entry["abi"], f"{prefix}[{shortened(str(key))}].abi")
            continue
        for name, part in entry.items():
            compiled = opened(part)
            if isinstance(compiled, Mapping) and "abi" in compiled:
                path = f"{prefix}[{shortened(str(key))}][{shortened(str(name))}].abi"
                yield _Contract(f"{key}:{name}", compiled["abi"], path)


def _choose(contracts: list[_Contract], asked: str | None, limits: Limits) -> _Contract | None:
    """Choose the contract that was asked for, or else the only one that has events."""
    if asked is not None:
        named = [each for each in contracts if each.name == asked]
        named = named or [each for each in contracts if each.name.rpartition(":")[2] == asked]
        if len(named) == 1:
            return named[0]
        names = [each.name for each in named or contracts]
        if named:
            raise ABIParsingError(f"several contracts are called {asked!r}: {listed(names)}")
        short = [*names, *(name.rpartition(":")[2] for name in names)]
        raise ABIParsingError(
            f"no contract {shortened(asked)}; there are {listed(names)}{nearest(asked, short)}"
        )
    if len(contracts) == 1:
        return contracts[0]
    eventful = [each for each in contracts if _has_events(each.abi, limits)]
    if len(eventful) > 1:
        names = [each.name for each in eventful]
        raise ABIParsingError(f"several contracts have events, name one with contract=…: {listed(names)}")
    return eventful[0] if eventful else None


def _has_events(abi: Any, limits: Limits) -> bool:
    """Tell whether an ABI has events."""
    try:
        items = _from_abi(abi, "", limits)
    except ABIParsingError:
        return False
    return any(item.event_name() for item in items.events())


def _check_contract(artifact: Mapping[str, Any], asked: str | None) -> None:
    """Refuse the artifact of another contract than was asked for, where it names its own."""
    name = opened(artifact.get("contractName"))
    if asked is None or not isinstance(name, str):
        return
    full = f"{opened(artifact.get('sourceName'))}:{name}"
    if asked not in (name, full):
        raise ABIParsingError(
            f"this is the artifact of {full if 'sourceName' in artifact else name}, not of {asked}"
        )


def _from_abi(abi: Any, path: str, limits: Limits) -> Items:
    """Walk over the items of an ABI, which may be text with JSON in it."""
    items = opened(abi)
    if isinstance(items, str):
        return _from_text(items, None, limits)
    return _from_items(abi, items, path, limits)


def _from_items(abi: Any, items: Any, path: str, limits: Limits) -> Items:
    """Walk over the items of an ABI of which one level is open."""
    if not isinstance(items, list | tuple):
        raise ABIParsingError(f"an ABI is a list of items, not {kind_of(items)}", path)
    event_indexes = indexes_of_type(abi, "event")
    if event_indexes is None and any(map(is_text, items)):
        return _declared_and_others([opened(item) if is_text(item) else item for item in items], path, limits)
    return Items(items, path, event_indexes)


def _declared_and_others(abi: list[Any], path: str, limits: Limits) -> Items:
    """Walk over the items of an ABI of which some are lines of Solidity: these first."""
    lines = [(value, f"{path}[{index}]") for index, value in enumerate(abi) if isinstance(value, str)]
    _check_size(sum(len(line) for line, _ in lines), limits)
    return Items([*parse_lines(lines, limits), *(value for value in abi if not isinstance(value, str))], path)

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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from ._errors import ABIParsingError
from ._json import load_json
from ._limits import Limits
from ._messages import listed, nearest
from ._solidity import parse_lines
from ._types import kind_of, shortened

__all__ = ["ABISource", "Item", "read_source"]

ABISource: TypeAlias = "str | bytes | os.PathLike[str] | Sequence[Any] | Mapping[str, Any]"
"""What an ABI is read from. A `str` is text, never the name of a file; that is a `pathlib.Path`."""

_ITEM_TYPES = ("event", "function", "error", "constructor", "fallback", "receive")
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@attrs.frozen
class Item:
    """
    One item of an ABI, as it was found.

    Attributes:
        path: Where it stands.
        value: What it is: an object, or the fault for which a declaration couldn't become one.
        kind: The type of item, `event` for instance, if it says so.
        name: The name of what it defines, if it has one.
    """

    path: str
    value: Any
    kind: str | None
    name: str | None


@attrs.frozen
class _Contract:
    """A contract of a document that holds several: its full name, its ABI, and where that stands."""

    name: str
    abi: Any
    path: str


def read_source(source: ABISource, contract: str | None, limits: Limits) -> list[Item]:
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
    if isinstance(source, os.PathLike):
        source = _read_file(source, limits)
    if isinstance(source, bytes | bytearray | memoryview):
        source = _decode(bytes(source), limits)
    if isinstance(source, str):
        return _from_text(source, contract, limits)
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


def _decode(data: bytes, limits: Limits) -> str:
    """Decode a document, by its byte order mark if it has one."""
    _check_size(len(data), limits)
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


def _from_text(text: str, contract: str | None, limits: Limits) -> list[Item]:
    """Tell JSON from Solidity."""
    _check_size(len(text), limits)
    text = text.removeprefix("\ufeff").strip()
    if not text:
        raise ABIParsingError("the document is empty")
    if text[0] not in '[{"':
        return _declared([(text, "")], limits)
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise ABIParsingError(f"a lone surrogate, at character {error.start}") from None
    _check_size(len(data), limits)
    return _from_value(load_json(data), contract, limits)


def _declared(texts: list[tuple[str, str]], limits: Limits) -> list[Item]:
    """Read texts as declarations in Solidity."""
    return [
        Item(declaration.path, declaration.value, declaration.kind, declaration.name)
        for declaration in parse_lines(texts, limits)
    ]


def _from_value(value: Any, contract: str | None, limits: Limits) -> list[Item]:
    """Find the items in a value that was JSON."""
    if isinstance(value, str):
        return _from_text(value, contract, limits)
    if isinstance(value, Mapping):
        if isinstance(value.get("result"), str | list) and "abi" not in value and "type" not in value:
            return _from_value(value["result"], contract, limits)
        return _from_object(value, contract, limits)
    return _from_abi(value, "abi", limits)


def _from_object(value: Mapping[str, Any], contract: str | None, limits: Limits) -> list[Item]:
    """Find the items in an object: an item, an artifact, or what holds contracts."""
    if "abi" in value:
        _check_contract(value, contract)
        return _from_abi(value["abi"], "abi", limits)
    if value.get("type") in _ITEM_TYPES:
        return [_item(value, "")]
    output = value.get("output")
    if isinstance(output, Mapping) and "abi" in output:
        return _from_abi(output["abi"], "output.abi", limits)
    contracts = list(_contracts(value))
    if not contracts:
        raise ABIParsingError(
            "no ABI in this object: expected an item with a type, a key 'abi', or a compiler's contracts"
        )
    chosen = _choose(contracts, contract, limits)
    return _from_abi(chosen.abi, chosen.path, limits) if chosen else []


def _contracts(value: Mapping[str, Any]) -> Iterator[_Contract]:
    """Walk over the contracts of a compiler's output."""
    prefix = ""
    if isinstance(value.get("output"), Mapping):
        value, prefix = value["output"], "output."
    inside = value.get("contracts")
    if isinstance(inside, Mapping):
        value, prefix = inside, f"{prefix}contracts"
    for key, entry in value.items():
        if not isinstance(entry, Mapping):
            continue
        if "abi" in entry:
            yield _Contract(str(key), entry["abi"], f"{prefix}[{shortened(str(key))}].abi")
            continue
        for name, compiled in entry.items():
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
        raise ABIParsingError(
            f"no contract {shortened(asked)}; there are {listed(names)}{nearest(asked, names)}"
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
    return any(item.kind == "event" for item in items)


def _check_contract(artifact: Mapping[str, Any], asked: str | None) -> None:
    """Refuse the artifact of another contract than was asked for, where it names its own."""
    name = artifact.get("contractName")
    if asked is None or not isinstance(name, str):
        return
    full = f"{artifact.get('sourceName')}:{name}"
    if asked not in (name, full):
        raise ABIParsingError(
            f"this is the artifact of {full if 'sourceName' in artifact else name}, not of {asked}"
        )


def _from_abi(abi: Any, path: str, limits: Limits) -> list[Item]:
    """Walk over the items of an ABI."""
    if isinstance(abi, str):
        return _from_text(abi, None, limits)
    if not isinstance(abi, list | tuple):
        raise ABIParsingError(f"an ABI is a list of items, not {kind_of(abi)}", path)
    lines = [(value, f"{path}[{index}]") for index, value in enumerate(abi) if isinstance(value, str)]
    if lines:
        _check_size(sum(len(line) for line, _ in lines), limits)
    others = [
        _item(value, f"{path}[{index}]") for index, value in enumerate(abi) if not isinstance(value, str)
    ]
    return _declared(lines, limits) + others


def _item(value: Any, path: str) -> Item:
    """Describe an item without reading it."""
    if not isinstance(value, Mapping):
        return Item(path, value, None, None)
    kind, name = value.get("type", "function"), value.get("name")
    return Item(path, value, kind if isinstance(kind, str) else None, name if isinstance(name, str) else None)

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
`[{"abi": …}, …]`                                several of these artifacts
`{"result": …}`                                  a block explorer's answer to `getabi` or `getsourcecode`
===============================================  ==================================================

An ABI inside of these may also be text with JSON in it, as solc wrote it until 0.8, and explorers do still.
Everything else that is text is read as Solidity. What is none of these is refused: an ABI is never taken to
be empty because it wasn't found.
"""

import codecs
import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from ._abi_items import Items
from ._errors import ABIParsingError
from ._json import (
    indexes_of_type,
    is_text,
    is_unread,
    load_json,
    opened,
    type_of,
    whole,
)
from ._limits import Limits
from ._messages import listed, nearest
from ._solidity import parse_lines
from ._types import kind_of, shortened

__all__ = ["ABISource", "read_source"]

ABISource: TypeAlias = "str | bytes | os.PathLike[str] | Sequence[Any] | Mapping[str, Any]"
"""What an ABI is read from. A `str` is text, never the name of a file; that is a `pathlib.Path`."""

_ITEM_TYPES = ("event", "function", "error", "constructor", "fallback", "receive")
_DECLARES = re.compile(r"\s*(?:event|struct|function|error)\s+[\w$]+\s*[({]", re.ASCII)
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


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
    try:
        return _from_source(source, contract, limits)
    except RecursionError:
        raise ABIParsingError("the document is nested too deeply") from None


def _from_source(source: ABISource, contract: str | None, limits: Limits) -> Items:
    """Tell a document from a path and from what has been parsed."""
    if isinstance(source, str):
        return _from_text(source, contract, limits, "; a file is given as pathlib.Path(…)")
    if isinstance(source, bytes | bytearray | memoryview):
        _check_size(len(source), limits)
        return _from_text(_decode(bytes(source)), contract, limits)
    if isinstance(source, os.PathLike):
        return _from_source(_read_file(source, limits), contract, limits)
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


def _from_text(text: str, contract: str | None, limits: Limits, advice: str = "") -> Items:
    """Tell JSON from Solidity."""
    _check_size(len(text), limits)
    text = text.removeprefix("\ufeff").lstrip()  # behind it JSON may have blanks: no need for a copy
    if not text:
        raise ABIParsingError("the document is empty")
    if text[0] not in '[{"':
        text = text.rstrip()
        if not {"(", "{"} & set(text):
            raise ABIParsingError(
                f"{shortened(text)} is neither JSON nor a declaration such as "
                f"'Transfer(address indexed from, address indexed to, uint256 value)'{advice}"
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
    return _from_items(value, level, "abi", contract, limits)


def _from_object(value: Any, level: Mapping[str, Any], contract: str | None, limits: Limits) -> Items:
    """Find the items in an object of which one level is open: an item, an artifact, or contracts."""
    key = _abi_key(level)
    if key is not None:
        _check_contract(level, contract)
        return _from_abi(level[key], key, limits)
    if opened(level.get("type")) in _ITEM_TYPES:
        return Items([value if is_unread(value) else {key: whole(each) for key, each in level.items()}])
    if "result" in level:
        return _from_answer(level, contract, limits)
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


def _abi_key(level: Mapping[str, Any]) -> str | None:
    """Name the key under which an artifact has its ABI: a block explorer writes it in capitals."""
    return next((key for key in ("abi", "ABI") if key in level), None)


def _from_answer(answer: Mapping[str, Any], contract: str | None, limits: Limits) -> Items:
    """Find the items in a block explorer's answer, or say why it has none."""
    result = opened(answer["result"])
    if str(opened(answer.get("status"))) in ("0", "False"):
        why = result if isinstance(result, str) and result else opened(answer.get("message"))
        raise ABIParsingError(f"the block explorer answered {shortened(str(why))} instead of an ABI")
    if isinstance(result, str):
        return _from_inner_text(result, "result", contract, limits)
    return _from_value(answer["result"], contract, limits)


def _from_inner_text(text: str, path: str, contract: str | None, limits: Limits) -> Items:
    """Find the items in text that stands where an ABI is expected, and may be an excuse for having none."""
    if not text.lstrip().startswith(("[", "{", '"')) and not _DECLARES.match(text):
        raise ABIParsingError(f"expected an ABI, got {shortened(text)}", path)
    return _from_text(text, contract, limits)


def _contracts_in_list(items: Sequence[Any], path: str) -> list[_Contract]:
    """Find the contracts in a list that is not an ABI: artifacts, or a block explorer's `getsourcecode`."""
    contracts = []
    for index, each in enumerate(items):
        level = opened(each)
        key = _abi_key(level) if isinstance(level, Mapping) else None
        if key is not None:
            name = opened(level.get("contractName", level.get("ContractName")))
            contracts.append(_Contract(str(name or index), level[key], f"{path}[{index}].{key}"))
    return contracts


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
    if not eventful:
        for each in contracts:
            _from_abi(each.abi, each.path, limits)  # one that can't be read isn't one without events
        return None
    return eventful[0]


def _has_events(abi: Any, limits: Limits) -> bool:
    """Tell whether an ABI has events."""
    try:
        items = _from_abi(abi, "", limits)
    except ABIParsingError:
        return False
    return any(item.is_event() for item in items.events())


def _check_contract(artifact: Mapping[str, Any], asked: str | None) -> None:
    """Refuse the artifact of another contract than was asked for, where it names its own."""
    name = opened(artifact.get("contractName", artifact.get("ContractName")))
    if asked is None or not isinstance(name, str):
        return
    full = f"{opened(artifact.get('sourceName'))}:{name}"
    if asked not in (name, full):
        own = listed([full if "sourceName" in artifact else name])
        raise ABIParsingError(f"this is the artifact of {own}, not of {listed([asked])}")


def _from_abi(abi: Any, path: str, limits: Limits) -> Items:
    """Walk over the items of an ABI, which may be text with JSON in it."""
    items = opened(abi)
    if isinstance(items, str):
        return _from_inner_text(items, path, None, limits)
    return _from_items(abi, items, path, None, limits)


def _from_items(abi: Any, items: Any, path: str, contract: str | None, limits: Limits) -> Items:
    """Walk over the items of an ABI of which one level is open."""
    if not isinstance(items, list | tuple):
        raise ABIParsingError(f"an ABI is a list of items, not {kind_of(items)}", path)
    event_indexes = indexes_of_type(abi, "event")
    if event_indexes is None and any(map(is_text, items)):
        return _declared_and_others([opened(item) if is_text(item) else item for item in items], path, limits)
    if event_indexes or not items or any(map(_may_be_item, items)):
        return Items(items, path, event_indexes)
    contracts = _contracts_in_list(items, path)
    if not contracts:
        raise ABIParsingError(
            f"no ABI in this list: an item of an ABI has a type ({listed(_ITEM_TYPES)})", f"{path}[0]"
        )
    chosen = _choose(contracts, contract, limits)
    return _from_abi(chosen.abi, chosen.path, limits) if chosen else Items([])


def _may_be_item(source: Any) -> bool:
    """Tell whether something in a list is an item of an ABI; what isn't an object says so when read."""
    level = opened(source)
    if not isinstance(level, Mapping):
        return True
    kind = opened(type_of(level))
    if kind is None:  # the type of a function may be left out, says the specification of the ABI in JSON
        with contextlib.suppress(ABIParsingError):  # a key that stands twice
            return _abi_key(level) is None and "name" in level
    return kind in _ITEM_TYPES


def _declared_and_others(abi: list[Any], path: str, limits: Limits) -> Items:
    """Walk over the items of an ABI of which some are lines of Solidity: these first."""
    lines = [(value, f"{path}[{index}]") for index, value in enumerate(abi) if isinstance(value, str)]
    _check_size(sum(len(line) for line, _ in lines), limits)
    return Items([*parse_lines(lines, limits), *(value for value in abi if not isinstance(value, str))], path)

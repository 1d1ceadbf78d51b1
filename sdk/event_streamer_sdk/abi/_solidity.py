"""
Human-readable ABIs: declarations as they stand in Solidity's source.

::

    struct Fees { uint256 token0; uint256 token1; }
    event Collected(address indexed owner, Fees fees, tuple(uint8 kind, bytes data)[] calls);
    Ping(uint) anonymous

`event` may be left out, and so may semicolons where a line ends. Structs may stand before or after what uses
them. Functions and errors are read as well, so that a whole interface can be given line by line. A
declaration that can't be read doesn't keep the others from being read.
"""

from collections.abc import Iterable
from typing import Any

import attrs

from ._errors import ABIParsingError
from ._grammar import Draft, ParsedParameter, Parser
from ._items import read_event
from ._limits import Limits
from ._tokens import Tokens
from ._types import check_type

__all__ = ["Declaration", "parse_event_line", "parse_lines"]

_MOST_DECLARATIONS = 100_000
_MOST_UNFOLDED = 100_000
"""How many members the structs of one text may unfold to in all: each may be used by each event."""


@attrs.frozen
class Declaration:
    """
    What one declaration says.

    Attributes:
        kind: `event`, `function`, `error`, `constructor`, `fallback` or `receive`.
        name: Its name, as far as it was read.
        path: Where it begins.
        value: The item of a JSON ABI that says the same; or the fault for which it can't be read.
    """

    kind: str
    name: str | None
    path: str
    value: dict[str, Any] | ABIParsingError


def parse_lines(texts: Iterable[tuple[str, str]], limits: Limits) -> list[Declaration]:
    """
    Read declarations.

    Args:
        texts: The texts, each with what its errors' paths begin with. They see each other's structs.
        limits: The limits on types, depth and number of inputs.

    Returns:
        The declarations in their order; structs are worked into them.

    Raises:
        ABIParsingError: There are too many.
    """
    drafts: list[Draft] = []
    for text, where in texts:
        for draft in Parser(Tokens(text, where), limits).declarations():
            if len(drafts) == _MOST_DECLARATIONS:
                raise draft.tokens.fault(f"more than {_MOST_DECLARATIONS} declarations", draft.token)
            drafts.append(draft)
    return _written(drafts, limits)


def _written(drafts: list[Draft], limits: Limits) -> list[Declaration]:
    """Write drafts as items, the structs among them worked into the others."""
    structs: dict[str, Draft] = {}
    for draft in drafts:
        if draft.kind == "struct" and draft.name:
            structs.setdefault(draft.name, draft)
    writer = _Writer(structs, limits)
    return [
        writer.declaration(draft) for draft in drafts if draft.kind != "struct" or draft.fault is not None
    ]


def parse_event_line(text: str, limits: Limits) -> dict[str, Any]:
    """
    Read a line that declares one event.

    Args:
        text: The line, such as `Transfer(address,address,uint)`.
        limits: The limits on types, depth and number of inputs.

    Returns:
        The item of a JSON ABI that says the same.

    Raises:
        ABIParsingError: It doesn't.
    """
    drafts = list(Parser(Tokens(text), limits, events_only=True).declarations())
    declarations = _written(drafts, limits)
    for declaration in declarations:
        if isinstance(declaration.value, ABIParsingError):
            raise declaration.value
    if len(declarations) != 1 or declarations[0].kind != "event":
        raise ABIParsingError(
            "expected the declaration of one event, such as Transfer(address,address,uint256)"
        )
    value: dict[str, Any] = declarations[0].value  # type: ignore[assignment]  # faults were raised above
    return value


class _Writer:
    """Writes declarations as items of a JSON ABI, with structs unfolded."""

    def __init__(self, structs: dict[str, Draft], limits: Limits) -> None:
        self._structs = structs
        self._limits = limits
        self._unfolded = 0

    def declaration(self, draft: Draft) -> Declaration:
        """Write one declaration, or say why it can't be."""
        path = draft.tokens.fault("", draft.token).path
        value: dict[str, Any] | ABIParsingError
        try:
            value = self._item(draft)
        except ABIParsingError as error:
            value = error
        return Declaration("event" if draft.kind == "struct" else draft.kind, draft.name, path, value)

    def _item(self, draft: Draft) -> dict[str, Any]:
        """Write the item of a JSON ABI."""
        if draft.fault is not None:
            raise draft.fault
        item: dict[str, Any] = {"type": draft.kind}
        if draft.name:
            item["name"] = draft.name
        item["inputs"] = self._parameters(draft.inputs, draft, (), depth=0)
        if draft.kind == "event":
            item["anonymous"] = "anonymous" in draft.words
            try:
                read_event(item, self._limits)
            except ABIParsingError as error:
                raise draft.tokens.fault(str(error), draft.token) from None
        elif draft.kind != "error":
            mutability = draft.words & {"view", "pure", "payable"}
            item["stateMutability"] = min(mutability) if mutability else "nonpayable"
        if draft.kind == "function":
            item["outputs"] = self._parameters(draft.outputs, draft, (), depth=0)
        return item

    def _parameters(
        self, parameters: list[ParsedParameter], draft: Draft, inside: tuple[str, ...], depth: int
    ) -> list[dict[str, Any]]:
        """Write parameters or members; `inside` are the structs that are being unfolded."""
        self._unfolded += len(parameters) if inside else 0
        if self._unfolded > _MOST_UNFOLDED:
            raise draft.tokens.fault("the structs unfold to too many members", draft.token)
        return [self._parameter(parameter, draft, inside, depth) for parameter in parameters]

    def _parameter(
        self, parameter: ParsedParameter, draft: Draft, inside: tuple[str, ...], depth: int
    ) -> dict[str, Any]:
        """Write one parameter."""
        base, members, internal = parameter.base, parameter.members, None
        struct = None if members else self._struct(base)
        if struct is not None:
            if struct.fault is not None:
                raise struct.fault
            if struct.name in inside:
                raise draft.tokens.fault(f"the struct {struct.name} contains itself", parameter.token)
            internal, base, members = f"struct {base}{parameter.dimensions}", "tuple", struct.inputs
            inside = (*inside, str(struct.name))
        if members is not None and depth == self._limits.tuple_depth:
            raise draft.tokens.fault(f"tuples in tuples, more than {depth} deep", parameter.token)
        try:
            name = check_type(
                base + parameter.dimensions, has_components=members is not None, limits=self._limits
            )
        except ABIParsingError as error:
            raise (struct or draft).tokens.fault(error.message, parameter.token) from None
        item: dict[str, Any] = {"name": parameter.name, "type": name.canonical}
        if parameter.indexed or (draft.kind == "event" and not inside):
            item["indexed"] = parameter.indexed
        if internal:
            item["internalType"] = internal
        if members is not None:
            item["components"] = self._parameters(members, struct or draft, inside, depth + 1)
        return item

    def _struct(self, name: str) -> Draft | None:
        """Look a struct up, by its whole name or by what stands behind the last dot."""
        return self._structs.get(name) or self._structs.get(name.rpartition(".")[2])

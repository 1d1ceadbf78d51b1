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
from ._items import read_event
from ._limits import Limits
from ._tokens import Token, Tokens
from ._types import check_type

__all__ = ["Declaration", "parse_event_line", "parse_lines"]

_STARTS = ("event", "struct", "function", "error", "constructor", "fallback", "receive")
_LOCATIONS = ("memory", "calldata", "storage")
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


@attrs.frozen
class _Parameter:
    """
    A parameter or a struct's member as it was written.

    Attributes:
        token: Where its type begins.
        base: The type without dimensions: one of the ABI's, `tuple`, or a struct's name.
        dimensions: What follows the base, such as `[2][]`.
        members: The members of an inline tuple.
        indexed: Whether the word stands there.
        name: Its name, empty if it has none.
    """

    token: Token
    base: str
    dimensions: str
    members: "list[_Parameter] | None"
    indexed: bool
    name: str


@attrs.define
class _Draft:
    """A declaration whose structs have not been looked up yet."""

    kind: str
    token: Token
    tokens: Tokens
    name: str | None = None
    inputs: list[_Parameter] = attrs.Factory(list)
    outputs: list[_Parameter] = attrs.Factory(list)
    words: set[str] = attrs.Factory(set)
    fault: ABIParsingError | None = None


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
    drafts: list[_Draft] = []
    for text, where in texts:
        for draft in _Parser(Tokens(text, where), limits).declarations():
            if len(drafts) == _MOST_DECLARATIONS:
                raise draft.tokens.fault(f"more than {_MOST_DECLARATIONS} declarations", draft.token)
            drafts.append(draft)
    structs: dict[str, _Draft] = {}
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
    declarations = parse_lines([(text, "")], limits)
    for declaration in declarations:
        if isinstance(declaration.value, ABIParsingError):
            raise declaration.value
    if len(declarations) != 1 or declarations[0].kind != "event":
        raise ABIParsingError("one event was to be declared, such as Transfer(address,address,uint256)")
    value: dict[str, Any] = declarations[0].value  # type: ignore[assignment]  # faults were raised above
    return value


class _Parser:
    """Reads the declarations of one text, one function a rule of the grammar."""

    def __init__(self, tokens: Tokens, limits: Limits) -> None:
        self._tokens = tokens
        self._limits = limits

    def declarations(self) -> Iterable[_Draft]:
        """Read all; after a fault go on with the next one."""
        while True:
            try:
                if self._tokens.peek().text == "":
                    return
            except ABIParsingError as error:
                token = Token("", 0, 0, False)
                yield _Draft("event", token, self._tokens, fault=error)
                self._recover()
                continue
            draft = _Draft("event", self._tokens.peek(), self._tokens)
            try:
                self._declaration(draft)
            except ABIParsingError as error:
                draft.fault = error
                self._recover()
            yield draft

    def _recover(self) -> None:
        """Pass over what is left of a bad declaration: to a semicolon, or a line that starts anew."""
        while True:
            try:
                token = self._tokens.peek()
                if token.text == "" or (token.starts_line and token.text in _STARTS):
                    return
                self._tokens.take()
                following = self._tokens.peek()
                if token.text == ";" and following.text not in ("", "}") and not following.is_reserved:
                    return
                if token.text == ";" and following.text in _STARTS:
                    return
            except ABIParsingError:
                continue

    def _declaration(self, draft: _Draft) -> None:
        """Read one declaration."""
        first = self._take()
        if first.text in ("event", "struct", "function") or (
            first.text == "error" and self._tokens.peek().is_word
        ):
            draft.kind = first.text
            draft.name = self._name(f"the {first.text}")
        elif first.text in ("constructor", "fallback", "receive"):
            draft.kind = first.text
        elif first.is_word and not first.is_reserved:
            draft.name = first.text
        else:
            raise self._tokens.fault(
                f"{first.text!r} begins no declaration of an event; expected such as "
                f"'event Transfer(address indexed from, uint256 value)'",
                first,
            )
        if draft.kind == "struct":
            draft.inputs = self._members()
        else:
            draft.inputs = self._parameters(draft.kind, depth=0)
            self._rest(draft)
        self._end(draft)

    def _rest(self, draft: _Draft) -> None:
        """Read what may follow the parameters."""
        if draft.kind == "event":
            if self._tokens.peek().text == "anonymous":
                draft.words.add(self._take().text)
            return
        while self._tokens.peek().is_word and not self._begins_anew():
            word = self._take().text
            draft.words.add(word)
            if word == "returns":
                draft.outputs = self._parameters(draft.kind, depth=0)
            elif self._tokens.peek().text == "(":
                self._parameters("function", depth=0)

    def _begins_anew(self) -> bool:
        """Tell whether the next token is the first of another declaration."""
        token = self._tokens.peek()
        return token.starts_line and token.text in _STARTS

    def _end(self, draft: _Draft) -> None:
        """Read the end of a declaration: semicolons, the end of the line, or of the text."""
        token = self._tokens.peek()
        if token.text == ";":
            while self._tokens.peek().text == ";":
                self._take()
        elif token.text and not token.starts_line and draft.kind != "struct":
            if token.text == "indexed":
                raise self._tokens.fault(
                    "'indexed' stands between the type and the name of a parameter", token
                )
            raise self._tokens.fault(
                f"{token.text!r} follows the {draft.kind}; expected ';' or its end", token
            )

    def _members(self) -> list[_Parameter]:
        """Read the members of a struct."""
        self._expect("{")
        members = []
        while self._tokens.peek().text != "}":
            member = self._parameter("struct", depth=1)
            if not member.name:
                raise self._tokens.fault("a member of a struct needs a name", self._tokens.peek())
            self._expect(";")
            members.append(member)
        closing = self._take()
        if not members:
            raise self._tokens.fault("a struct has at least one member", closing)
        return members

    def _parameters(self, kind: str, depth: int) -> list[_Parameter]:
        """Read parameters in parentheses."""
        self._expect("(")
        return self._listed(kind, depth)

    def _listed(self, kind: str, depth: int) -> list[_Parameter]:
        """Read parameters up to the closing parenthesis."""
        parameters: list[_Parameter] = []
        if self._tokens.peek().text == ")":
            self._take()
            return parameters
        while True:
            parameters.append(self._parameter(kind, depth))
            token = self._take()
            if token.text == ")":
                return parameters
            if token.text != ",":
                raise self._tokens.fault(f"expected ',' or ')', not {_shown(token)}", token)
            if self._tokens.peek().text == ")":
                raise self._tokens.fault("a comma, and nothing after it", token)

    def _parameter(self, kind: str, depth: int) -> _Parameter:
        """Read one parameter: its type, `indexed`, its name."""
        token = self._tokens.peek()
        base, members = self._base(kind, depth)
        dimensions = self._dimensions()
        indexed = False
        while self._tokens.peek().is_reserved:
            word = self._tokens.peek()
            if word.text == "indexed" and kind == "event" and depth == 0 and not indexed:
                indexed = True
            elif word.text == "indexed":
                raise self._tokens.fault("only a parameter of an event is indexed, and only once", word)
            elif word.text in _LOCATIONS and (kind == "event" or depth):
                raise self._tokens.fault(f"{word.text!r} is a data location, which has no place here", word)
            elif word.text not in _LOCATIONS:
                raise self._tokens.fault(f"{word.text!r} is a keyword and can't be a name", word)
            self._take()
        name = self._take().text if self._tokens.peek().is_word else ""
        if self._tokens.peek().is_word and name:
            raise self._tokens.fault(
                f"{self._tokens.peek().text!r} follows the name {name!r}; expected ',' or ')'",
                self._tokens.peek(),
            )
        return _Parameter(token, base, dimensions, members, indexed, name)

    def _base(self, kind: str, depth: int) -> tuple[str, list[_Parameter] | None]:
        """Read a type without its dimensions."""
        token = self._take()
        if token.text == "(" or (token.text == "tuple" and self._tokens.peek().text == "("):
            return "tuple", self._tuple(token, kind, depth)
        if token.text == "function" and self._tokens.peek().text == "(":
            self._function_type(depth)
            return "function", None
        if not token.is_word:
            raise self._tokens.fault(f"expected a type, not {_shown(token)}", token)
        base = token.text
        if base == "address" and self._tokens.peek().text == "payable":
            self._take()
        while self._tokens.peek().text == ".":
            self._take()
            base = f"{base}.{self._name('the type')}"
        return base, None

    def _tuple(self, token: Token, kind: str, depth: int) -> list[_Parameter]:
        """Read the components of an inline tuple."""
        if depth == self._limits.tuple_depth:
            raise self._tokens.fault(f"tuples in tuples, more than {depth} deep", token)
        if token.text == "tuple":
            self._expect("(")
        members = self._listed("tuple" if kind == "event" else kind, depth + 1)
        if not members:
            raise self._tokens.fault("a tuple has at least one component", token)
        return members

    def _function_type(self, depth: int) -> None:
        """Read what follows the word in `function (…) external returns (…)`; it all means 24 bytes."""
        if depth > self._limits.tuple_depth:
            raise self._tokens.fault("types in types, too deep", self._tokens.peek())
        self._parameters("function", depth + 1)
        while self._tokens.peek().text in ("external", "internal", "view", "pure", "payable", "returns"):
            word = self._take()
            if word.text == "internal":
                raise self._tokens.fault("an internal function is no value of the ABI", word)
            if word.text == "returns":
                self._parameters("function", depth + 1)

    def _dimensions(self) -> str:
        """Read any `[]` and `[N]`; whether the sizes are good is said with the whole type."""
        text = ""
        while self._tokens.peek().text == "[":
            self._take()
            text += "["
            if self._tokens.peek().text.isdigit():
                text += self._take().text
            self._expect("]")
            text += "]"
        return text

    def _name(self, what: str) -> str:
        """Read a name that must be there."""
        token = self._take()
        if not token.is_word:
            raise self._tokens.fault(f"expected the name of {what}, not {_shown(token)}", token)
        if token.is_reserved:
            raise self._tokens.fault(f"{token.text!r} is a keyword and can't be a name", token)
        return token.text

    def _expect(self, text: str) -> None:
        """Read a sign that must be there."""
        token = self._take()
        if token.text != text:
            raise self._tokens.fault(f"expected {text!r}, not {_shown(token)}", token)

    def _take(self) -> Token:
        return self._tokens.take()


class _Writer:
    """Writes declarations as items of a JSON ABI, with structs unfolded."""

    def __init__(self, structs: dict[str, _Draft], limits: Limits) -> None:
        self._structs = structs
        self._limits = limits
        self._unfolded = 0

    def declaration(self, draft: _Draft) -> Declaration:
        """Write one declaration, or say why it can't be."""
        path = draft.tokens.fault("", draft.token).path
        value: dict[str, Any] | ABIParsingError
        try:
            value = self._item(draft)
        except ABIParsingError as error:
            value = error
        return Declaration("event" if draft.kind == "struct" else draft.kind, draft.name, path, value)

    def _item(self, draft: _Draft) -> dict[str, Any]:
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
        self, parameters: list[_Parameter], draft: _Draft, inside: tuple[str, ...], depth: int
    ) -> list[dict[str, Any]]:
        """Write parameters or members; `inside` are the structs that are being unfolded."""
        self._unfolded += len(parameters) if inside else 0
        if self._unfolded > _MOST_UNFOLDED:
            raise draft.tokens.fault("the structs unfold to too many members", draft.token)
        return [self._parameter(parameter, draft, inside, depth) for parameter in parameters]

    def _parameter(
        self, parameter: _Parameter, draft: _Draft, inside: tuple[str, ...], depth: int
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

    def _struct(self, name: str) -> _Draft | None:
        """Look a struct up, by its whole name or by what stands behind the last dot."""
        return self._structs.get(name) or self._structs.get(name.rpartition(".")[2])


def _shown(token: Token) -> str:
    """Quote a token for a message."""
    return repr(token.text) if token.text else "the end"

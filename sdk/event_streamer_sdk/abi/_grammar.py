"""
The grammar of declarations in Solidity: from tokens to drafts, in which structs are names still.

Any word can be a name, since a JSON ABI can hold any: Solidity's keywords change from version to version, and
Vyper has others. What a word means is decided by its place. The last one behind a type is the name, unless
Solidity gives it a meaning just there: `bool indexed`, `address payable`, `function() external view`. A
parameter of such a name has it in quotation marks, `bool "indexed"`, which Solidity itself can't write.
"""

from collections.abc import Iterable

import attrs

from ._errors import ABIParsingError
from ._limits import Limits
from ._messages import nearest
from ._tokens import FUNCTION_TYPE_WORDS, Token, Tokens

__all__ = ["Draft", "ParsedParameter", "Parser"]

_STARTS = ("event", "struct", "function", "error", "constructor", "fallback", "receive")
_LOCATIONS = ("memory", "calldata", "storage")
_WITHOUT_LOCATIONS = ("event", "struct", "tuple")


@attrs.frozen
class ParsedParameter:
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
    members: "list[ParsedParameter] | None"
    indexed: bool
    name: str


@attrs.define
class Draft:
    """A declaration whose structs have not been looked up yet."""

    kind: str
    token: Token
    tokens: Tokens
    name: str | None = None
    inputs: list[ParsedParameter] = attrs.Factory(list)
    outputs: list[ParsedParameter] = attrs.Factory(list)
    words: set[str] = attrs.Factory(set)
    fault: ABIParsingError | None = None


class Parser:
    """
    Reads the declarations of one text, one function a rule of the grammar.

    Args:
        tokens: The text.
        limits: The limits on depth.
        events_only: Whether only events can be meant, so that `receive(uint256)` is one as well.
    """

    def __init__(self, tokens: Tokens, limits: Limits, *, events_only: bool = False) -> None:
        self._tokens = tokens
        self._limits = limits
        self._events_only = events_only

    def declarations(self) -> Iterable[Draft]:
        """Read all; after a fault go on with the next one."""
        while True:
            try:
                if self._tokens.peek().text == "":
                    return
            except ABIParsingError as error:
                token = Token("", 0, 0, False)
                yield Draft("event", token, self._tokens, fault=error)
                self._recover()
                continue
            draft = Draft("event", self._tokens.peek(), self._tokens)
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

    def _declaration(self, draft: Draft) -> None:
        """Read one declaration."""
        first = self._take()
        if self._is_name_of_event(first):
            draft.name = first.text
        elif first.text == "struct":
            draft.kind = first.text
            draft.name = self._name_of_type("the struct")
        elif first.text in ("event", "function", "error"):
            draft.kind = first.text
            draft.name = self._name(f"the {first.text}").text
        elif first.text in ("constructor", "fallback", "receive"):
            draft.kind = first.text
        else:
            raise self._tokens.fault(
                f"{first.text!r} doesn't begin the declaration of an event; expected something like "
                f"'event Transfer(address indexed from, uint256 value)'",
                first,
            )
        if draft.kind == "struct":
            draft.inputs = self._members()
        else:
            draft.inputs = self._parameters(draft.kind, depth=0)
            self._rest(draft)
        self._end(draft)

    def _is_name_of_event(self, first: Token) -> bool:
        """Tell whether a declaration's first token names an event, so that the word `event` was left out."""
        if not first.is_word:
            return False
        if self._tokens.peek().text != "(":
            return not first.is_reserved and first.text != "error"
        return self._events_only or not (first.is_type or (first.text in _STARTS and first.text != "error"))

    def _rest(self, draft: Draft) -> None:
        """Read what may follow the parameters."""
        if draft.kind == "event":
            if self._tokens.peek().text == "anonymous" and self._tokens.peek(1).text != "(":
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
        """Tell whether the next token begins another declaration, and is not a parameter's name."""
        token = self._tokens.peek()
        if not token.starts_line or token.text not in _STARTS:
            return False
        return self._tokens.peek(1).text not in (",", ")", ";")

    def _end(self, draft: Draft) -> None:
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

    def _members(self) -> list[ParsedParameter]:
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

    def _parameters(self, kind: str, depth: int) -> list[ParsedParameter]:
        """Read parameters in parentheses."""
        self._expect("(")
        return self._listed(kind, depth)

    def _listed(self, kind: str, depth: int) -> list[ParsedParameter]:
        """Read parameters up to the closing parenthesis."""
        parameters: list[ParsedParameter] = []
        if self._tokens.peek().text == ")":
            self._take()
            return parameters
        while True:
            parameters.append(self._parameter(kind, depth))
            token = self._tokens.peek()
            if token.text not in (",", ")"):
                raise self._tokens.fault(f"expected ',' or ')', not {_shown(token)}", token)
            self._take()
            if token.text == ")":
                return parameters
            if self._tokens.peek().text == ")":
                raise self._tokens.fault("nothing follows the comma", token)

    def _parameter(self, kind: str, depth: int) -> ParsedParameter:
        """Read one parameter: its type, `indexed` or a data location, its name."""
        token = self._tokens.peek()
        base, members = self._base(depth)
        dimensions = self._dimensions()
        words = []
        while self._tokens.peek().is_name and not self._begins_anew():
            words.append(self._take())
        before_name = ("indexed",) if kind == "event" else () if kind in _WITHOUT_LOCATIONS else _LOCATIONS
        has_word = bool(words) and words[0].text in before_name
        names = words[1:] if has_word else words
        if len(names) > 1:
            raise self._too_many_words(names)
        name = names[0].name if names else ""
        return ParsedParameter(token, base, dimensions, members, has_word and kind == "event", name)

    def _too_many_words(self, words: list[Token]) -> ABIParsingError:
        """Say what is wrong with several words where a parameter has its name."""
        first, second = words[:2]
        if first.text == "indexed":
            return self._tokens.fault("only a parameter of an event is indexed, and only once", first)
        if first.text in _LOCATIONS:
            return self._tokens.fault(f"{first.text!r} is a data location, which has no place here", first)
        hint = nearest(first.name, ("indexed", *_LOCATIONS))
        return self._tokens.fault(
            f"{_shown(second)} follows the name {first.name!r}; expected ',' or ')'{hint}", second
        )

    def _base(self, depth: int) -> tuple[str, list[ParsedParameter] | None]:
        """Read a type without its dimensions."""
        token = self._take()
        if token.text == "(" or (token.text == "tuple" and self._tokens.peek().text == "("):
            return "tuple", self._tuple(token, depth)
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
            base = f"{base}.{self._name_of_type('the type')}"
        return base, None

    def _tuple(self, token: Token, depth: int) -> list[ParsedParameter]:
        """Read the components of an inline tuple."""
        if depth == self._limits.tuple_depth:
            raise self._tokens.fault(f"tuples in tuples, more than {depth} deep", token)
        if token.text == "tuple":
            self._expect("(")
        members = self._listed("tuple", depth + 1)
        if not members:
            raise self._tokens.fault("a tuple has at least one component", token)
        return members

    def _function_type(self, depth: int) -> None:
        """Read what follows the word in `function (…) external returns (…)`; it all means 24 bytes."""
        if depth > self._limits.tuple_depth:
            raise self._tokens.fault("types in types, too deep", self._tokens.peek())
        self._parameters("function", depth + 1)
        while self._tokens.peek().text in FUNCTION_TYPE_WORDS:
            word = self._take()
            if word.text == "internal":
                raise self._tokens.fault("an internal function is not a value of the ABI", word)
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

    def _name(self, what: str) -> Token:
        """Read a name that must be there."""
        token = self._take()
        if not token.is_word:
            raise self._tokens.fault(f"expected the name of {what}, not {_shown(token)}", token)
        return token

    def _name_of_type(self, what: str) -> str:
        """Read a name that stands for a type, and so can't be one that means something else there."""
        token = self._name(what)
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


def _shown(token: Token) -> str:
    """Quote a token for a message."""
    return repr(token.text) if token.text else "the end"

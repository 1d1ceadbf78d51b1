"""
The words and signs of a line of Solidity.

They are read one after the other as the parser asks for them, so that a long text takes no more memory than
what it says.
"""

import re
from collections import deque
from typing import NamedTuple

from ._errors import ABIParsingError

__all__ = ["FUNCTION_TYPE_WORDS", "KEYWORDS", "Token", "Tokens"]

KEYWORDS = frozenset(
    {
        "abstract", "address", "after", "alias", "anonymous", "apply", "as", "assembly", "assert",
        "auto", "bool", "break", "byte", "bytes", "calldata", "case", "catch", "constant",
        "constructor", "continue", "contract", "copyof", "default", "define", "delete", "do", "else",
        "emit", "enum", "event", "external", "fallback", "false", "final", "fixed", "for", "function",
        "hex", "if", "immutable", "implements", "import", "in", "indexed", "inline", "int", "interface",
        "internal", "is", "let", "library", "macro", "mapping", "match", "memory", "modifier",
        "mutable", "new", "null", "of", "override", "partial", "payable", "pragma", "private",
        "promise", "public", "pure", "receive", "reference", "relocatable", "return", "returns",
        "sealed", "sizeof", "static", "storage", "string", "struct", "super", "supports", "switch",
        "this", "throw", "true", "try", "tuple", "type", "typedef", "typeof", "ufixed", "uint",
        "unchecked", "unicode", "using", "var", "view", "virtual", "while",
    }
)  # fmt: skip
"""What Solidity reserves, or what stands for a type, so that no struct can be called so."""

FUNCTION_TYPE_WORDS = frozenset({"external", "internal", "view", "pure", "payable", "returns"})
"""What may follow the parameters of a function type."""

_TYPES = frozenset(
    {"address", "bool", "byte", "bytes", "fixed", "function", "int", "mapping", "string", "tuple", "ufixed",
     "uint"}
)  # fmt: skip

_TOKEN = re.compile(
    r"(?P<blank>(?:\s|//[^\n]*|/\*.*?\*/)+)|(?P<word>[A-Za-z_$][A-Za-z0-9_$]*)"
    r'|(?P<quoted>"[A-Za-z_$][A-Za-z0-9_$]*")|(?P<number>[0-9]+)|(?P<sign>[()\[\]{},;.])',
    re.DOTALL,
)
_SIZED = re.compile(r"(?:u?int|bytes)[0-9]+|u?fixed[0-9]+x[0-9]+", re.ASCII)


class Token(NamedTuple):
    """
    One word, number or sign; a word may stand in quotation marks.

    Attributes:
        text: What it is; empty at the end of the source.
        line: The number of its line, from 1.
        column: The number of its first character in the line, from 1.
        starts_line: Whether nothing but blanks stands before it on its line.
    """

    text: str
    line: int
    column: int
    starts_line: bool

    @property
    def is_word(self) -> bool:
        """Whether it is a word, rather than a number, a sign or the end."""
        return self.text[:1].isalpha() or self.text[:1] in ("_", "$")

    @property
    def is_name(self) -> bool:
        """Whether it may be the name of a parameter, a word or one in quotation marks."""
        return self.is_word or self.text[:1] == '"'

    @property
    def name(self) -> str:
        """The word, without quotation marks."""
        return self.text.strip('"')

    @property
    def is_type(self) -> bool:
        """Whether it is a word that stands for a type."""
        return self.text in _TYPES or _SIZED.fullmatch(self.text) is not None

    @property
    def is_reserved(self) -> bool:
        """Whether it is a word that means something by itself."""
        return self.text in KEYWORDS or _SIZED.fullmatch(self.text) is not None


class Tokens:
    """
    The tokens of a text, with a look ahead.

    Args:
        text: The text.
        where: What stands before the line and the column in the paths of errors.
    """

    def __init__(self, text: str, where: str = "") -> None:
        self._text = text
        self._where = where
        self._position = 0
        self._line = 1
        self._line_start = 0
        self._fresh_line = True
        self._ahead: deque[Token] = deque()

    def peek(self, distance: int = 0) -> Token:
        """
        Look at a token without taking it.

        Args:
            distance: How many tokens lie before it.

        Returns:
            The token; at the end of the text one without text.

        Raises:
            ABIParsingError: A character belongs to no token; it is passed over.
        """
        while len(self._ahead) <= distance:
            self._ahead.append(self._read())
        return self._ahead[distance]

    def take(self) -> Token:
        """
        Take the next token.

        Returns:
            The token; at the end of the text one without text, for ever.

        Raises:
            ABIParsingError: A character belongs to no token; it is passed over.
        """
        token = self.peek()
        if token.text:
            self._ahead.popleft()
        return token

    def fault(self, message: str, token: Token) -> ABIParsingError:
        """Make the error of something wrong at a token."""
        place = f"line {token.line}, column {token.column}"
        return ABIParsingError(message, f"{self._where}, {place}" if self._where else place)

    def _read(self) -> Token:
        """Read one token from the text."""
        while self._position < len(self._text):
            start = self._position
            match = _TOKEN.match(self._text, start)
            if match is None:
                self._position += 1
                token = Token(self._text[start], self._line, start - self._line_start + 1, False)
                raise self.fault(f"{self._text[start]!r} has no place here", token)
            self._position = match.end()
            if match.lastgroup == "blank":
                self._count_lines(match[0], start)
                continue
            token = Token(match[0], self._line, start - self._line_start + 1, self._fresh_line)
            self._fresh_line = False
            return token
        return Token("", self._line, self._position - self._line_start + 1, self._fresh_line)

    def _count_lines(self, blank: str, start: int) -> None:
        """Keep count of lines over blanks and comments."""
        lines = blank.count("\n")
        if lines:
            self._line += lines
            self._line_start = start + blank.rindex("\n") + 1
            self._fresh_line = True

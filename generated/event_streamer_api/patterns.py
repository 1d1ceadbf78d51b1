r"""
Patterns of a document as Python's `re` has them.

JSON Schema's patterns are those of ECMA-262 with the flag `u` (JSON Schema Core 2020-12, section 6.4).
Python writes nearly the same characters and means other things by them. Its `$` is also before a last
newline, and its `.` also a carriage return; its `\d`, `\w` and `\b` are those of Unicode; `{,5}`, `*+` and
`[]a]` aren't part of ECMA-262. So a pattern is read by the rules of ECMA-262, and written by those of `re`.

What real documents hold and the flag `u` forbids is read as without it where that says one thing only
(ECMA-262, annex B.1.2): `\-` and `[\w-.]`, but not `\a`.
"""

from __future__ import annotations

import functools
import re


class UnknownPattern(ValueError):  # noqa: N818 - reads as the state that it reports
    """No pattern can be made of it; the message says why, as the end of a sentence."""


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """
    Compile a pattern.

    Args:
        pattern: The pattern as the document has it.

    Returns:
        What finds the same texts, by `search`.

    Raises:
        UnknownPattern: If it isn't a pattern of ECMA-262, or holds what `re` has nothing for.
    """
    written = _Reader(pattern).read()
    try:
        # ASCII gives `\d`, `\w` and `\b` the meaning of ECMA-262, 22.2.2.9.
        return re.compile(written, re.ASCII)
    except (re.error, OverflowError, RecursionError):
        raise UnknownPattern("Python's `re` doesn't know it") from None


# ECMA-262, 12.2 and 12.3: WhiteSpace and LineTerminator are what `\s` means. Both as the inside of a class.
_BLANK = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_NOT_BLANK = (
    r"\0-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff"
    r"\u3001-\ufefe\uff00-\U0010ffff"
)
_SETS = {**{letter: f"\\{letter}" for letter in "dDwW"}, "s": _BLANK, "S": _NOT_BLANK}
_CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}
_QUANTIFIER = re.compile(r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??")
_GROUP = re.compile(r"\?(?:[:=!]|<[=!]|<([^>]*)>)")
# A code point in braces, a surrogate pair, or four digits; or two.
_UNICODE = re.compile(
    r"\{([0-9a-fA-F]+)\}|([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|([0-9a-fA-F]{4})"
)
_HEX = re.compile(r"[0-9a-fA-F]{2}")
_NUMBER = re.compile(r"[0-9]+")
_NAME = re.compile("<([^>]*)>")


class _Reader:
    """Reads one pattern from its beginning to its end, and writes it anew."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._open: list[tuple[int | None, bool]] = []  # a group's number, and whether it only looks around
        self._names: dict[str, int] = {}
        self._count = 0
        self._single: set[int] = set()
        self._may_repeat = False

    def read(self) -> str:
        """Write the whole pattern for `re`."""
        parts = []
        while self._at < len(self._pattern):
            parts.append(self._term())
        if self._open:
            raise self._wrong("a group has no end")
        return "".join(parts)

    def _term(self) -> str:
        if quantifier := self._take(_QUANTIFIER):
            if not self._may_repeat:
                raise self._wrong("there is nothing to repeat")
            self._may_repeat = False
            return quantifier[0]
        char = self._next()
        self._may_repeat = char not in "^$|("
        match char:
            case "(":
                return self._opened()
            case ")":
                return self._closed()
            case "[":
                return self._class()
            case "\\":
                return self._escape()
            case ".":
                return r"[^\n\r\u2028\u2029]"
            case "$":
                return r"\Z"
            case "^" | "|":
                return char
        return re.escape(char)

    def _opened(self) -> str:
        kind = self._take(_GROUP)
        if kind is None and self._ahead() == "?":
            raise self._wrong("a group is of an unknown kind")
        captures = kind is None or kind[1] is not None
        if captures:
            self._count += 1
        if kind and kind[1] is not None:
            # The name matters to references alone, and may be one that Python doesn't allow.
            if not kind[1].replace("$", "_").isidentifier() or kind[1] in self._names:
                raise self._wrong("a group has a name that can't be")
            self._names[kind[1]] = self._count
        self._open.append((self._count if captures else None, kind is not None and kind[0][-1] in "=!"))
        return "(" if captures or kind is None else f"({kind[0]}"

    def _closed(self) -> str:
        if not self._open:
            raise self._wrong("a group ends that hasn't begun")
        number, looks_around = self._open.pop()
        self._may_repeat = not looks_around
        if number is not None and not self._open and not _QUANTIFIER.match(self._pattern, self._at):
            self._single.add(number)
        return ")"

    def _reference(self, number: int) -> str:
        # Of a group that took part twice, ECMA-262 knows the last turn alone and forgets the ones before it
        # (22.2.2.3.1, step 4): Python doesn't.
        if number not in self._single or number > 99:
            raise UnknownPattern("Python's `re` doesn't know it")
        # A group that took no part is repeated as nothing (22.2.2.7.2).
        return f"(?:(?({number})\\{number}))"

    def _escape(self) -> str:
        char = self._next()
        if char in _SETS:
            return f"[{_SETS[char]}]"
        if char in "bB":
            self._may_repeat = False
            return r"\b" if char == "b" else r"(?!\b)"  # until 3.13, Python's `\B` isn't in an empty text
        if char == "k" and (name := self._take(_NAME)) and name[1] in self._names:
            return self._reference(self._names[name[1]])
        if char in "123456789":
            more = self._take(_NUMBER)
            return self._reference(int(char + (more[0] if more else "")))
        return re.escape(self._character(char))

    def _class(self) -> str:
        negated = self._ahead() == "^" and bool(self._next())
        parts: list[str] = []
        while self._ahead() != "]":
            low, first = self._class_atom()
            if self._ahead() != "-" or self._ahead(1) in ("]", ""):
                parts.append(low)
                continue
            self._next()
            high, last = self._class_atom()
            if first is None or last is None:  # `[\w-.]`: not a range (B.1.2.7)
                parts += [low, r"\-", high]
            elif first > last:
                raise self._wrong("a range ends before it begins")
            else:
                parts.append(f"{low}-{high}")
        self._next()
        if not parts:  # Python takes the `]` behind a `[` for a character
            return f"[{_BLANK}{_NOT_BLANK}]" if negated else "(?!)"
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def _class_atom(self) -> tuple[str, str | None]:
        """Read a set or a character of a class: as it is written, and the character."""
        char = self._next()
        if char == "\\":
            char = self._next()
            if char in _SETS:
                return _SETS[char], None
            char = "\b" if char == "b" else self._character(char)
        return re.escape(char), char

    def _character(self, char: str) -> str:
        """Read what stands behind a backslash as one character."""
        if char in _CONTROLS:
            if char == "0" and self._ahead().isdecimal():
                raise self._wrong("it has an octal number")
            return _CONTROLS[char]
        if char == "x" and (digits := self._take(_HEX)):
            return chr(int(digits[0], 16))
        if char == "u" and (found := self._take(_UNICODE)):
            return self._unicode(*found.groups())
        if char == "c" and self._ahead().isascii() and self._ahead().isalpha():
            return chr(ord(self._next()) % 32)
        if char in "pP" and self._ahead() == "{":
            raise UnknownPattern("Python's `re` doesn't know it")
        if char.isascii() and char.isalnum():
            raise self._wrong(rf"it has no `\{char}`")
        return char

    def _unicode(self, braced: str | None, high: str | None, low: str | None, four: str | None) -> str:
        if high and low:
            return chr(0x10000 + (int(high, 16) - 0xD800) * 0x400 + int(low, 16) - 0xDC00)
        code = int(braced or four or "", 16)
        if code > 0x10FFFF:
            raise self._wrong("it has a code point that Unicode hasn't")
        return chr(code)

    def _take(self, expected: re.Pattern[str]) -> re.Match[str] | None:
        found = expected.match(self._pattern, self._at)
        if found:
            self._at = found.end()
        return found

    def _ahead(self, by: int = 0) -> str:
        return self._pattern[self._at + by : self._at + by + 1]

    def _next(self) -> str:
        char = self._ahead()
        if not char:
            raise self._wrong("it ends too early")
        self._at += 1
        return char

    def _wrong(self, reason: str) -> UnknownPattern:
        return UnknownPattern(f"ECMA-262 has no such pattern: {reason}")

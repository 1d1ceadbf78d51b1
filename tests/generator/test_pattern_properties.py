"""A pattern of a document finds what ECMA-262 says that it finds, and what it can't be is told."""

# ruff: noqa: E501 - the rows of a table are read as rows

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "generator"))

from runtime.patterns import UnknownPattern, compiled

# Pattern, texts that it finds, texts that it doesn't. Sections are those of ECMA-262.
ROWS: list[tuple[str, list[str], list[str]]] = [
    (r"^a$", ["a"], ["a\n", "\na"]),  # 22.2.2.4: without the flag m, `$` is the end
    (r"^a$|^b$", ["a", "b"], ["a\n", "b\n"]),
    (r"^[a$]$", ["a", "$"], ["$\n"]),
    (r"\$$", ["a$"], ["$\n", "a"]),
    (r"^.$", ["a", "😀", "\v", "\x85"], ["\n", "\r", "\u2028", "\u2029"]),  # 22.2.2.7: LineTerminator, 12.3
    (r"^\d+$", ["07"], ["٣", "\uff17", ""]),  # 22.2.2.9: 0 to 9
    (r"^[\d.]+$", ["0.7"], ["٣"]),
    (r"^[^\d]$", ["٣", "a"], ["3"]),
    (r"^\D[\D-]$", ["٣٣", "a-"], ["3a", "a3"]),
    (r"^\w+$", ["aZ_9"], ["é", "ß", "犬"]),  # 22.2.2.9.3: WordCharacters
    (r"^[\W]$", ["é", "-"], ["a", "_"]),
    (
        r"^\s$",
        ["\t", "\v", "\u00a0", "\ufeff", "\u3000", "\u2028"],
        ["\x1c", "\x85", "\u200b", "\u180e"],
    ),  # 12.2
    (r"^[\s,]$", ["\ufeff", ",", " "], ["\x1f", "\x85"]),
    (r"^\S$", ["\x1c", "\x85", "a", "😀"], ["\ufeff", "\t", " "]),
    (r"^[\Sa ]$", ["\x1c", "\x85", " "], ["\ufeff", "\t"]),
    (r"^[\s\S]$", ["\n", "😀"], ["", "ab"]),
    (r"a\bé", ["aé"], ["ab"]),  # 22.2.2.4: IsWordChar
    (r"^\B$", [""], ["a"]),
    (r"^\Ba", [], ["a"]),
    (r"^[\b]$", ["\b"], ["b"]),
    (r"^\cJ\ca[\cJ]$", ["\n\x01\n"], ["J"]),  # 22.2.1: ControlLetter
    (r"^\0[\0]\x41\u0042$", ["\0\0AB"], ["0"]),
    (r"^a\/b$", ["a/b"], []),
    (r"^\-\_\@\"$", ['-_@"'], []),  # B.1.2: IdentityEscape
    (r"^[^]$", ["\n", "]", "😀"], ["", "ab"]),  # 22.2.2.8: an empty class
    (r"^[]$", [], ["", "]", "a"]),
    (r"^a[]?$", ["a"], ["a]"]),
    (r"^[[a]$", ["[", "a"], ["]"]),
    (r"^[a&&b||c~~d]$", ["&", "a", "|", "~", "d"], ["!"]),
    (r"^[\w-.]+$", ["a-b.c"], ["a,"]),  # B.1.2.7: not a range
    (r"^[.-\d]+$", [".-7"], ["/"]),
    (r"^[a\-z]+$", ["a-z"], ["b"]),
    (r"^[-a]+[a-]$", ["-a-"], ["b-"]),
    (r"^[+--]$", ["+", ",", "-"], ["."]),
    (r"^(?<year>\d{4})-(?<$m>\d\d)$", ["2026-01"], ["26-01"]),  # 22.2.1: GroupName
    (r"^(?<quote>['\"]).*\k<quote>$", ["'a'"], ["'a\""]),
    (r"^(a)|\1b$", ["a", "b"], []),  # 22.2.2.7.2: a group that took no part
    (r"^(?:(a)|b)c$", ["ac", "bc"], ["c"]),
    (r"^(['\"])\d+\1$", ["'1'"], ["'1\""]),
    (r"^\u{1F600}[\u{1F600}-\u{1F602}]\uD83D\uDE00$", ["😀😁😀"], ["😀😃😀"]),  # 22.2.1: CodePoint
    (r"^[😀-😂]$", ["😁"], ["😃"]),
    (r"^[\uD83D\uDE00]$", ["😀"], ["\ud83d"]),
    (r"^a{,2}$", ["a{,2}"], ["", "aa"]),  # B.1.2: ExtendedPatternCharacter
    (r"^{a}]{$", ["{a}]{"], []),
    (r"^a{2}?b{1,}?c{0,2}$", ["aab", "aabbcc"], ["ab", "aabccc"]),
    (r"^(?=.*\d)(?!.*x)\w+$", ["a1"], ["a", "a1x"]),
    (r"(?<=a)b(?<!cb)", ["ab"], ["cb"]),
    (r"^(?:#|\s)x y$", ["#x y"], ["xy"]),
    (r"", ["", "a"], []),
]

UNKNOWN = {
    r"^\p{L}+$": "Python's `re` doesn't know it",
    r"^[\P{Lu}]$": "Python's `re` doesn't know it",
    r"(?<=a+)b": "Python's `re` doesn't know it",
    r"(?:(a)|b)*\1": "Python's `re` doesn't know it",
    r"(a)*\1": "Python's `re` doesn't know it",
    r"\1(a)": "Python's `re` doesn't know it",
    r"a{99999999999}": "Python's `re` doesn't know it",
    r"\Aa\Z": r"ECMA-262 has no such pattern: it has no `\A`",
    r"\a": r"it has no `\a`",
    r"[\B]": r"it has no `\B`",
    r"\x4": r"it has no `\x`",
    r"\u12": r"it has no `\u`",
    r"\c1": r"it has no `\c`",
    r"\01": "it has an octal number",
    r"\u{110000}": "it has a code point that Unicode hasn't",
    r"(?P<n>a)": "a group is of an unknown kind",
    r"(?i)a": "a group is of an unknown kind",
    r"(?>a)": "a group is of an unknown kind",
    r"(?#a)": "a group is of an unknown kind",
    r"(?<1>a)": "a group has a name that can't be",
    r"(a": "a group has no end",
    r"a)": "a group ends that hasn't begun",
    r"[a": "it ends too early",
    "a\\": "it ends too early",
    r"[z-a]": "a range ends before it begins",
    r"a*+": "there is nothing to repeat",
    r"a{2}{3}": "there is nothing to repeat",
    r"*a": "there is nothing to repeat",
    r"a|{2}": "there is nothing to repeat",
    r"\b?": "there is nothing to repeat",
    r"(?=a)*": "there is nothing to repeat",
}


@pytest.mark.parametrize(("pattern", "found", "missed"), ROWS, ids=[ascii(pattern) for pattern, *_ in ROWS])
def test_a_pattern_means_what_ecma_says(pattern: str, found: list[str], missed: list[str]) -> None:
    assert [text for text in found if not compiled(pattern).search(text)] == []
    assert [text for text in missed if compiled(pattern).search(text)] == []


@pytest.mark.parametrize(("pattern", "told"), UNKNOWN.items(), ids=list(UNKNOWN))
def test_what_no_pattern_can_be_made_of_is_told(pattern: str, told: str) -> None:
    with pytest.raises(UnknownPattern) as raised:
        compiled(pattern)
    assert str(raised.value).endswith(told)


# For each line a pattern and texts, it writes which of the texts the pattern finds; null if it is none.
ORACLE = """
require("readline").createInterface({input: process.stdin}).on("line", (line) => {
  const [pattern, texts] = JSON.parse(line);
  let made = null;
  for (const flags of ["u", ""]) {
    try { made = made ?? new RegExp(pattern, flags); } catch {}
  }
  console.log(JSON.stringify(made && [made.flags, texts.map((text) => made.test(text))]));
});
"""


class Node:
    """ECMA-262 as Node.js has it."""

    def __init__(self, path: str) -> None:
        self._process = subprocess.Popen(
            [path, "-e", ORACLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def finds(self, pattern: str, texts: list[str]) -> tuple[str, list[bool]] | None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([pattern, texts]) + "\n")
        self._process.stdin.flush()
        answer: Any = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate(timeout=30)


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    path = shutil.which("node")
    if path is None:
        pytest.skip("node is missing: ECMA-262 can't be asked")
    node = Node(path)
    yield node
    node.close()


def test_node_says_the_same_of_every_row(node: Node) -> None:
    for pattern, found, missed in ROWS:
        answer = node.finds(pattern, [*found, *missed])
        assert answer is not None, pattern
        assert answer[1] == [True] * len(found) + [False] * len(missed), pattern


PARTS = st.sampled_from(
    [
        *([r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\b", r"\B", r"\cJ", r"\/", r"\-", r"\.", r"\\", r"\0", r"\x41", r"\u0041", r"\u{61}", r"\uD83D\uDE00", r"\1", r"\2", r"\k<n>", r"\p{L}"]),
        *([".", "^", "$", "|", "*", "+", "?", "*?", "+?", "{2}", "{1,}", "{0,1}", "{,2}", "{", "}", "]", "[^]", "[]", "[a-c]", "[^a\\d]", "[\\s-a]", "[[a]", "[\\b]", "(?"]),
        *(["(", ")", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?<n>", "a", "b", "A", "1", "_", "-", "&", "~~", "é", "ß", "😀", "٣"]),
        *("\n", "\r", " ", "\u2028", "\ufeff", "\x85", "\x1c", "#", '"', "'"),
    ]
)  # fmt: skip
TEXTS = st.text(st.sampled_from("abA1_-.&~\\/]{}, \n\r\u2028\ufeff\x85\x1c\x08\x00éß😀٣#\"'"), max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pattern=st.lists(PARTS, max_size=6).map("".join), texts=st.lists(TEXTS, min_size=1, max_size=8))
def test_node_finds_the_same(pattern: str, texts: list[str], node: Node) -> None:
    try:
        expression = compiled(pattern)
    except UnknownPattern:
        return
    answer = node.finds(pattern, texts)
    assert answer is not None, "what ECMA-262 doesn't take must be told"
    flags, found = answer
    for text, expected in zip(texts, found, strict=True):
        if flags == "u" or max(text, default="") <= "\uffff":  # without the flag it counts halves
            assert (expression.search(text) is not None) == expected, (text, expected)

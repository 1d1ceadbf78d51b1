"""Conditions for rows, in Python's own words: `value > 10**24 and to != '0x…'`."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from dateutil import parser

from event_streamer_api.errors import EventStreamerValidationError

__all__ = ["Where"]

LONGEST = 10_000
"""Characters that a condition may have."""

LARGEST_POWER = 1_000
"""Largest exponent: what lies above is larger than any number of a chain, and only costs time."""

_ALLOWED = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot),
    *(ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple, ast.Subscript),
)
_PREFIX = "column_"
_HEX = re.compile(r"0[xX][0-9a-fA-F]*")


class Where:
    """
    A condition that a row must meet.

    It knows columns by their names, numbers, text in quotation marks, true and false (`True`, `False`),
    `None`, lists, comparisons (also `1 < value < 5` and `address in [...]`), `and`, `or`, `not`, arithmetic
    with exact integers, times as text (`timestamp >= "2024-05-23"`), and `position["fees"]["token0"]` and
    `amounts[0]` for what is inside a value. Hex is compared in lower case. Whatever else Python has (calls,
    attributes, functions) is refused.

    Args:
        text: The condition.
        kinds: Column name → kind of its values.

    Attributes:
        names: The columns it looks at.

    Raises:
        EventStreamerValidationError: It can't be read, or names a column that isn't there.

    Example:
        >>> Where("value > 10**24", {"value": "integer"}).select({"value": [1, 10**25]}, 2)
        [False, True]
    """

    def __init__(self, text: str, kinds: Mapping[str, str]) -> None:
        self._text = text
        self._moments: dict[str, datetime] = {}
        tree = self._parse(text)
        _Moments(kinds, self._moment).visit(tree)
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(self._moments)
        self.names: tuple[str, ...] = tuple(sorted(name.removeprefix(_PREFIX) for name in named))
        if unknown := [name for name in self.names if name not in kinds]:
            raise EventStreamerValidationError(
                f"the condition {text!r} names {', '.join(unknown)}; the columns are {', '.join(kinds)}"
            )
        self._check_kinds(tree, kinds)
        self._code = self._compile(tree)

    def select(self, columns: Mapping[str, Sequence[Any]], count: int) -> list[bool]:
        """
        Say which rows meet the condition.

        Returns:
            For each row whether it does.

        Raises:
            EventStreamerValidationError: The condition doesn't fit the values.
        """
        rows = zip(*(columns[name] for name in self.names), strict=True) if self.names else [()] * count
        try:
            return [bool(self._code(*row)) for row in rows]
        except (TypeError, ArithmeticError, LookupError, ValueError) as problem:
            raise EventStreamerValidationError(
                f"the condition {self._text!r} can't be evaluated: {problem}"
            ) from problem

    def _check_kinds(self, tree: ast.Expression, kinds: Mapping[str, str]) -> None:
        """Refuse comparisons that no row can meet: Python says no more of `value == "3"` than False."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                for operator, (left, right) in zip(node.ops, pairwise(sides), strict=True):
                    for one, other in _compared(left, operator, right):
                        if problem := _mismatch(one, other, kinds) or _mismatch(other, one, kinds):
                            raise EventStreamerValidationError(f"the condition {self._text!r} {problem}")

    def _parse(self, text: str) -> ast.Expression:
        if len(text) > LONGEST:
            raise EventStreamerValidationError(f"a condition of {len(text)} characters is over {LONGEST}")
        try:
            tree = ast.parse(_with_prefixes(text), mode="eval")
        except (SyntaxError, ValueError, tokenize.TokenError, RecursionError, MemoryError) as problem:
            raise EventStreamerValidationError(
                f"the condition {text!r} can't be read: {_why_unreadable(text, problem)}"
            ) from None
        for node in ast.walk(tree):
            self._check(node)
        return tree

    def _check(self, node: ast.AST) -> None:
        if not isinstance(node, _ALLOWED):
            raise EventStreamerValidationError(
                f"the condition {self._text!r} has more than comparisons of columns ({type(node).__name__})"
            )
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _HEX.fullmatch(node.value):
            node.value = node.value.lower()
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            power = node.right
            if not isinstance(power, ast.Constant) or not isinstance(power.value, int):
                raise EventStreamerValidationError(
                    f"the condition {self._text!r}: an exponent must be a number"
                )
            if power.value > LARGEST_POWER:
                raise EventStreamerValidationError(
                    f"the condition {self._text!r}: an exponent is {LARGEST_POWER} at most"
                )

    def _moment(self, text: str) -> ast.expr:
        """Read a time, and give the name that stands for it."""
        try:
            moment = parser.isoparse(text)
        except ValueError as problem:
            raise EventStreamerValidationError(
                f"the condition {self._text!r}: {text!r} is not a time, such as 2024-05-23T10:30"
            ) from problem
        name = f"moment_{len(self._moments)}"
        self._moments[name] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return ast.Name(name, ast.Load())

    def _compile(self, tree: ast.Expression) -> Callable[..., Any]:
        arguments = ast.arguments(
            posonlyargs=[],
            args=[ast.arg(arg=_PREFIX + name) for name in self.names],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        )
        function = ast.Expression(ast.Lambda(args=arguments, body=tree.body))
        try:
            code = compile(ast.fix_missing_locations(function), "<condition>", "eval")
        except (SyntaxError, RecursionError, MemoryError, ValueError) as problem:
            raise EventStreamerValidationError(
                f"the condition {self._text!r} can't be read: {problem}"
            ) from None
        # Only the nodes above are in it: no call, no attribute, and no name but those of columns.
        made: Callable[..., Any] = eval(code, {"__builtins__": {}, **self._moments})  # noqa: S307
        return made


def _compared(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Give what is compared with what: with `in [...]` one with each of the list."""
    if isinstance(right, ast.List | ast.Tuple):
        yield from ((left, item) for item in right.elts)
    elif not isinstance(operator, ast.In | ast.NotIn):  # 'dead' in data: a part of it, which may be anything
        yield left, right


def _mismatch(column: ast.expr, constant: ast.expr, kinds: Mapping[str, str]) -> str | None:
    """Say what is wrong where a column is compared with a constant that none of its values can equal."""
    if not isinstance(column, ast.Name) or not isinstance(constant, ast.Constant):
        return None
    name, value = column.id.removeprefix(_PREFIX), constant.value
    kind = kinds.get(name)
    if kind in {"integer", "decimal", "bool"} and isinstance(value, str):
        what = "true or false" if kind == "bool" else "a number"
        return f"compares {name}, which is {what}, with the text {value!r}: leave out the quotation marks"
    if kind in {"text", "hex"} and isinstance(value, int | float):
        return f"compares {name}, which is text, with a number: put it in quotation marks"
    if kind == "hex" and isinstance(value, str) and not _HEX.fullmatch(value):
        return f"compares {name}, which is hex such as '0x1f…', with {value!r}"
    return None


def _why_unreadable(text: str, problem: Exception) -> str:
    """Say what a reader can do, where the words of Python's own parser don't."""
    if re.search(r"[^=!<>]=(?!=)", text):
        return "equality is written =="
    if word := re.search(r"\b(AND|OR|NOT|IN)\b|&&|\|\|", text):
        instead = {"&&": "and", "||": "or"}.get(word[0], word[0].lower())
        return f"write {instead} in place of {word[0]}"
    return str(getattr(problem, "msg", None) or problem)


class _Moments(ast.NodeTransformer):
    """Lets times be compared with text: `timestamp >= '2024-05-23'`."""

    def __init__(self, kinds: Mapping[str, str], moment: Callable[[str], ast.expr]) -> None:
        self._columns = {_PREFIX + name for name, kind in kinds.items() if kind == "timestamp"}
        self._moment = moment

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        """Read the text on any side of a comparison with a time."""
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Name) and side.id in self._columns for side in sides):
            node.left, *node.comparators = map(self._read, sides)
        return node

    def _read(self, side: ast.expr) -> ast.expr:
        if isinstance(side, ast.Constant) and isinstance(side.value, str):
            return self._moment(side.value)
        return side


_WORDS = {"and", "or", "not", "in", "is", "True", "False", "None"}
"""Names that mean what they do in Python; all others are columns, as `from` in the Transfer of ERC-20."""


def _with_prefixes(text: str) -> str:
    """Mark the names of columns, so that they may be words of Python's own."""
    tokens = tokenize.generate_tokens(io.StringIO(text.strip()).readline)
    return tokenize.untokenize(
        (token.type, _PREFIX + token.string)
        if token.type == tokenize.NAME and token.string not in _WORDS
        else (token.type, token.string)
        for token in tokens
    ).strip()

"""Whether a type or a check refuses something that another one takes."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, inf
from typing import Any

# What a check counts, with the names of its two limits.
_COUNTS = {
    "text": ("min_length", "max_length"),
    "array": ("min_items", "max_items"),
    "mapping": ("min_properties", "max_properties"),
    "fields_of": ("min_properties", "max_properties"),
}


@dataclass
class Check:
    """
    A call of a check, as it stands in generated code.

    Attributes:
        name: The function's name.
        inner: The checks that it is given.
        values: The other values that it is given.
        limits: Its keyword arguments.
    """

    name: str
    inner: list[Check] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    limits: dict[str, Any] = field(default_factory=dict)


def is_tighter(before: str, after: str) -> bool:
    """
    Compare two checks of a value.

    Args:
        before: The source text that held the check, such as the whole definition of a field.
        after: The text that holds it now.

    Returns:
        Whether there is a value that was taken and is refused now. Patterns aren't compared: another one
        counts as tighter.
    """
    old, new = _found(before), _found(after)
    return _refuses(old or Check("anything"), new or Check("anything"))


def takes_all(wide: str, narrow: str) -> bool:
    """
    Compare two types.

    Args:
        wide: The source text of a type.
        narrow: That of another one.

    Returns:
        Whether each value of the second one is of the first one too, as a list of `int` is of
        `list[int | None]`.
    """
    wanted = _members(ast.parse(wide or "None", mode="eval").body)
    return all(
        any(_is_in(member, each) for each in wanted)
        for member in _members(ast.parse(narrow or "None", mode="eval").body)
    )


def _members(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_members(node.left), *_members(node.right)]
    return [node]


def _is_in(narrow: ast.expr, wide: ast.expr) -> bool:
    written, other = ast.unparse(narrow), ast.unparse(wide)
    if other in ("Any", written) or (written, other) == ("int", "float"):
        return True
    if not (isinstance(narrow, ast.Subscript) and isinstance(wide, ast.Subscript)):
        return False
    if ast.unparse(narrow.value) != ast.unparse(wide.value) or ast.unparse(wide.value) == "Literal":
        return False
    pairs = zip(_arguments(narrow), _arguments(wide), strict=True)
    return all(takes_all(ast.unparse(outer), ast.unparse(inner)) for inner, outer in pairs)


def _arguments(node: ast.Subscript) -> list[ast.expr]:
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def _found(text: str) -> Check | None:
    """Find the outermost check in a source text."""
    for node in ast.walk(ast.parse(text.strip() or "None")):  # from the outside to the inside
        if (made := _read(node)) is not None and made.name not in ("validated", "fixed"):
            return made
    return None


def _read(node: ast.AST) -> Check | None:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "_check"):
        return None
    check = Check(node.func.attr)
    for argument in node.args:
        inner = _read(argument)
        if inner is not None:
            check.inner.append(inner)
        else:
            check.values.append(_literal(argument))
    check.limits = {each.arg: _literal(each.value) for each in node.keywords if each.arg}
    return check


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def _refuses(old: Check, new: Check) -> bool:
    """Whether the new check refuses what the old one takes."""
    if new.name == "anything" or old == new:
        return False
    if new.name == "nullable":
        inner = new.inner[0]
        return old.name != "nothing" and _refuses(old.inner[0] if old.name == "nullable" else old, inner)
    if new.name == "any_of":
        olds = old.inner if old.name == "any_of" else [old]
        return any(all(_refuses(each, member) for member in new.inner) for each in olds)
    if {old.name, new.name} <= {"integer", "number"}:
        return old.name == "number" != new.name or _Numbers.of(old).exceeds(_Numbers.of(new))
    if old.name != new.name:
        return True
    if new.name in ("one_of", "member", "constant"):
        return not _values(old) <= _values(new)
    if new.name == "needs":
        return True
    return _counts_less(old, new) or _held_less(old, new)


def _values(check: Check) -> set[str]:
    listed = check.values[0] if check.name == "one_of" else check.values
    return {repr(value) for value in listed}


def _counts_less(old: Check, new: Check) -> bool:
    """Compare limits of a length or a count."""
    if new.name not in _COUNTS:
        return False
    return _Numbers.count(old).exceeds(_Numbers.count(new))


def _held_less(old: Check, new: Check) -> bool:
    """Compare what remains where a value of every length is taken that was taken before."""
    sizes = _Numbers.count(old) if old.name in _COUNTS else _Numbers()
    if sizes.count_up_to(1) == 0:
        return False  # the old check took nothing
    pattern = new.limits.get("pattern")
    if pattern is not None and pattern != old.limits.get("pattern"):
        return True
    if new.limits.get("unique_items") and not old.limits.get("unique_items") and sizes.high >= 2:
        return True
    pairs = zip(old.inner, new.inner, strict=False)
    return sizes.high >= 1 and any(_refuses(before, after) for before, after in pairs)


@dataclass
class _Numbers:
    """Numbers between two ends: all of them, or the multiples of a step."""

    low: float | Fraction = -inf
    low_open: bool = False
    high: float | Fraction = inf
    high_open: bool = False
    step: Fraction | None = None

    @classmethod
    def of(cls, check: Check) -> _Numbers:
        """Get what an `integer` or a `number` takes."""
        lows = [(-inf, False), *_given(check, ("minimum", False), ("exclusive_minimum", True))]
        highs = [(inf, True), *_given(check, ("maximum", True), ("exclusive_maximum", False))]
        low, low_open = max(lows)
        high, high_closed = min(highs)
        step = _exact(check.limits.get("multiple_of"))
        if check.name == "integer":
            # The multiples of 3/2 that are integers are those of 3.
            step = Fraction(step.numerator if step is not None else 1)
        return cls(low, low_open, high, not high_closed, step)

    @classmethod
    def count(cls, check: Check) -> _Numbers:
        """Get how long a text or a list may be, or how much an object may hold."""
        least, most = _COUNTS[check.name]
        high = check.limits.get(most)
        return cls(
            max(0, check.limits.get(least) or 0), False, inf if high is None else high, False, Fraction(1)
        )

    def count_up_to(self, most: int) -> int:
        """Count the numbers, no further than needed."""
        ends = self._ends()
        if ends is None:
            return 0
        if self.step is None:
            return 1 if ends[0] == ends[1] else most
        return most if inf in (ends[1], -ends[0]) else min(most, int((ends[1] - ends[0]) / self.step) + 1)

    def _ends(self) -> tuple[Any, Any] | None:
        """The lowest and the highest number, or None where there are none; of open ends, the ends."""
        low, high = self.low, self.high
        if self.step is not None:
            if low != -inf:
                low = (floor(low / self.step) + 1 if self.low_open else ceil(low / self.step)) * self.step
            if high != inf:
                high = (ceil(high / self.step) - 1 if self.high_open else floor(high / self.step)) * self.step
            return (low, high) if low <= high else None
        empty = low > high or (low == high and (self.low_open or self.high_open))
        return None if empty else (low, high)

    def exceeds(self, other: _Numbers) -> bool:
        """Whether a number is in here that isn't in the other."""
        ends = self._ends()
        if ends is None:
            return False
        low, high = ends
        is_open = self.step is None
        if low < other.low or (low == other.low and other.low_open and not (is_open and self.low_open)):
            return True
        if high > other.high or (high == other.high and other.high_open and not (is_open and self.high_open)):
            return True
        if other.step is None:
            return False
        if self.count_up_to(2) == 1:
            return bool(low % other.step)
        return self.step is None or bool(self.step % other.step)


def _given(check: Check, *wanted: tuple[str, bool]) -> list[tuple[float | Fraction, bool]]:
    """Get the limits that are there, with a mark for each."""
    found = [(_exact(check.limits.get(key)), mark) for key, mark in wanted]
    return [(value, mark) for value, mark in found if value is not None]


def _exact(value: Any) -> Fraction | None:
    return Fraction(repr(value)) if isinstance(value, int | float) else None

"""What `make generate` calls tighter is what refuses a value that was taken: compared as sets of values."""

# ruff: noqa: E501 - the rows of a table are read as rows

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "generator"))

from event_streamer_api import checks
from limits import is_tighter, takes_all

INTEGERS = range(-40, 41)
# Fine enough that between any two limits there is a value, and that one lies beyond each of them.
NUMBERS = [count / 8 for count in range(-80, 81)]
TEXTS = ["", "a", "aa", "aaa", "aaaa", "aaaaa", "aaaaaa"]
LISTS: list[Any] = [
    made for count in range(7) for made in ([1] * count, [-1] * count, [*range(count)], [*range(-count, 0)])
]
MAPS: list[Any] = [dict.fromkeys("abcdef"[:count], value) for count in range(7) for value in (0, 1)]

ENDS = st.integers(-6, 6) | st.sampled_from([-1.5, 0.5, 2.25])
RANGE = {
    "minimum": ENDS,
    "maximum": ENDS,
    "exclusive_minimum": ENDS,
    "exclusive_maximum": ENDS,
}
SIZES = st.integers(0, 5)


def written(name: str, limits: dict[str, Any], inner: str = "") -> str:
    arguments = [*([inner] if inner else []), *(f"{key}={value!r}" for key, value in limits.items())]
    return f"_check.{name}({', '.join(arguments)})"


def optional(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keywords)


def pairs(values: Any, name: str, limits: dict[str, Any], *inner: str) -> st.SearchStrategy[Any]:
    """Two checks of one kind, and the values by which they are told apart."""
    checks = st.builds(written, st.just(name), optional(**limits), st.sampled_from(inner or ("",)))
    return st.tuples(st.just(values), checks, checks)


CHECKS = st.one_of(
    pairs(INTEGERS, "integer", RANGE | {"multiple_of": st.sampled_from([1, 2, 3, 4, 6, 1.5])}),
    pairs(NUMBERS, "number", RANGE | {"multiple_of": st.sampled_from([0.25, 0.5, 1, 1.5, 2])}),
    pairs(TEXTS, "text", {"min_length": SIZES, "max_length": SIZES}),
    pairs(
        MAPS,
        "mapping",
        {"min_properties": SIZES, "max_properties": SIZES},
        "_check.integer()",
        "_check.integer(maximum=0)",
    ),
    pairs(
        LISTS,
        "array",
        {"min_items": SIZES, "max_items": SIZES, "unique_items": st.just(True)},
        "_check.integer()",
        "_check.integer(minimum=0)",
    ),
)


def accepted(check: str, values: Any) -> list[Any]:
    made: Callable[[Any, str], None] = eval(check, {"_check": checks})
    return [value for value in values if not refuses(made, value)]


def refuses(check: Callable[[Any, str], None], value: Any) -> bool:
    try:
        check(value, "it")
    except checks.EventStreamerValidationError:
        return True
    return False


@given(CHECKS)
@example((INTEGERS, "_check.integer(exclusive_minimum=0)", "_check.integer(minimum=0)"))
@example((INTEGERS, "_check.integer(minimum=1)", "_check.integer(exclusive_minimum=0)"))
@example((NUMBERS, "_check.number(minimum=0)", "_check.number(exclusive_minimum=0)"))
@example((INTEGERS, "_check.integer()", "_check.integer(multiple_of=1)"))
@example((LISTS, "_check.array(_check.integer())", "_check.array(_check.integer(), min_items=0)"))
@example((INTEGERS, "_check.integer(multiple_of=6)", "_check.integer(multiple_of=4)"))
def test_tighter_is_what_refuses_a_value_that_was_taken(case: tuple[Any, str, str]) -> None:
    values, before, after = case
    lost = [value for value in accepted(before, values) if value not in accepted(after, values)]
    assert is_tighter(before, after) == bool(lost), lost[:5]


@pytest.mark.parametrize(
    ("before", "after", "tighter"),
    [
        ("_check.nullable(_check.text())", "_check.text()", True),
        ("_check.text()", "_check.nullable(_check.text())", False),
        ("_check.nullable(_check.text(max_length=3))", "_check.nullable(_check.text(max_length=2))", True),
        ("_check.anything()", "_check.text()", True),
        ("_check.text()", "_check.anything()", False),
        ("_check.integer()", "_check.number()", False),
        ("_check.number()", "_check.integer()", True),
        ("_check.text()", "_check.text(pattern='a')", True),
        ("_check.text(pattern='a')", "_check.text()", False),
        ("_check.text(secret=True)", "_check.text()", False),
        ("_check.one_of([1.5], _check.anything())", "_check.one_of([1.5, 2], _check.anything())", False),
        ("_check.one_of([1.5, 2], _check.anything())", "_check.one_of([1.5], _check.anything())", True),
        ("_check.member('Side', 'a', 'b')", "_check.member('Side', 'a')", True),
        ("_check.text()", "_check.any_of('x', _check.integer(), _check.text())", False),
        ("_check.any_of('x', _check.integer(), _check.text())", "_check.any_of('x', _check.text(), _check.integer())", False),
        ("_check.any_of('x', _check.integer(), _check.text())", "_check.text()", True),
        ("_check.array(_check.text(), max_items=0)", "_check.array(_check.integer(), max_items=0)", False),
        ("", "_check.closed()", True),
        ("_check.closed()", "", False),
        ("_check.fields_of(self, min_properties=1)", "_check.fields_of(self, min_properties=0)", False),
        ("_attrs_field(default=None, validator=_check.validated(_check.nullable(_check.text())))", "_attrs_field(default='a', validator=_check.validated(_check.nullable(_check.text())))", False),
    ],
)  # fmt: skip
def test_other_rules_are_compared_by_what_they_take(before: str, after: str, tighter: bool) -> None:
    assert is_tighter(before, after) is tighter


@pytest.mark.parametrize(
    ("wide", "narrow", "takes"),
    [
        ("int | None", "int", True),
        ("int", "int | None", False),
        ("Any", "list[int] | None", True),
        ("float", "int", True),
        ("int", "float", False),
        ("list[int | None]", "list[int]", True),
        ("list[int]", "list[int | None]", False),
        ("dict[str, list[float]] | None", "dict[str, list[int]]", True),
        ("Literal['a']", "Literal['b']", False),
        ("list[int] | str", "str | list[int]", True),
    ],
)
def test_a_type_takes_what_is_of_it(wide: str, narrow: str, takes: bool) -> None:
    assert takes_all(wide, narrow) is takes

"""
The grammar of ABI types, and the tree that a type becomes.

A type's text is matched whole, in linear time, in ASCII, without leading zeros::

    type       = base dimension*
    base       = "uint" M | "int" M | "bytes" N | "ufixed" M "x" S | "fixed" M "x" S
               | "address" | "bool" | "bytes" | "string" | "function" | "tuple"
    dimension  = "[]" | "[" size "]"          size ≥ 1

Rules: Solidity's Contract ABI Specification, "Types". The aliases `uint`, `int`, `ufixed`, `fixed`
and `byte` stand for `uint256`, `int256`, `ufixed128x18`, `fixed128x18` and `bytes1`. `function` is encoded
like `bytes24`, but the compiler hashes it under its own name, and so it keeps it here.
"""

import difflib
import functools
import re
from typing import NamedTuple, TypeAlias

import attrs

from ._errors import ABIParsingError
from ._limits import Limits

__all__ = [
    "ABIType",
    "ArrayType",
    "BaseType",
    "TupleType",
    "TypeName",
    "array_of",
    "base_type",
    "check_type",
    "kind_of",
    "shortened",
]

_ALIASES = {
    "uint": "uint256",
    "int": "int256",
    "ufixed": "ufixed128x18",
    "fixed": "fixed128x18",
    "byte": "bytes1",
}
_BARE = ("address", "bool", "bytes", "string", "function", "tuple")
_FAMILIES = ("uint", "int", "bytes", "ufixed", "fixed")

_TYPE = re.compile(r"([A-Za-z]+)([0-9]+)?(?:x([0-9]+))?((?:\[[0-9]*\])*)", re.ASCII)
_DIMENSION = re.compile(r"\[([0-9]*)\]", re.ASCII)

_BEYOND_ALL_DATA = 2**64
"""Encoded sizes are counted up to here: no log is that long, and larger numbers only cost time."""


class TypeName(NamedTuple):
    """
    What the text of a type says.

    Attributes:
        canonical: The text with its aliases resolved, as it is hashed (`tuple` still as a word).
        base: `uint`, `int`, `bytes`, `ufixed`, `fixed`, `address`, `bool`, `string`, `function` or `tuple`.
        size: Bits of a number, bytes of a `bytesN`, else 0.
        scale: Decimal places of a fixed-point number, else 0.
        dimensions: One entry for each `[N]`, from left to right; `None` for `[]`.
    """

    canonical: str
    base: str
    size: int
    scale: int
    dimensions: tuple[int | None, ...]


@attrs.frozen
class BaseType:
    """A type without parts: a number, an address, text, bytes."""

    base: str
    size: int
    scale: int
    canonical: str
    dynamic: bool
    head_size: int = 32


@attrs.frozen
class ArrayType:
    """Any number of items of one type, or exactly `length` of them."""

    item: "ABIType"
    length: int | None
    canonical: str
    dynamic: bool
    head_size: int


@attrs.frozen
class TupleType:
    """A struct: named items of different types."""

    names: tuple[str, ...]
    items: "tuple[ABIType, ...]"
    canonical: str = attrs.field(init=False)
    dynamic: bool = attrs.field(init=False)
    head_size: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Sum up what the items are, once: asking again at each level would double the work with each."""
        dynamic = any(item.dynamic for item in self.items)
        size = 32 if dynamic else min(sum(item.head_size for item in self.items), _BEYOND_ALL_DATA)
        object.__setattr__(self, "canonical", f"({','.join(item.canonical for item in self.items)})")
        object.__setattr__(self, "dynamic", dynamic)
        object.__setattr__(self, "head_size", size)


ABIType: TypeAlias = BaseType | ArrayType | TupleType


def check_type(text: object, *, has_components: bool, limits: Limits) -> TypeName:
    """
    Read the text of a type and hold it against the grammar and the limits.

    Args:
        text: The type, such as `uint256[2][]` or `tuple[]`.
        has_components: Whether components stand beside it, as they must beside a tuple and nothing else.
        limits: The limits on its length and its dimensions.

    Returns:
        What it says.

    Raises:
        ABIParsingError: It isn't a type.
    """
    if not isinstance(text, str):
        raise ABIParsingError(f"a type must be text, not {kind_of(text)}", "type")
    if len(text) > limits.type_length:
        raise ABIParsingError(
            f"a type of {len(text)} characters is over the limit of {limits.type_length}", "type"
        )
    name = _read(text)
    if isinstance(name, str):
        raise ABIParsingError(name, "type")
    if len(name.dimensions) > limits.array_dimensions:
        raise ABIParsingError(
            f"{len(name.dimensions)} array dimensions are over the limit of {limits.array_dimensions}", "type"
        )
    if has_components != (name.base == "tuple"):
        if has_components:
            raise ABIParsingError(f"only a tuple has components, and this is {shortened(text)}", "components")
        raise ABIParsingError(
            f"{shortened(text)} needs components: the members of the tuple, at least one", "components"
        )
    return name


def base_type(name: TypeName) -> BaseType:
    """Make the tree of a type that has no components, its dimensions left aside."""
    canonical = name.canonical.partition("[")[0]
    return BaseType(name.base, name.size, name.scale, canonical, canonical in ("bytes", "string"))


def array_of(item: ABIType, dimensions: tuple[int | None, ...]) -> ABIType:
    """
    Wrap a type into its array dimensions.

    Args:
        item: The type inside.
        dimensions: The lengths from left to right, as they are written; `None` for `[]`.

    Returns:
        The array's type, or `item` itself where there are no dimensions.
    """
    for length in dimensions:
        dynamic = length is None or item.dynamic
        size = 32 if dynamic else min(item.head_size * (length or 0), _BEYOND_ALL_DATA)
        suffix = "[]" if length is None else f"[{length}]"
        item = ArrayType(item, length, item.canonical + suffix, dynamic, size)
    return item


@functools.lru_cache(maxsize=4096)
def _read(text: str) -> TypeName | str:
    """Read a type; the answer to a wrong one is the sentence that says what is wrong."""
    match = _TYPE.fullmatch(text)
    if match is None:
        return _fault_of_form(text)
    word, first, second, tail = match.groups()
    canonical = word + (first or "") + (f"x{second}" if second is not None else "")
    canonical = _ALIASES.get(canonical, canonical)
    fault, base, size, scale = _read_base(canonical, text)
    if fault:
        return fault
    dimensions: list[int | None] = []
    for digits in _DIMENSION.findall(tail):
        if digits.startswith("0"):
            return f"array size [{digits}] in {shortened(text)} must be 1 or more, without leading zeros"
        dimensions.append(int(digits) if digits else None)
    return TypeName(canonical + tail, base, size, scale, tuple(dimensions))


def _read_base(canonical: str, text: str) -> tuple[str, str, int, int]:
    """Read what stands before the dimensions: the fault, or the family with its sizes."""
    if canonical in _BARE:
        return "", canonical, 0, 0
    family = canonical.rstrip("0123456789x")
    numbers = canonical[len(family) :].split("x")
    if family not in _FAMILIES or not all(numbers):
        return f"unknown type {shortened(text)}{_suggestion(canonical)}", "", 0, 0
    if any(number.startswith("0") or len(number) > 3 for number in numbers):
        return f"{shortened(text)}: a size has one to three digits and no leading zero", "", 0, 0
    size, scale = int(numbers[0]), int(numbers[1]) if len(numbers) == 2 else 0
    if len(numbers) != (2 if "fixed" in family else 1):
        form = f"{family}128x18" if "fixed" in family else f"{family}32"
        return f"{shortened(text)} must have the form of {form}", "", 0, 0
    if family == "bytes":
        if not 1 <= size <= 32:
            return f"{shortened(text)}: bytesN takes 1 to 32 bytes", "", 0, 0
    elif size % 8 or not 8 <= size <= 256:
        return f"{shortened(text)}: {family} takes 8 to 256 bits, in steps of 8", "", 0, 0
    if scale > 80:
        return f"{shortened(text)}: {family} takes 1 to 80 decimal places", "", 0, 0
    return "", family, size, scale


def _fault_of_form(text: str) -> str:
    """Say why a text has not even the form of a type."""
    if not text:
        return "a type must not be empty"
    if text.startswith(("(", "tuple(")):
        return f"{shortened(text)}: in JSON a tuple is written as type 'tuple' with its components"
    if text != text.strip():
        return f"{shortened(text)} has blanks around it"
    if not text.isascii():
        return f"{shortened(text)} has characters outside of ASCII"
    word = re.match(r"(?:struct|enum|contract|library)\s", text)
    if word:
        return f"{shortened(text)} is a name from the source; the ABI type of {_ABI_TYPE_OF[word[0].strip()]}"
    if re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$.]*", text):
        return f"unknown type {shortened(text)}{_suggestion(text)}"
    return f"{shortened(text)} is not an ABI type"


_ABI_TYPE_OF = {
    "struct": "a struct is tuple, with its components",
    "enum": "an enum is uint8",
    "contract": "a contract is address",
    "library": "a library is address",
}


def _suggestion(word: str) -> str:
    """Name the type that was probably meant."""
    if word in ("enum", "contract", "struct", "library"):
        return f": the ABI type of {_ABI_TYPE_OF[word]}"
    known = [*_BARE, *_ALIASES, "uint256", "uint128", "uint64", "uint32", "uint8", "int256", "bytes32"]
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.7)
    if near:
        return f": did you mean {near[0]!r}?"
    return ": write address for a contract, uint8 for an enum, tuple with components for a struct"


def shortened(text: str) -> str:
    """Quote a text for a message."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def kind_of(value: object) -> str:
    """Name the kind of a JSON value for a message."""
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)

"""Hypothesis strategies for ABIs: types, events, values, and how eth-abi spells them."""

import decimal
from typing import Any

from hypothesis import strategies as st

from event_streamer_sdk.abi._tokens import KEYWORDS

Parameter = dict[str, Any]

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$"


names = st.sampled_from(
    sorted(KEYWORDS | {"error", "from", "uint8", "fixed8x1", "address_", "arg0", "block_number"})
) | st.builds(str.__add__, st.sampled_from(_LETTERS), st.text(alphabet=_LETTERS + "0123456789", max_size=8))
"""Names as a JSON ABI can hold them, hostile ones among them: what means something else in Solidity."""

base_types = st.one_of(
    st.sampled_from(["address", "bool", "bytes", "string", "function", "uint256", "int256", "bytes32"]),
    st.builds("{}{}".format, st.sampled_from(["uint", "int"]), st.integers(1, 32).map(lambda size: size * 8)),
    st.builds("bytes{}".format, st.integers(1, 32)),
    st.builds(
        "{}{}x{}".format,
        st.sampled_from(["fixed", "ufixed"]),
        st.integers(1, 32).map(lambda size: size * 8),
        st.integers(1, 80),
    ),
)
dimensions = st.lists(st.sampled_from(["[]", "[1]", "[2]", "[3]"]), max_size=2).map("".join)


def parameters(depth: int = 3) -> st.SearchStrategy[Parameter]:
    """Parameters as a JSON ABI has them, tuples in each other down to a depth."""
    simple = st.builds(
        lambda name, base, tail: {"name": name, "type": base + tail},
        names | st.just(""),
        base_types,
        dimensions,
    )
    if depth == 0:
        return simple
    nested = st.builds(
        lambda name, tail, components: {"name": name, "type": f"tuple{tail}", "components": components},
        names | st.just(""),
        dimensions,
        st.lists(parameters(depth - 1), min_size=1, max_size=3),
    )
    return st.one_of(simple, simple, nested)


@st.composite
def events(draw: st.DrawFn, depth: int = 3, max_inputs: int = 5) -> dict[str, Any]:
    """Events as a JSON ABI has them."""
    inputs = draw(st.lists(parameters(depth), max_size=max_inputs))
    anonymous = draw(st.booleans())
    left = 4 if anonymous else 3
    for each in inputs:
        each["indexed"] = left > 0 and draw(st.booleans())
        left -= each["indexed"]
    return {"type": "event", "name": draw(names), "inputs": inputs, "anonymous": anonymous}


@st.composite
def deep_events(draw: st.DrawFn, depth: int = 8) -> dict[str, Any]:
    """Events with one value that lies in tuples and arrays, exactly so deep."""
    inner = {"name": "x", "type": draw(base_types) + draw(dimensions)}
    for _ in range(depth):
        tail = draw(st.sampled_from(["", "", "[]", "[2]"]))
        beside = draw(st.lists(parameters(0), max_size=1))
        inner = {"name": "t", "type": f"tuple{tail}", "components": [*beside, inner]}
    return {"type": "event", "name": "Deep", "inputs": [{**inner, "indexed": False}], "anonymous": False}


def spelled(parameter: Parameter) -> str:
    """Spell a parameter's type as eth-abi does: tuples in parentheses."""
    if not parameter["type"].startswith("tuple"):
        return str(parameter["type"])
    members = ",".join(spelled(each) for each in parameter["components"])
    return f"({members}){parameter['type'].removeprefix('tuple')}"


def is_hashed(parameter: Parameter) -> bool:
    """Whether a log has only the hash of such an indexed parameter."""
    kind = parameter["type"]
    return "[" in kind or kind.startswith("tuple") or kind in ("bytes", "string")


def values(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Values of a type, as eth-abi takes and gives them: arrays and tuples as tuples."""
    kind = parameter["type"]
    if kind.endswith("]"):
        item, _, length = kind[:-1].rpartition("[")
        items = values({**parameter, "type": item})
        size = {"min_size": int(length), "max_size": int(length)} if length else {"max_size": 2}
        return st.lists(items, **size).map(tuple)
    if kind == "tuple":
        return st.tuples(*(values(each) for each in parameter["components"]))
    return _base_values(kind)


def _base_values(kind: str) -> st.SearchStrategy[Any]:
    if kind == "address":
        return st.binary(min_size=20, max_size=20).map(lambda raw: f"0x{raw.hex()}")
    if kind == "bool":
        return st.booleans()
    if kind == "string":
        return st.text(max_size=40)
    if kind == "bytes":
        return st.binary(max_size=70)
    if kind == "function":
        return st.binary(min_size=24, max_size=24)
    if kind.startswith("bytes"):
        size = int(kind[5:])
        return st.binary(min_size=size, max_size=size)
    bits, _, scale = kind.lstrip("uintfxed").partition("x")
    low, high = (
        (0, 2 ** int(bits) - 1) if kind[0] == "u" else (-(2 ** (int(bits) - 1)), 2 ** (int(bits) - 1) - 1)
    )
    whole = st.integers(low, high) | st.sampled_from([low, high, 0, 1])
    if not scale:
        return whole
    context = decimal.Context(prec=200)
    return whole.map(lambda number: context.scaleb(decimal.Decimal(number), -int(scale)))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["event", "tuple", "uint256", "tuple[]", "abi", "inputs", "name", "contracts"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "name",
                    "inputs",
                    "components",
                    "indexed",
                    "anonymous",
                    "internalType",
                    "abi",
                    "output",
                    "contracts",
                    "result",
                    "x",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """A JSON document with one value somewhere in it replaced or taken away."""
    if isinstance(document, dict) and document and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(document)))
        changed = dict(document)
        if draw(st.integers(0, 9)) == 0:
            del changed[key]
        else:
            changed[key] = draw(mutated(document[key]))
        return changed
    if isinstance(document, list) and document and draw(st.integers(0, 9)):
        index = draw(st.integers(0, len(document) - 1))
        return [*document[:index], draw(mutated(document[index])), *document[index + 1 :]]
    return draw(json_values)

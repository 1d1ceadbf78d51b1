"""The grammar of types, row by row; `test_properties.py` compares it with eth-abi's."""

import json
import re

import pytest

from event_streamer_sdk.abi import ABIParsingError, Limits, extract_abi_event, signature


def canonical(kind: str, **more: object) -> str:
    event = extract_abi_event([{"type": "event", "name": "E", "inputs": [{"type": kind, **more}]}], "E")
    return signature(event)[2:-1]


@pytest.mark.quick
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("uint", "uint256"),
        ("int", "int256"),
        ("ufixed", "ufixed128x18"),
        ("fixed", "fixed128x18"),
        ("byte", "bytes1"),
        ("uint[][3]", "uint256[][3]"),
        ("uint8", "uint8"),
        ("int256", "int256"),
        ("bytes1", "bytes1"),
        ("bytes32", "bytes32"),
        ("bytes", "bytes"),
        ("string[1]", "string[1]"),
        ("address", "address"),
        ("bool", "bool"),
        ("function", "function"),
        ("fixed8x1", "fixed8x1"),
        ("ufixed256x80", "ufixed256x80"),
        ("uint256[18446744073709551616]", "uint256[18446744073709551616]"),
    ],
)
def test_types_and_their_canonical_form(kind: str, expected: str) -> None:
    assert canonical(kind) == expected


@pytest.mark.quick
@pytest.mark.parametrize(
    "kind",
    [
        "", " ", "uint ", " uint", "uint 8", "uint008", "uint08", "uint0", "uint7", "uint264", "uint2560",
        "Uint256", "u[3]int256", "uint\uff12\uff15\uff16", "int[", "int]", "int[]]", "int[[1]]", "int[0]",
        "int[01]", "int[-1]",
        "int[ 1]", "int[x]", "bytes0", "bytes33", "bytes032", "fixed8", "fixed8x0", "fixed8x81", "fixed7x8",
        "fixed8x08", "fixedx8", "fixed128x", "ufixed128X18", "address20", "bool8", "string3", "function24",
        "function()", "tuple(uint8)", "(uint8)", "hash32", "mapping(uint8=>uint8)", "enum E", "contract C",
        "struct S", "IERC20", "Lib.S", "uint256\n", "uint\u0000", "address payable", "uint256,uint256",
    ],
)  # fmt: skip
def test_what_is_no_type(kind: str) -> None:
    with pytest.raises(ABIParsingError, match=r"^abi\[0\]\.inputs\[0\]\.type: ") as caught:
        canonical(kind)
    assert caught.value.path == "abi[0].inputs[0].type"
    assert len(str(caught.value)) < 300


@pytest.mark.quick
@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("enum Status", "an enum is uint8"),
        ("contract IERC20", "a contract is address"),
        ("struct Order", "a struct is tuple, with its components"),
        ("IERC20", "write address for a contract, uint8 for an enum"),
        ("adress", "did you mean 'address'?"),
        ("uint256[0]", "must be 1 or more"),
        ("(uint8,bool)", "type 'tuple' with its components"),
    ],
)
def test_errors_suggest_the_abi_type(kind: str, hint: str) -> None:
    with pytest.raises(ABIParsingError, match=re.escape(hint)):
        canonical(kind)


@pytest.mark.quick
def test_components_if_and_only_if_the_base_is_a_tuple() -> None:
    part = [{"type": "uint8"}]
    assert canonical("tuple[2]", components=part) == "(uint8)[2]"
    for kind, components in (("tuple", None), ("tuple", []), ("tuple[]", []), ("uint8", part), ("uint8", [])):
        with pytest.raises(ABIParsingError) as caught:
            canonical(kind, components=components)
        assert caught.value.path == "abi[0].inputs[0].components"


@pytest.mark.quick
def test_limits_of_types() -> None:
    assert canonical("uint8" + "[1]" * 16) == "uint8" + "[1]" * 16
    with pytest.raises(ABIParsingError, match="17 array dimensions are over the limit of 16"):
        canonical("uint8" + "[1]" * 17)
    with pytest.raises(ABIParsingError, match="257 characters is over the limit of 256"):
        canonical("u" * 257)
    with pytest.raises(ABIParsingError, match="over the limit of 256"):
        canonical("uint8" + "[" * 10_000_000)


def nested(depth: int) -> dict[str, object]:
    item: dict[str, object] = {"type": "bytes"}
    for _ in range(depth):
        item = {"type": "tuple[]", "components": [item]}
    return item


@pytest.mark.quick
def test_tuples_may_lie_64_deep() -> None:
    def event(depth: int) -> list[dict[str, object]]:
        return [{"type": "event", "name": "E", "inputs": [nested(depth)]}]

    assert signature(extract_abi_event(event(64), "E")) == "E(" + "(" * 64 + "bytes" + ")[]" * 64 + ")"
    with pytest.raises(ABIParsingError, match="more than 64 deep") as caught:
        extract_abi_event(event(65), "E")
    assert caught.value.path == "abi[0].inputs[0]" + ".components[0]" * 64 + ".components"
    with pytest.raises(ABIParsingError, match="more than 2 deep"):
        extract_abi_event(event(3), "E", limits=Limits(tuple_depth=2))


@pytest.mark.quick
def test_an_event_may_have_1024_inputs_components_counted() -> None:
    def event(count: int) -> str:
        plain = [{"type": "bool"}] * (count - 3)
        inputs = [*plain, {"type": "tuple", "components": [{"type": "bool"}] * 2}]
        return json.dumps([{"type": "event", "name": "E", "inputs": inputs}])

    assert len(extract_abi_event(event(1024), "E").inputs) == 1022
    with pytest.raises(ABIParsingError, match="more than 1024 inputs"):
        extract_abi_event(event(1025), "E")


@pytest.mark.quick
@pytest.mark.parametrize(("anonymous", "most"), [(False, 3), (True, 4)])
def test_no_more_indexed_inputs_than_topics(anonymous: bool, most: int) -> None:
    def event(count: int) -> list[dict[str, object]]:
        inputs = [{"type": "bool", "indexed": True}] * count
        return [{"type": "event", "name": "E", "anonymous": anonymous, "inputs": inputs}]

    assert len(extract_abi_event(event(most), "E").inputs) == most
    with pytest.raises(ABIParsingError, match=rf"^abi\[0\]\.inputs: {most + 1} indexed inputs"):
        extract_abi_event(event(most + 1), "E")

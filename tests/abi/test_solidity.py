"""Human-readable ABIs: what is read, what is refused, and what is written."""

from typing import Any

import pytest

from event_streamer_sdk.abi import (
    ABIParsingError,
    extract_abi_event,
    extract_abi_events,
    human_readable,
    parse_abi,
    parse_contract_abi,
    signature,
)
from event_streamer_sdk.abi._tokens import KEYWORDS

pytestmark = pytest.mark.quick

TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (TRANSFER, TRANSFER),
        (TRANSFER + ";", TRANSFER),
        (TRANSFER.removeprefix("event "), TRANSFER),
        ("Transfer(address,address,uint)", "event Transfer(address, address, uint256)"),
        ("event E()", "event E()"),
        ("event E() anonymous;", "event E() anonymous"),
        ("E(uint)\nanonymous", "event E(uint256) anonymous"),
        ("\t event\nE (\n uint [ ] [ 3 ]\u00a0x )\r\n;;", "event E(uint256[][3] x)"),
        ("E(int a, fixed b, ufixed c, byte d)", "event E(int256 a, fixed128x18 b, ufixed128x18 c, bytes1 d)"),
        ("event E(address payable who)", "event E(address who)"),
        ("event E(function (uint, bytes) external view returns (bool) f)", "event E(function() external f)"),
        ("event E(function f)", "event E(function() external f)"),
        ("E(tuple(int8 a, (bool)[2])[] indexed d)", "event E(tuple(int8 a, tuple(bool)[2])[] indexed d)"),
        ("event E(uint $a, bool _b, int a1)", "event E(uint256 $a, bool _b, int256 a1)"),
        ("event E(uint a /* wei */, // the amount\n bool b)", "event E(uint256 a, bool b)"),
        ("E(uint error, uint from, uint revert)", "event E(uint256 error, uint256 from, uint256 revert)"),
        ("error(uint a)", "event error(uint256 a)"),
        ("E(uint[]uintuint)", "event E(uint256[] uintuint)"),
        ("E((uint a)b,(bool)[]c)", "event E(tuple(uint256 a) b, tuple(bool)[] c)"),
        ("E(uint type, bool supports, int match, bytes after)",
         "event E(uint256 type, bool supports, int256 match, bytes after)"),
        ("event E(uint256 uint, bool uint8, int event)", "event E(uint256 uint, bool uint8, int256 event)"),
        ("event mapping(uint256 a)", "event mapping(uint256 a)"),
        ("after(uint256 a)", "event after(uint256 a)"),
        ("event E(string memory, bytes calldata)", "event E(string memory, bytes calldata)"),
        ("event E(uint indexed, bool indexed indexed)", "event E(uint256 indexed, bool indexed indexed)"),
        ('event E(uint "indexed", bool "b")', 'event E(uint256 "indexed", bool b)'),
        ("event E((uint indexed) t)", "event E(tuple(uint256 indexed) t)"),
        ("event E(address payable, address payable payable)", 'event E(address, address "payable")'),
        ("event E(address payable[] payable)", "event E(address[] payable)"),
        ("event E(address indexed payable)", "event E(address indexed payable)"),
        ("event E(function(bytes memory) external f)", "event E(function() external f)"),
        ("event E(function(bytes memory b, uint[] calldata) pure returns (string memory) f)",
         "event E(function() external f)"),
        ("event E(function() external view, function view)",
         'event E(function() external, function() external "view")'),
        ("event E(function(function(bytes memory) external) external indexed view)",
         "event E(function() external indexed view)"),
        ("event E(bool anonymous) anonymous", "event E(bool anonymous) anonymous"),
    ],
)  # fmt: skip
def test_what_is_read(line: str, written: str) -> None:
    [event] = parse_abi(line)
    assert human_readable(event) == written
    assert list(parse_abi(written)) == [event]


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("event E(IERC20 token)", 9, "unknown type 'IERC20': write address for a contract"),
        ("event E(Lib.Status status)", 9, "unknown type 'Lib.Status'.*uint8 for an enum"),
        ("event E(adress a)", 9, r"did you mean 'address'\?"),
        ("event E(string memory s)", 16, "'memory' is a data location"),
        ("event E(bytes calldata s)", 15, "'calldata' is a data location"),
        ("event E((bytes storage s) t)", 16, "'storage' is a data location"),
        ("event E(uint256 constant a)", 26, "'a' follows the name 'constant'"),
        ('event E(uint256 "a" b)', 21, "'b' follows the name 'a'"),
        ('event E(uint256 "a b")', 17, "'\"' has no place here"),
        ('event "E"(uint256 a)', 7, "expected the name of the event"),
        ("event E(function((bytes memory a) t) external f)", 25, "'memory' is a data location"),
        ("event(uint256 a)", 6, r"expected the name of the event, not '\('"),
        ("tuple(uint256 a)", 1, "'tuple' doesn't begin the declaration"),
        ("struct uint { bool b; }\nevent E(U u)", 8, "'uint' is a keyword"),
        ("event E(uint256 a,)", 18, "nothing follows the comma"),
        ("event E(,)", 9, "expected a type, not ','"),
        ("event E(uint256 a indexed)", 19, "'indexed' follows the name"),
        ("event E(uint256 indexed indexed a)", 25, "only once"),
        ("event E((uint256 indexed a) b)", 18, "only a parameter of an event is indexed"),
        ("event E(uint256 a b)", 19, "'b' follows the name 'a'"),
        ("event E(address index from)", 23, r"follows the name 'index'; .*; did you mean indexed\?"),
        ("event E(uint256 a", 18, r"expected ',' or '\)', not the end"),
        ("event E uint256 (a)", 9, r"expected '\(', not 'uint256'"),
        ("event (uint256 a)", 7, r"expected the name of the event, not '\('"),
        ("event E(()) ", 9, "at least one component"),
        ("event E(tuple a)", 9, "needs components"),
        ("event E(uint256[0] a)", 9, "must be 1 or more"),
        ("event E(uint256[-1] a)", 17, "'-' has no place here"),
        ("event E(uint256[x] a)", 17, r"expected '\]', not 'x'"),
        ("event E(uint7 a)", 9, "in steps of 8"),
        ("event E(function(uint) internal f)", 24, "an internal function is not a value of the ABI"),
        ("event E(mapping(uint => uint) m)", 16, r"expected ',' or '\)', not '\('"),
        ("event E(uint a) view", 17, "'view' follows the event"),
        ("event E(uint a) event F()", 17, "'event' follows the event"),
        ("event E(bool indexed, bool indexed, bool indexed, bool indexed)", 1, "4 indexed inputs"),
        ("contract C { event E(); }", 1, "'contract' doesn't begin the declaration"),
        ("event E(uint é)", 14, "'é' has no place here"),
        ("struct S { uint a; }\nevent E(S s, T t)", 14, "unknown type 'T'"),
        ("struct S { S[] s; }\nevent E(S s)", 12, "the struct S contains itself"),
        ("struct S { T t; } struct T { S[] s; }\nevent E(S s)", 30, "the struct S contains itself"),
        ("struct S { }\nevent E(S s)", 12, "a struct has at least one member"),
        ("struct S { uint; }\nevent E(S s)", 16, "a member of a struct needs a name"),
    ],
)  # fmt: skip
def test_what_is_refused(line: str, column: int, message: str) -> None:
    with pytest.raises(ABIParsingError, match=message) as caught:
        extract_abi_events(line)
    assert caught.value.path.endswith(f"column {column}")


@pytest.mark.parametrize("name", sorted(KEYWORDS | {"uint256", "bytes32", "fixed8x1", "error", "from"}))
def test_every_word_is_a_name(name: str) -> None:
    """Of an event, a parameter and a component, of each type that other words may belong to."""
    types = ["uint256", "address", "function", "string", "address[]", "function[2]"]
    for kind in types:
        for indexed in (False, True):
            inputs = [
                {"name": name, "type": kind, "indexed": indexed},
                {"name": "t", "type": "tuple", "components": [{"name": name, "type": kind}]},
            ]
            item = {"type": "event", "name": name, "inputs": inputs, "anonymous": True}
            event = extract_abi_event([item], name)
            line = human_readable(event)
            assert list(parse_abi(line)) == [event]
            assert extract_abi_event([item], line) == event
            assert extract_abi_event([item], line.removeprefix("event ")) == event


@pytest.mark.parametrize("name", sorted(KEYWORDS | {"uint256", "error", "E"}))
def test_keys_of_overloads_resolve_back(name: str) -> None:
    def event(*kinds: str, indexed: bool = False, anonymous: bool = False) -> dict[str, Any]:
        inputs = [{"name": name, "type": kind, "indexed": indexed} for kind in kinds]
        return {"type": "event", "name": name, "inputs": inputs, "anonymous": anonymous}

    items = [
        event("uint256"), event("uint256", indexed=True), event("uint256", anonymous=True),
        event("uint256", indexed=True, anonymous=True), event("function"), event(),
        event("address", "bool[]"),
    ]  # fmt: skip
    found = extract_abi_events(items)
    assert len(found) == len(items)
    for key, each in found.items():
        assert extract_abi_event(items, key) == each


def test_tuples_lie_64_deep_at_most() -> None:
    [event] = parse_abi(f"event E({'(' * 64}bool{')' * 64})")
    assert signature(event) == f"E({'(' * 64}bool{')' * 64})"
    for line in (
        f"event E({'(' * 65}bool{')' * 65})",
        f"event E({'(' * 100_000})",
        f"event E({'function(' * 100_000})",
        "event E(S64 s) struct S0 { bool b; }"
        + "".join(f" struct S{number} {{ S{number - 1} s; }}" for number in range(1, 66)).replace(
            "S64 s)", "S65 s)"
        ),
    ):
        with pytest.raises(ABIParsingError, match=r"deep|follows the event"):
            extract_abi_events(line)


def test_structs_that_multiply_are_refused_before_they_have() -> None:
    """Each struct holds the one before twice: 2 to the 60th members in 3 kB."""
    structs = "".join(
        f"struct S{number} {{ S{number - 1} a; S{number - 1} b; }}\n" for number in range(1, 60)
    )
    with pytest.raises(ABIParsingError, match="too many members"):
        extract_abi_events(f"struct S0 {{ bool b; }}\n{structs}event E(S59 s)")


def test_structs_in_any_order_and_by_qualified_name() -> None:
    text = """
        event E(Outer o, Lib.Inner[2] i)
        struct Outer { Inner inner; uint8 kind; }
        struct Inner { bytes32 id; }
    """
    event = extract_abi_event(text, "E")
    assert signature(event) == "E(((bytes32),uint8),(bytes32)[2])"
    assert [each.internalType for each in event.inputs] == ["struct Outer", "struct Lib.Inner[2]"]
    assert event.inputs[0].components is not None
    assert [each.name for each in event.inputs[0].components] == ["inner", "kind"]
    assert extract_abi_event(text.splitlines(), "E") == event


def test_a_bad_line_does_not_stop_the_others() -> None:
    text = """
        event Bad(uint256 memory a);
        event Unfinished(uint256 a
        event Good(uint256 a);
        enum Kind { A, B }
        event Also(bool b);
    """
    for source in (text, text.strip().splitlines()):
        assert signature(extract_abi_event(source, "Good")) == "Good(uint256)"
        assert signature(extract_abi_event(source, "Also")) == "Also(bool)"
        with pytest.raises(ABIParsingError, match="'memory' is a data location"):
            extract_abi_event(source, "Bad")
        assert list(extract_abi_events(source)) == ["Good", "Also"]


def test_paths_name_the_line_and_the_item() -> None:
    for source, path in (
        ("event A()\nevent B(uint9 b)", "line 2, column 9"),
        (["event A()", "event B(uint9 b)"], "abi[1], line 1, column 9"),
    ):
        events, faults = parse_abi(source).read_events()
        assert list(events) == ["A"]
        assert [fault.path for fault in faults] == [path]


def test_a_whole_interface_line_by_line() -> None:
    parsed = parse_contract_abi(
        """
        function balanceOf(address owner) external view returns (uint256 balance);
        function swap(bytes calldata path, tuple(uint256 a, bool b)[] memory hops) payable
        function name() returns (string memory)
        error Insufficient(uint256 have, uint256 want);
        constructor(address owner) payable;
        receive() external payable;
        fallback() external;
        event Ping(uint256 a);
        """
    )
    assert parsed["functions"]["balanceOf"] == [
        {
            "type": "function",
            "name": "balanceOf",
            "inputs": [{"name": "owner", "type": "address"}],
            "stateMutability": "view",
            "outputs": [{"name": "balance", "type": "uint256"}],
        }
    ]
    assert parsed["functions"]["swap"][0]["stateMutability"] == "payable"
    assert parsed["functions"]["swap"][0]["inputs"][1]["components"][1] == {"name": "b", "type": "bool"}
    assert parsed["functions"]["name"][0]["outputs"] == [{"name": "", "type": "string"}]
    assert parsed["errors"]["Insufficient"]["inputs"][1]["name"] == "want"
    assert parsed["constructor"]["stateMutability"] == "payable"
    assert parsed["receive"]["stateMutability"] == "payable"
    assert parsed["fallback"]["stateMutability"] == "nonpayable"
    assert list(parsed["events"]) == ["Ping"]


def test_bytes_and_files_hold_solidity_too(tmp_path: Any) -> None:
    path = tmp_path / "Token.sol"
    path.write_text(TRANSFER, encoding="utf-8-sig")
    for source in (TRANSFER.encode(), path):
        assert list(extract_abi_events(source)) == ["Transfer"]

"""Overloads, duplicates, and the ways to ask for an event."""

import pytest

from event_streamer_api.models import ABIEvent, ABIInput
from event_streamer_sdk.abi import (
    ABIParsingError,
    extract_abi_event,
    extract_abi_events,
    human_readable,
    signature,
    topic0,
    wire_names,
)

pytestmark = pytest.mark.quick

ERC20 = "event Transfer(address indexed from, address indexed to, uint256 value)"
ERC721 = "event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
OTHER = "event Transfer(bytes32 id)"
APPROVAL = "event Approval(address indexed owner, address indexed spender, uint256 value)"
TOPIC0 = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def test_unique_names_are_keys_and_overloads_have_their_signature() -> None:
    events = extract_abi_events([ERC20, OTHER, APPROVAL])
    assert list(events) == ["Transfer(address,address,uint256)", "Transfer(bytes32)", "Approval"]
    assert {key: signature(event) for key, event in events.items()} == {
        "Transfer(address,address,uint256)": "Transfer(address,address,uint256)",
        "Transfer(bytes32)": "Transfer(bytes32)",
        "Approval": "Approval(address,address,uint256)",
    }


def test_the_same_signature_with_other_flags_is_another_event() -> None:
    events = extract_abi_events([ERC20, ERC721, OTHER])
    assert list(events) == [
        "Transfer(address indexed, address indexed, uint256)",
        "Transfer(address indexed, address indexed, uint256 indexed)",
        "Transfer(bytes32)",
    ]
    for key, event in events.items():
        assert extract_abi_event([ERC20, ERC721, OTHER], key) == event


def test_identical_duplicates_merge() -> None:
    renamed = ERC20.replace("value", "amount")
    unnamed = "event Transfer(address indexed, address indexed, uint256)"
    for source in ([ERC20, ERC20], [unnamed, ERC20, unnamed], [ERC20, unnamed]):
        assert {key: human_readable(event) for key, event in extract_abi_events(source).items()} == {
            "Transfer": ERC20
        }
    assert extract_abi_event([ERC20, renamed], "Transfer") == extract_abi_event([renamed, ERC20], "Transfer")


@pytest.mark.parametrize(
    "asked",
    [
        "Transfer(bytes32)",
        " Transfer ( bytes32 id ) ",
        "event Transfer(bytes32 anything);",
        "0x" + "91f5e7b1c3d1fcfb8a2e5f0b6cc5ab4b1f0c0c0f2c6f8b3e8d1f6b2a7c4e9d00",
    ],
)
def test_ways_to_ask(asked: str) -> None:
    if asked.startswith("0x"):
        asked = topic0(extract_abi_event(OTHER, "Transfer")).upper().replace("0X", "0x")
    assert human_readable(extract_abi_event([ERC20, OTHER, APPROVAL], asked)) == OTHER


def test_aliases_in_what_is_asked_for() -> None:
    assert extract_abi_event([ERC20, OTHER], "Transfer(address, address, uint)") == extract_abi_event(
        ERC20, TOPIC0
    )
    assert extract_abi_event("E((uint8,int)[2] a)", "E(tuple(uint8 x, int256 y)[2])").name == "E"


def test_an_ambiguous_question_lists_the_candidates() -> None:
    with pytest.raises(ABIParsingError, match=r"'Transfer' is ambiguous.*Transfer\(bytes32\)"):
        extract_abi_event([ERC20, OTHER], "Transfer")
    both = r"Transfer\(address indexed, address indexed, uint256\), Transfer\(.*uint256 indexed\)"
    for asked in ("Transfer", "Transfer(address,address,uint256)", TOPIC0):
        with pytest.raises(ABIParsingError, match=f"ambiguous, ask for one of: {both}"):
            extract_abi_event([ERC20, ERC721], asked)
    assert human_readable(extract_abi_event([ERC20, ERC721], ERC721)) == ERC721


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("Aproval", r"no event 'Aproval'; available events: Transfer, Approval; did you mean Approval\?"),
        ("transfer", r"did you mean Transfer\?"),
        ("Zzz", r"available events: Transfer, Approval$"),
        ("", "no event ''"),
        ("Transfer(bytes32)", r"did you mean Transfer\?"),
        ("0x" + "12" * 32, "no event '0x1212"),
        ("Transfer(", r"expected '\)'|expected a type"),
        ("Transfer(uint7)", "in steps of 8"),
        ("event A(); event B()", "expected the declaration of one event"),
        ("function f()", "expected the declaration of one event"),
    ],
)
def test_an_unknown_event_is_an_error_that_helps(asked: str, message: str) -> None:
    with pytest.raises(ABIParsingError, match=message):
        extract_abi_event([ERC20, APPROVAL], asked)


def test_long_lists_are_cut_off() -> None:
    lines = [f"event Event{number}()" for number in range(500)]
    with pytest.raises(ABIParsingError, match=r"Event19, and 480 more; did you mean Event7\?") as caught:
        extract_abi_event(lines, "event7")
    assert len(str(caught.value)) < 500


def test_something_else_than_a_name_is_an_error() -> None:
    with pytest.raises(ABIParsingError, match="not by a number"):
        extract_abi_event(ERC20, 5)  # type: ignore[arg-type]


def test_an_event_made_by_hand_is_checked_when_it_is_used() -> None:
    event = ABIEvent(name="E", inputs=[ABIInput(name="a", type="uint"), ABIInput(type="tuple")])
    with pytest.raises(ABIParsingError, match=r"^inputs\[1\]\.components: 'tuple' needs components"):
        signature(event)
    event.inputs[1].components = [ABIInput(name="x", type="uint9")]
    with pytest.raises(ABIParsingError) as caught:
        topic0(event)
    assert caught.value.path == "inputs[1].components[0].type"
    event.inputs[1].components[0].type = "int"
    assert signature(event) == "E(uint256,(int256))"
    with pytest.raises(ABIParsingError, match="expected an ABIEvent, not dict"):
        signature({"name": "E"})  # type: ignore[arg-type]


def test_wire_names() -> None:
    names = [
        "from",
        "address",
        "from",
        "",
        "arg3",
        "block_number",
        "from_",
        None,
        "timestamp",
        "block_hash",
        "address_",
    ]
    event = ABIEvent(name="E", inputs=[ABIInput(name=name, type="bool") for name in names])
    assert wire_names(event) == (
        "from", "address__", "from__", "arg3_", "arg3", "block_number_", "from_", "arg7", "timestamp_",
        "block_hash_", "address_",
    )  # fmt: skip

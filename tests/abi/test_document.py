"""The ABI part as the document shows it."""

import json

import pytest

from event_streamer_api.models import ABIEvent, ABIInput
from event_streamer_sdk.abi import (
    ABIParsingError,
    EventDecoder,
    extract_abi_event,
    extract_abi_events,
    parse_contract_abi,
    signature,
    topic0,
)

TRANSFER_TOPIC0 = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"

ERC20_ABI = """[
    {
        "type": "event",
        "name": "Transfer",
        "inputs": [
            {"indexed": true, "name": "from", "type": "address"},
            {"indexed": true, "name": "to", "type": "address"},
            {"indexed": false, "name": "value", "type": "uint256"}
        ]
    },
    {
        "type": "event",
        "name": "Approval",
        "inputs": [
            {"indexed": true, "name": "owner", "type": "address"},
            {"indexed": true, "name": "spender", "type": "address"},
            {"indexed": false, "name": "value", "type": "uint256"}
        ]
    },
    {"type": "function", "name": "totalSupply", "inputs": [], "outputs": [{"name": "", "type": "uint256"}]}
]"""

UNISWAP_ABI = """[{
    "type": "event",
    "name": "PositionUpdated",
    "inputs": [{
        "name": "position",
        "type": "tuple",
        "components": [
            {"name": "liquidity", "type": "uint128"},
            {"name": "tickLower", "type": "int24"},
            {"name": "tickUpper", "type": "int24"},
            {
                "name": "fees",
                "type": "tuple",
                "components": [
                    {"name": "token0", "type": "uint256"},
                    {"name": "token1", "type": "uint256"}
                ]
            }
        ]
    }]
}]"""


@pytest.mark.quick
def test_extract_one_event() -> None:
    event = extract_abi_event(ERC20_ABI, "Transfer")
    assert event == ABIEvent(
        type="event",
        name="Transfer",
        inputs=[
            ABIInput(name="from", type="address", indexed=True),
            ABIInput(name="to", type="address", indexed=True),
            ABIInput(name="value", type="uint256", indexed=False),
        ],
    )
    assert signature(event) == "Transfer(address,address,uint256)"
    assert topic0(event) == TRANSFER_TOPIC0


@pytest.mark.quick
def test_extract_all_events() -> None:
    assert list(extract_abi_events(ERC20_ABI)) == ["Transfer", "Approval"]


@pytest.mark.quick
def test_nested_tuples() -> None:
    position = extract_abi_event(UNISWAP_ABI, "PositionUpdated")
    assert position.inputs[0].components is not None
    assert len(position.inputs[0].components) == 4
    assert signature(position) == "PositionUpdated((uint128,int24,int24,(uint256,uint256)))"


@pytest.mark.quick
def test_an_unknown_event_is_an_error_that_lists_those_there_are() -> None:
    with pytest.raises(
        ABIParsingError, match=r"no event 'Transfers'.*Transfer, Approval.*did you mean Transfer\?"
    ):
        extract_abi_event(ERC20_ABI, "Transfers")


@pytest.mark.quick
def test_parse_a_contract() -> None:
    parsed = parse_contract_abi(ERC20_ABI)
    assert list(parsed["events"]) == ["Transfer", "Approval"]
    assert parsed["events"]["Transfer"]["inputs"][0]["name"] == "from"
    assert list(parsed["functions"]) == ["totalSupply"]
    assert parsed["raw"] == json.loads(ERC20_ABI)


@pytest.mark.quick
def test_decode_a_log() -> None:
    owner, receiver = "0x" + "ab" * 20, "0x" + "01" * 20
    topics = [TRANSFER_TOPIC0, "0x" + "00" * 12 + owner[2:], "0x" + "00" * 12 + receiver[2:]]
    decoder = EventDecoder(extract_abi_event(ERC20_ABI, "Transfer"))
    data = f"0x{10**18:064x}"
    assert decoder.decode(topics, data) == {"from": owner, "to": receiver, "value": 10**18}
    assert decoder.decode_json(topics, data) == {
        "from": owner,
        "to": receiver,
        "value": "1000000000000000000",
    }

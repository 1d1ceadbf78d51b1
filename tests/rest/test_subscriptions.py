"""What the client puts into a subscription: topic0, its own id, the event from whatever describes it."""

import json
from typing import Any

import pytest

from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.models import ABIEvent, ABIInput, SubscriptionCreate, SubscriptionUpdate
from support.scripted_server import Reply, ScriptedServer
from support.twins import Twin

pytestmark = pytest.mark.quick

TRANSFER_TOPIC0 = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
APPROVAL_TOPIC0 = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
ADDRESS = "0xA0b86a33E6417b3c4555ba476F04245600306D5D"
TRANSFER = ABIEvent(
    type="event",
    name="Transfer",
    inputs=[
        ABIInput(name="from", type="address", indexed=True),
        ABIInput(name="to", type="address", indexed=True),
        ABIInput(name="value", type="uint256", indexed=False),
    ],
)
APPROVAL = {
    "type": "event",
    "name": "Approval",
    "inputs": [
        {"name": "owner", "type": "address", "indexed": True},
        {"name": "spender", "type": "address", "indexed": True},
        {"name": "value", "type": "uint256", "indexed": False},
    ],
}
ABI = [TRANSFER.to_dict(), APPROVAL]
READABLE = "event Transfer(address indexed from, address indexed to, uint256 value)"
ANSWER = {
    "id": 7,
    "topic0": TRANSFER_TOPIC0,
    "event_signature": TRANSFER.to_dict(),
    "addresses": [],
    "start_block": 0,
    "chain_id": 1,
    "subscriber_id": "my-app",
}


@pytest.fixture(autouse=True)
def answering(server: ScriptedServer) -> None:
    server.script(Reply(201, ANSWER))


def subscription(**changes: Any) -> SubscriptionCreate:
    return SubscriptionCreate(**{"event_signature": TRANSFER, "start_block": 0, "chain_id": 1, **changes})


def test_topic0_and_the_subscriber_are_filled_in(client: Twin, server: ScriptedServer) -> None:
    wanted = subscription()
    assert client.create_subscription(wanted).id == 7
    assert server.requests[0].json["topic0"] == TRANSFER_TOPIC0
    assert server.requests[0].json["subscriber_id"] == "my-app"
    assert (wanted.topic0, wanted.subscriber_id) == (None, None), "the user's own object stays as it is"


def test_the_clients_own_id_wins(client: Twin, server: ScriptedServer) -> None:
    client.create_subscription(subscription(subscriber_id="somebody-else"))
    assert server.requests[0].json["subscriber_id"] == "my-app"


def test_a_topic0_in_any_case_is_sent_as_given(client: Twin, server: ScriptedServer) -> None:
    upper = "0x" + TRANSFER_TOPIC0[2:].upper()
    client.create_subscription(subscription(topic0=upper))
    assert server.requests[0].json["topic0"] == upper


def test_a_topic0_of_another_event_is_refused(client: Twin, server: ScriptedServer) -> None:
    with pytest.raises(
        EventStreamerValidationError, match=r"Transfer\(address,address,uint256\) has 0xddf252ad"
    ):
        client.create_subscription(subscription(topic0=APPROVAL_TOPIC0))
    with pytest.raises(EventStreamerValidationError, match=r"SubscriptionUpdate\.topic0 is 0x8c5be1e5"):
        client.update_subscription(7, SubscriptionUpdate(topic0=APPROVAL_TOPIC0, event_signature=TRANSFER))
    assert not server.requests


def test_an_update_of_the_event_takes_topic0_along(client: Twin, server: ScriptedServer) -> None:
    client.update_subscription(7, SubscriptionUpdate(event_signature=ABIEvent.from_dict(APPROVAL)))
    client.update_subscription(7, SubscriptionUpdate(start_block=9))
    assert server.requests[0].json["topic0"] == APPROVAL_TOPIC0
    assert server.requests[1].json == {"start_block": 9}


@pytest.mark.parametrize(
    "event",
    [
        (TRANSFER,),
        (READABLE,),
        ([TRANSFER.to_dict()],),
        (ABI, "Transfer"),
        (json.dumps(ABI), "Transfer(address,address,uint256)"),
        ({"abi": ABI}, TRANSFER_TOPIC0),
    ],
    ids=["model", "readable", "abi of one", "abi and name", "text and signature", "artifact and topic0"],
)
def test_an_event_is_subscribed_to_in_one_call(event: Any, client: Twin, server: ScriptedServer) -> None:
    made = client.subscribe(*event, addresses=[ADDRESS], chain_id=1, start_block=5, end_block=9)
    assert made.id == 7
    sent = server.requests[0].json
    assert sent["event_signature"]["name"] == "Transfer"
    assert [each["indexed"] for each in sent["event_signature"]["inputs"]] == [True, True, False]
    assert {key: sent[key] for key in ("topic0", "addresses", "chain_id", "start_block", "end_block")} == {
        "topic0": TRANSFER_TOPIC0,
        "addresses": [ADDRESS],
        "chain_id": 1,
        "start_block": 5,
        "end_block": 9,
    }


def test_one_address_may_stand_alone(client: Twin, server: ScriptedServer) -> None:
    client.subscribe(READABLE, addresses=ADDRESS, chain_id=1, start_block=0)
    assert server.requests[0].json["addresses"] == [ADDRESS]


def test_an_abi_of_several_events_needs_a_name(client: Twin, server: ScriptedServer) -> None:
    with pytest.raises(
        EventStreamerValidationError, match=r"the ABI has 2 events \(Transfer, Approval\): name"
    ):
        client.subscribe(ABI, chain_id=1, start_block=0)
    with pytest.raises(EventStreamerValidationError, match="Transfr"):
        client.subscribe(ABI, "Transfr", chain_id=1, start_block=0)
    assert not server.requests


def test_the_abi_methods_of_the_document_are_there(client: Twin) -> None:
    assert client.client.extract_abi_event(json.dumps(ABI), "Transfer") == TRANSFER
    assert list(client.client.extract_abi_events(json.dumps(ABI))) == ["Transfer", "Approval"]
    assert "Approval" in client.client.parse_contract_abi(json.dumps(ABI))["events"]


def test_one_contract_of_a_compilers_output_can_be_named(client: Twin) -> None:
    output = {"contracts": {"a.sol": {"A": {"abi": ABI}}, "b.sol": {"B": {"abi": ABI[:1]}}}}
    assert client.client.extract_abi_event(output, "Transfer", contract="B") == TRANSFER
    assert list(client.client.extract_abi_events(output, contract="b.sol:B")) == ["Transfer"]
    assert list(client.client.parse_contract_abi(output, contract="A")["events"]) == ["Transfer", "Approval"]

"""`subscribe` with a service that has get-or-create, and with one that has never heard of it."""

import json
from typing import Any

import pytest

from event_streamer_sdk.exceptions import EventStreamerRequestError, EventStreamerServerError
from event_streamer_sdk.models import ABIEvent
from support.scripted_server import Reply, ScriptedServer
from support.twins import Twin

pytestmark = pytest.mark.quick

EVENT = "event Transfer(address indexed from, address indexed to, uint256 value)"
PLACE = {"chain_id": 1, "start_block": 5, "addresses": ["0xA0b86a33E6417b3c4555ba476F04245600306D5D"]}
INPUTS = [
    {"name": "from", "type": "address", "indexed": True, "internalType": "address"},
    {"name": "to", "type": "address", "indexed": True},
    {"name": "value", "type": "uint256", "indexed": False},
]


def one(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "topic0": "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
        "event_signature": {"type": "event", "name": "Transfer", "inputs": INPUTS},
        "subscriber_id": "my-app",
        **PLACE,
        "addresses": [PLACE["addresses"][0].lower()],
        **changes,
    }


def page(*found: dict[str, Any], number: int = 1, total: int | None = None) -> Reply:
    body = {"subscriptions": found, "total": len(found) if total is None else total, "page": number}
    return Reply(200, body | {"page_size": 100})


def calls(server: ScriptedServer) -> list[str]:
    return [f"{each.method} {each.path.split('?')[0]}" for each in server.requests]


def test_one_call_does_it(client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(200, one(7)))
    assert client.subscribe(EVENT, **PLACE).id == 7
    assert calls(server) == ["PUT /subscriptions"]
    assert server.requests[0].json["subscriber_id"] == "my-app"


def test_it_is_safe_to_repeat(client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(503, {"error": "away"}), Reply(201, one(7)))
    assert client.subscribe(EVENT, **PLACE).id == 7


def test_a_new_one_is_asked_for_as_ever(client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(201, one(8)))
    assert client.subscribe(EVENT, **PLACE, new=True).id == 8
    assert calls(server) == ["POST /subscriptions"]


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_service_that_lacks_the_call_is_asked_for_its_list(
    client: Twin, server: ScriptedServer, status: int
) -> None:
    others = [one(1, start_block=6), one(2, end_block=9), one(3, chain_id=2), one(4, addresses=[])]
    renamed = {"type": "event", "name": "Transfer", "inputs": [{**each, "name": "x"} for each in INPUTS]}
    unreadable = {"type": "event", "name": "Transfer", "inputs": [{"type": "no type"}]}
    server.script(
        Reply(status, {"detail": "Method Not Allowed"}),
        page(*others, one(5, event_signature=renamed), one(6, event_signature=unreadable), total=101),
        page(one(12), one(11), number=2, total=101),
    )
    assert client.subscribe(EVENT, **PLACE).id == 11
    assert calls(server) == ["PUT /subscriptions", "GET /subscriptions", "GET /subscriptions"]


def test_where_the_list_has_none_one_is_created(client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(405, {"detail": "no"}), page(), Reply(201, one(9)), page(one(9)))
    assert client.subscribe(EVENT, **PLACE).id == 9
    assert calls(server)[2:] == ["POST /subscriptions", "GET /subscriptions"]


def test_of_two_that_were_created_at_once_the_younger_is_taken_back(
    client: Twin, server: ScriptedServer
) -> None:
    server.script(Reply(405, {"detail": "no"}), page(), Reply(201, one(9)), page(one(8), one(9)), Reply(204))
    assert client.subscribe(EVENT, **PLACE).id == 8
    assert calls(server)[-1] == "DELETE /subscriptions/9"


@pytest.mark.parametrize(
    ("status", "error"), [(422, EventStreamerRequestError), (500, EventStreamerServerError)]
)
def test_every_other_refusal_is_raised(
    client: Twin, server: ScriptedServer, status: int, error: type[Exception]
) -> None:
    server.script(*[Reply(status, {"error": "no"})] * 3)
    with pytest.raises(error):
        client.subscribe(EVENT, **PLACE)
    assert set(calls(server)) == {"PUT /subscriptions"}, "nothing is created behind an error's back"


def test_the_model_goes_in_as_well(client: Twin, server: ScriptedServer) -> None:
    from event_streamer_sdk.abi import event_key
    from event_streamer_sdk.models import SubscriptionCreate

    server.script(Reply(201, one(7)))
    event = ABIEvent.from_dict(json.loads(json.dumps(one(7)["event_signature"])))
    wanted = SubscriptionCreate(event_signature=event, chain_id=1, start_block=5)
    assert client.get_or_create_subscription(wanted).id == 7
    assert event_key(event) == '["Transfer(address,address,uint256)",false,' + (
        '[["from",true,[]],["to",true,[]],["value",false,[]]]]'
    )

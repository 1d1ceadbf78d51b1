"""`subscribe(where=…)`: values become topics, and a service that ignores these is told of."""

from typing import Any

import pytest

from event_streamer_sdk.exceptions import EventStreamerSDKError, EventStreamerValidationError
from event_streamer_service import DevChain, LocalService
from support.scripted_server import Reply, ScriptedServer
from support.twins import KINDS, Twin, twin

pytestmark = pytest.mark.quick

EVENT = "event Transfer(address indexed from, address indexed to, uint256 value)"
PLACE: dict[str, Any] = {"chain_id": 1, "start_block": 5}
ALICE, BOB = "0x" + "Aa" * 20, "0x" + "bb" * 20


def word(address: str) -> str:
    return "0x" + "0" * 24 + address[2:].lower()


def made(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "topic0": "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
        "event_signature": {"type": "event", "name": "Transfer", "inputs": []},
        "subscriber_id": "my-app",
        "addresses": [],
        **PLACE,
        **changes,
    }


@pytest.mark.parametrize(
    ("where", "topics"),
    [
        ({"to": BOB}, [None, None, [word(BOB)]]),
        ({"to": [ALICE, BOB]}, [None, None, [word(ALICE), word(BOB)]]),
        ({"to": (ALICE,), "from": BOB}, [None, [word(BOB)], [word(ALICE)]]),
        ({"to": BOB, "from": None}, [None, None, [word(BOB)]]),
    ],
)
def test_values_become_topics(client: Twin, server: ScriptedServer, where: Any, topics: Any) -> None:
    server.script(Reply(201, made(7, topics=topics)))
    assert client.subscribe(EVENT, **PLACE, where=where).topics == topics
    assert server.requests[0].json["topics"] == topics


def test_without_a_condition_the_field_is_not_sent(client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(201, made(7)), Reply(201, made(7)))
    client.subscribe(EVENT, **PLACE)
    client.subscribe(EVENT, **PLACE, where={})
    assert all("topics" not in each.json for each in server.requests)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"value": 1}, "'value' is not an indexed parameter of Transfer"),
        ({"too": BOB}, "'too' is not a parameter of Transfer.*did you mean"),
        ({"to": []}, r"where\['to'\] has 0 values; 1 to 100"),
        ({"to": [BOB] * 101}, r"where\['to'\] has 101 values"),
        ({"to": "bob.eth"}, "to"),
        ("to=0x", "where must map indexed parameters to values"),
    ],
)
def test_a_wrong_condition_is_refused_before_anything_is_sent(
    client: Twin, server: ScriptedServer, where: Any, said: str
) -> None:
    with pytest.raises(EventStreamerValidationError, match=said):
        client.subscribe(EVENT, **PLACE, where=where)
    assert not server.requests


def test_a_service_that_ignores_topics_is_told_of_and_nothing_new_is_left_there(
    client: Twin, server: ScriptedServer
) -> None:
    server.script(Reply(201, made(9)), Reply(204, None))
    with pytest.raises(EventStreamerSDKError, match="ignores the field topics"):
        client.subscribe(EVENT, **PLACE, where={"to": BOB}, new=True)
    assert [f"{each.method} {each.path}" for each in server.requests] == [
        "POST /subscriptions",
        "DELETE /subscriptions/9",
    ]


def test_a_subscription_that_may_be_somebodys_is_left_where_topics_are_ignored(
    client: Twin, server: ScriptedServer
) -> None:
    server.script(Reply(200, made(9)))
    with pytest.raises(EventStreamerSDKError, match="subscription 9, which gets every log"):
        client.subscribe(EVENT, **PLACE, where={"to": BOB})
    assert [each.method for each in server.requests] == ["PUT"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_was_asked_for_arrives(kind: str) -> None:
    chain = DevChain(blocks=40, logs_per_block=30)
    alice, bob = chain.accounts[:2]
    with LocalService(chain) as service, twin(kind, service.url, "my-app") as client:
        place: dict[str, Any] = {"chain_id": 31_337, "start_block": 0}
        wanted = client.subscribe(EVENT, **place, end_block=39, where={"to": [alice, bob]})
        assert client.subscribe(EVENT, **place, end_block=39, where={"to": [bob, alice]}).id == wanted.id
        assert client.subscribe(EVENT, **place, end_block=39, where={"from": [alice, bob]}).id != wanted.id
        found = client.fetch(EVENT, **place, end_block=39, where={"to": [alice, bob]})
        everything = client.fetch(EVENT, **place, end_block=39)
        expected = [row for row in everything if row["to"].lower() in {alice, bob}]
        assert 0 < len(expected) < len(everything)
        assert list(found) == expected

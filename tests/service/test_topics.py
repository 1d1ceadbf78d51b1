"""Subscriptions to a part of an event's logs, by their topics."""

from typing import Any

import pytest

from event_streamer_service import DevChain, LocalService
from support.raw_client import TRANSFER_TOPIC, RawClient, definition, transfer

OTHER_TOPIC = "0x" + "ab" * 32


def word(address: str) -> str:
    return "0x" + "0" * 24 + address[2:]


@pytest.fixture
def chain() -> DevChain:
    return DevChain(blocks=12, logs_per_block=40)


@pytest.mark.quick
def test_topics_select_in_history_and_at_the_head(chain: DevChain) -> None:
    alice = chain.accounts[0]
    with LocalService(chain) as service, RawClient(service.url) as client:
        number = client.subscribe(topics=[None, None, [word(alice).upper().replace("0X", "0x")]])
        everything = client.subscribe()
        assert client.subscription(number)["topics"] == [None, None, [word(alice)]]
        assert client.subscription(everything)["topics"] is None
        with client.stream(number) as some, client.stream(everything) as whole:
            got: list[Any] = []
            all_of_it: list[Any] = []
            chain.mine(1)
            while not all_of_it or all_of_it[-1]["block_number"] < chain.head_number:
                all_of_it += whole.next("event_batch")["events"]["Transfer"]
            wanted = [each for each in all_of_it if each["to"].lower() == alice]
            while len(got) < len(wanted):
                got += some.next("event_batch")["events"]["Transfer"]
        assert 0 < len(wanted) < len(all_of_it)
        assert [each["log_index"] for each in got] == [each["log_index"] for each in wanted]
        assert {each["block_number"] for each in got} == {each["block_number"] for each in wanted}


@pytest.mark.quick
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"topics": [None] * 4}, "topics has 4 positions, and 3 are allowed for Transfer"),
        ({"topics": [[OTHER_TOPIC]]}, "topics\\[0\\] must be null or the event's own topic0"),
        ({"topics": []}, "topics"),
        ({"topics": [None, []]}, "topics"),
        ({"topics": [None, ["0x12"]]}, "topics"),
        ({"topics": [None, "0x" + "00" * 32]}, "topics"),
        ({"topics": [None, [OTHER_TOPIC] * 101]}, "topics"),
    ],
)
def test_wrong_topics_are_refused(client: RawClient, changes: dict[str, Any], said: str) -> None:
    answer = client.http.post("/subscriptions", json=definition(**changes))
    assert answer.status_code == 422
    assert said.replace("\\", "") in answer.json()["detail"]


@pytest.mark.quick
def test_the_same_topics_are_the_same_subscription_however_they_are_spelled(client: RawClient) -> None:
    def put(topics: object) -> int:
        return int(client.http.put("/subscriptions", json=definition(topics=topics)).json()["id"])

    one, other = "0x" + "0a" * 32, "0x" + "0b" * 32
    number = put([None, [one, other]])
    assert put([[TRANSFER_TOPIC], [other.upper().replace("0X", "0x"), one, one], None]) == number
    assert put([None, [one]]) != number
    assert put([None, None, [one, other]]) != number
    assert put(None) == put([None, None, None]) == put([[TRANSFER_TOPIC]])


@pytest.mark.quick
def test_topics_change_and_go(client: RawClient) -> None:
    number = client.subscribe(topics=[None, ["0x" + "0a" * 32]])
    changed = client.call(
        "PUT", f"/subscriptions/{number}", 200, json={"topics": [None, None, [OTHER_TOPIC]]}
    )
    assert changed["topics"] == [None, None, [OTHER_TOPIC]]
    client.call("PUT", f"/subscriptions/{number}", 422, json={"topics": [None] * 5})
    # An event with fewer indexed parameters doesn't fit any more.
    none_indexed = transfer()
    for each in none_indexed["inputs"]:
        each["indexed"] = False
    client.call("PUT", f"/subscriptions/{number}", 422, json={"event_signature": none_indexed})
    assert client.call("PUT", f"/subscriptions/{number}", 200, json={"topics": None})["topics"] is None


@pytest.mark.quick
def test_an_anonymous_events_parameters_begin_at_the_first_position(client: RawClient) -> None:
    event = transfer() | {"anonymous": True}
    wanted = {"event_signature": event, "addresses": ["0x" + "11" * 20]}
    number = client.subscribe(**wanted, topics=[["0x" + "0c" * 32]])
    assert client.subscription(number)["topics"] == [["0x" + "0c" * 32]]
    client.post("/subscriptions", definition(**wanted, topics=[None, None, [OTHER_TOPIC]]), 422)

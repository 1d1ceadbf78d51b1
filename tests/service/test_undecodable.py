"""Logs with the right topic0 that are not the event: its reader is told, and the subscription shows it."""

from typing import Any

import pytest

from event_streamer_api.models import ABIEvent
from event_streamer_service import DevChain
from event_streamer_service.chains.types import Log
from event_streamer_service.delivery.undecodable import TELL_EVERY, UndecodableLogs
from support.raw_client import RawClient, transfer
from support.services import StartService


def without_indexed() -> dict[str, Any]:
    """Transfer as somebody types it in who doesn't know what `indexed` means."""
    return transfer() | {"inputs": [each | {"indexed": False} for each in transfer()["inputs"]]}


@pytest.mark.quick
def test_an_event_without_indexed_says_so_on_the_stream_and_in_the_subscription(client: RawClient) -> None:
    number = client.subscribe(event_signature=without_indexed(), end_block=150)
    assert client.subscription(number)["problem"] is None
    with client.stream(number) as stream:
        messages = list(stream.messages())
    (error,) = [message for message in messages if message["type"] == "error"]
    assert (error["error_code"], error["recoverable"]) == ("UNDECODABLE_LOGS", True)
    assert "it has 3 topics, and the subscription's event has 1" in error["error_message"]
    assert "Transfer(address from, address to, uint256 value)" in error["error_message"]
    assert messages[-1]["type"] == "end", "the stream goes on"
    shown = client.subscription(number)
    assert shown["problem"] == error["error_message"]
    (listed,) = client.get("/subscriptions")["subscriptions"]
    assert (listed["last_processed_block"], listed["streaming_status"]) == (150, "finished"), "saved or not"
    assert shown["last_processed_block"] == 150
    client.call("PUT", f"/subscriptions/{number}", 200, json={"event_signature": transfer()})
    assert client.subscription(number)["problem"] is None, "another event, another chance"


def test_it_is_told_live_too(start: StartService, database: str) -> None:
    chain = DevChain(blocks=1, logs_per_block=0)
    with RawClient(start(chain).url) as client:
        number = client.subscribe(event_signature=without_indexed())
        with client.stream(number) as stream:
            chain.mine()
            chain.transfer("0x" + "aa" * 20, "0x" + "bb" * 20, 5, mine=True)
            assert stream.next("error")["error_code"] == "UNDECODABLE_LOGS"


def test_other_contracts_events_of_the_same_topic0_are_usual(client: RawClient) -> None:
    """ERC-721's Transfer among ERC-20's: with all contracts watched nobody wants to hear of it."""
    number = client.subscribe(end_block=150)
    with client.stream(number) as stream:
        kinds = {message["type"] for message in stream.messages()}
    assert "undecodable_logs_total" in client.http.get("/metrics").text
    assert kinds <= {"event_batch", "heartbeat", "end"}
    assert client.subscription(number)["problem"] is None


def test_other_logs_of_its_contract_are_usual_for_an_anonymous_event() -> None:
    note = ABIEvent.from_dict({"type": "event", "name": "Note", "inputs": [], "anonymous": True})
    logs = UndecodableLogs(note, expected=True)
    logs.note(log(1), "it has 1 topic")
    assert logs.due(delivered=1, now=0.0) is None
    told = logs.due(delivered=0, now=0.0)
    assert told is not None
    assert told.startswith("1 log is not delivered: the contract is that of the subscription")


def log(index: int) -> Log:
    return Log("0x" + "11" * 20, ("0x" + "22" * 32,), "0x", 7, "0x" + "33" * 32, "0x" + "44" * 32, index)


def test_a_reader_is_reminded_and_not_flooded() -> None:
    event = ABIEvent.from_dict(transfer())
    logs = UndecodableLogs(event, expected=True)
    assert logs.due(delivered=0, now=0) is None
    logs.note(log(1), "it is short")
    said = logs.due(delivered=5, now=0)
    assert said is not None
    assert said.startswith("1 log is not delivered")
    assert said.endswith(f"log 1 of block 7 from 0x{'11' * 20}: it is short.")
    for index in range(2, 1001):
        logs.note(log(index), "it is short")
        assert logs.due(delivered=5, now=TELL_EVERY - 1) is None
    assert (logs.due(delivered=5, now=TELL_EVERY) or "").startswith("1,000 logs are not delivered")
    assert logs.due(delivered=5, now=3 * TELL_EVERY) is None, "nothing new"


def test_where_all_contracts_are_watched_one_decoded_log_makes_the_rest_usual() -> None:
    logs = UndecodableLogs(ABIEvent.from_dict(transfer()), expected=False)
    logs.note(log(1), "it is short")
    assert logs.due(delivered=1, now=0) is None
    assert logs.due(delivered=0, now=0) is not None

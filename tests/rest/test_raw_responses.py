"""Results with the response that they were read from, and request ids."""

import asyncio
import inspect
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.exceptions import (
    EventStreamerNotFoundError,
    EventStreamerSDKError,
)
from event_streamer_sdk.models.abi import ABIEvent
from event_streamer_sdk.models.subscriptions import SubscriptionCreate, SubscriptionUpdate
from event_streamer_service import DevChain, LocalService
from support.scripted_server import Reply, ScriptedServer, scripted_server
from support.twins import KINDS, twin

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
CHAIN = {"chain_id": 1, "name": "Ethereum Mainnet", "status": "active"}
kinds = pytest.mark.parametrize("kind", KINDS)

pytestmark = pytest.mark.quick


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        running.stays = Reply(json=CHAIN, headers={"X-Request-Id": "req_7"})
        yield running


@pytest.fixture(scope="module")
def service() -> Iterator[LocalService]:
    with LocalService(DevChain(chain_id=1, blocks=20)) as running:
        yield running


@kinds
def test_a_raw_response_has_status_headers_request_id_and_the_result(
    kind: str, server: ScriptedServer
) -> None:
    with twin(kind, server.url) as client:
        raw = client.run(client.client.with_raw_response.get_chain(1))
        assert (raw.status, raw.request_id, raw.headers["content-type"]) == (200, "req_7", "application/json")
        assert raw.parsed.name == "Ethereum Mainnet"
        assert b"Ethereum Mainnet" in raw.content
        assert client.get_chain(1) == raw.parsed


@kinds
def test_a_refusal_that_is_a_result_is_there_too(kind: str, server: ScriptedServer) -> None:
    server.stays = Reply(404, json={"error": "not being processed"}, headers={"X-Request-Id": "req_8"})
    with twin(kind, server.url) as client:
        raw = client.run(client.client.with_raw_response.get_subscription_last_processed_block(1))
        assert (raw.status, raw.request_id, raw.parsed) == (404, "req_8", None)


@kinds
def test_raw_responses_of_calls_at_once_are_not_mixed_up(kind: str, server: ScriptedServer) -> None:
    def answer(number: int) -> Reply:
        return Reply(json={**CHAIN, "chain_id": number}, headers={"X-Request-Id": f"req_{number}"})

    server.waiting.extend(answer(number) for number in range(1, 21))
    with twin(kind, server.url) as client:
        calls = client.client.with_raw_response
        if kind == "async":

            async def all_at_once() -> list[Any]:
                return await asyncio.gather(*(calls.get_chain(1) for _ in range(20)))

            answers = client.run(all_at_once())
        else:
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(calls.get_chain(1))) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert {answer.parsed.chain_id for answer in answers} == set(range(1, 21))
    assert all(answer.request_id == f"req_{answer.parsed.chain_id}" for answer in answers)


@kinds
def test_handwritten_calls_and_errors_have_their_response_too(kind: str, service: LocalService) -> None:
    with twin(kind, service.url) as client:
        raw = client.client.with_raw_response
        made = client.run(raw.subscribe(TRANSFER, chain_id=1, start_block=0, end_block=3, new=True))
        assert made.status == 201
        assert made.request_id == made.parsed.request_id
        with pytest.raises(EventStreamerNotFoundError) as caught:
            client.run(raw.get_subscription(987_654))
        assert caught.value.request_id


@kinds
def test_every_answer_knows_its_request_id_and_equals_others(kind: str, server: ScriptedServer) -> None:
    with twin(kind, server.url) as client:
        answer = client.get_chain(1)
        assert answer.request_id == "req_7"
        server.waiting.append(Reply(json=CHAIN))
        other = client.get_chain(1)
        assert other.request_id is None
        assert other == answer
        assert "request_id" not in answer.to_dict()
        assert "req_7" not in repr(answer)


def test_a_model_of_ones_own_has_no_request_id() -> None:
    subscription = SubscriptionCreate(
        event_signature=ABIEvent(name="E"), chain_id=1, start_block=0, subscriber_id="me"
    )
    assert subscription.request_id is None


def test_every_call_of_the_client_has_a_raw_one() -> None:
    """Also what the specification gains later: the list is printed from it."""
    for client_class in (EventStreamer, SyncEventStreamer):
        client = client_class("http://127.0.0.1:1", "me")
        calls = {name for name in dir(client) if not name.startswith("_") and callable(getattr(client, name))}
        others = {
            "close", "create_streaming_client", "extract_abi_event", "extract_abi_events", "fetch",
            "from_env", "health_check", "iter_subscription_pages", "iter_subscriptions", "parse_contract_abi",
            "wait_until_done", "with_options",
        }  # fmt: skip
        raw = {name for name in dir(client.with_raw_response) if not name.startswith("_")}
        assert raw == calls - others


def test_raw_calls_take_what_the_calls_take() -> None:
    """Same parameters, in the same order, with the same defaults; what they give is in a `RawResponse`."""
    for client_class in (EventStreamer, SyncEventStreamer):
        client = client_class("http://127.0.0.1:1", "me")
        raw = client.with_raw_response
        for name in (name for name in dir(raw) if not name.startswith("_")):
            one, other = (inspect.signature(getattr(thing, name)) for thing in (client, raw))
            assert list(one.parameters.values()) == list(other.parameters.values()), name


PING = SubscriptionCreate(
    event_signature=ABIEvent(name="Ping"), chain_id=5, start_block=3, subscriber_id="me"
)
RAW_CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("create_subscription", (PING,), {}),
    ("get_or_create_subscription", (PING,), {}),
    (
        "subscribe",
        (TRANSFER, "Transfer"),
        {
            "chain_id": 5,
            "start_block": 3,
            "end_block": 9,
            "addresses": ["0x" + "11" * 20],
            "where": {"to": "0x" + "22" * 20},
            "new": True,
        },
    ),
    ("update_subscription", (7, SubscriptionUpdate(end_block=9)), {}),
    ("get_subscription_last_processed_block", (7, 5), {}),
    ("request", ("PUT", "/a"), {"params": {"b": 1}, "json": [2], "headers": {"X-C": "3"}}),
    ("get", ("/a",), {"params": {"b": 1}}),
    *((name, ("/a",), {"params": {"b": 1}, "json": [2]}) for name in ("post", "put", "patch", "delete")),
]


@kinds
@pytest.mark.parametrize(("name", "args", "kwargs"), RAW_CALLS, ids=[name for name, _, _ in RAW_CALLS])
def test_handwritten_raw_calls_send_what_the_calls_send(
    kind: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], server: ScriptedServer
) -> None:
    server.stays = Reply(status=422, json={"detail": "no"})

    def sent(calls: Any, client: Any) -> list[Any]:
        with pytest.raises(EventStreamerSDKError):
            client.run(getattr(calls, name)(*args, **kwargs))
        requests = [
            (each.method, each.path, each.query, each.json, each.headers.get("x-c"))
            for each in server.requests
        ]
        server.requests.clear()
        return requests

    with twin(kind, server.url) as client:
        once = sent(client.client, client)
        assert len(once) == 1
        assert sent(client.client.with_raw_response, client) == once

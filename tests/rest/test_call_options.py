"""Options as arguments of each call: timeout, max_retries and headers."""

import inspect
import threading
from contextlib import suppress
from typing import Any

import httpx
import pytest

from event_streamer_sdk import CallOptions, EventStreamer, SyncEventStreamer
from event_streamer_sdk.exceptions import (
    EventStreamerServerError,
    EventStreamerTimeoutError,
    EventStreamerValidationError,
)
from support.scripted_server import Reply, ScriptedServer
from support.twins import Twin, twin

CHAIN = {"chain_id": 1, "name": "Ethereum Mainnet", "status": "active"}
TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
HAVE_OTHERS = {"fetch", "create_streaming_client", "wait_until_done", "close", "with_options", "from_env"}
"""Methods that are no calls, or that take the options of a stream."""

pytestmark = pytest.mark.quick


@pytest.fixture(autouse=True)
def chain(server: ScriptedServer) -> None:
    server.script(Reply(json=CHAIN))


def test_they_hold_for_that_call_alone(client: Twin, server: ScriptedServer) -> None:
    client.get_chain(1, headers={"X-Trace": "a"})
    client.get_chain(1)
    assert [request.headers.get("x-trace") for request in server.requests] == ["a", None]


def test_a_call_is_repeated_as_often_as_it_says(client: Twin, server: ScriptedServer) -> None:
    for times in (0, 3):
        server.script(Reply(status=503, headers={"Retry-After": "0"}))
        with pytest.raises(EventStreamerServerError):
            client.get_chain(1, max_retries=times)
        assert len(server.requests) == 1 + times


@pytest.mark.parametrize("limit", [0.2, httpx.Timeout(0.2)], ids=str)
def test_a_call_takes_as_long_as_it_says(client: Twin, server: ScriptedServer, limit: Any) -> None:
    released = threading.Event()
    server.waiting.append(Reply(json=CHAIN, before=lambda _: released.wait(10)))
    with pytest.raises(EventStreamerTimeoutError):
        client.get_chain(1, timeout=limit, max_retries=0)
    released.set()


def test_no_limit_is_not_the_clients_limit(kind: str, server: ScriptedServer) -> None:
    server.waiting.append(Reply(json=CHAIN, before=lambda _: threading.Event().wait(0.6)))
    with twin(kind, server.url, timeout=0.3, max_retries=0) as client:
        assert client.get_chain(1, timeout=None).chain_id == 1


def test_they_win_over_the_clients_and_those_of_with_options(kind: str, server: ScriptedServer) -> None:
    with twin(kind, server.url, headers={"X-A": "client", "X-B": "client"}, api_key="secret-key") as client:
        other = client.client.with_options(headers={"x-b": "copy", "X-C": "copy"})
        client.run(other.get_chain(1, headers={"X-C": "call"}))
    sent = server.requests[-1].headers
    assert [sent[name] for name in ("x-a", "x-b", "x-c", "x-api-key")] == [
        "client", "copy", "call", "secret-key"
    ]  # fmt: skip


def test_the_content_type_of_a_call_by_path_is_the_one_that_was_given(
    client: Twin, server: ScriptedServer
) -> None:
    client.patch("/x", json={}, headers={"content-type": "application/merge-patch+json"})
    assert server.requests[-1].headers["content-type"] == "application/merge-patch+json"


def test_calls_with_their_response_take_them_too(client: Twin, server: ScriptedServer) -> None:
    answer = client.run(client.client.with_raw_response.get_chain(1, headers={"X-Trace": "a"}))
    assert (answer.parsed.chain_id, server.requests[-1].headers["x-trace"]) == (1, "a")


@pytest.mark.parametrize("made", [EventStreamer, SyncEventStreamer])
def test_every_call_has_them_and_all_have_the_same(made: type) -> None:
    raw = made("http://127.0.0.1:1", "x").with_raw_response
    calls = {
        name for name, _ in inspect.getmembers(made, inspect.isfunction) if not name.startswith("_")
    } - HAVE_OTHERS  # fmt: skip
    calls = {name for name in calls if "abi" not in name or name == "read_abi_events"}
    assert len(calls) > 25
    for name in calls:
        options = inspect.signature(getattr(made, name)).parameters["options"]
        assert options.annotation == "Unpack[CallOptions]", name
    assert {name for name in dir(raw) if not name.startswith("_")} <= calls
    assert set(CallOptions.__annotations__) == {"timeout", "max_retries", "headers"}


@pytest.mark.parametrize(
    "call",
    [
        lambda client, **options: client.subscribe(TRANSFER, chain_id=1, start_block=0, **options),
        lambda client, **options: client.subscribe(TRANSFER, chain_id=1, start_block=0, new=True, **options),
        lambda client, **options: client.iter_subscriptions(**options),
        lambda client, **options: client.get_subscription_last_processed_block(1, **options),
        lambda client, **options: client.health_check(**options),
        lambda client, **options: client.post("/x", **options),
    ],
    ids=["subscribe", "create", "iterate", "block", "health", "path"],
)
def test_calls_written_by_hand_pass_them_on(call: Any, client: Twin, server: ScriptedServer) -> None:
    server.script(Reply(status=503, headers={"Retry-After": "0"}))
    with suppress(EventStreamerServerError):  # health_check answers False
        call(client, headers={"X-Trace": "a"}, max_retries=0)
    assert [request.headers.get("x-trace") for request in server.requests] == ["a"]


@pytest.mark.parametrize(
    "options", [{"timeout": -1}, {"max_retries": -1}, {"max_retries": "2"}, {"headers": {"X-A": "a\nb"}}],
    ids=str,
)  # fmt: skip
def test_wrong_ones_are_refused_before_anything_is_sent(
    client: Twin, server: ScriptedServer, options: dict[str, Any]
) -> None:
    with pytest.raises(EventStreamerValidationError):
        client.get_chain(1, **options)
    assert not server.requests


def test_a_misspelt_one_names_those_that_there_are(client: Twin) -> None:
    with pytest.raises(TypeError, match=r"get_chain\(\) has no argument 'tiemout'; did you mean timeout\?"):
        client.get_chain(1, tiemout=1)


@pytest.mark.parametrize(
    ("call", "given", "meant"),
    [
        ("subscribe", "from_block", "start_block"),
        ("subscribe", "to_block", "end_block"),
        ("subscribe", "toBlock", "end_block"),
        ("subscribe", "address", "addresses"),
        ("subscribe", "argument_filters", "where"),
        ("subscribe", "colour", None),
        ("list_subscriptions", "pagesize", "page_size"),
        ("iter_subscriptions", "chain", "chain_id"),
        ("iter_subscription_pages", "pages_size", "page_size"),
        ("get_subscription", "retries", "max_retries"),
        ("health_check", "header", "headers"),
        ("get", "param", "params"),
    ],
)
def test_an_argument_that_a_call_lacks_names_its_own_and_the_nearest(
    client: Twin, server: ScriptedServer, call: str, given: str, meant: str | None
) -> None:
    arguments: dict[str, Any] = {"chain_id": 1, "start_block": 0} if call == "subscribe" else {}
    first = {"subscribe": ["event Ping(uint256 a)"], "get_subscription": [1], "get": ["/x"]}.get(call, [])
    with pytest.raises(TypeError) as refused:
        list(getattr(client, call)(*first, **arguments, **{given: 1}))
    told = str(refused.value)
    assert told.startswith(f"{call}() has no argument {given!r}; "), told
    assert (f"did you mean {meant}?" in told) if meant else ("did you mean" not in told), told
    assert told.endswith("headers, max_retries, timeout")
    assert not server.requests

"""Python values in place of text (`typed=True`), and instances of classes, in handlers and loops."""

import inspect
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk.abi import extract_abi_event
from event_streamer_sdk.abi.codegen import generate_module
from event_streamer_sdk.exceptions import EventStreamerValidationError, LogDecodeError
from event_streamer_service import DevChain, LocalService
from support.twins import KINDS, Twin, twin

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
ALICE, BOB = "0x" + "aa" * 20, "0x" + "bb" * 20
VALUES = [0, 1, 2**255, 2**256 - 1]

pytestmark = pytest.mark.quick


@pytest.fixture
def service() -> Iterator[LocalService]:
    chain = DevChain(blocks=1, logs_per_block=0)
    for value in VALUES:
        chain.transfer(ALICE, BOB, value, mine=True)
    with LocalService(chain) as running:
        yield running


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, service: LocalService) -> Iterator[Twin]:
    with twin(request.param, service.url) as made:
        yield made


def open_stream(client: Twin, **options: Any) -> Any:
    subscription = client.subscribe(TRANSFER, chain_id=31337, start_block=0, end_block=len(VALUES))
    return client.client.create_streaming_client(subscription.id, **options)


@pytest.fixture
def transfer_class() -> Any:
    namespace: dict[str, Any] = {}
    exec(generate_module([extract_abi_event([f"event {TRANSFER};"], "Transfer")]), namespace)
    return namespace["Transfer"]


def collect(client: Twin, seen: list[Any]) -> Any:
    """A handler of the kind that the client's users write."""
    if client.kind == "sync":
        return seen.extend

    async def handle(events: list[Any]) -> None:
        seen.extend(events)

    return handle


def test_typed_handlers_get_python_values(client: Twin) -> None:
    stream = open_stream(client, typed=True)
    seen: list[Any] = []
    batches: list[Any] = []
    stream.on_event("Transfer")(collect(client, seen))
    stream.on_all_events(batches.append)  # a plain function, with either client
    report = client.run(stream.run())
    assert [event["value"] for event in seen] == VALUES
    assert {event["from"] for event in seen} == {ALICE}
    assert all(isinstance(event["block_number"], int) for event in seen)
    assert {event["timestamp"].tzinfo for event in seen} == {UTC}
    assert sorted({event["timestamp"] for event in seen}) == [event["timestamp"] for event in seen]
    assert [event for batch in batches for event in batch["Transfer"]] == seen
    assert report.events == len(VALUES)


def test_without_it_they_get_the_text_of_the_stream(client: Twin) -> None:
    stream = open_stream(client)
    seen: list[Any] = []
    stream.on_event("Transfer")(collect(client, seen))
    client.run(stream.run())
    assert [event["value"] for event in seen] == [str(value) for value in VALUES]
    assert all(isinstance(event["timestamp"], str) for event in seen)


def test_typed_loops_get_python_values(client: Twin) -> None:
    stream = open_stream(client, typed=True)
    found = client.run(stream.__aiter__() if client.kind == "async" else iter(stream))
    assert [event["value"] for batch in found for event in batch.events["Transfer"]] == VALUES


def test_typed_events_one_by_one(client: Twin) -> None:
    assert [event["value"] for event in client.run(open_stream(client, typed=True).events())] == VALUES


@pytest.mark.parametrize("typed", [False, True])
def test_a_handler_may_take_instances(client: Twin, transfer_class: Any, typed: bool) -> None:
    stream = open_stream(client, typed=typed)
    seen: list[Any] = []
    handler = collect(client, seen)
    assert stream.on_event(transfer_class)(handler) is handler
    client.run(stream.run())
    assert all(type(transfer) is transfer_class for transfer in seen)
    assert [(transfer.from_, transfer.to, transfer.value) for transfer in seen] == [
        (ALICE, BOB, value) for value in VALUES
    ]
    assert {type(transfer.timestamp) for transfer in seen} == {str}, "as its annotation says"


def test_events_that_do_not_fit_the_class_are_a_failure_of_the_handler(client: Twin) -> None:
    namespace: dict[str, Any] = {}
    other = extract_abi_event(["event Transfer(address a, bytes32 b)"], "Transfer")
    exec(generate_module([other]), namespace)
    stream = open_stream(client, handler_retries=0)
    stream.on_event(namespace["Transfer"])(collect(client, []))
    with pytest.raises(LogDecodeError):
        client.run(stream.run())
    assert stream.get_current_resume_token() is None


@pytest.mark.parametrize("wrong", [int, 5, None, ["Transfer"]])
def test_other_things_are_refused(client: Twin, wrong: Any) -> None:
    with pytest.raises(EventStreamerValidationError, match="codegen"):
        open_stream(client).on_event(wrong)


def test_the_definition_is_asked_for_once(client: Twin, service: LocalService) -> None:
    stream = open_stream(client, typed=True)
    stream.on_event("Transfer")(collect(client, []))
    stream.on_all_events(collect(client, []) if client.kind == "sync" else lambda _: None)
    asked = []
    original = client.client.get_subscription

    def count(subscription_id: int) -> Any:
        asked.append(subscription_id)
        return original(subscription_id)

    client.client.get_subscription = count
    client.run(stream.run())
    assert asked == [stream.subscription_id]


def test_the_generated_example_is_one_of_these_classes() -> None:
    from event_streamer_sdk.abi.codegen import is_event_class

    source = Path(__file__).resolve().parents[2] / "examples" / "token_events.py"
    namespace: dict[str, Any] = {}
    exec(source.read_text("utf-8"), namespace)
    assert is_event_class(namespace["Transfer"])
    assert inspect.isclass(namespace["Approval"])


def test_a_typed_handler_that_returns_a_coroutine_is_awaited_or_refused(client: Twin) -> None:
    """A plain function that gives a coroutine can't be told by looking at it."""
    stream = open_stream(client, typed=True)
    seen: list[Any] = []

    async def work(events: list[Any]) -> None:
        seen.extend(events)

    stream.on_event("Transfer")(lambda events: work(events))
    if client.kind == "sync":
        with pytest.raises(EventStreamerValidationError, match="returned a coroutine: use EventStreamer"):
            stream.run()
        assert seen == []
    else:
        client.run(stream.run())
        assert [event["value"] for event in seen] == VALUES

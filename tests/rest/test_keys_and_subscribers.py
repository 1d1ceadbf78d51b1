"""An API key belongs to one subscriber, so a client that has one needs no subscriber id."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.workers import SyncWorker, Worker
from event_streamer_service import DevChain, LocalService
from support.twins import twin

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
KEYS = {"alices-key": "alice", "bobs-key": "bob"}
kinds = pytest.mark.parametrize("kind", ["async", "sync"])


@pytest.fixture
def service() -> Iterator[LocalService]:
    with LocalService(DevChain(blocks=5), api_keys=KEYS, admin_keys=["root-key"]) as running:
        yield running


@kinds
def test_the_service_takes_the_subscriber_from_the_key(kind: str, service: LocalService) -> None:
    blocks: dict[str, Any] = {"chain_id": 31337, "start_block": 0, "end_block": 3}
    with twin(kind, service.url, None, api_key="alices-key") as client:
        made = client.subscribe(TRANSFER, **blocks)
        assert made.subscriber_id == "alice"
        assert client.subscribe(TRANSFER, **blocks).id == made.id
        assert [each.id for each in client.list_subscriptions().subscriptions] == [made.id]
        assert len(client.fetch(TRANSFER, **blocks)) > 0
    with twin(kind, service.url, None, api_key=lambda: "bobs-key") as client:
        assert client.list_subscriptions().subscriptions == []


@kinds
def test_a_position_is_kept_and_found_again(kind: str, service: LocalService, tmp_path: Path) -> None:
    handled = []
    for _ in range(2):
        with twin(kind, service.url, None, api_key="alices-key") as client:
            made = client.subscribe(TRANSFER, chain_id=31337, start_block=0, end_block=3)
            stream = client.client.create_streaming_client(made.id, checkpoint=tmp_path / "place.json")
            stream.on_event("Transfer")(lambda events: handled.append(len(events)))
            handled.append(client.run(stream.run()).events)
    assert handled[-1] == 0
    assert sum(handled[:-2]) == handled[-2] > 0


@kinds
def test_without_a_key_it_says_that_a_subscriber_is_missing(kind: str) -> None:
    made = {"async": EventStreamer, "sync": SyncEventStreamer}[kind]
    with pytest.raises(EventStreamerValidationError, match="subscriber_id is missing: say who subscribes"):
        made("http://localhost:8000")


@kinds
def test_workers_share_what_belongs_to_the_keys_subscriber(
    kind: str, service: LocalService, tmp_path: Path
) -> None:
    with SyncEventStreamer(service.url, api_key="alices-key") as client:
        number = client.subscribe(TRANSFER, chain_id=31337, start_block=0, end_block=3).id
    place = f"sqlite:///{tmp_path}/p.db"

    def app(stream: Any) -> None:
        @stream.on_event("Transfer")
        def handle(events: list[Any]) -> None:
            assert stream.subscription_id == number
            worker.stop()

    async def work() -> None:
        nonlocal worker
        async with EventStreamer(service.url, api_key="alices-key") as client:
            worker = Worker(client, app, checkpoint=place)
            await worker.run()

    worker: Any = None
    if kind == "async":
        asyncio.run(work())
    else:
        with SyncEventStreamer(service.url, api_key="alices-key") as client:
            worker = SyncWorker(client, app, checkpoint=place)
            worker.run()


def test_a_worker_with_the_key_of_nobody_says_what_is_missing(service: LocalService, tmp_path: Path) -> None:
    with SyncEventStreamer(service.url, api_key="root-key") as client:
        worker = SyncWorker(client, print, checkpoint=f"sqlite:///{tmp_path}/p.db")
        with pytest.raises(
            EventStreamerValidationError, match="doesn't belong to a subscriber: give the client a"
        ):
            worker.run()

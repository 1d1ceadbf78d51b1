"""A service of the tests' own on a development chain, and a fetch by either client."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.frames import EventFrame
from event_streamer_service import DevChain, LocalService
from support.ports import refusing_port
from support.sinks import CHAIN, OPTIONS, small_chain

Fetch = Callable[..., EventFrame]


@pytest.fixture
def chain() -> DevChain:
    return small_chain(60)


@pytest.fixture
def service(chain: DevChain) -> Iterator[LocalService]:
    with LocalService(chain, heartbeat_interval=1) as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def fetch(request: pytest.FixtureRequest, service: LocalService) -> Fetch:
    """Fetch with either client, on the development chain unless another is named."""

    def run(event: Any, name: str | None = None, **arguments: Any) -> EventFrame:
        arguments = {"chain_id": CHAIN, "start_block": 0, "end_block": 59} | OPTIONS | arguments
        if request.param == "sync":
            with SyncEventStreamer(service.url, "frames") as client:
                return client.fetch(event, name, **arguments)

        async def asynchronously() -> EventFrame:
            async with EventStreamer(service.url, "frames") as client:
                return await client.fetch(event, name, **arguments)

        return asyncio.run(asynchronously())

    return run


@pytest.fixture
def left_over(service: LocalService) -> Callable[[], list[int]]:
    """The ids of subscriptions that a fetch has left behind."""

    def ask() -> list[int]:
        with SyncEventStreamer(service.url, "frames") as client:
            return [each.id for each in client.iter_subscriptions()]

    return ask


@pytest.fixture
def free_port() -> Iterator[int]:
    with refusing_port() as port:
        yield port

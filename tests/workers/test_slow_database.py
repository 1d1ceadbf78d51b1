"""Workers' leases in a PostgreSQL that is far away, or silent."""

import asyncio
import time
from collections.abc import Iterator
from inspect import isawaitable
from typing import Any

import pytest

from event_streamer_sdk import EventStreamer
from event_streamer_sdk.checkpoints import AsyncSQLCheckpoint, Checkpoint, SQLCheckpoint
from event_streamer_sdk.workers import Worker
from event_streamer_service import DevChain, LocalService
from support.listener import until
from support.postgres import Missing, cluster
from support.slow_link import Link, link_to

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
BREAKING_OFF = 10.0
"""Seconds that psycopg gives a silent server to break off a statement."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where a PostgreSQL listens that the tests share."""
    try:
        with cluster() as url:
            yield int(url.rpartition(":")[2])
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def link(port: int) -> Iterator[Link]:
    with link_to(port) as made:
        yield made


def behind(link: Link) -> str:
    return f"postgresql://tests@127.0.0.1:{link.url_port}/postgres"


@pytest.mark.postgres
def test_leases_cost_one_round_trip_however_many_they_are(link: Link) -> None:
    """One after the other came too late for most, and kept rows locked between two statements."""
    keys = [f"slow:{number}" for number in range(30)]

    async def settled(answer: Any) -> Any:
        return await answer if isawaitable(answer) else answer

    async def take_and_keep(store: Any) -> float:
        assert await settled(store.acquire("slow:0"))
        link.delay = 0.2
        began = time.monotonic()
        assert await settled(store.acquire_all(keys)) == set(keys)
        assert await settled(store.renew_all(keys)) == set(keys)
        await settled(store.save("slow:1", Checkpoint(resume_token="rt_1")))
        took = time.monotonic() - began
        link.delay = 0.0
        await settled(store.close())
        return took

    for number, factory in enumerate((SQLCheckpoint, AsyncSQLCheckpoint)):
        store = factory(behind(link), lease_seconds=30, table=f"slow_{number}")
        took = asyncio.run(take_and_keep(store))
        assert took < 1.5, f"{took:.1f} s for three statements of 0.2 s each"


@pytest.mark.postgres
@pytest.mark.parametrize("messages", [0, 1, 2, 3, 5, 8])
def test_what_is_cancelled_ends_soon_where_the_database_fell_silent(link: Link, messages: int) -> None:
    """While it connects, looks at the server, makes the table, or asks."""

    async def cancelled() -> float:
        store = AsyncSQLCheckpoint(behind(link), lease_seconds=30)
        link.falls_silent_after = messages
        asking = asyncio.create_task(store.acquire_all(["slow:0"]))
        await until(lambda: link.silent)
        began = time.monotonic()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await store.close()
        return time.monotonic() - began

    assert asyncio.run(cancelled()) < BREAKING_OFF / 2


@pytest.mark.postgres
def test_a_worker_ends_though_its_database_fell_silent(link: Link, caplog: pytest.LogCaptureFixture) -> None:
    async def stopped(url: str) -> float:
        async with EventStreamer(url, "slow") as client:
            await client.subscribe(TRANSFER, chain_id=31_337, start_block=0)
            worker = Worker(
                client, lambda stream: stream.on_event("Transfer")(lambda _: None), checkpoint=behind(link)
            )
            running = asyncio.create_task(worker.run(handle_signals=False))
            await until(lambda: [each["state"] for each in worker.streams.values()] == ["streaming"])
            link.silent = True
            began = time.monotonic()
            worker.stop()
            await running
            return time.monotonic() - began

    with LocalService(DevChain(blocks=5)) as service:
        assert asyncio.run(stopped(service.url)) < BREAKING_OFF
    assert "the database doesn't answer; it runs out by itself" in caplog.text

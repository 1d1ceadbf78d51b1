"""Workers' leases in a PostgreSQL that is far away, or silent."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.checkpoints import AsyncSQLCheckpoint, Checkpoint, SQLCheckpoint
from event_streamer_sdk.workers import SyncWorker, Worker
from event_streamer_service import DevChain, LocalService
from support.listener import KINDS, until
from support.postgres import Missing, cluster
from support.services import wait_until
from support.slow_link import Link, link_to

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
OF_LOOPS = ("asyncio_", "database_")
"""Threads that an event loop, also the service's, makes when it needs them: its end waits for them."""
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


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an SQLite file as another process would that never ends its transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("PRAGMA busy_timeout = 30000")
        holder.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("store", [pytest.param("postgresql", marks=pytest.mark.postgres), "sqlite"])
def test_a_worker_ends_though_its_database_gives_no_answer(
    kind: str, store: str, request: pytest.FixtureRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No thread is left either for whose end Python would wait."""
    link = request.getfixturevalue("link") if store == "postgresql" else None
    url = behind(link) if link else f"sqlite:///{tmp_path}/positions.db"
    options: dict[str, Any] = {"checkpoint": url, "lease_seconds": 5.0, "poll_seconds": 0.1}
    made: list[Any] = []

    def app(stream: Any) -> None:
        stream.on_event("Transfer")(lambda _: None)

    async def work() -> None:
        async with EventStreamer(service.url, kind) as client:
            made.append(Worker(client, app, **options))
            await made[0].run(handle_signals=False)

    def blocking() -> None:
        with SyncEventStreamer(service.url, kind) as client:
            made.append(SyncWorker(client, app, **options))
            made[0].run(handle_signals=False)

    with LocalService(DevChain(blocks=5)) as service, ExitStack() as silence:
        with SyncEventStreamer(service.url, kind) as client:
            client.subscribe(TRANSFER, chain_id=31_337, start_block=0)
        before = set(threading.enumerate())
        running = threading.Thread(target=(lambda: asyncio.run(work())) if kind == "async" else blocking)
        running.start()
        wait_until(lambda: made and [each["state"] for each in made[0].streams.values()] == ["streaming"])
        if link:
            link.silent = True
            asked = link.sent
            wait_until(lambda: link.sent > asked)
        else:
            silence.enter_context(locked(tmp_path / "positions.db"))
        made[0].stop()
        running.join(BREAKING_OFF)
        in_time = not running.is_alive()
        left = [each.name for each in set(threading.enumerate()) - before - {running} if not each.daemon]
        awaited = [name for name in left if not name.startswith(OF_LOOPS)]
        if link:
            link.silent = False
        silence.close()
        running.join(60)
    assert in_time
    assert not awaited
    assert "the database doesn't answer" in caplog.text

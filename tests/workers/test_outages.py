"""A worker's database that goes away for longer than a lease: it is waited for, and nothing is lost."""

import asyncio
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.workers import SyncWorker, Worker
from event_streamer_service import DevChain, LocalService
from support.listener import KINDS
from support.ports import own_port
from support.postgres import Missing, cluster
from support.relay import Relay
from support.services import wait_until

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    try:
        running = cluster()
        with running as url:
            yield url
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.postgres
@pytest.mark.parametrize("kind", KINDS)
def test_a_database_that_is_away_for_longer_than_a_lease(kind: str, postgres: str) -> None:
    seen: list[int] = []

    def app(stream: Any) -> None:
        stream.on_event("Transfer")(lambda events: seen.extend(each["block_number"] for each in events))

    with (
        LocalService(DevChain(blocks=5, mine_every=0.1), heartbeat_interval=0.5) as service,
        Relay(int(postgres.rpartition(":")[2])) as relay,
        SyncEventStreamer(service.url, kind) as client,
    ):
        client.subscribe(TRANSFER, chain_id=31337, start_block=0)
        url = f"postgresql://tests@127.0.0.1:{relay.port}/postgres?connect_timeout=1"
        options: Any = {"checkpoint": url, "lease_seconds": 1.0, "poll_seconds": 0.1}
        made: list[Any] = []

        async def work() -> None:
            async with EventStreamer(service.url, kind) as streamer:
                made.append(Worker(streamer, app, **options))
                await made[0].run(handle_signals=False)

        def blocking() -> None:
            made.append(SyncWorker(client, app, **options))
            made[0].run(handle_signals=False)

        thread = threading.Thread(target=(lambda: asyncio.run(work())) if kind == "async" else blocking)
        thread.start()
        try:
            wait_until(lambda: len(set(seen)) > 5, seconds=20)
            relay.away()
            time.sleep(1.5)
            handled = len(seen)
            time.sleep(1.0)
            assert len(seen) == handled, "without a lease no handler is called"
            assert not made[0].is_healthy
            assert made[0].is_running
            relay.back()
            last = max(seen)
            wait_until(lambda: max(seen) > last + 10, seconds=20)
            assert set(range(max(seen))) <= set(seen), "nothing is lost"
            wait_until(lambda: made[0].is_healthy, seconds=10)
        finally:
            made[0].stop()
            thread.join(20)
        assert not thread.is_alive()


def test_in_a_web_applications_lifespan() -> None:
    """As in the guide for FastAPI, whose lifespan is Starlette's."""
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    seen: list[int] = []

    def handlers(stream: Any) -> None:
        @stream.on_event("Transfer")
        async def handle(events: list[dict[str, Any]]) -> None:
            seen.extend(each["block_number"] for each in events)

    with LocalService(DevChain(blocks=6)) as service:

        @asynccontextmanager
        async def lifespan(_: Starlette) -> Any:
            async with EventStreamer(service.url, "web") as client:
                await client.subscribe(TRANSFER, chain_id=31337, start_block=0, end_block=5)
                async with Worker(
                    client, handlers, checkpoint="sqlite:///:memory:", lease_seconds=5
                ) as worker:
                    web.state.worker = worker
                    yield

        async def health(_: Any) -> JSONResponse:
            return JSONResponse({"streams": len(web.state.worker.streams)})

        web = Starlette(lifespan=lifespan, routes=[Route("/", health)])
        port = own_port()
        server = uvicorn.Server(uvicorn.Config(web, port=port, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            wait_until(lambda: seen and max(seen) == 5)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                assert json.load(answer) == {"streams": 1}
        finally:
            server.should_exit = True
            thread.join(20)
        assert not thread.is_alive()
        assert not web.state.worker.is_running

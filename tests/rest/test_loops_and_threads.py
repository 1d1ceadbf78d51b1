"""One client in several event loops and threads, and the blocking one inside a running loop."""

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from event_streamer_sdk import EventStreamer, StreamingClient, SyncEventStreamer
from event_streamer_service import DevChain, LocalService
from support.listener import passing_over

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"

pytestmark = pytest.mark.quick
leaves_connections = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
"""uvloop warns of them while it closes a loop, and where the warning is an error it can't close it."""


@pytest.fixture
def unclosed() -> Iterator[None]:
    """asyncio warns of connections that a loop had when it was closed: only that loop could close them."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def service() -> Iterator[LocalService]:
    with LocalService(DevChain(chain_id=1, blocks=20)) as running:
        yield running


def test_asyncio_run_twice_with_one_client(service: LocalService) -> None:
    client = EventStreamer(service.url, "twice")

    async def work() -> int:
        async with client:
            subscription = await client.subscribe(TRANSFER, chain_id=1, start_block=0, end_block=5, new=True)
            report = await passing_over(client.create_streaming_client(subscription.id)).run()
        return report.events

    counts = [asyncio.run(work()) for _ in range(3)]
    assert counts[0] > 0
    assert counts == counts[:1] * 3


@leaves_connections
@pytest.mark.usefixtures("unclosed")
def test_a_client_is_closed_in_another_loop_than_its_stream_ran_in(service: LocalService) -> None:
    client = EventStreamer(service.url, "elsewhere")

    async def work() -> StreamingClient:
        subscription = await client.subscribe(TRANSFER, chain_id=1, start_block=0, end_block=5)
        stream = passing_over(client.create_streaming_client(subscription.id))
        await stream.run()
        return stream

    stream = asyncio.run(work())
    asyncio.run(client.close())
    assert not stream.is_running


@leaves_connections
@pytest.mark.usefixtures("unclosed")
def test_event_loops_of_several_threads_share_a_client(service: LocalService) -> None:
    client = EventStreamer(service.url, "threads")

    async def work(number: int) -> list[int]:
        named = client.with_options(headers={"X-Number": str(number)})
        return [(await named.get_chain(1)).chain_id for _ in range(20)]

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda number: asyncio.run(work(number)), range(6)))
    asyncio.run(client.close())
    assert found == [[1] * 20] * 6


def test_the_blocking_client_works_inside_a_running_loop(service: LocalService) -> None:
    async def main() -> tuple[int, int]:
        with SyncEventStreamer(service.url, "inside") as client:
            subscription = client.subscribe(TRANSFER, chain_id=1, start_block=0, end_block=5)
            report = passing_over(client.create_streaming_client(subscription.id)).run(handle_signals=False)
            chain = await asyncio.to_thread(client.get_chain, 1)
            return report.events, chain.chain_id

    events, chain_id = asyncio.run(main())
    assert events > 0
    assert chain_id == 1


def test_threads_share_a_blocking_client_and_copies_of_it(service: LocalService) -> None:
    with SyncEventStreamer(service.url, "many") as client:
        together = threading.Barrier(6)

        def work(number: int) -> set[int]:
            mine = client.with_options(timeout=5 + number)
            together.wait(10)
            return {mine.with_raw_response.get_chain(1).parsed.chain_id for _ in range(10)}

        with ThreadPoolExecutor(6) as threads:
            assert list(threads.map(work, range(6))) == [{1}] * 6

"""A replica is killed: how its streams get to the others."""

import asyncio
import signal
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from event_streamer_sdk import EventStreamer
from event_streamer_service import ChainConfig, LocalService
from support.replicas import nginx, node_process
from support.service_process import service_process
from support.services import wait_until

pytestmark = pytest.mark.postgres

EVENT = "event Transfer(address indexed from, address indexed to, uint256 value)"
STREAMS = 30


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def test_streams_of_a_killed_replica_are_taken_by_another_at_their_first_try(
    postgres_database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for the lease of the dead, and nobody is sent away, so no client's back-off grows."""
    with (
        node_process(30) as node,
        LocalService(
            chains=[ChainConfig(chain_id=31_337, name="Development", rpc_urls=[node.url])],
            database=postgres_database,
            replicas=True,
            resumed_streams_per_second=1000,  # as one that has been there for long
        ) as stays,
        service_process("--database", postgres_database, "--replicas", "--port", "0") as killed,
        nginx(tmp_path, [port_of(stays.url), port_of(killed.url)]) as balanced,
    ):

        async def run() -> int:
            async with EventStreamer(balanced, "tests") as client:
                subscription = await client.subscribe(EVENT, chain_id=31_337, start_block=0)
                quiet = partial(client.create_streaming_client, subscription.id, batch_ack_interval=60)
                streams = [quiet() for _ in range(STREAMS)]
                for stream in streams:
                    stream.on_all_events(lambda events: None)
                    await stream.start_streaming()
                await asyncio.to_thread(wait_until, lambda: all(s.stats.batches for s in streams), seconds=60)
                here = stays.service.hub.open_count
                await asyncio.to_thread(killed.end, signal.SIGKILL)
                await asyncio.to_thread(
                    wait_until, lambda: stays.service.hub.open_count == STREAMS, seconds=90
                )
                for stream in streams:
                    await stream.disconnect()
            return here

        here = asyncio.run(run())
    assert 0 < here < STREAMS
    assert caplog.text.count("connection lost") == STREAMS - here, "each was lost once"

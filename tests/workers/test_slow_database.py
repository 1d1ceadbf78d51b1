"""Workers' leases in a PostgreSQL that is far away."""

import asyncio
import time
from inspect import isawaitable
from typing import Any

import pytest

from event_streamer_sdk.checkpoints import AsyncSQLCheckpoint, Checkpoint, SQLCheckpoint
from support.postgres import Missing, cluster
from support.slow_link import link_to


@pytest.mark.postgres
def test_leases_cost_one_round_trip_however_many_they_are() -> None:
    """One after the other came too late for most, and kept rows locked between two statements."""
    keys = [f"slow:{number}" for number in range(30)]

    async def settled(answer: Any) -> Any:
        return await answer if isawaitable(answer) else answer

    async def take_and_keep(link: Any, store: Any) -> float:
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

    try:
        running = cluster()
        with running as url, link_to(int(url.rpartition(":")[2])) as link:
            place = f"postgresql://tests@127.0.0.1:{link.url_port}/postgres"
            for number, factory in enumerate((SQLCheckpoint, AsyncSQLCheckpoint)):
                store = factory(place, lease_seconds=30, table=f"slow_{number}")
                took = asyncio.run(take_and_keep(link, store))
                assert took < 1.5, f"{took:.1f} s for three statements of 0.2 s each"
    except Missing as missing:
        pytest.skip(str(missing))

"""
Serve who received most, in a FastAPI application that streams as long as it lives.

Install FastAPI and a server (`pip install fastapi uvicorn`), start a service (`event-streamer serve`), then
run `uvicorn fastapi_app:app --port 8001` in this folder, and open http://127.0.0.1:8001/top.
EVENT_STREAMER_URL names another service.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from event_streamer_sdk import EventStreamer

URL = os.environ.get("EVENT_STREAMER_URL", "http://localhost:8000")
CHAIN = 31337  # the development chain's id
TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Stream from the application's start to its end."""
    received: Counter[str] = Counter()
    async with EventStreamer(URL, "fastapi-example") as client:
        # The sums are in memory, so each start reads from the beginning again.
        subscription = await client.subscribe(TRANSFER, chain_id=CHAIN, start_block=0, new=True)
        stream = client.create_streaming_client(subscription.id, typed=True)

        @stream.on_event("Transfer")
        async def add(transfers: list[dict[str, Any]]) -> None:
            for transfer in transfers:
                received[transfer["to"]] += transfer["value"]

        app.state.received, app.state.stream = received, stream
        await stream.start_streaming()
        try:
            yield
        finally:
            await stream.disconnect()
            await client.delete_subscription(subscription.id)


app = FastAPI(title="Who received most", lifespan=lifespan)


@app.get("/top")
async def top(count: int = 3) -> list[dict[str, str]]:
    """The accounts that received most; amounts are text, since JSON's numbers are too small for them."""
    most = app.state.received.most_common(count)
    return [{"account": account, "received": str(value)} for account, value in most]


@app.get("/health")
async def health() -> dict[str, Any]:
    """Whether events arrive, and how many have."""
    stream = app.state.stream
    return {
        "streaming": stream.is_running,
        "events": stream.stats.events,
        "blocks_behind": stream.stats.lag_blocks,
    }

"""
Print ERC-20 transfers as they happen, in an asyncio program that does something else beside it.

Start a service first (`event-streamer serve`: a development chain with events from block 0 on), then run
this file; Ctrl-C ends it. EVENT_STREAMER_URL names another service.
"""

import asyncio
import os
from typing import Any

from event_streamer_sdk import EventStreamer

URL = os.environ.get("EVENT_STREAMER_URL", "http://localhost:8000")
CHAIN = 31337  # the development chain's id


async def main() -> None:
    async with EventStreamer(URL, "async-example") as client:
        subscription = await client.subscribe(
            "Transfer(address indexed from, address indexed to, uint256 value)", chain_id=CHAIN, start_block=0
        )
        stream = client.create_streaming_client(subscription.id)

        @stream.on_event("Transfer")
        async def show(transfers: list[dict[str, Any]]) -> None:
            for transfer in transfers:
                print(f"block {transfer['block_number']}: {transfer['from']} -> {transfer['to']}", flush=True)

        await stream.start_streaming()  # returns at once, events arrive in the background
        try:
            while stream.is_running:
                await asyncio.sleep(5)
                print(f"{stream.stats.events} events so far", flush=True)
        finally:
            await stream.disconnect()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("Stopped.")

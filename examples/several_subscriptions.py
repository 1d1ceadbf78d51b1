"""
Follow several events at once: one client, a stream for each subscription, and one way to stop.

Each stream keeps its own place in one SQLite file. If one of them fails, the others are stopped and the error
is raised. Needs a service (`event-streamer serve`); Ctrl-C ends it. EVENT_STREAMER_URL names another service,
STATE another folder.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

from event_streamer_sdk import EventStreamer, Report
from event_streamer_sdk.checkpoints import SQLiteCheckpoint

URL = os.environ.get("EVENT_STREAMER_URL", "http://localhost:8000")
STATE = Path(os.environ.get("STATE", "."))
CHAIN = 31337  # the development chain's id
EVENTS = {
    "ERC-20": "Transfer(address indexed from, address indexed to, uint256 value)",
    "ERC-721": "Transfer(address indexed from, address indexed to, uint256 indexed tokenId)",
    "approvals": "Approval(address indexed owner, address indexed spender, uint256 value)",
}


async def follow(client: EventStreamer, title: str, event: str, places: SQLiteCheckpoint) -> Report:
    """Follow one event until a signal comes."""
    subscription = await client.subscribe(event, chain_id=CHAIN, start_block=0)
    stream = client.create_streaming_client(subscription.id, checkpoint=places)

    @stream.on_all_events
    async def show(events: dict[str, list[dict[str, Any]]]) -> None:
        for name, found in events.items():
            print(f"block {found[-1]['block_number']}: {len(found)} {name} ({title})", flush=True)

    return await stream.run()


async def main() -> None:
    places = SQLiteCheckpoint(STATE / "positions.db")
    async with EventStreamer(URL, "several-example") as client, asyncio.TaskGroup() as group:
        runs = {
            title: group.create_task(follow(client, title, event, places)) for title, event in EVENTS.items()
        }
    for title, run in runs.items():
        print(f"{title}: {run.result().events} events in this run")


if __name__ == "__main__":
    asyncio.run(main())

"""What a user would write by hand: aiohttp, orjson, a handler, bulk acknowledgements every three seconds."""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import orjson
from meter import WARM, WARM_EVENTS, Meter


async def main(url: str, subscription_id: str, events: int) -> int:
    seen = 0
    pending: list[str] = []

    async def handle(batch: list[dict[str, object]]) -> None:
        nonlocal seen
        seen += len(batch)

    async def acknowledge(session: aiohttp.ClientSession, connection_id: str) -> None:
        ids = pending.copy()
        pending.clear()
        path = f"{url}/subscriptions/{subscription_id}/stream/{connection_id}/ack/batch/bulk"
        async with session.post(path, json={"batch_ids": ids, "connection_id": connection_id}) as answer:
            answer.raise_for_status()
            await answer.json()

    async def keep_acknowledging(session: aiohttp.ClientSession, connection_id: str) -> None:
        while True:
            await asyncio.sleep(3.0)
            if pending:
                await acknowledge(session, connection_id)

    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session,
        session.get(f"{url}/subscriptions/{subscription_id}/stream") as response,
    ):
        connection_id = response.headers["X-Connection-Id"]
        task = asyncio.create_task(keep_acknowledging(session, connection_id))
        async for line in response.content:
            message = orjson.loads(line)
            if message["type"] == "event_batch":
                for name, batch in message["events"].items():
                    if name == "Transfer":
                        await handle(batch)
                pending.append(message["batch_id"])
            if seen >= events:
                break
        task.cancel()
        await acknowledge(session, connection_id)
    return seen


if __name__ == "__main__":
    meter = Meter()
    asyncio.run(main(sys.argv[1], WARM, WARM_EVENTS))
    meter.start()
    seen = asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    meter.stop()
    meter.report(events=seen)

"""REST calls one after another with an async client: the same code serves ours and the published one."""

from __future__ import annotations

import asyncio
import sys

from meter import Meter, quiet

from event_streamer_sdk import EventStreamer

WARM = 50


async def main(url: str, calls: int, meter: Meter) -> None:
    async with EventStreamer(service_url=url, subscriber_id="bench") as client:
        for _ in range(WARM):
            await client.get_subscription(1)
        meter.start()
        for _ in range(calls):
            answer = await client.get_subscription(1)
            assert answer.id == 1
        meter.stop()


if __name__ == "__main__":
    meter = Meter()
    with quiet():
        asyncio.run(main(sys.argv[1], int(sys.argv[2]), meter))
    meter.report(events=int(sys.argv[2]))

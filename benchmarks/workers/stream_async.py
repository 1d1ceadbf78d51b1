"""An async client: the code a user writes is the same for ours and the published one, so is this script."""

from __future__ import annotations

import asyncio
import sys

from meter import WARM, WARM_EVENTS, Meter, quiet, rss

from event_streamer_sdk import EventStreamer


async def main(url: str, subscription_id: int, events: int, sample_every: int) -> tuple[int, list[int]]:
    seen = 0
    samples: list[int] = []
    done = asyncio.Event()
    async with EventStreamer(service_url=url, subscriber_id="bench") as client:
        stream = client.create_streaming_client(subscription_id=subscription_id)

        @stream.on_event("Transfer")
        async def handle(batch: list[dict[str, object]]) -> None:
            nonlocal seen
            seen += len(batch)
            if sample_every and seen % sample_every == 0:
                samples.append(rss())
            if seen >= events:
                done.set()

        await stream.start_streaming()
        await done.wait()
        await stream.disconnect()
    return seen, samples


if __name__ == "__main__":
    meter = Meter()
    with quiet():
        asyncio.run(main(sys.argv[1], int(WARM), WARM_EVENTS, 0))
        meter.start()
        seen, samples = asyncio.run(
            main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int([*sys.argv, "0"][4]))
        )
        meter.stop()
    meter.report(events=seen, samples=samples)

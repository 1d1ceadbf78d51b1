"""A node's logs through the service to a handler of the async client: subscribe, stream, acknowledge."""

from __future__ import annotations

import asyncio
import sys

from meter import WARM_BLOCKS, WARM_EVENTS, Meter

from event_streamer_sdk import EventStreamer
from event_streamer_sdk.abi import parse_abi, topic0
from event_streamer_sdk.models.subscriptions import SubscriptionCreate

TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"


async def main(url: str, chain_id: int, address: str, last_block: int, events: int) -> int:
    seen = 0
    done = asyncio.Event()
    (event,) = parse_abi(TRANSFER)
    async with EventStreamer(service_url=url, subscriber_id="bench") as client:
        subscription = await client.create_subscription(
            SubscriptionCreate(
                topic0=topic0(event),
                event_signature=event,
                addresses=[address] if address else [],
                start_block=0,
                end_block=last_block,
                chain_id=chain_id,
            )
        )
        stream = client.create_streaming_client(subscription_id=subscription.id)

        @stream.on_event("Transfer")
        async def handle(batch: list[dict[str, object]]) -> None:
            nonlocal seen
            seen += len(batch)
            if seen >= events:
                done.set()

        await stream.start_streaming()
        await done.wait()
        await stream.disconnect()
    return seen


if __name__ == "__main__":
    url, chain_id, address, last_block, events = sys.argv[1:]
    asyncio.run(main(url, int(chain_id), address, WARM_BLOCKS - 1, WARM_EVENTS))
    meter = Meter()
    meter.start()
    seen = asyncio.run(main(url, int(chain_id), address, int(last_block), int(events)))
    meter.stop()
    meter.report(events=seen)

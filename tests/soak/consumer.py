"""
One of the soak's consumers: writes down every event it handles, and goes on from its checkpoint.

Usage: consumer.py KIND URL SUBSCRIPTION FOLDER
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from event_streamer_sdk import EventStreamer, Reconnect, SyncEventStreamer


def main() -> None:
    kind, url, subscription, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
    settings: dict[str, Any] = {
        "checkpoint": folder / "position.json",
        "reconnect": Reconnect(initial=0.05, maximum=1.0),
        "batch_ack_interval": 0.5,
        "on_token_lost": "restart",
    }
    with (folder / "handled").open("a") as file:

        def handle(events: list[dict[str, Any]]) -> None:
            # A line that a kill cuts off has no end, and is not counted: its batch comes again.
            file.write("\n")
            file.writelines(f"{event['transaction_hash']}:{event['log_index']}\n" for event in events)
            file.flush()

        if kind == "sync":
            with SyncEventStreamer(url, "soak") as client:
                stream = client.create_streaming_client(subscription, **settings)
                stream.on_event("Transfer")(handle)
                print(stream.run(), stream.stats, flush=True)
        else:

            async def run() -> None:
                async with EventStreamer(url, "soak") as client:
                    stream = client.create_streaming_client(subscription, **settings)
                    stream.on_event("Transfer")(handle)
                    print(await stream.run(), stream.stats, flush=True)

            asyncio.run(run())


if __name__ == "__main__":
    main()

"""
Print ERC-20 transfers as they happen, in a plain blocking program.

Start a service first (`event-streamer serve`: a development chain with events from block 0 on), then run
this file; Ctrl-C ends it. EVENT_STREAMER_URL names another service.
"""

import os
from typing import Any

from event_streamer_sdk import SyncEventStreamer

URL = os.environ.get("EVENT_STREAMER_URL", "http://localhost:8000")
CHAIN = 31337  # the development chain's id


def main() -> None:
    with SyncEventStreamer(URL, "blocking-example") as client:
        subscription = client.subscribe(
            "Transfer(address indexed from, address indexed to, uint256 value)", chain_id=CHAIN, start_block=0
        )
        stream = client.create_streaming_client(subscription.id)

        @stream.on_event("Transfer")
        def show(transfers: list[dict[str, Any]]) -> None:
            for transfer in transfers:
                print(f"block {transfer['block_number']}: {transfer['from']} -> {transfer['to']}", flush=True)

        # Blocks until the stream ends or a signal comes; the batch in hand is finished and acknowledged.
        report = stream.run()
        print(f"{report.events} events in {report.batches} batches, ended: {report.reason}")


if __name__ == "__main__":
    main()

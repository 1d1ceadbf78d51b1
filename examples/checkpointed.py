"""
Go on where the last run ended: the place is kept in a file.

Run it, stop it with Ctrl-C (or kill it), run it again: no event is missed, whatever happened meanwhile.
Needs a service (`event-streamer serve`). EVENT_STREAMER_URL names another one, STATE another folder.
"""

import os
from pathlib import Path
from typing import Any

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.checkpoints import FileCheckpoint

URL = os.environ.get("EVENT_STREAMER_URL", "http://localhost:8000")
STATE = Path(os.environ.get("STATE", "."))
CHAIN = 31337  # the development chain's id


def main() -> None:
    with SyncEventStreamer(URL, "checkpointed-example") as client:
        # The same subscription in every run: the place belongs to it.
        subscription = client.subscribe(
            "Transfer(address indexed from, address indexed to, uint256 value)", chain_id=CHAIN, start_block=0
        )
        stream = client.create_streaming_client(
            subscription.id, checkpoint=FileCheckpoint(STATE / "checkpoint.json")
        )

        @stream.on_event("Transfer")
        def show(transfers: list[dict[str, Any]]) -> None:
            for transfer in transfers:
                print(f"block {transfer['block_number']} log {transfer['log_index']}", flush=True)

        report = stream.run()
        print(f"{report.events} events, ended: {report.reason}")


if __name__ == "__main__":
    main()

"""
Events of a service as an Arrow table (`fetch().to_arrow()`), or as a Parquet file with decoded columns.

Usage: frame_ours.py SERVICE LAST_BLOCK frame|parquet [FOLDER].
"""

from __future__ import annotations

import sys
import tempfile

from meter import Meter

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.sinks import FileSink

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
CHAIN_ID = 31_337


def frame(client: SyncEventStreamer, last_block: int) -> int:
    table = client.fetch(TRANSFER, chain_id=CHAIN_ID, start_block=0, end_block=last_block).to_arrow()
    rows: int = table.num_rows
    return rows


def parquet(client: SyncEventStreamer, last_block: int) -> int:
    made = client.subscribe(TRANSFER, chain_id=CHAIN_ID, start_block=0, end_block=last_block, new=True)
    with tempfile.TemporaryDirectory() as folder:
        return client.create_streaming_client(made.id).run(into=FileSink(f"{folder}/events")).events


if __name__ == "__main__":
    url, last_block, what = sys.argv[1:]
    meter = Meter()
    with SyncEventStreamer(url, "bench") as client:
        meter.start()
        rows = {"frame": frame, "parquet": parquet}[what](client, int(last_block))
        meter.stop()
    meter.report(events=rows)

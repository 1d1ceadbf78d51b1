"""Logs of a node as Parquet with decoded columns, by cryo. Usage: frame_cryo.py NODE LAST_BLOCK."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cryo
import polars
from meter import Meter, quiet

TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"
BLOCKS_A_CALL = 1_000
"""Blocks in one eth_getLogs; its default of one block would be slower by much."""

if __name__ == "__main__":
    url, last_block = sys.argv[1], int(sys.argv[2])
    meter = Meter()
    with tempfile.TemporaryDirectory() as folder:
        with quiet():
            meter.start()
            cryo.freeze(
                "logs",
                blocks=[f"0:{last_block + 1}"],
                rpc=url,
                event_signature=TRANSFER,
                include_columns=["block_hash"],
                hex=True,
                chunk_size=max(1_000, last_block + 1),
                inner_request_size=BLOCKS_A_CALL,
                output_dir=folder,
                no_verbose=True,
            )
            meter.stop()
        rows = sum(polars.read_parquet(file).height for file in Path(folder).glob("*.parquet"))
    meter.report(events=rows)

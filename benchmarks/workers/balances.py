"""
`examples/erc20_balances.py` at work: events of a service into rows, balances and a token of PostgreSQL.

Usage: balances.py SERVICE DATABASE LAST_BLOCK. What its sink costs is told apart from what the client costs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meter import Meter

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import erc20_balances

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.sinks import SinkBatch


class Measured(erc20_balances.Balances):
    """The example's sink, with a clock for the thread's own processor time."""

    cpu = 0.0
    wall = 0.0
    writes = 0

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> erc20_balances.Moves:
        cpu, wall = time.thread_time(), time.perf_counter()
        moves = super().prepare(events)
        self.cpu += time.thread_time() - cpu
        self.wall += time.perf_counter() - wall
        return moves

    def write(self, batch: SinkBatch) -> None:
        cpu, wall = time.thread_time(), time.perf_counter()
        super().write(batch)
        self.cpu += time.thread_time() - cpu
        self.wall += time.perf_counter() - wall
        self.writes += 1


if __name__ == "__main__":
    url, database, last_block = sys.argv[1:]
    sink = Measured(database)
    meter = Meter()
    with SyncEventStreamer(url, "bench") as client:
        subscription = client.subscribe(
            erc20_balances.TRANSFER, chain_id=erc20_balances.CHAIN, start_block=0, end_block=int(last_block)
        )
        stream = client.create_streaming_client(subscription.id)
        meter.start()
        report = stream.run(into=sink)
        meter.stop()
    meter.report(events=report.events, handler_cpu=sink.cpu, handler_wall=sink.wall, writes=sink.writes)

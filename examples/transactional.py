"""
Write events and the place in the stream in one transaction: what is stored is stored exactly once.

The client delivers at least once, so a program that dies between its own commit and the checkpoint would get
a batch again. Here there is no "between": rows and resume token are committed together, or not at all.
Needs a service (`event-streamer serve`). EVENT_STREAMER_URL names another one, STATE another folder.
"""

import os
import sqlite3
from pathlib import Path
from typing import Any

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.checkpoints import HandlerCheckpoint

URL = os.environ.get("EVENT_STREAMER_URL", "http://localhost:8000")
STATE = Path(os.environ.get("STATE", "."))
CHAIN = 31337  # the development chain's id

TABLES = """
CREATE TABLE IF NOT EXISTS place (subscription INTEGER PRIMARY KEY, token TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS transfers (
    transaction_hash TEXT, log_index INTEGER, block INTEGER, sender TEXT, receiver TEXT, value TEXT,
    PRIMARY KEY (transaction_hash, log_index)
);
"""


def main() -> None:
    # The stream reads the place in a thread of its own, and only before the first handler runs.
    database = sqlite3.connect(STATE / "transfers.sqlite3", check_same_thread=False)
    database.executescript(TABLES)

    with SyncEventStreamer(URL, "transactional-example") as client:
        # The same subscription in every run: the place belongs to it.
        subscription = client.subscribe(
            "Transfer(address indexed from, address indexed to, uint256 value)", chain_id=CHAIN, start_block=0
        )

        def last_token() -> str | None:
            row = database.execute(
                "SELECT token FROM place WHERE subscription = ?", [subscription.id]
            ).fetchone()
            return row and str(row[0])

        stream = client.create_streaming_client(subscription.id, checkpoint=HandlerCheckpoint(last_token))

        @stream.on_event("Transfer")
        def store(transfers: list[dict[str, Any]]) -> None:
            batch = stream.current_batch
            assert batch is not None  # a handler always has one
            rows = [
                (t["transaction_hash"], t["log_index"], t["block_number"], t["from"], t["to"], t["value"])
                for t in transfers
            ]
            with database:  # one transaction: all of this, or nothing
                database.executemany("INSERT INTO transfers VALUES (?, ?, ?, ?, ?, ?)", rows)
                database.execute(
                    "INSERT OR REPLACE INTO place VALUES (?, ?)", [subscription.id, batch.resume_token]
                )
            for hash_, log_index, block, *_ in rows:
                print(f"block {block} log {log_index} of {hash_}", flush=True)

        report = stream.run()
        (stored,) = database.execute("SELECT count(*) FROM transfers").fetchone()
        print(f"{report.events} events in this run, {stored} stored, ended: {report.reason}")
    database.close()


if __name__ == "__main__":
    main()

"""
Keep ERC-20 transfers and the balances they lead to in PostgreSQL, each transfer exactly once.

Rows, balances and the position in the stream are written in one transaction. So a program that is killed at
any instant goes on behind the last row that is there, and a reorganisation takes back what replaced blocks
had moved.

Needs a service (`event-streamer serve`) and a database: DATABASE, by default `postgresql://localhost/chain`.
EVENT_STREAMER_URL names another service, END_BLOCK a last block; without one it follows the chain until
Ctrl-C. Install it with `pip install '.[sql]'`.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from attrs import frozen

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.models import StreamingReorg
from event_streamer_sdk.sinks import SinkBatch, SinkUnavailableError, Source

URL = os.environ.get("EVENT_STREAMER_URL", "http://localhost:8000")
DATABASE = os.environ.get("DATABASE", "postgresql://localhost/chain")
END_BLOCK = os.environ.get("END_BLOCK")
CHAIN = 31337  # the development chain's id
TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
NOBODY = "0x" + "00" * 20
"""The sender of new tokens, and the receiver of burnt ones: it has no balance."""

TABLES = """
CREATE TABLE IF NOT EXISTS transfers (
    block_number bigint, log_index integer, transaction_hash text NOT NULL,
    token text NOT NULL, sender text NOT NULL, receiver text NOT NULL, value numeric(78, 0) NOT NULL,
    PRIMARY KEY (block_number, log_index)
);
CREATE TABLE IF NOT EXISTS balances (
    token text, account text, value numeric NOT NULL, PRIMARY KEY (token, account)
) WITH (fillfactor = 50); -- room for the next value beside the last one: the index stays as it is
CREATE TABLE IF NOT EXISTS position (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), content text NOT NULL
);
CREATE TEMPORARY TABLE IF NOT EXISTS changes (token text, account text, value numeric) ON COMMIT DELETE ROWS;
"""
MOVE_BALANCES = """
INSERT INTO balances SELECT token, account, value FROM changes
ON CONFLICT (token, account) DO UPDATE SET value = balances.value + excluded.value
"""
TAKE_BACK = """
WITH gone AS (DELETE FROM transfers WHERE block_number > %s RETURNING token, sender, receiver, value),
     moved AS (
         SELECT token, sender AS account, value FROM gone
         UNION ALL
         SELECT token, receiver, -value FROM gone
     )
INSERT INTO balances
SELECT token, account, sum(value) FROM moved WHERE account <> %s GROUP BY token, account
ON CONFLICT (token, account) DO UPDATE SET value = balances.value + excluded.value
"""
KEEP_POSITION = """
INSERT INTO position (content) VALUES (%s) ON CONFLICT (only_row) DO UPDATE SET content = excluded.content
"""


@frozen
class Moves:
    """Some transfers: their rows as text of COPY, and what they add to each balance."""

    rows: str
    changes: Mapping[tuple[str, str], int]


class Balances:
    """The sink: what `stream.run(into=…)` writes into."""

    write_rows = 100_000
    """Transfers in a transaction: the more there are, the less often a busy account's balance is touched."""

    writes_when_idle = False  # one transaction a second, also at the head of the chain

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def open(self, source: Source) -> str | None:
        """Connect, make the tables, and tell the stream where to go on."""
        self._source = source
        self._connect()
        found = self._database.execute("SELECT content FROM position").fetchone()
        return source.token_in(found[0] if found else None, "the table position")

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Moves:
        """Bring some events into the database's form, while others come."""
        rows = []
        changes: defaultdict[tuple[str, str], int] = defaultdict(int)
        for event in events:
            token, sender, receiver = event["address"], event["from"], event["to"]
            rows.append(
                f"{event['block_number']}\t{event['log_index']}\t{event['transaction_hash']}\t"
                f"{token}\t{sender}\t{receiver}\t{event['value']}\n"
            )
            value = int(event["value"])
            changes[token, sender] -= value
            changes[token, receiver] += value
        return Moves("".join(rows), changes)

    def write(self, batch: SinkBatch) -> None:
        """Store transfers, balances and position: all of it, or nothing."""
        moves: list[Moves] = list(batch.prepared)
        total: defaultdict[tuple[str, str], int] = defaultdict(int)
        for each in moves:
            for key, value in each.changes.items():
                total[key] += value
        moved = [
            f"{token}\t{account}\t{value}\n"
            for (token, account), value in total.items()
            if value and account != NOBODY
        ]
        with self._transaction():
            self._copy("transfers", (each.rows for each in moves))
            self._copy("changes", moved)
            self._database.execute(MOVE_BALANCES)
            self._keep(batch.resume_token)

    def undo(self, reorg: StreamingReorg) -> None:
        """Take back the transfers of replaced blocks, and what they had moved."""
        with self._transaction():
            self._database.execute(TAKE_BACK, [reorg.common_ancestor, NOBODY])
            self._keep(reorg.resume_token)

    def close(self) -> None:
        """Close the connection."""
        self._database.close()

    def _connect(self) -> None:
        try:
            self._database = psycopg.connect(self._dsn, autocommit=True)
        except psycopg.OperationalError as away:  # the stream waits, and calls again
            raise SinkUnavailableError(f"the database can't be reached: {away}") from away
        self._database.execute(TABLES)

    def _transaction(self) -> AbstractContextManager[object]:
        return self._database.transaction()

    def _copy(self, table: str, lines: Iterable[str]) -> None:
        """Write rows by COPY, as text: nothing in them can hold a tab or a newline."""
        with self._database.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            copy.write("".join(lines))

    def _keep(self, token: str | None) -> None:
        self._database.execute(KEEP_POSITION, [self._source.position(token)])


def main() -> None:
    with SyncEventStreamer(URL, "erc20-balances") as client:
        end_block = int(END_BLOCK) if END_BLOCK else None
        subscription = client.subscribe(TRANSFER, chain_id=CHAIN, start_block=0, end_block=end_block)
        report = client.create_streaming_client(subscription.id).run(into=Balances(DATABASE))
    with psycopg.connect(DATABASE) as database:
        (rows,) = database.execute("SELECT count(*) FROM transfers").fetchone() or (0,)
        (last,) = database.execute("SELECT max(block_number) FROM transfers").fetchone() or (0,)
        largest = database.execute(
            "SELECT account, value FROM balances ORDER BY value DESC LIMIT 3"
        ).fetchall()
    print(f"{report.events} events in this run, {rows} stored up to block {last}")
    for account, value in largest:
        print(account, value)


if __name__ == "__main__":
    main()

"""Two real blocks: four libraries read from exported files the transfers that someone else has decoded."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import confluent_kafka
import duckdb
import nats
import pandas as pd
import polars as pl
import psycopg
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
import redis

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.sinks import FileSink, sink_for
from event_streamer_service import LocalService
from event_streamer_service.chains.recording import Recording
from support import postgres
from support.brokers import kafka_cluster, nats_server, redis_server

BLOCKS = Path(__file__).resolve().parents[3] / "shared" / "data" / "mainnet-17173049-17173050"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not BLOCKS.is_dir(),
        reason="the recorded mainnet blocks are not beside the repository (../shared/data)",
    ),
]

EVENTS = {
    "erc20": "Transfer(address indexed from, address indexed to, uint256 value)",
    "erc721": "Transfer(address indexed from, address indexed to, uint256 indexed value)",
}


def expected() -> list[dict[str, Any]]:
    lines = (BLOCKS / "token_transfers.ndjson").read_text().splitlines()
    names = (
        "token_address",
        "from_address",
        "to_address",
        "value",
        "transaction_hash",
        "log_index",
        "block_number",
    )
    return [{name: json.loads(line)[name] for name in names} for line in lines]


def shaped(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same names and types as in the expected file."""
    found = [
        {
            "token_address": row["address"],
            "from_address": row["from"],
            "to_address": row["to"],
            "value": int(row["value"]),
            "transaction_hash": row["transaction_hash"],
            "log_index": int(row["log_index"]),
            "block_number": int(row["block_number"]),
        }
        for row in rows
    ]
    return sorted(found, key=lambda row: (row["block_number"], row["log_index"]))


def duck(call: str) -> list[dict[str, Any]]:
    found = duckdb.sql(f"SELECT * FROM {call}")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


TEXT = {"value": "string"}
READERS: dict[str, Callable[[str], list[dict[str, Any]]]] = {
    "pyarrow-parquet": lambda file: pq.read_table(file).to_pylist(),
    "pandas-parquet": lambda file: pd.read_parquet(file).to_dict("records"),
    "polars-parquet": lambda file: pl.read_parquet(file).to_dicts(),
    "duckdb-parquet": lambda file: duck(f"'{file}'"),
    "pyarrow-csv": lambda file: pc.read_csv(
        file, convert_options=pc.ConvertOptions(column_types={"value": "string"})
    ).to_pylist(),
    "pandas-csv": lambda file: pd.read_csv(file, dtype=TEXT).to_dict("records"),
    "polars-csv": lambda file: pl.read_csv(file, schema_overrides={"value": pl.String}).to_dicts(),
    "duckdb-csv": lambda file: duck(f"read_csv('{file}', types={{'value': 'VARCHAR'}})"),
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mainnet")
    with (
        LocalService(Recording(BLOCKS, chain_id=1)) as service,
        SyncEventStreamer(service.url, "x") as client,
    ):
        for name, event in EVENTS.items():
            for suffix in ("parquet", "csv"):
                made = client.subscribe(event, chain_id=1, start_block=17173049, end_block=17173050, new=True)
                client.create_streaming_client(made.id).run(into=FileSink(folder / f"{name}.{suffix}"))
    return folder


@pytest.mark.parametrize("reader", READERS)
def test_all_transfers_are_those_of_the_expected_file(exported: Path, reader: str) -> None:
    suffix = reader.partition("-")[2]
    rows = [row for name in EVENTS for row in READERS[reader](f"{exported}/{name}.{suffix}")]
    assert len(rows) == 291
    assert shaped(rows) == expected()


# --- tables and brokers --------------------------------------------------------------------------

Place = tuple[Callable[[str], str], Callable[[str], list[dict[str, Any]]]]
"""The place of a name, and what is in it."""


def in_sqlite(tmp_path: Path) -> Iterator[Place]:
    def read(name: str) -> list[dict[str, Any]]:
        with sqlite3.connect(f"{tmp_path}/events.db") as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(f"SELECT * FROM {name}")]

    yield lambda name: f"sqlite:///{tmp_path}/events.db?table={name}", read


def in_postgresql(_: Path) -> Iterator[Place]:
    try:
        with postgres.cluster() as url:

            def read(name: str) -> list[dict[str, Any]]:
                with psycopg.connect(f"{url}/postgres", row_factory=psycopg.rows.dict_row) as database:
                    return database.execute(f"SELECT * FROM {name}".encode()).fetchall()

            yield lambda name: f"{url}/postgres?table={name}", read
    except postgres.Missing as missing:
        pytest.skip(str(missing))


def in_redis(_: Path) -> Iterator[Place]:
    with redis_server() as server, redis.Redis.from_url(server.url, decode_responses=True) as client:
        yield (
            lambda name: f"{server.url}?stream={name}",
            lambda name: [fields for _, fields in client.xrange(name)],
        )


def in_nats(_: Path) -> Iterator[Place]:
    with nats_server() as server:

        async def read(name: str) -> list[dict[str, Any]]:
            connection = await nats.connect(server.url)
            context = connection.jetstream()
            last = (await context.stream_info(name)).state.last_seq
            found = [(await context.get_msg(name, number)).data for number in range(1, last + 1)]
            await connection.close()
            return [json.loads(data or b"") for data in found]

        yield lambda name: f"{server.url}/{name}", lambda name: asyncio.run(read(name))


def in_kafka(_: Path) -> Iterator[Place]:
    with kafka_cluster("event_streamer_positions", *EVENTS) as brokers:

        def read(name: str) -> list[dict[str, Any]]:
            consumer = confluent_kafka.Consumer(
                {"bootstrap.servers": brokers, "group.id": "tests", "enable.partition.eof": True}
            )
            partitions = set(consumer.list_topics(name, timeout=10).topics[name].partitions)
            consumer.assign([confluent_kafka.TopicPartition(name, number, 0) for number in partitions])
            found = []
            while partitions:
                message = consumer.poll(10)
                assert message is not None, "no answer"
                if message.error() is None:
                    found.append(json.loads(message.value()))
                else:
                    partitions.discard(message.partition())
            consumer.close()
            return found

        yield lambda name: f"kafka://{brokers}/{name}", read


@pytest.mark.parametrize(
    "kind",
    [in_sqlite, pytest.param(in_postgresql, marks=pytest.mark.postgres), in_redis, in_nats, in_kafka],
)
def test_every_other_place_holds_all_transfers_too(tmp_path: Path, kind: Any) -> None:
    for place, read in kind(tmp_path):
        with (
            LocalService(Recording(BLOCKS, chain_id=1)) as service,
            SyncEventStreamer(service.url, "x") as client,
        ):
            for name, event in EVENTS.items():
                made = client.subscribe(event, chain_id=1, start_block=17173049, end_block=17173050, new=True)
                client.create_streaming_client(made.id).run(into=sink_for(place(name)))
        rows = [row for name in EVENTS for row in read(name)]
        assert len(rows) == 291
        assert shaped(rows) == expected()

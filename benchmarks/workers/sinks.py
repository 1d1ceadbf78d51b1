"""
Events into a place: by a sink of ours from event objects, or by its library alone from rows that are ready.

Usage: sinks.py ours|alone PLACE-KIND PLACE EVENTS. What is measured begins with event objects (or rows) in
memory and ends when the last of them is committed.
"""

from __future__ import annotations

import asyncio
import csv
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from meter import Meter

from event_streamer_sdk.abi import extract_abi_event
from event_streamer_sdk.models.subscriptions import SubscriptionResponse
from event_streamer_sdk.sinks import EventTable, SinkBatch, Source, sink_for
from event_streamer_sdk.sinks._text import cell_columns, json_rows
from event_streamer_sdk.sinks._writer import Writer

EVENT = extract_abi_event("Transfer(address indexed from, address indexed to, uint256 value)", "Transfer")
TOGETHER = 1_000
WRITE = {"parquet": 250_000, "csv": 250_000, "postgresql": 50_000, "sqlite": 50_000, "redis": 5_000,
         "kafka": 50_000, "nats": 10_000}  # fmt: skip
"""Events in a write: what the sinks have by default."""


def event_objects(count: int) -> list[dict[str, Any]]:
    rng = random.Random(1)
    accounts = [f"0x{rng.getrandbits(160):040x}" for _ in range(5_000)]
    return [
        {
            "from": rng.choice(accounts),
            "to": rng.choice(accounts),
            "value": str(rng.getrandbits(90)),
            "block_number": index // 100,
            "transaction_hash": f"0x{rng.getrandbits(256):064x}",
            "log_index": index % 100,
            "address": "0x" + "ab" * 20,
            "timestamp": f"2024-01-01T00:{index // 60000 % 60:02}:{index // 1000 % 60:02}Z",
            "block_hash": f"0x{index // 100:064x}",
        }
        for index in range(count)
    ]


def cut(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def ours(kind: str, place: str, events: list[dict[str, Any]], meter: Meter) -> None:
    sink = sink_for(place)
    about: dict[str, Any] = {"id": 1, "topic0": "0x", "addresses": [], "start_block": 0, "chain_id": 1}
    sink.open(Source(SubscriptionResponse(event_signature=EVENT, subscriber_id="x", **about)))
    writer = Writer(sink, 1, lambda: False)
    meter.start()
    for number, some in enumerate(cut(events, WRITE[kind])):
        prepared = [sink.prepare(few) for few in cut(some, TOGETHER)]
        first, last = some[0]["block_number"], some[-1]["block_number"]
        writer.write(SinkBatch((), prepared, len(some), f"token {number}", first, last))
    writer.settle()
    meter.stop()
    writer.close()
    sink.close()


def alone(kind: str, place: str, events: list[dict[str, Any]], meter: Meter) -> None:
    table = EventTable(EVENT, 1)
    columns = table.take(events)
    kind = "file" if kind in ("parquet", "csv") else kind
    globals()[f"alone_{kind}"](place, table, columns, meter)


def alone_file(place: str, table: EventTable, columns: list[list[Any]], meter: Meter) -> None:
    cells = cell_columns(table, columns)
    if place.endswith("csv-alone"):
        rows = list(zip(*cells, strict=True))
        meter.start()
        with Path(place).open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        meter.stop()
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    shown = dict(zip(table.names, cells, strict=True)) | {
        "timestamp": columns[table.names.index("timestamp")]
    }
    meter.start()
    pq.write_table(pa.table(shown), place, compression="zstd")
    meter.stop()


def alone_postgresql(place: str, _: EventTable, columns: list[list[Any]], meter: Meter) -> None:
    import psycopg

    rows = list(zip(*columns, strict=True))
    address, _, name = place.partition("?table=")
    with psycopg.connect(address) as connection:
        connection.execute(
            f"CREATE TABLE {name} (chain_id BIGINT, block_number BIGINT, block_hash TEXT,"
            " transaction_hash TEXT, log_index BIGINT, address TEXT, timestamp TIMESTAMPTZ,"
            " sender TEXT, receiver TEXT,"
            " value NUMERIC(78,0), PRIMARY KEY (chain_id, block_number, transaction_hash, log_index))"
        )
        connection.commit()
        meter.start()
        for some in cut(rows, WRITE["postgresql"]):
            with connection.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
                for row in some:
                    copy.write_row(row)
            connection.commit()
        meter.stop()


def alone_sqlite(place: str, table: EventTable, columns: list[list[Any]], meter: Meter) -> None:
    import sqlite3

    rows = list(zip(*cell_columns(table, columns), strict=True))
    connection = sqlite3.connect(place.removeprefix("sqlite:///"))
    connection.execute(
        "CREATE TABLE t (a, b, c, d, e, f, g, h, i, j, PRIMARY KEY (a, b, d, e))"  # as ours, without names
    )
    meter.start()
    for some in cut(rows, WRITE["sqlite"]):
        with connection:
            connection.executemany("INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?,?)", some)
    meter.stop()
    connection.close()


def alone_redis(place: str, table: EventTable, columns: list[list[Any]], meter: Meter) -> None:
    import redis

    names, cells = table.names, cell_columns(table, columns)
    rows = [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
    address, _, stream = place.partition("?stream=")
    client = redis.Redis.from_url(address)
    meter.start()
    for some in cut(rows, WRITE["redis"]):
        with client.pipeline(transaction=True) as pipeline:
            for row in some:
                pipeline.xadd(stream, row)
            pipeline.execute()
    meter.stop()
    client.close()


def alone_kafka(place: str, table: EventTable, columns: list[list[Any]], meter: Meter) -> None:
    import confluent_kafka

    values = list(map(str.encode, json_rows(table, columns)))
    keys = [key.encode() for key in columns[table.names.index("address")]]
    brokers, _, topic = place.removeprefix("kafka://").partition("/")
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": brokers, "transactional.id": "alone", "linger.ms": 5, "compression.type": "lz4"}
    )
    producer.init_transactions(20)
    meter.start()
    for some in cut(list(zip(keys, values, strict=True)), WRITE["kafka"]):
        producer.begin_transaction()
        for key, value in some:
            producer.produce(topic, value, key=key)
        producer.commit_transaction(20)
    meter.stop()


def alone_nats(place: str, table: EventTable, columns: list[list[Any]], meter: Meter) -> None:
    import nats

    values = list(map(str.encode, json_rows(table, columns)))
    address, _, subject = place.rpartition("/")

    async def publish() -> None:
        connection = await nats.connect(address)
        context = connection.jetstream(publish_async_max_pending=1_000)
        await context.add_stream(name=subject, subjects=[subject])
        meter.start()
        for start in range(0, len(values), 1_000):
            headers = [{"Nats-Msg-Id": str(number)} for number in range(start, start + 1_000)]
            waiting = [
                await context.publish_async(subject, value, headers=header)
                for value, header in zip(values[start : start + 1_000], headers, strict=False)
            ]
            await asyncio.gather(*waiting)
        meter.stop()
        await connection.close()

    asyncio.run(publish())


if __name__ == "__main__":
    who, kind, place, count = sys.argv[1:]
    holder: Any = None
    if kind == "kafka":
        # librdkafka's mock cluster, which lives in the process that asks for it.
        import confluent_kafka

        holder = confluent_kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none"})
        brokers = holder.list_topics(timeout=20).brokers.values()
        for topic in ("transfers", "event_streamer_positions"):
            holder.list_topics(topic, timeout=20)
        place = "kafka://" + ",".join(f"{each.host}:{each.port}" for each in brokers) + "/transfers"
    meter = Meter()
    {"ours": ours, "alone": alone}[who](kind, place, event_objects(int(count)), meter)
    meter.report(events=int(count))

"""Values of every type in files: what four libraries read is what the event held."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from event_streamer_sdk.models.abi import ABIEvent, ABIInput
from event_streamer_sdk.models.subscriptions import SubscriptionResponse
from event_streamer_sdk.sinks import EventTable, FileSink, SinkBatch, Source
from event_streamer_sdk.sinks._text import cell_columns, json_columns
from support.event_objects import METADATA, event_objects

COUNTER = iter(range(1_000_000))


def written(folder: Path, event: ABIEvent, events: list[dict[str, Any]], suffix: str, **options: Any) -> Path:
    """One finished file with some events."""
    file = folder / f"{next(COUNTER)}.{suffix}"
    sink = FileSink(file, **options)
    about: dict[str, Any] = {"id": 1, "topic0": "0x", "addresses": [], "start_block": 0, "chain_id": 1}
    sink.open(Source(SubscriptionResponse(event_signature=event, subscriber_id="x", **about)))
    sink.write(SinkBatch((), [sink.prepare(events)], len(events), "token", 7, 7))
    sink.finish()
    sink.close()
    return file


ORDER = ABIEvent(
    name="Order",
    inputs=[
        ABIInput(name="note", type="string"),
        ABIInput(name="amount", type="int256"),
        ABIInput(name="small", type="uint8"),
        ABIInput(name="big", type="uint64"),
        ABIInput(name="ok", type="bool"),
        ABIInput(name="data", type="bytes"),
        ABIInput(name="tags", type="uint16[]"),
        ABIInput(
            name="fees",
            type="tuple[]",
            components=[ABIInput(name="token", type="address"), ABIInput(name="value", type="uint256")],
        ),
    ],
)
TEXTS = [
    "plain",
    "a,b",
    'say "x"',
    "line\nend",
    "\r\n",
    " blank ",
    "NA",
    "null",
    "",
    "é 😀 \u2028",
    "'",
    "0012",
    "=1+1",
]


def orders() -> list[dict[str, Any]]:
    return [
        METADATA
        | {
            "log_index": index,
            "note": note,
            "amount": str(-(2**255) + index),
            "small": "255",
            "big": str(2**64 - 1),
            "ok": index % 2 == 0,
            "data": "0x" + "ff" * index,
            "tags": ["1", "65535"][: index % 3],
            "fees": [{"token": "0x" + "ab" * 20, "value": str(2**256 - 1)}] * (index % 2),
        }
        for index, note in enumerate(TEXTS)
    ]


def expected_orders() -> list[dict[str, Any]]:
    return [
        {
            "note": order["note"],
            "amount": order["amount"],
            "small": 255,
            "big": 2**64 - 1,
            "ok": order["ok"],
            "data": order["data"],
            "tags": list(map(int, order["tags"])),
            "fees": order["fees"],
        }
        for order in orders()
    ]


def unwrapped(value: Any) -> Any:
    """Lists and numbers of NumPy as those of Python."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return [unwrapped(item) for item in value]
    return {name: unwrapped(item) for name, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("reader", ["pyarrow", "pandas", "polars", "duckdb"])
def test_parquet_holds_every_type(tmp_path: Path, reader: str) -> None:
    file = str(written(tmp_path, ORDER, orders(), "parquet"))
    if reader == "pyarrow":
        rows = pq.read_table(file).to_pylist()
    elif reader == "pandas":
        rows = pd.read_parquet(file).to_dict("records")
    elif reader == "polars":
        rows = pl.read_parquet(file).to_dicts()
    else:
        found = duckdb.sql(f"SELECT * FROM '{file}'")
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    names = list(expected_orders()[0])
    assert [{name: unwrapped(row[name]) for name in names} for row in rows] == expected_orders()


@pytest.mark.parametrize("reader", ["csv", "pandas", "polars", "duckdb"])
def test_csv_holds_every_type(tmp_path: Path, reader: str) -> None:
    file = str(written(tmp_path, ORDER, orders(), "csv"))
    if reader == "csv":
        rows: list[Any] = list(csv.DictReader(io.StringIO(Path(file).read_bytes().decode(), newline="")))
    elif reader == "pandas":
        rows = pd.read_csv(file, dtype=str, keep_default_na=False).to_dict("records")
    elif reader == "polars":
        rows = pl.read_csv(file, infer_schema=False, missing_columns="raise").fill_null("").to_dicts()
    else:
        found = duckdb.sql(f"SELECT * FROM read_csv('{file}', all_varchar=true, nullstr='\\N')")
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    shown = [
        {
            "note": row["note"],
            "amount": row["amount"],
            "small": int(row["small"]),
            "big": int(row["big"]),
            "ok": {"true": True, "false": False}[row["ok"]],
            "data": row["data"],
            "tags": json.loads(row["tags"]),
            "fees": json.loads(row["fees"]),
        }
        for row in rows
    ]
    assert shown == expected_orders()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event_objects())
def test_any_event_comes_back_from_each_format(tmp_path: Path, drawn: Any) -> None:
    event, found, _ = drawn
    table = EventTable(event, 1)
    columns = table.take([found])
    wanted = dict(zip(table.names, (values[0] for values in json_columns(table, columns)), strict=True))
    (line,) = written(tmp_path, event, [found], "jsonl").read_bytes().decode().split("\n")[:-1]
    assert json.loads(line) == wanted
    cells = [str(values[0]) for values in cell_columns(table, columns)]
    text = written(tmp_path, event, [found], "csv").read_bytes().decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [list(table.names), cells]
    (row,) = pq.read_table(written(tmp_path, event, [found], "parquet")).to_pylist()
    del row["timestamp"], wanted["timestamp"]
    assert row == wanted

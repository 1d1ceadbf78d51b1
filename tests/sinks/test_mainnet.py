"""Two real blocks: four libraries read from exported files the transfers that someone else has decoded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.sinks import FileSink
from event_streamer_service import LocalService
from event_streamer_service.chains.recording import Recording

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

"""Events in files: read back by four libraries, whole or not there, and gone on with."""

import csv
import io
import json
import resource
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.sinks import FileSink, SinkError, SinkUnavailableError
from event_streamer_service import DevChain, LocalService
from support.sink_kills import kill_again_and_again
from support.sinks import Row, row_of_values, rows_of_chain, stream_into, subscribe

FORMATS = ["parquet", "csv", "jsonl"]


def files_of(folder: Path, format_: str) -> list[Path]:
    return sorted(folder.glob(f"*.{format_}"))


def rows_in(path: Path) -> list[Row]:
    """The rows of a file or folder, read in the plainest way there is."""
    files = sorted(path.glob("[0-9]*")) if path.is_dir() else [path]
    rows: list[Row] = []
    for file in files:
        if file.suffix == ".parquet":
            found: Any = pq.read_table(file).to_pylist()
        elif file.suffix == ".csv":
            found = list(csv.DictReader(io.StringIO(file.read_text(), newline="")))
        else:
            found = [json.loads(line) for line in file.read_text().split("\n")[:-1]]
        rows += map(row_of_values, found)
    return rows


@pytest.mark.parametrize("format_", FORMATS)
def test_a_folder_holds_the_logs_of_the_chain(
    service: LocalService, chain: DevChain, tmp_path: Path, kind: str, format_: str
) -> None:
    folder = tmp_path / "transfers"
    sink = FileSink(folder, format=format_, part_rows=200)
    report = stream_into(kind, service.url, subscribe(service, 250), sink)
    expected = rows_of_chain(chain, 0, 250)
    assert report.events == len(expected)
    assert rows_in(folder) == expected
    assert len(files_of(folder, format_)) > 1
    manifest = json.loads((folder / "_manifest.json").read_text())
    assert [part["name"] for part in manifest["parts"]] == [file.name for file in files_of(folder, format_)]
    assert manifest["rows"] == len(expected)
    assert manifest["position"]["finished"] is True


@pytest.mark.parametrize("format_", FORMATS)
def test_one_file_is_there_when_all_is_done(
    service: LocalService, chain: DevChain, tmp_path: Path, format_: str
) -> None:
    file = tmp_path / f"transfers.{format_}"
    number = subscribe(service, 250)
    stream_into("sync", service.url, number, FileSink(file, part_rows=200))
    assert rows_in(file) == rows_of_chain(chain, 0, 250)
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
    with pytest.raises(SinkError, match="exists already: remove it, or name another file"):
        stream_into("sync", service.url, number, FileSink(file))


def test_four_libraries_read_a_whole_folder(service: LocalService, chain: DevChain, tmp_path: Path) -> None:
    folder = str(tmp_path / "transfers")
    stream_into("sync", service.url, subscribe(service, 250), FileSink(folder, part_rows=200))
    (tmp_path / "transfers" / ".0000000251-0000000260.parquet.tmp").write_bytes(
        b"left by a process that died"
    )
    read: dict[str, Any] = {
        "pyarrow.dataset": ds.dataset(folder).to_table().to_pylist(),
        "pyarrow.parquet": pq.read_table(folder).to_pylist(),
        "pandas": pd.read_parquet(folder).to_dict("records"),
        # polars skips only what it is told to skip.
        "polars": pl.scan_parquet(folder, hidden_file_prefix=("_", ".")).collect().to_dicts(),
        "polars, a pattern": pl.read_parquet(f"{folder}/*.parquet").to_dicts(),
        "duckdb": duckdb.sql(f"SELECT * FROM read_parquet('{folder}')").pl().to_dicts(),
    }
    expected = sorted(rows_of_chain(chain, 0, 250))
    for library, rows in read.items():
        assert sorted(map(row_of_values, rows)) == expected, library


def test_a_manifest_of_the_old_name_is_read_and_renamed(
    service: LocalService, chain: DevChain, tmp_path: Path
) -> None:
    number = subscribe(service, 320)

    def stop(stream: Any) -> None:
        stream.on_heartbeat(lambda _: stream.stop_streaming())

    stream_into("sync", service.url, number, FileSink(tmp_path), prepare=stop)
    (tmp_path / "_manifest.json").rename(tmp_path / "manifest.json")
    chain.mine(30)
    stream_into("sync", service.url, number, FileSink(tmp_path))
    assert rows_in(tmp_path) == rows_of_chain(chain, 0, 320)
    assert not (tmp_path / "manifest.json").exists()
    assert (tmp_path / "_manifest.json").exists()


@pytest.mark.parametrize("format_", FORMATS)
def test_four_libraries_read_the_same_values(
    service: LocalService, chain: DevChain, tmp_path: Path, format_: str
) -> None:
    sink = FileSink(tmp_path, format=format_, part_rows=200)
    stream_into("sync", service.url, subscribe(service, 250), sink)
    expected = rows_of_chain(chain, 0, 250)
    files = list(map(str, files_of(tmp_path, format_)))
    glob = f"{tmp_path}/*.{format_}"
    text = {"value": str}
    if format_ == "parquet":
        pandas = pd.concat([pd.read_parquet(file) for file in files])
        polars = pl.read_parquet(glob)
        query = f"SELECT * FROM read_parquet('{glob}') ORDER BY block_number, log_index"
    elif format_ == "csv":
        pandas = pd.concat([pd.read_csv(file, dtype=text) for file in files])
        polars = pl.read_csv(glob, schema_overrides={"value": pl.String})
        types = "{'value': 'VARCHAR'}"
        query = f"SELECT * FROM read_csv('{glob}', types={types}) ORDER BY block_number, log_index"
    else:
        pandas = pd.concat([pd.read_json(file, lines=True, dtype=False) for file in files])
        polars = pl.concat([pl.read_ndjson(file) for file in files])
        query = f"SELECT * FROM read_json('{glob}') ORDER BY block_number, log_index"
    assert [row_of_values(row) for row in pandas.to_dict("records")] == expected
    assert [row_of_values(row) for row in polars.sort("block_number", "log_index").to_dicts()] == expected
    found = duckdb.sql(query)
    named = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert [row_of_values(row) for row in named] == expected


def test_a_run_that_goes_on_adds_what_is_missing(
    service: LocalService, chain: DevChain, tmp_path: Path, kind: str
) -> None:
    number = subscribe(service, None)

    def stop_after(stream: Any) -> None:
        @stream.on_event("Transfer")
        def look(events: list[dict[str, Any]]) -> None:
            if events[-1]["block_number"] >= chain.head_number - 1:
                # From within a handler neither client waits for the end.
                end = stream.stop_streaming()
                if end is not None:
                    end.close()
                    stream._run.request_stop()

    stream_into(kind, service.url, number, FileSink(tmp_path), prepare=stop_after)
    first = rows_in(tmp_path)
    chain.mine(20)
    stream_into(kind, service.url, number, FileSink(tmp_path), prepare=stop_after)
    rows = rows_in(tmp_path)
    assert rows[: len(first)] == first
    assert rows == rows_of_chain(chain, 0, rows[-1][0])
    assert rows[-1][0] >= chain.head_number - 1


def test_files_that_no_manifest_lists_do_not_count(
    service: LocalService, chain: DevChain, tmp_path: Path
) -> None:
    number = subscribe(service, 250)
    stream_into("sync", service.url, number, FileSink(tmp_path, format="csv"))
    stray = [tmp_path / "0000000000-0000000009.csv", tmp_path / "0000000251-0000000260.csv.tmp"]
    for file in stray:
        file.write_text("left by a process that died")
    (tmp_path / "notes.txt").write_text("the user's own")
    stream_into("sync", service.url, number, FileSink(tmp_path, format="csv"))
    assert rows_in(tmp_path) == rows_of_chain(chain, 0, 250)
    assert not any(file.exists() for file in stray)
    assert (tmp_path / "notes.txt").exists()


def test_a_place_of_other_events_is_refused(service: LocalService, tmp_path: Path) -> None:
    first, second = subscribe(service, 250), subscribe(service, 249)
    stream_into("sync", service.url, first, FileSink(tmp_path, format="csv"))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(SinkError, match=f"written for subscription {first}.*name another place"):
        stream_into("sync", service.url, second, FileSink(tmp_path, format="csv"))
    with pytest.raises(
        SinkError, match="written with format csv, and not with format parquet: ask for the same"
    ):
        stream_into("sync", service.url, first, FileSink(tmp_path))
    with pytest.raises(SinkError, match="written without where, and not with where value > 5"):
        stream_into("sync", service.url, first, FileSink(tmp_path, format="csv", where="value > 5"))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_two_writers_do_not_share_a_folder(service: LocalService, tmp_path: Path) -> None:
    number = subscribe(service, None)

    def second(stream: Any) -> None:
        @stream.on_event("Transfer")
        def look(events: Any) -> None:
            try:
                with pytest.raises(SinkError, match="another process writes into"):
                    stream_into("sync", service.url, number, FileSink(tmp_path))
            finally:
                stream.stop_streaming()

    stream_into("sync", service.url, number, FileSink(tmp_path), prepare=second)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
def test_replaced_blocks_leave_the_files(
    service: LocalService, chain: DevChain, tmp_path: Path, format_: str, depth: int
) -> None:
    number = subscribe(service, chain.head_number + 10)

    def change(stream: Any) -> None:
        done = False

        @stream.on_event("Transfer")
        def look(events: list[dict[str, Any]]) -> None:
            nonlocal done
            if not done and events[-1]["block_number"] >= chain.head_number - 1:
                done = True
                chain.mine(1)
                chain.reorg(depth)
                chain.mine(12)

    # Short parts, so that some of the replaced blocks are in files already.
    sink = FileSink(tmp_path, format=format_, part_seconds=0.01)
    stream_into("sync", service.url, number, sink, prepare=change)
    assert rows_in(tmp_path) == rows_of_chain(chain, 0, 309)


def test_a_cut_part_is_written_anew(chain: DevChain, service: LocalService, tmp_path: Path) -> None:
    number = subscribe(service, chain.head_number + 5)
    depth = 4

    def change(stream: Any) -> None:
        @stream.on_heartbeat
        def look(_: Any) -> None:
            if chain.head_number < 305:
                chain.reorg(depth)
                chain.mine(12)

    sink = FileSink(tmp_path, part_seconds=0.01)
    stream_into("sync", service.url, number, sink, prepare=change)
    assert rows_in(tmp_path) == rows_of_chain(chain, 0, 304)
    names = [file.name for file in files_of(tmp_path, "parquet")]
    assert any(name.endswith(f"-{299 - depth:010d}.parquet") for name in names), names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "xml"}, "format must be one of jsonl, csv, parquet"),
        ({"part_rows": 0}, "part_rows must be 1 or more"),
        ({"format": "csv", "byte_style": "binary"}, "binary needs Parquet"),
    ],
)
def test_options_that_do_not_exist_are_refused(
    service: LocalService, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    number = subscribe(service, 10)
    with pytest.raises(EventStreamerValidationError, match=message):
        stream_into("sync", service.url, number, FileSink(tmp_path / "x", **options))


def test_columns_and_conditions_hold_for_files(
    service: LocalService, chain: DevChain, tmp_path: Path
) -> None:
    values = sorted(row[-1] for row in rows_of_chain(chain, 0, 250))
    middle = values[len(values) // 2]
    sink = FileSink(tmp_path / "x.csv", columns=["value"], where=f"value > {middle}")
    stream_into("sync", service.url, subscribe(service, 250), sink)
    with (tmp_path / "x.csv").open() as file:
        found = list(csv.DictReader(file))
    assert sorted(int(row["value"]) for row in found) == [value for value in values if value > middle]
    assert list(found[0])[7:] == ["value"]


def test_folders_of_a_cloud_work_as_those_of_a_disk(service: LocalService, chain: DevChain) -> None:
    import fsspec

    place = f"memory://bucket-{id(chain)}/transfers"
    number = subscribe(service, chain.head_number + 5)

    def change(stream: Any) -> None:
        @stream.on_heartbeat
        def look(_: Any) -> None:
            if chain.head_number < 305:
                chain.reorg(3)
                chain.mine(12)

    sink = FileSink(place, format="jsonl", part_seconds=0.01)
    stream_into("sync", service.url, number, sink, prepare=change)
    system, path = fsspec.core.url_to_fs(place)
    rows: list[Row] = []
    for name in sorted(system.glob(f"{path}/*.jsonl")):
        rows += [row_of_values(json.loads(line)) for line in system.cat_file(name).splitlines()]
    assert rows == rows_of_chain(chain, 0, 304)


@pytest.mark.parametrize("place", ["folder", "file.csv", "folder-of-jsonl"])
def test_killed_at_random_instants_the_files_end_as_the_chain(tmp_path: Path, place: str) -> None:
    options = ["--part-seconds", "0.01", *(["--format", "jsonl"] if "jsonl" in place else [])]
    kill_again_and_again(
        lambda: rows_in(tmp_path / place), "--to", str(tmp_path / place), *options, seed=place
    )


def test_a_disk_that_is_full_loses_nothing(
    service: LocalService, chain: DevChain, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    number = subscribe(service, 250)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        sink = FileSink(tmp_path, format="csv", patience=0.6)
        with pytest.raises(SinkUnavailableError, match="can't be written: File too large"):
            stream_into("sync", service.url, number, sink, handler_retries=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "trying again in 0.5 s" in caplog.text
    assert sorted(file.name for file in tmp_path.iterdir()) == [".lock", "_manifest.json"]
    assert service.journal.acknowledged() == []
    stream_into("sync", service.url, number, FileSink(tmp_path, format="csv"))
    assert rows_in(tmp_path) == rows_of_chain(chain, 0, 250)

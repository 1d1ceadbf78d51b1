"""Plots: the figures that they show, the pictures, and the command."""

import json
import struct
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.cli._app import run
from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.frames.charts import PlotData, chart_of
from event_streamer_sdk.frames.drawing import draw
from event_streamer_sdk.frames.sparkline import text_of
from event_streamer_sdk.sinks import MissingExtraError, sink_for
from event_streamer_service import DevChain, LocalService
from support.sinks import CHAIN, OPTIONS, TRANSFER, rows_of_chain

from .conftest import Fetch

START = datetime(2024, 1, 1, 23, 30, tzinfo=UTC)
LARGEST = 2**256 - 1


def data(values: list[Any], *, step: timedelta = timedelta(hours=1), name: str = "value") -> PlotData:
    """An event a block, each `step` after the one before."""
    numbers = range(len(values))
    return PlotData(
        "Transfer",
        "chain 1",
        {
            "block_number": list(numbers),
            "timestamp": [START + step * number for number in numbers],
            "address": ["0x" + "ab" * 20 for _ in numbers],
            "to": ["0x" + f"{number % 3:02x}" * 20 for number in numbers],
            name: values,
        },
    )


def test_hours_and_days_are_those_of_utc_and_empty_ones_are_zero() -> None:
    by_day = chart_of(data([1, 2, 4, 8], step=timedelta(days=2)), "sum", per="day")
    assert by_day.heights == (1, 0, 2, 0, 4, 0, 8)
    assert by_day.edges[0] == datetime(2024, 1, 1, tzinfo=UTC)
    assert by_day.edges[-1] == datetime(2024, 1, 8, tzinfo=UTC)
    by_hour = chart_of(data([1, 2], step=timedelta(minutes=31)), "sum", per="hour")
    assert by_hour.edges[:2] == (datetime(2024, 1, 1, 23, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    assert by_hour.heights == (1, 2)


def test_sums_are_exact_for_the_largest_numbers() -> None:
    chart = chart_of(data([str(LARGEST), LARGEST]), "sum", per="day")
    assert sum(chart.heights) == 2 * LARGEST
    assert chart_of(data([10**18]), "sum", decimals=18).heights == (1.0,)


@pytest.mark.parametrize(
    "values", [[1], [0, 0, 0], [5, 5], [-3, 2, 9], [0, 1, 10**9], [0, LARGEST], [LARGEST] * 3, [1.5, 2.5], []]
)
def test_each_value_is_in_one_bin(values: list[Any]) -> None:
    chart = chart_of(data(values), "histogram")
    shown = [value for value in values if value > 0] if chart.is_log else values
    assert sum(chart.heights) == len(shown)
    assert list(chart.edges) == sorted(chart.edges)
    assert ("value 0" in chart.note) == (len(shown) < len(values))
    assert draw(chart).save("x.png").exists()


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_many_blocks_are_joined_and_none_is_lost() -> None:
    wide = PlotData("E", "", {"block_number": [0, 999_999, 1_000_000]}, 0, 1_000_000)
    chart = chart_of(wide)
    assert sum(chart.heights) == 3
    assert len(chart.heights) <= 400
    assert (chart.edges[0], chart.edges[-1]) == (0, 1_000_001)
    assert "per 5,000 blocks" in chart.title


def test_the_top_addresses_are_counted_or_added_up() -> None:
    events = data([1, 2, 100, 4])
    counted = chart_of(events, "top")
    assert next(zip(counted.names, counted.heights, strict=True)) == ("0x" + "00" * 20, 2)
    added = chart_of(events, "top", of="to", by="value", top=1)
    assert (added.names, added.heights) == (("0x" + "02" * 20,), (100,))
    assert added.note == "2 more addresses"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"kind": "pie"}, "events, sum, histogram, top, not 'pie'"),
        ({"kind": "sum", "of": "valeu"}, "no parameter 'valeu'; there are to, value"),
        ({"kind": "sum", "of": "to"}, "to is not a number"),
        ({"kind": "top", "of": "value"}, "value is not an address"),
        ({"per": "week"}, "block, hour or day"),
        ({"decimals": 78}, "decimals must be"),
        ({"top": 0}, "top must be"),
    ],
)
def test_what_can_not_be_plotted_is_said(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(EventStreamerValidationError) as caught:
        chart_of(data([1, 2]), **arguments)
    assert says in str(caught.value)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "values", [[], [1], [LARGEST] * 5, list(range(500))], ids=["none", "one", "large", "many"]
)
def test_pictures_are_drawn_without_a_warning_and_are_the_same_again(theme: str, values: list[int]) -> None:
    name = "$a_{very}$" + "long" * 20
    for kind in ("events", "sum", "histogram", "top"):
        chart = chart_of(data(values, name=name), kind)
        pictures = [draw(chart, theme=theme).save(f"{number}.{kind}.svg").read_bytes() for number in (1, 2)]
        assert pictures[0] == pictures[1]
        png = draw(chart, theme=theme, width=6, height=3).save("x.png").read_bytes()
        assert struct.unpack(">II", png[16:24]) == (6 * 144, 3 * 144)
        assert draw(chart).text().startswith("Transfer: ")


def test_wrong_files_themes_and_sizes_are_named() -> None:
    chart = chart_of(data([1]))
    with pytest.raises(EventStreamerValidationError, match=r"\.png or \.svg"):
        draw(chart).save("plot.gif")
    with pytest.raises(EventStreamerValidationError, match="light or dark"):
        draw(chart, theme="blue")
    with pytest.raises(EventStreamerValidationError, match="width must be"):
        draw(chart, width=0)


def test_a_missing_matplotlib_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"event-streamer-sdk\[plot\]"):
        draw(chart_of(data([1])))


def test_a_frame_plots_what_it_holds(fetch: Fetch, chain: DevChain) -> None:
    plot = fetch(TRANSFER).plot("sum", of="value", per="block")
    sums: Counter[int] = Counter()
    for row in rows_of_chain(chain, 0, 59):
        sums[row[0]] += row[-1]
    assert plot.chart.heights == tuple(sums[block] for block in range(60))
    assert plot._repr_png_().startswith(b"\x89PNG")


FORMATS: list[tuple[str, dict[str, Any]]] = [
    ("t.csv", {}),
    ("t.jsonl", {}),
    ("t.parquet", {}),
    ("t.parquet", {"integers": "binary"}),
    ("t.parquet", {"integers": "decimal", "byte_style": "binary"}),
    ("folder", {"part_rows": 100}),
]


@pytest.mark.parametrize(("place", "options"), FORMATS)
def test_the_command_plots_exports_and_subscriptions_alike(
    place: str, options: dict[str, Any], service: LocalService, capsys: pytest.CaptureFixture[str]
) -> None:
    with SyncEventStreamer(service.url, "event-streamer-cli") as client:
        made = client.subscribe(TRANSFER, chain_id=CHAIN, start_block=0, end_block=59)
        kind = ["--show", "sum", "--of", "value", "--per", "block"]
        assert run(["plot", str(made.id), "--url", service.url, *kind, "-o", "a.png"]) == 0
        of_subscription = capsys.readouterr()
        assert client.get_subscription(made.id).events_delivered == 0
        assert [each.id for each in client.iter_subscriptions()] == [made.id]
        client.create_streaming_client(made.id, **OPTIONS).run(into=sink_for(place, **options))
    assert run(["plot", place, *kind, "-o", "b.svg", "--theme", "dark"]) == 0
    of_file = capsys.readouterr()
    assert of_file.out.splitlines()[2:] == of_subscription.out.splitlines()[2:] != []
    assert Path("a.png").stat().st_size > 10_000
    assert b"<svg" in Path("b.svg").read_bytes()
    assert "Written to b.svg" in of_file.err


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.csv", None, "isn't there"),
        ("x.txt", "a", "is not an export"),
        ("x.csv", "a,b\n1,2\n", "no column block_number"),
        ("x.jsonl", "{", "can't be read"),
        ("x.jsonl", json.dumps([1]), "can't be read"),
        ("x.parquet", "no", "can't be read"),
    ],
)
def test_what_is_no_export_is_said_in_a_line(
    name: str, content: str | None, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        Path(name).write_text(content)
    assert run(["plot", name]) == 2
    written = capsys.readouterr()
    assert says in written.err
    assert written.err.count("\n") == 1
    assert written.out == ""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--show", "pie"], "'pie'"),
        (["--per", "week"], "'week'"),
        (["-o", "x.gif"], ".png or .svg"),
        (["-o", "x.png", "--theme", "blue"], "light or dark"),
    ],
)
def test_wrong_options_are_told_before_anything_is_fetched(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str], free_port: int
) -> None:
    assert run(["plot", "1", "--url", f"http://127.0.0.1:{free_port}", *options]) == 2
    assert says in capsys.readouterr().err


def test_a_picture_without_matplotlib_is_refused_before_anything_is_fetched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], free_port: int
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run(["plot", "1", "--url", f"http://127.0.0.1:{free_port}", "-o", "x.png"]) == 1
    assert "event-streamer-sdk[plot]" in capsys.readouterr().err


def test_a_live_subscription_is_plotted_to_the_newest_block(
    service: LocalService, chain: DevChain, capsys: pytest.CaptureFixture[str]
) -> None:
    with SyncEventStreamer(service.url, "event-streamer-cli") as client:
        made = client.subscribe(TRANSFER, chain_id=CHAIN, start_block=5)
    assert run(["plot", str(made.id), "--url", service.url, "--from", "10"]) == 0
    rows = rows_of_chain(chain, 10, chain.head_number)
    assert f"blocks 10 to {chain.head_number} · {len(rows)} events" in capsys.readouterr().out


def test_a_subscription_is_plotted_as_it_selects_by_indexed_parameters(
    service: LocalService, chain: DevChain, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of_chain(chain, 0, 50)
    receiver = rows[0][6]
    with SyncEventStreamer(service.url, "event-streamer-cli") as client:
        made = client.subscribe(TRANSFER, chain_id=CHAIN, start_block=0, end_block=50, where={"to": receiver})
    assert run(["plot", str(made.id), "--url", service.url]) == 0
    mine = sum(row[6] == receiver for row in rows)
    assert 0 < mine < len(rows)
    assert f"blocks 0 to 50 · {mine} event" in capsys.readouterr().out


def test_text_without_block_characters_is_ascii() -> None:
    for kind in ("events", "sum", "histogram", "top"):
        assert text_of(chart_of(data([3, LARGEST, 10**20]), kind), plain=True).isascii()
    assert "1.16e77" in text_of(chart_of(data([LARGEST]), "sum"), plain=True)

"""`event-streamer export`, as it is typed: places, conditions, subscriptions made for it, and its ends."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.cli._app import run
from event_streamer_service import DevChain, LocalService
from event_streamer_service.devchain.anvil import Anvil, AnvilError, find_anvil
from event_streamer_service.devchain.node import DevToken
from support.service_process import service_process
from support.services import wait_until
from support.sinks import CHAIN, TRANSFER, Row, row_of_values, rows_of_chain, subscribe

Export = Callable[..., tuple[int, str]]


@pytest.fixture
def export(
    service: LocalService, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Export:
    """Run the command in this process; gives its exit code and what it said."""
    monkeypatch.setenv("EVENT_STREAMER_URL", service.url)
    monkeypatch.setenv("EVENT_STREAMER_SUBSCRIBER_ID", "sinks")

    def call(*arguments: object) -> tuple[int, str]:
        code = run(["export", *map(str, arguments)])
        written = capfd.readouterr()
        assert written.out == ""
        return code, written.err

    return call


OF_AN_EVENT = ["--event", TRANSFER, "--chain", str(CHAIN), "--to", "x"]


def rows_in(file: Path) -> list[Row]:
    return [row_of_values(row) for row in pq.read_table(file).to_pylist()]


def subscriptions(service: LocalService) -> list[int]:
    with SyncEventStreamer(service.url, "sinks") as client:
        return [each.id for each in client.iter_subscriptions()]


def test_a_subscription_goes_into_a_file(
    export: Export, service: LocalService, chain: DevChain, tmp_path: Path
) -> None:
    number = subscribe(service, 250)
    code, said = export(number, "--to", tmp_path / "x.parquet")
    expected = rows_of_chain(chain, 0, 250)
    assert code == 0
    assert f"{len(expected):,} events" in said
    assert "last block 250" in said
    assert rows_in(tmp_path / "x.parquet") == expected
    assert subscriptions(service) == [number]


@pytest.mark.parametrize("blocks", [("--start-block", 10, "--end-block", 200), ("--from", 10, "--to", 200)])
def test_an_event_makes_its_own_subscription_and_removes_it(
    export: Export, service: LocalService, chain: DevChain, tmp_path: Path, blocks: tuple[object, ...]
) -> None:
    arguments = ("--event", TRANSFER, "--chain", CHAIN, "--to", tmp_path / "all", *blocks)
    code, said = export(*arguments)
    assert code == 0, said
    parts = sorted((tmp_path / "all").glob("*.parquet"))
    assert [row for part in parts for row in rows_in(part)] == rows_of_chain(chain, 10, 200)
    assert subscriptions(service) == []
    code, said = export(*arguments)
    assert (code, subscriptions(service)) == (0, [])
    assert "already holds all events of this subscription: nothing to do" in said


def test_a_second_run_says_that_all_is_there(export: Export, service: LocalService, tmp_path: Path) -> None:
    number = subscribe(service, 250)
    assert export(number, "--to", tmp_path / "all")[0] == 0
    code, said = export(number, "--to", tmp_path / "all")
    assert (code, said) == (0, f"No further events: {tmp_path}/all holds all of them up to block 250\n")


def test_a_place_gets_the_events_that_a_subscription_selects_by_topics_alone(
    export: Export, service: LocalService, chain: DevChain, tmp_path: Path
) -> None:
    receiver = rows_of_chain(chain, 0, 250)[0][6]
    with SyncEventStreamer(service.url, "sinks") as client:
        number = client.subscribe(
            TRANSFER, chain_id=CHAIN, start_block=0, end_block=250, where={"to": receiver}
        ).id
    expected = [row for row in rows_of_chain(chain, 0, 250) if row[6] == receiver]
    for name in ("first.parquet", "second.parquet"):
        assert export(number, "--to", tmp_path / name)[0] == 0
        assert rows_in(tmp_path / name) == expected


def test_a_second_place_gets_all_events_too(
    export: Export, service: LocalService, chain: DevChain, tmp_path: Path
) -> None:
    number = subscribe(service, 250)
    assert export(number, "--to", tmp_path / "x.parquet")[0] == 0
    code, said = export(number, "--to", tmp_path / "all")
    assert code == 0, said
    assert f"Subscription {number} has been read before" in said
    parts = sorted((tmp_path / "all").glob("*.parquet"))
    assert [row for part in parts for row in rows_in(part)] == rows_of_chain(chain, 0, 250)
    assert subscriptions(service) == [number]


def test_only_what_is_asked_for_is_stored(
    export: Export, service: LocalService, chain: DevChain, tmp_path: Path
) -> None:
    rows = rows_of_chain(chain, 0, 250)
    least = sorted(row[-1] for row in rows)[len(rows) // 2]
    file = tmp_path / "x.jsonl"
    code, said = export(
        subscribe(service, 250), "--to", file, "--columns", "from, value", "--where", f"value > {least}",
        "--since", "2024-01-01 00:05", "--until", "2024-01-01T00:30:00Z", "--integers", "decimal",
    )  # fmt: skip
    assert code == 0, said
    found = [json.loads(line) for line in file.read_text().splitlines()]
    # A block each 12 seconds, from 2024 on.
    expected = [row for row in rows if row[-1] > least and 25 <= row[0] <= 150]
    assert [(row["block_number"], row["from"], row["value"]) for row in found] == [
        (row[0], row[5], row[7]) for row in expected
    ]
    assert "to" not in found[0]
    assert re.search(rf"\b{len(expected):,} events of \d+ that came", said)
    assert "By the dates: from block 25 to 150." in said


START = datetime(2024, 1, 1, tzinfo=UTC)
"""The time of the development chain's first block; a block comes each 12 seconds."""


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


@pytest.mark.parametrize(
    ("since", "until", "blocks"),
    [
        (at(0), at(12 * 20), (0, 20)),  # at the time of a block: that block
        (at(12 * 10 + 1), at(12 * 20 - 1), (11, 19)),  # between two: the first after, the last before
        ("2000-01-01", at(5), (0, 0)),  # before the chain's start: from its first block
        (at(12 * 7), None, (7, 250)),  # the subscription's own end
    ],
)
def test_dates_are_resolved_to_blocks(
    export: Export, service: LocalService, chain: DevChain, tmp_path: Path,
    since: str, until: str | None, blocks: tuple[int, int],
) -> None:  # fmt: skip
    number = subscribe(service, 250)
    dates = ["--since", since, *(["--until", until] if until else [])]
    code, said = export(number, "--to", tmp_path / "x.parquet", *dates)
    assert code == 0, said
    assert f"By the dates: from block {blocks[0]} to {blocks[1]}." in said
    assert rows_in(tmp_path / "x.parquet") == rows_of_chain(chain, *blocks)
    assert subscriptions(service) == [number]


@pytest.mark.parametrize(
    ("dates", "sentence"),
    [
        (
            ["--since", "2031-05-05"],
            "--since 2031-05-05 00:00:00 UTC is later than the newest block of chain ",
        ),
        (["--until", "2031-05-05"], "2024-01-01 00:59:48 UTC: name an earlier date, or say --follow to wait"),
        (["--until", "2023-12-31"], "--until 2023-12-31 00:00:00 UTC is before the first block of chain"),
        (["--since", at(60), "--until", at(30)], "--since 2024-01-01 00:01:00 UTC is later than --until"),
        (["--since", at(61), "--until", at(63)], "block 5 is of 2024-01-01 00:01:00 UTC, and 6 of"),
        (["--since", at(12 * 260)], "have nothing in common: the first block would be 260, the last one 250"),
    ],
)
def test_dates_without_a_block_are_refused_in_one_sentence(
    export: Export, service: LocalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    dates: list[str], sentence: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", "1000")
    number = subscribe(service, 250)
    code, said = export(number, "--to", tmp_path / "x.parquet", *dates)
    assert code == 2
    assert sentence in " ".join(said.split())
    assert list(tmp_path.iterdir()) == []
    assert subscriptions(service) == [number]


@pytest.mark.anvil
def test_dates_are_resolved_to_the_blocks_of_a_real_node(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        find_anvil()
    except AnvilError as missing:
        pytest.skip(str(missing))
    with Anvil() as node, ExitStack() as stack:
        token = DevToken.deploy(node)
        receiver = node.accounts()[1]
        for value in range(20):  # blocks an hour from each other, but for two at the same time of day
            node.call("evm_increaseTime", 3600)
            token.transfer(receiver, value + 1)
        times = {
            number: int(node.call("eth_getBlockByNumber", hex(number), False)["timestamp"], 16)
            for number in range(node.block_number() + 1)
        }
        url = stack.enter_context(
            service_process(
                "--database", "sqlite://", "--port", "0", "--chain", f"31337={node.url}",
                "--heartbeat-interval", "1", "--block-time", "0.5", "--log-level", "warning",
            )
        ).url  # fmt: skip
        monkeypatch.setenv("EVENT_STREAMER_URL", url)
        for since, until in (
            (times[5], times[9]),
            (times[5] + 1, times[9] - 1),
            (times[5] - 1, times[9] + 1),
        ):
            file = tmp_path / f"{since}.parquet"
            options = [
                "--event",
                TRANSFER,
                "--chain",
                CHAIN,
                "--to",
                file,
                "--since",
                since,
                "--until",
                until,
            ]
            assert run(["export", *map(str, options)]) == 0, capfd.readouterr().err
            blocks = [number for number, time in times.items() if since <= time <= until]
            assert f"By the dates: from block {blocks[0]} to {blocks[-1]}." in capfd.readouterr().err
            assert [row["block_number"] for row in pq.read_table(file).to_pylist()] == blocks


def test_a_last_block_that_is_not_there_yet_is_told(
    service: LocalService, chain: DevChain, tmp_path: Path
) -> None:
    running = process(service, subscribe(service, 99_999), "--to", tmp_path / "all")
    assert running.stderr is not None
    said = running.stderr.readline()
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=20)
    assert said == (
        f"Block 99,999 is not there yet: chain {CHAIN} is at 299. The export waits for 99,700 more; "
        "Ctrl-C ends it, and the same command goes on.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--to", "x"], 2, "name a subscription by its number, or an event with --event"),
        (["1"], 2, "Missing option '--to'"),
        (["1", "--to", "x", "--to", "y"], 2, "name one place with --to, not x and y"),
        (["1", "--to", "5"], 2, r"--to names no place: 5 is read as the last block.*\./5"),
        (["1", "--to", "x", "--to", "5", "--to", "7"], 2, "name one last block with --to, not 5 and 7"),
        (["1", "--to", "x", "--where", "value > 1", "--where", "value > 2"], 2, "given twice"),
        (["1", "--to", "x", "--chain", "1"], 2, "belong to --event"),
        (["1", "--to", "x", "--end-block", "5"], 2, "belong to --event"),
        ([*OF_AN_EVENT, "--to", "5", "--end-block", "7"], 2, "name one last block, not 5 and 7"),
        (
            [*OF_AN_EVENT, "--start-block", "9", "--end-block", "5"],
            2,
            "--end-block 5 is before --start-block 9",
        ),
        ([*OF_AN_EVENT, "--from", "9", "--to", "5"], 2, "--end-block 5 is before --start-block 9"),
        (
            ["--event", "Transfer", "--abi", "no.json", "--chain", "1", "--to", "x", "--to", "5"],
            2,
            "no.json: No",
        ),
        (["--event", "Transfer", "--chain", "1", "--to", "x", "--to", "5"], 2, "is a name: say with --abi"),
        (["--event", "Transfer()", "--to", "x"], 2, "--event needs --chain"),
        (["1", "--to", "x", "--since", "soon"], 2, "is not"),
        (["1", "--to", "mysql://me:secret@h/x"], 2, "events can't go to mysql://: they go to files"),
        (["1", "--to", "x", "--columns", ","], 2, "--columns names no parameter"),
        (
            ["1", "--to", "redis://h/transfers"],
            2,
            r"database's number, not 'transfers': redis://host/0\?stream=",
        ),
        (["1", "--to", "nats://h/a.*"], 2, "is not a subject to publish on"),
        (["1", "--to", "sqlite://"], 2, "in memory is gone with the program"),
        (["1", "--to", "postgresql+asyncpg://h/x"], 2, "events don't go to postgresql\\+asyncpg://"),
        (["1", "--to", "/etc/hostname"], 1, "is a file: name a folder"),
        (["1", "--to", "https://h/x.csv"], 2, "events can't go to https://"),
        (
            ["1", "--to", "x.txt"],
            2,
            "x.txt: a file of events ends with .parquet, .csv or .jsonl.* write x.txt/",
        ),
        (["1", "--to", "x.json"], 2, "ends with .parquet, .csv or .jsonl"),
        (["99", "--to", "x"], 1, "404"),
        (["1", "--to", "x", "--columns", "nothing"], 2, "its parameters are from, to, value"),
        (["1", "--to", "x", "--where", "value >"], 2, "can't be read"),
        (["1", "--to", "x.csv", "--format", "parquet"], 2, "doesn't end as a file of parquet does"),
        (["1", "--to", "sqlite:///x.db", "--integers", "float"], 2, "SQLSink has no option 'integers'"),
        (["1", "--to", "/proc/nothing/x"], 1, "can't be used"),
        (["2", "--to", "x.csv"], 2, "there is no last block: say --follow"),
        (["2", "--to", "x.csv", "--follow"], 2, "and --follow goes on: name a folder"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    export: Export, service: LocalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], code: int, sentence: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    subscribe(service, 10)
    subscribe(service, None)
    ended, said = export(*arguments)
    assert ended == code, said
    assert re.search(sentence, " ".join(said.split())), said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
    assert subscriptions(service) == [1, 2]


def last_block(folder: Path) -> int:
    names = sorted(file.stem.split(".")[0] for file in folder.glob("*.parquet"))
    return int(names[-1].rpartition("-")[2]) if names else -1


# --- as a process --------------------------------------------------------------------------------


def process(service: LocalService, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "event_streamer_sdk.cli", "export", *map(str, arguments)],
        env=os.environ | {"EVENT_STREAMER_URL": service.url, "EVENT_STREAMER_SUBSCRIBER_ID": "sinks"},
        text=True, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_in_a_whole_state_and_the_same_command_goes_on(
    export: Export, service: LocalService, chain: DevChain, tmp_path: Path, number: int, code: int
) -> None:
    folder = tmp_path / "all"
    one = subscribe(service, 1000)  # the chain has 300 blocks: it waits for more
    running = process(service, one, "--to", folder, "--part-rows", 100)
    wait_until(lambda: list(folder.glob("*.parquet")), seconds=20)
    running.send_signal(number)
    _, said = running.communicate(timeout=20)
    assert running.returncode == code, said
    assert "Interrupted; everything written so far is complete. The same command goes on from here." in said
    chain.mine(800)
    ended, _ = export(one, "--to", folder, "--part-rows", 100)
    assert ended == 0
    parts = sorted(folder.glob("*.parquet"))
    assert [row for part in parts for row in rows_in(part)] == rows_of_chain(chain, 0, 1000)


def test_an_interrupted_file_is_told_where_its_parts_are(service: LocalService, tmp_path: Path) -> None:
    running = process(service, subscribe(service, 1000), "--to", tmp_path / "x.csv", "--part-rows", 100)
    wait_until(lambda: list(tmp_path.glob("x.csv.parts/*.csv")), seconds=20)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=20)
    assert re.search(rf"events, .* into {re.escape(str(tmp_path))}/x\.csv\.parts, last block", said), said
    assert f"The same command goes on from here, and makes {tmp_path}/x.csv when all is exported." in said


@pytest.mark.parametrize("condition", ["value // 0 == 1", "value < 0"], ids=["fails", "no-row"])
@pytest.mark.parametrize("name", ["x.csv", "folder"])
def test_a_condition_that_left_no_rows_can_be_corrected(
    export: Export, service: LocalService, chain: DevChain, tmp_path: Path, condition: str, name: str
) -> None:
    wanted = ["--event", TRANSFER, "--chain", CHAIN, "--to", 250, "--to", tmp_path / name, "--format", "csv"]
    wanted += ["--where"]
    code, said = export(*wanted, condition)
    assert code == (2 if "//" in condition else 0), said
    if code == 0 and name == "x.csv":  # the file is whole, and has no rows
        (tmp_path / name).unlink()
    code, said = export(*wanted, "value >= 0")
    assert code == 0, said
    expected = rows_of_chain(chain, 0, 250)
    files = sorted(tmp_path.glob("folder/*.csv" if name == "folder" else name))
    assert sum(len(file.read_text().splitlines()) - 1 for file in files) == len(expected)
    code, said = export(*wanted, "value > 0")
    assert code == 1
    assert (
        "exists already" in said or "was written with where value >= 0, and not with where value > 0" in said
    )
    assert subscriptions(service) == []


@pytest.mark.parametrize("first_block", [1000, 0], ids=["nothing-stored", "something-stored"])
def test_an_interrupted_export_keeps_its_subscription_only_where_the_place_goes_on_with_it(
    service: LocalService, tmp_path: Path, first_block: int
) -> None:
    folder = tmp_path / "all"
    options = ["--event", TRANSFER, "--chain", CHAIN, "--from", first_block, "--to", 2000, "--part-rows", 100]
    running = process(service, *options, "--to", folder)
    if first_block:  # the chain has 300 blocks, so nothing comes
        wait_until(lambda: subscriptions(service), seconds=20)
        wait_until(folder.exists, seconds=20)
    else:
        wait_until(lambda: list(folder.glob("*.parquet")), seconds=20)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=20)
    assert running.returncode == 130, said
    kept = subscriptions(service)
    # Where nothing comes, the position may have moved by itself before the signal: then it is kept, too.
    assert first_block == 1000 or len(kept) == 1
    assert ("is kept: the same command goes on with it" in said) is bool(kept)


def test_following_ends_well_with_a_signal(service: LocalService, chain: DevChain, tmp_path: Path) -> None:
    folder = tmp_path / "all"
    number = subscribe(service, None)
    running = process(service, number, "--to", folder, "--follow", "--part-seconds", 0.1)
    wait_until(lambda: last_block(folder) > 290, seconds=30)
    chain.mine(5)
    wait_until(lambda: last_block(folder) >= 303, seconds=30)
    chain.reorg(3)
    chain.mine(20)
    wait_until(lambda: last_block(folder) > 305, seconds=30)
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=20)
    assert running.returncode == 0, said
    rows = [row for part in sorted(folder.glob("*.parquet")) for row in rows_in(part)]
    assert rows == rows_of_chain(chain, 0, rows[-1][0])
    assert "Blocks after 301 are replaced." in said


def test_a_terminal_sees_a_bar_and_a_pipe_sees_lines(
    service: LocalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = subscribe(service, 250)
    master, slave = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "event_streamer_sdk.cli", "export", str(number), "--to", f"{tmp_path}/x.csv"],
        env=os.environ | {
            "EVENT_STREAMER_URL": service.url,
            "EVENT_STREAMER_SUBSCRIBER_ID": "sinks",
            "COLUMNS": "120",
            "TERM": "xterm",
        },
        stdout=slave, stderr=slave, stdin=slave,
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    os.close(master)
    assert running.wait(20) == 0
    text = shown.decode()
    assert "100 %" in text
    assert "━" in text
    assert "events/s" in text
    piped = process(service, number, "--to", tmp_path / "y.csv")
    _, said = piped.communicate(timeout=20)
    assert piped.returncode == 0
    assert "\x1b" not in said
    assert (tmp_path / "x.csv").read_bytes() == (tmp_path / "y.csv").read_bytes()
    assert "━" not in said

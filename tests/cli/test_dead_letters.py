"""`event-streamer dead-letters`: what a program could not handle is looked at, replayed and removed."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.checkpoints import (
    DeadLetterRecord,
    JSONLinesDeadLetters,
    SQLDeadLetters,
    SQLiteDeadLetters,
)
from event_streamer_service import LocalService
from support.postgres import Missing, cluster

from .conftest import Cli

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
START = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)

APP = """
def app(stream):
    assert stream.client_metadata == {{"replay": True}}

    @stream.on_event("Transfer")
    {define} handle(events):
        for event in events:
            if event["block_number"] == {bad}:
                raise ValueError("still bad")
        with open("handled", "a") as file:
            file.writelines(f"{{stream.subscription_id}} {{event['value']}}\\n" for event in events)
"""


INTERRUPTED = """
import os, time

def app(stream):
    @stream.on_event("Transfer")
    def handle(events):
        if events[0]["block_number"] == 3:
            os.kill(os.getpid(), {number})
        if events[0]["block_number"] > 3:
            time.sleep(0.1)  # the others aren't handled before it is noticed
"""


def batch(number: int, subscription: int = 1, reason: str = "ValueError('bad')") -> DeadLetterRecord:
    event = {
        "value": str(number),
        "block_number": number,
        "log_index": 0,
        "timestamp": "2026-11-27T08:00:00Z",
    }
    return DeadLetterRecord(
        time=START + timedelta(minutes=number),
        kind="batch",
        subscription_id=subscription,
        batch_id=f"b{number}",
        reason=reason,
        handlers=("handle",),
        message={
            "type": "event_batch",
            "response_id": f"b{number}",
            "batch_id": f"b{number}",
            "events": {"Transfer": [event]},
            "batch_size": 1,
            "first_block": number,
            "last_block": number,
        },
    )


LINE = DeadLetterRecord(
    time=START, kind="line", subscription_id=1, reason="line 3 is not JSON", raw=b'{"type": \x1b[2J \xff'
)

Store = tuple[Any, str]


@pytest.fixture(params=["jsonl", "sqlite", "sqlite url"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "jsonl":
        return JSONLinesDeadLetters(tmp_path / "dead.jsonl"), str(tmp_path / "dead.jsonl")
    path = tmp_path / "dead.db"
    return SQLiteDeadLetters(path), str(path) if request.param == "sqlite" else f"sqlite:///{path}"


def filled(store: Store, *records: DeadLetterRecord) -> str:
    letters, place = store
    for record in records:
        letters.write(record)
    return place


def an_app(folder: Path, monkeypatch: pytest.MonkeyPatch, *, define: str = "def", bad: int = -1) -> str:
    name = f"dead_letters_app_{define.replace(' ', '_')}_{bad}".replace("-", "_")
    (folder / f"{name}.py").write_text(APP.format(define=define, bad=bad))
    monkeypatch.chdir(folder)
    return f"{name}:app"


def handled(folder: Path) -> list[str]:
    path = folder / "handled"
    return path.read_text().splitlines() if path.exists() else []


def test_they_are_listed_counted_and_shown(cli: Cli, store: Store) -> None:
    place = filled(store, LINE, batch(1), batch(2, 2), batch(3, reason="KeyError('x')"))
    table = cli("dead-letters", "list", place)
    assert table.code == 0
    assert [word in table.out for word in ("b1", "b2", "b3", "line 3 is not JSON")] == [True] * 4
    rows = cli("dead-letters", "list", place, "--json").json
    assert [(row["kind"], row["batch_id"], row["events"], row["first_block"]) for row in rows] == [
        ("line", None, 0, None), ("batch", "b1", 1, 1), ("batch", "b2", 1, 2), ("batch", "b3", 1, 3),
    ]  # fmt: skip
    chosen = cli("dead-letters", "list", place, "--json", "--subscription", 2).json
    assert [row["batch_id"] for row in chosen] == ["b2"]
    chosen = cli("dead-letters", "list", place, "--json", "--reason", "KeyError").json
    assert [row["batch_id"] for row in chosen] == ["b3"]
    counts = cli("dead-letters", "count", place, "--json").json
    assert [(row["count"], row["reason"]) for row in counts] == [
        (2, "ValueError('bad')"), (1, "KeyError('x')"), (1, "line 3 is not JSON"),
    ]  # fmt: skip
    assert "ValueError" in cli("dead-letters", "count", place).out
    shown = cli("dead-letters", "show", place, rows[1]["id"][:6])
    assert [word in shown.out for word in ("b1", "ValueError('bad')", "Transfer", "value=1")] == [True] * 4
    whole = cli("dead-letters", "show", place, rows[1]["id"], "--json").json
    assert whole["message"] == batch(1).message
    torn = cli("dead-letters", "show", place, rows[0]["id"])
    assert r'{"type": \x1b[2J \xff' in torn.out
    assert cli("dead-letters", "show", place, rows[0]["id"], "--json").json["raw"] == "0x" + LINE.raw.hex()  # type: ignore[union-attr]


@pytest.mark.parametrize("define", ["def", "async def"])
def test_what_is_handled_now_is_removed(
    cli: Cli, store: Store, define: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The second one of a subscription may lie before the first, and one batch may have failed twice.
    place = filled(store, LINE, batch(7), batch(2), batch(3, 2), batch(5), batch(5, reason="again"))
    app = an_app(tmp_path, monkeypatch, define=define, bad=5)
    way = () if define == "async def" else ("--blocking",)
    done = cli("dead-letters", "replay", place, "--app", app, *way)
    assert done.code == 1
    assert "3 dead letters handled, 3 not handled" in done.err
    assert done.err.count("failed again: handler app.<locals>.handle failed: ValueError('still bad')") == 2
    assert "can't be replayed, since it isn't a batch" in done.err
    assert sorted(handled(tmp_path)) == ["1 2", "1 7", "2 3"]
    left = cli("dead-letters", "list", place, "--json").json
    assert [row["batch_id"] for row in left] == [None, "b5", "b5"]

    mended = an_app(tmp_path, monkeypatch, define=define)
    ids = [row["id"] for row in left[1:]]
    done = cli("dead-letters", "replay", place, ids[0], ids[1][:8], "--app", mended, *way, "--keep")
    assert (done.code, handled(tmp_path)[3:]) == (0, ["1 5"])
    assert len(cli("dead-letters", "list", place, "--json").json) == 3


def test_they_are_removed(cli: Cli, store: Store) -> None:
    place = filled(store, LINE, batch(1), batch(2, 2), batch(3))
    ids = [row["id"] for row in cli("dead-letters", "list", place, "--json").json]
    assert cli("dead-letters", "remove", place).code == 2
    refused = cli("dead-letters", "remove", place, ids[1])
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert cli("dead-letters", "remove", place, "ffff00", "--yes").code == 2
    assert "1 dead letter removed" in cli("dead-letters", "remove", place, ids[1][:7], "--yes").err
    assert cli("dead-letters", "remove", place, "--subscription", 2, "--yes").code == 0
    left = cli("dead-letters", "list", place, "--json").json
    assert [row["id"] for row in left] == [ids[0], ids[3]]
    assert cli("dead-letters", "remove", place, "--all", "--yes").code == 0
    assert "No dead letters" in cli("dead-letters", "list", place).err


@pytest.mark.parametrize("place", ["nothing.jsonl", "sqlite:///nothing.db", "nothing.db", "."])
def test_a_place_that_is_not_there_is_not_made(
    cli: Cli, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = cli("dead-letters", "list", place)
    assert (refused.code, "there is no file" in refused.err) == (2, True)
    assert not list(tmp_path.glob("nothing*"))


def test_another_database_is_told_and_left_alone(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE things (name)")
    other.close()
    refused = cli("dead-letters", "list", path)
    assert (refused.code, "no such table: event_streamer_dead_letters" in refused.err) == (1, True)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("things",)]
    other.close()


def test_a_line_that_was_torn_takes_no_other_with_it(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    letters = JSONLinesDeadLetters(path)
    letters.write(batch(1))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])  # its writer was killed, or the disk was full
    letters.write(batch(2))
    assert [each.record.batch_id for each in letters.read()] == ["b1", "b2"]
    assert cli("dead-letters", "remove", path, "--all", "--yes").code == 0
    assert path.read_bytes() == whole[:40] + b"\n", "what is something else is kept"


def test_what_is_written_while_others_are_removed_stays(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    first = JSONLinesDeadLetters(path)
    for number in range(50):
        first.write(batch(number))
    writer = """
import json, sys
from event_streamer_sdk.checkpoints import JSONLinesDeadLetters
from event_streamer_sdk.checkpoints.letters import from_json
letters = JSONLinesDeadLetters(sys.argv[1])
record = from_json(sys.stdin.read()).record
print("ready", flush=True)
for _ in range(100):
    letters.write(record)
"""
    one = path.read_text().splitlines()[0]
    with subprocess.Popen(
        [sys.executable, "-c", writer, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(one)
        process.stdin.close()
        assert process.stdout.readline() == "ready\n"
        others = [each.id for each in first.read() if each.record.batch_id != "b0"]
        for each in others:
            first.remove({each})
    assert process.returncode == 0
    assert len(others) == 49
    assert [each.record.batch_id for each in first.read()] == ["b0"] * 101
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["dead.jsonl"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("blocking", [False, True], ids=["asyncio", "blocking"])
def test_a_replay_that_is_interrupted_says_so_by_its_exit_code(
    number: signal.Signals, code: int, blocking: bool, tmp_path: Path
) -> None:
    """Code 1 would mean that handlers failed again."""
    (tmp_path / "interrupted.py").write_text(INTERRUPTED.format(number=int(number)))
    letters = JSONLinesDeadLetters(tmp_path / "dead.jsonl")
    for each in range(50):
        letters.write(batch(each))
    command = [sys.executable, "-m", "event_streamer_sdk.cli", "dead-letters", "replay", "dead.jsonl"]
    command += ["--app", "interrupted:app", *(["--blocking"] if blocking else [])]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    left = len(list(letters.read()))
    assert 0 < left < 50
    assert done.stderr == f"{50 - left} dead letters handled, {left} not handled\n"


def test_from_a_stream_that_failed_to_its_replay(
    cli: Cli, service: LocalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SyncEventStreamer(service.url, "me") as client:
        subscription = client.subscribe(TRANSFER, chain_id=31337, start_block=0, end_block=10)
        stream = client.create_streaming_client(
            subscription.id,
            on_handler_error="dead_letter",
            dead_letter=tmp_path / "dead.jsonl",
            handler_retries=0,
        )
        seen: list[str] = []

        @stream.on_event("Transfer")
        def handle(events: list[dict[str, Any]]) -> None:
            seen.extend(event["value"] for event in events)
            raise ValueError("never")

        stream.run()
    app = an_app(tmp_path, monkeypatch)
    done = cli("dead-letters", "replay", "dead.jsonl", "--app", app, "--blocking")
    assert done.code == 0, done.err
    assert handled(tmp_path) == [f"{subscription.id} {value}" for value in seen]
    assert cli("dead-letters", "list", "dead.jsonl", "--json").json == []


@pytest.fixture
def postgres() -> Iterator[str]:
    try:
        running = cluster()
        with running as url:
            yield f"{url}/postgres"
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.postgres
def test_on_postgresql(cli: Cli, postgres: str) -> None:
    url = postgres
    letters = SQLDeadLetters(url)
    missing = cli("dead-letters", "list", url)
    assert (missing.code, "does not exist" in missing.err) == (1, True)
    threads = [threading.Thread(target=letters.write, args=(batch(number),)) for number in range(5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    rows = cli("dead-letters", "list", url, "--json").json
    assert [row["batch_id"] for row in rows] == [f"b{number}" for number in range(5)]
    assert cli("dead-letters", "remove", url, rows[0]["id"], "--yes").code == 0
    assert json.loads(cli("dead-letters", "count", url, "--json").out)[0]["count"] == 4
    letters.close()


@pytest.mark.parametrize("command", ["list", "replay", "remove"])
def test_a_file_of_something_else_is_not_taken_for_an_empty_one(
    cli: Cli, command: str, tmp_path: Path
) -> None:
    program = tmp_path / "mended.py"
    program.write_text("def app(stream):\n    pass\n")
    more = {"replay": ["--app", "mended:app"], "remove": ["--all", "--yes"]}.get(command, [])
    done = cli("dead-letters", command, str(program), *more)
    assert done.code == 2
    assert "is not a file of dead letters" in " ".join(done.err.replace("│", " ").split())
    assert program.read_text().startswith("def app")

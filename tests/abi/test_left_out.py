"""One bad event doesn't stand in the way of the others, and who asks for all is told which is missing."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.abi import ABIParsingError, codegen, extract_abi_events, parse_abi, parse_contract_abi

GOOD = {"type": "event", "name": "Good", "inputs": [{"name": "a", "type": "uint256"}]}
BAD = {"type": "event", "name": "Bad", "inputs": [{"name": "a", "type": "uint7"}]}
LAST = {"type": "event", "name": "Last", "inputs": []}
WHY = r"abi\[1\]\.inputs\[0\]\.type: 'uint7'"
SOLIDITY = "event Good(uint256 a);\nevent Bad(uint7 a);\nevent Last();"

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("source", [[GOOD, BAD, LAST], json.dumps([GOOD, BAD, LAST]), SOLIDITY])
def test_all_events_but_the_bad_one(source: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert list(extract_abi_events(source)) == ["Good", "Last"]
    [record] = caplog.records
    assert record.name.startswith("event_streamer_sdk.abi")
    assert record.levelno == logging.WARNING
    assert "1 items of the ABI can't be read, left out: " in record.getMessage()
    assert "'uint7': uint takes 8 to 256 bits" in record.getMessage()
    assert list(parse_contract_abi(source)["events"]) == ["Good", "Last"]


def test_who_asks_gets_the_faults_themselves(caplog: pytest.LogCaptureFixture) -> None:
    events, [fault] = parse_abi([GOOD, BAD, LAST]).read_events()
    assert list(events) == ["Good", "Last"]
    assert fault.path == "abi[1].inputs[0].type"
    assert not caplog.records


def test_a_parsed_abi_tells_once(caplog: pytest.LogCaptureFixture) -> None:
    abi = parse_abi([GOOD, BAD, LAST])
    assert [event.name for event in abi] == ["Good", "Last"]
    assert len(abi) == 2
    assert len(caplog.records) == 1


def test_where_none_can_be_read_the_first_fault_is_raised() -> None:
    with pytest.raises(ABIParsingError, match="uint7"):
        extract_abi_events([BAD])
    with pytest.raises(ABIParsingError, match="uint7"):
        parse_abi([BAD]).read_events()


def test_the_bad_one_is_refused_where_it_is_asked_for() -> None:
    with pytest.raises(ABIParsingError, match=WHY):
        parse_abi([GOOD, BAD, LAST]).event("Bad")


def test_the_only_event_is_not_the_only_good_one() -> None:
    """Which of two is meant isn't known, even if just one can be read."""
    assert parse_abi([GOOD]).only_event().name == "Good"
    for abi, message in (
        ([GOOD, BAD], "uint7"),
        ([GOOD, LAST], r"2 events \(Good, Last\)"),
        ([], "0 events"),
    ):
        with pytest.raises(ABIParsingError, match=message):
            parse_abi(abi).only_event()
        with (
            SyncEventStreamer("http://127.0.0.1:9", "me") as client,
            pytest.raises(EventStreamerValidationError, match=message),
        ):
            client.subscribe(abi, chain_id=1, start_block=0)


def test_many_faults_are_told_in_one_record(caplog: pytest.LogCaptureFixture) -> None:
    extract_abi_events([GOOD, *[BAD] * 1000])
    [record] = caplog.records
    assert "1000 items" in record.getMessage()
    assert "and 980 more" in record.getMessage()


def test_codegen_writes_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    abi, module = tmp_path / "abi.json", tmp_path / "events.py"
    abi.write_text(json.dumps([GOOD, BAD, LAST]))
    assert codegen.main([str(abi), "--output", str(module)]) == 0
    assert "class Good:" in module.read_text()
    assert "class Bad:" not in module.read_text()
    error = capsys.readouterr().err
    assert "left out" in error
    assert "abi[1].inputs[0].type: 'uint7'" in error


@pytest.mark.parametrize(
    ("command", "shows"),
    [
        (["events"], "Good(uint256)"),
        (["human-readable"], "event Good(uint256 a)"),
        (["codegen"], "class Good:"),
    ],
)
def test_the_command_line_shows_the_others(command: list[str], shows: str, tmp_path: Path) -> None:
    abi = tmp_path / "abi.json"
    abi.write_text(json.dumps([GOOD, BAD, LAST]))
    done = subprocess.run(
        [sys.executable, "-m", "event_streamer_sdk.cli", "abi", *command, str(abi)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert shows in done.stdout
    assert "Bad" not in done.stdout
    assert "uint7" in done.stderr
    assert "abi[1].inputs[0].type" in done.stderr

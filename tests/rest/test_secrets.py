"""What the clients do with keys, and with files that hold tokens and events."""

import os
import stat
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk._core.stream.checkpoint import DeadLetterRecord
from event_streamer_sdk.checkpoints import JSONLinesDeadLetters, SQLiteCheckpoint, SQLiteDeadLetters
from event_streamer_sdk.exceptions import EventStreamerSDKError

pytestmark = pytest.mark.quick
RECORD = DeadLetterRecord(
    time=datetime(2024, 1, 1, tzinfo=UTC), kind="batch", subscription_id=1, batch_id="b", reason="r",
    handlers=(), message=None, raw=b"x",
)  # fmt: skip


@pytest.mark.parametrize("client", [EventStreamer, SyncEventStreamer])
@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("http://streamer.example", {"api_key": "k"}),
        ("http://10.0.0.1:8000/x", {"headers": {"x-api-key": "k"}}),
        ("http://user:pass@streamer.example", {"api_key": "k"}),
        ("http://localhost.example", {"api_key": "k"}),
    ],
)
def test_a_key_that_anybody_can_read_warns(client: type, url: str, options: dict[str, object]) -> None:
    with pytest.warns(UserWarning, match="without TLS") as told:
        client(url, "me", **options)
    assert "pass" not in str(told[0].message)
    assert told[0].filename == __file__


@pytest.mark.parametrize("client", [EventStreamer, SyncEventStreamer])
@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("https://streamer.example", {"api_key": "k"}),
        ("http://streamer.example", {}),
        ("http://localhost:8000", {"api_key": "k"}),
        ("http://127.0.0.2:8000", {"api_key": "k"}),
        ("http://[::1]:8000", {"api_key": "k"}),
    ],
)
def test_other_keys_do_not(client: type, url: str, options: dict[str, object]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client(url, "me", **options)


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


@pytest.fixture
def open_umask() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


def test_files_with_tokens_and_events_are_their_owners_alone(tmp_path: Path, open_umask: object) -> None:
    checkpoint = SQLiteCheckpoint(tmp_path / "positions.db")
    checkpoint.load("key")
    letters = SQLiteDeadLetters(tmp_path / "letters.db")
    letters.write(RECORD)
    lines = JSONLinesDeadLetters(tmp_path / "letters.jsonl")
    lines.write(RECORD)
    assert modes(tmp_path) == {0o600}
    checkpoint.close()
    letters.close()
    assert SQLiteCheckpoint(":memory:").load("key") is None


def test_dead_letters_follow_no_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine\n")
    (tmp_path / "letters.jsonl").symlink_to(target)
    with pytest.raises(EventStreamerSDKError, match=r"letters\.jsonl can't be written"):
        JSONLinesDeadLetters(tmp_path / "letters.jsonl").write(RECORD)
    assert target.read_text() == "mine\n"

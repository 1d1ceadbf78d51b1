"""Two processes that write events into one place of files, one of them a moment ahead."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from event_streamer_sdk.models.abi import ABIEvent, ABIInput
from event_streamer_sdk.models.subscriptions import SubscriptionResponse
from event_streamer_sdk.sinks import FileSink, SinkBatch, SinkError, Source
from event_streamer_sdk.sinks.files.folders import LocalFolder
from support.event_objects import METADATA

SEEN = ABIEvent(name="Seen", inputs=[ABIInput(name="n", type="uint256")])
SOURCE = Source(
    SubscriptionResponse(
        id=1, topic0="0x", event_signature=SEEN, addresses=[], start_block=0, chain_id=1, subscriber_id="x"
    )
)


def write(sink: FileSink, block: int) -> None:
    prepared = sink.prepare([METADATA | {"block_number": block, "n": str(block)}])
    sink.write(SinkBatch((), [prepared], 1, f"behind {block}", block, block))


def blocks_in(file: Path) -> list[int]:
    return [json.loads(line)["block_number"] for line in file.read_text().splitlines()]


def first_run(place: Path, *blocks: int, finish: bool = False) -> str | None:
    """Write what another process writes; gives the token that it went on from."""
    sink = FileSink(place, format="jsonl")
    token = sink.open(SOURCE)
    for block in blocks:
        write(sink, block)
    if finish:
        sink.finish()
    sink.close()
    return token


def just_before_the_lock(monkeypatch: pytest.MonkeyPatch, other: Callable[[], object]) -> None:
    """Let another process have its whole run between the second one's look and its lock."""
    make = LocalFolder.make

    def late(folder: LocalFolder) -> None:
        monkeypatch.setattr(LocalFolder, "make", make)
        other()
        make(folder)

    monkeypatch.setattr(LocalFolder, "make", late)


@pytest.mark.parametrize("before", [(), (1,)], ids=["a new folder", "one with events"])
def test_what_another_process_has_written_meanwhile_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: tuple[int, ...]
) -> None:
    place = tmp_path / "seen"
    if before:
        first_run(place, *before)
    just_before_the_lock(monkeypatch, lambda: first_run(place, 7))
    assert first_run(place, 8) == "behind 7"
    found = [block for file in sorted(place.glob("[0-9]*")) for block in blocks_in(file)]
    assert found == [*before, 7, 8]


def test_a_file_that_another_process_has_finished_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "seen.jsonl"
    first_run(place, 1)
    just_before_the_lock(monkeypatch, lambda: first_run(place, 7, finish=True))
    with pytest.raises(SinkError, match=r"seen\.jsonl exists already: remove it"):
        first_run(place, finish=True)
    assert blocks_in(place) == [1, 7]
    assert [each.name for each in tmp_path.iterdir()] == ["seen.jsonl"]


def test_a_folder_that_another_process_removes_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has made a file of the parts removes their folder, just before the next one locks it."""
    place, folder = tmp_path / "seen.jsonl", tmp_path / "seen.jsonl.parts"
    mkdir, made = Path.mkdir, []

    def short_lived(path: Path, **options: bool) -> None:
        mkdir(path, **options)
        if path == folder and not made:
            made.append(path)
            path.rmdir()

    monkeypatch.setattr(Path, "mkdir", short_lived)
    first_run(place, 7, finish=True)
    assert made
    assert blocks_in(place) == [7]


def test_a_file_is_done_though_another_process_looks_into_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one locks the folder anew in the moment in which it is removed."""
    place, folder = tmp_path / "seen.jsonl", tmp_path / "seen.jsonl.parts"
    rmdir = Path.rmdir

    def after_another(path: Path) -> None:
        if path == folder:
            (path / ".lock").touch()
        rmdir(path)

    monkeypatch.setattr(Path, "rmdir", after_another)
    first_run(place, 7, finish=True)
    assert blocks_in(place) == [7]

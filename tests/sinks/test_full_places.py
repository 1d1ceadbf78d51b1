"""Places of files that are full or overloaded: said, waited for with bounded memory, and nothing is lost."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from event_streamer_service import DevChain, LocalService
from support.sinks import Row, row_of_values, rows_of_chain, subscribe
from support.small_disk import small_disk

pytestmark = pytest.mark.slow

BLOCKS = 600
GROWTH = 24 * 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "a disk, 100% né") as place:
        yield place


class Export:
    """The command in a process of its own; what it says is read while it runs."""

    def __init__(self, service: LocalService, *arguments: object) -> None:
        self.running = subprocess.Popen(
            [sys.executable, "-m", "event_streamer_sdk.cli", "export", *map(str, arguments)],
            env=os.environ | {"EVENT_STREAMER_URL": service.url, "EVENT_STREAMER_SUBSCRIBER_ID": "sinks"},
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.running.stderr is not None
        self.lines.extend(self.running.stderr)

    def resident(self) -> int:
        return int(Path(f"/proc/{self.running.pid}/statm").read_text().split()[1]) * 4096

    def wait_for(self, text: str, times: int = 1) -> None:
        give_up = time.monotonic() + 60
        while sum(text in line for line in list(self.lines)) < times:
            assert self.running.poll() is None, self.lines
            assert time.monotonic() < give_up, self.lines
            time.sleep(0.02)

    def end(self) -> int:
        code = self.running.wait(60)
        self._reader.join(20)
        assert self.running.stderr is not None
        self.running.stderr.close()
        return code


def rows_in(folder: Path) -> list[Row]:
    import pyarrow.parquet as pq

    return [
        row_of_values(row)
        for name in sorted(folder.glob("*.parquet"))
        for row in pq.read_table(name).to_pylist()
    ]


def test_a_disk_that_fills_up_in_the_middle_of_a_part_is_waited_for(disk: Path) -> None:
    chain = DevChain(blocks=BLOCKS, logs_per_block=40)
    with LocalService(chain) as service:
        number = subscribe(service, BLOCKS - 1)
        export = Export(service, number, "--to", disk / "ü %41 b", "--part-rows", 1_000)
        export.wait_for("No space left on device; trying again in")
        before = export.resident()
        export.wait_for("No space left on device; trying again in", times=3)
        assert export.resident() - before < GROWTH
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        assert export.end() == 0, export.lines
    assert not [line for line in export.lines if "Traceback" in line]
    assert [each.name for each in disk.iterdir()] == ["ü %41 b"]
    assert rows_in(disk / "ü %41 b") == rows_of_chain(chain, 0, BLOCKS - 1)
    assert not list((disk / "ü %41 b").glob(".*.tmp"))

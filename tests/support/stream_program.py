"""
A user's program, run as a process of its own by the tests of signals and of sudden death.

Usage: stream_program.py KIND URL FOLDER [OPTION=VALUE ...]. It handles batches, writes the number of each to
FOLDER/handled, keeps its position in FOLDER/position.json, and prints what happens to it.

Options: handler_seconds (how long the first batch takes), die (`before_save` or `after_save`: kill -9 itself
at the second checkpoint).
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from event_streamer_sdk import EventStreamer, Reconnect, SyncEventStreamer
from event_streamer_sdk.checkpoints import Checkpoint, FileCheckpoint

FIRST_BLOCK = 100


class DeadlyCheckpoint(FileCheckpoint):
    """Kills its process at the second write."""

    def __init__(self, path: Path, die: str) -> None:
        super().__init__(path)
        self.die = die
        self.saves = 0

    def save(self, key: str, checkpoint: Checkpoint) -> None:
        self.saves += 1
        if self.saves == 2 and self.die == "before_save":
            os.kill(os.getpid(), signal.SIGKILL)
        super().save(key, checkpoint)
        if self.saves == 2 and self.die == "after_save":
            os.kill(os.getpid(), signal.SIGKILL)


def say(*words: Any) -> None:
    print(*words, flush=True)


def main() -> None:
    kind, url, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    options = dict(option.split("=") for option in sys.argv[4:])
    seconds = float(options.get("handler_seconds", 0))
    settings: dict[str, Any] = {
        "checkpoint": DeadlyCheckpoint(folder / "position.json", options.get("die", "")),
        "reconnect": Reconnect(initial=0.01, maximum=0.05),
        "batch_ack_interval": 0.02,
        "stop_timeout": 30.0,
    }

    def handle(events: list[dict[str, Any]]) -> None:
        number = events[0]["block_number"] - FIRST_BLOCK
        say("handling", number)
        if number == 0:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                time.sleep(0.01)
        with (folder / "handled").open("a") as file:
            file.write(f"{number}\n")
        say("handled", number)

    async def handle_async(events: list[dict[str, Any]]) -> None:
        number = events[0]["block_number"] - FIRST_BLOCK
        say("handling", number)
        if number == 0:
            await asyncio.sleep(seconds)
        with (folder / "handled").open("a") as file:
            file.write(f"{number}\n")
        say("handled", number)

    if kind == "sync":
        with SyncEventStreamer(url, "tester") as client:
            stream = client.create_streaming_client(1, **settings)
            stream.on_event("Transfer")(handle)
            report = stream.run()
    else:

        async def run() -> Any:
            async with EventStreamer(url, "tester") as client:
                stream = client.create_streaming_client(1, **settings)
                stream.on_event("Transfer")(handle_async if kind == "async" else handle)
                return await stream.run()

        report = asyncio.run(run())
    say("ended", report.reason, report.signal)


if __name__ == "__main__":
    main()

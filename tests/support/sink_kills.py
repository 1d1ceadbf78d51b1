"""
SIGKILL at random instants of an export, reorganisations of depth 1 to 6 among them, for each sink.

What is in the place at the end must be the chain's final logs: nothing missing, nothing twice. The tests do
it a few times, `make kill-sinks` thirty times a sink (SINK_KILLS=30).
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from event_streamer_service import DevChain, LocalService
from support.sinks import Row, rows_of_chain, subscribe

KILLS = int(os.environ.get("SINK_KILLS", "3"))
HISTORY = 400
"""Blocks that are there at the start."""
STEPS = 6
"""Blocks or reorganisations in the life of one process, at most."""


PROGRAM = Path(__file__).with_name("sink_programs.py")


def start(service: LocalService, number: int, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start an export as a process of its own."""
    return _start(service, ["-m", "event_streamer_sdk.cli", "export", str(number), *arguments])


def start_small_writes(service: LocalService, number: int, kind: str, place: str) -> subprocess.Popen[bytes]:
    """Start a program that writes a few rows at a time, so that a write is under way nearly always."""
    return _start(service, [str(PROGRAM), kind, service.url, str(number), place, "write_rows=40"])


def _start(service: LocalService, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=os.environ | {"EVENT_STREAMER_URL": service.url, "EVENT_STREAMER_SUBSCRIBER_ID": "sinks"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def kill_again_and_again(
    read: Callable[[], list[Row]],
    *arguments: str,
    kills: int = KILLS,
    seed: object = 0,
    small_writes: str | None = None,
) -> None:
    """
    Kill an export at random instants, let it end, and hold its place against the chain.

    Args:
        read: Reads all rows that count in the place.
        arguments: The place and further arguments of the command.
        kills: How often.
        seed: Another one gives other instants.
        small_writes: The place, where two of three processes are to write a few rows at a time.
    """
    rng = random.Random(f"kill {seed}")
    chain = DevChain(blocks=HISTORY, logs_per_block=8)
    last_block = HISTORY + kills * STEPS + 20
    # Small batches, so that there are many instants between them.
    with LocalService(chain, heartbeat_interval=1, max_batch_events=10) as service:
        number = subscribe(service, last_block)
        for kill in range(kills):
            connections = len(service.journal.entries("connect"))
            if small_writes is not None and kill % 3:
                running = start_small_writes(service, number, ("sync", "async")[kill % 2], small_writes)
            else:
                running = start(service, number, arguments)
            give_up = time.monotonic() + 60
            while len(service.journal.entries("connect")) == connections:
                assert running.poll() is None, running.communicate()[1].decode()
                assert time.monotonic() < give_up, "the export does not connect"
                time.sleep(0.005)
            time.sleep(rng.choice([0.0, rng.uniform(0.0, 0.3)]))
            for _ in range(rng.randint(0, STEPS)):
                if rng.random() < 0.4:
                    chain.reorg(rng.randint(1, 6))
                else:
                    chain.mine()
                time.sleep(rng.choice([0.0, rng.uniform(0.0, 0.1)]))
            running.send_signal(signal.SIGKILL)
            _, said = running.communicate(timeout=20)
            assert running.returncode == -signal.SIGKILL, said.decode()
        chain.mine(last_block + 5 - chain.head_number)
        running = start(service, number, arguments)
        _, said = running.communicate(timeout=60)
        assert running.returncode == 0, said.decode()
    expected, rows = sorted(rows_of_chain(chain, 0, last_block)), sorted(read())
    missing, surplus = set(expected) - set(rows), set(rows) - set(expected)
    assert not missing, f"missing {sorted(missing)[:3]}"
    assert not surplus, f"too much {sorted(surplus)[:3]}"
    assert rows == expected, "some are there twice"

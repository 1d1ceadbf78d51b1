"""The processes that parts measure beside a worker: a service, a node that answers from memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import peers

CHAIN_ID = 31_337
TRANSFERS_A_BLOCK = 100
"""What each block of the node that answers from memory holds."""


class Process:
    """A running process that has told its URL."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.pid = process.pid
        self.url = url

    def cpu(self) -> float:
        """User and system seconds that it has used."""
        return cpu_of(self.pid)


def fields_of(pid: int) -> list[str]:
    """What the kernel tells of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_of(pid: int) -> float:
    """User and system seconds that a process has used."""
    return sum(map(int, fields_of(pid)[11:13])) / os.sysconf("SC_CLK_TCK")


def family_cpu_of(pid: int) -> float:
    """The same of a process with its children: those that run, and those that have ended."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ended = sum(map(int, fields_of(pid)[13:15])) / os.sysconf("SC_CLK_TCK")
    return cpu_of(pid) + ended + sum(cpu_of(int(child)) for child in children)


@contextmanager
def serving(node: str) -> Iterator[Process]:
    """
    Run ``event-streamer serve`` on a node.

    Args:
        node: The node's JSON-RPC address.
    """
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                str(peers.python("service").parent / "event-streamer"),
                "serve",
                *("--database", f"sqlite:///{folder}/service.db", "--port", "0"),
                *("--chain", f"{CHAIN_ID}={node}", "--log-level", "warning"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if "http://" in line:
                    yield Process(process, "http://" + line.split("http://")[1].split()[0].rstrip("/"))
                    break
            else:
                raise RuntimeError("the service did not start")
        finally:
            process.terminate()
            process.wait(timeout=20)
            process.stdout.close()


@contextmanager
def answering(blocks: int, *options: str) -> Iterator[Process]:
    """
    Run a node that answers from memory.

    Args:
        blocks: How many it has, of ``TRANSFERS_A_BLOCK`` each.
        options: What else its command line says.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.memory_node", str(blocks), str(TRANSFERS_A_BLOCK), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=peers.ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Process(process, process.stdout.readline().strip())
    finally:
        process.stdin.close()
        process.wait(timeout=20)
        process.stdout.close()

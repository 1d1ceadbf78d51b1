"""Starts the stream server and talks to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator

from . import peers


class Server:
    """A running stream server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def acknowledged(self, subscription_id: int) -> int:
        """Return how many of the subscription's batches were acknowledged since this was last asked."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", f"/bench/acknowledged/{subscription_id}")
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return int(answer["batches"])


@contextlib.contextmanager
def running(*shapes: str) -> Iterator[Server]:
    """
    Run a stream server in a process of its own.

    Args:
        shapes: What ``server.py`` takes: ``ID:EVENTS_PER_BATCH:BATCHES``.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server", *shapes],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=peers.ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Server(int(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.wait(timeout=10)
        process.stdout.close()

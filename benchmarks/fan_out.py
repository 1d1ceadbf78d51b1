"""
Live fan-out: 1,000 streams of one process, 500 events a block, a block a second, a tenth of the readers
stalled.

    python -m benchmarks.fan_out [--streams 1000] [--blocks 20]

Told are how long the last reader of a block waits for it, the slowest answer of `/health`, the memory, and
deliveries for each second of the service's processor: what a core of its own would deliver, on machines that
are busy with other things as well. The readers and the one who asks for `/health` are processes of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx

from .service_load import Process, subscribe, verdict

EVENTS_A_BLOCK = 500
LOGS_A_BLOCK = 800
"""Of the development chain's logs five in eight are ERC-20 Transfers."""
HISTORY = 50
MEMORY_LIMIT_MB = 600
LAST_BLOCK = re.compile(rb'"last_block":(\d+)')
ROOT = Path(__file__).resolve().parent.parent


def mine() -> None:
    """Be the node: mine a block for each line of standard input, until that closes."""
    from event_streamer_service import DevChain
    from event_streamer_service.devchain.server import DevChainServer

    chain = DevChain(blocks=HISTORY, logs_per_block=LOGS_A_BLOCK)
    with DevChainServer(chain) as server:
        print(server.websocket_url, flush=True)
        for _ in sys.stdin:
            chain.mine(1)


def watch_health(url: str) -> None:
    """Ask for `/health` ten times a second until standard input closes; tell the slowest answers."""
    import threading

    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    host, port = url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    took = []
    while not ended.wait(0.1):
        began = time.monotonic()
        connection.request("GET", "/health")
        connection.getresponse().read()
        took.append(time.monotonic() - began)
    took.sort()
    print(f"{1000 * took[len(took) // 2]:.0f} {1000 * took[int(0.99 * len(took))]:.0f} {1000 * took[-1]:.0f}")


class Reader(asyncio.BufferedProtocol):
    """Reads a stream without looking at more than where its batches end."""

    memory = bytearray(256 * 1024)

    def __init__(self, number: int, stalls: bool, arrived: dict[int, list[float]]) -> None:
        self._number = number
        self._stalls = stalls
        self._arrived = arrived
        self._block = self._coming = HISTORY - 1
        self._tail = b""
        self.open = False
        self.refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(
            f"GET /subscriptions/{self._number}/stream HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()
        )
        self._transport = transport

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - asyncio calls it so
        return self.memory

    def buffer_updated(self, size: int) -> None:
        data = self._tail + bytes(memoryview(self.memory)[:size])
        if not self.open:
            self.refused = not data.startswith(b"HTTP/1.1 200")
            if self.refused:
                self._transport.close()
                return
            self.open = True
            if self._stalls:
                self._transport.pause_reading()
        if found := LAST_BLOCK.search(data):
            self._coming = int(found[1])
        if b"]}}\n" in data:
            for block in range(
                self._block + 1, self._coming + 1
            ):  # one who is late gets several in one batch
                self._arrived.setdefault(block, []).append(time.monotonic())
            self._block = self._coming
        self._tail = data[-24:] if b"\n" not in data[-24:] else b""


@contextlib.contextmanager
def _health(url: str, told: list[float]) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.fan_out", "--watch-health", url]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield
    finally:
        told += [float(each) for each in process.communicate()[0].split()]


def _service(node: str) -> Process:
    """Start the service as a process of its own, on an SQLite file, with limits that let all readers in."""
    config = "[limits]\nmax_streams = 20000\nmax_connections = 19000\nmax_connections_per_address = 19000\n"
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name)
    (path / "limits.toml").write_text(config)
    arguments = ["-m", "event_streamer_service", "--config", str(path / "limits.toml")]
    arguments += ["--database", f"sqlite:///{path}/service.db", "--port", "0", "--log-level", "warning"]
    return Process([*arguments, "--chain", f"31337={node}"], folder)


def _same(reader: Reader) -> Reader:
    return reader


async def _open(reader: Reader, host: str, port: int) -> None:
    """Open a stream; one that is told to come later, since many open at once, does."""
    while not reader.open:
        reader.refused = False
        await asyncio.get_running_loop().create_connection(partial(_same, reader), host, port)
        while not (reader.open or reader.refused):  # noqa: ASYNC110 - looked at ten times a second
            await asyncio.sleep(0.1)
        if reader.refused:
            await asyncio.sleep(1.0)


async def measure(streams: int, blocks: int, every: float) -> None:
    """Run it, and print what was seen."""
    node = Process(["-m", "benchmarks.fan_out", "--mine"])
    service = _service(node.url)
    arrived: dict[int, list[float]] = {}
    health: list[float] = []
    try:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
            numbers = [await subscribe(client, HISTORY) for _ in range(streams)]
        host, port = service.url.removeprefix("http://").split(":")
        readers = [Reader(number, index % 10 == 0, arrived) for index, number in enumerate(numbers)]
        async with asyncio.TaskGroup() as opening:
            for reader in readers:
                opening.create_task(_open(reader, host, int(port)))
        awake = sum(index % 10 != 0 for index in range(streams))
        mined: dict[int, float] = {}
        before = service.memory()
        with _health(service.url, health):
            await asyncio.sleep(1.0)
            began, cpu = time.monotonic(), service.cpu()
            for index in range(blocks):
                mined[HISTORY + index] = time.monotonic()
                node.tell("mine")
                await asyncio.sleep(max(0.0, began + (index + 1) * every - time.monotonic()))
            give_up = time.monotonic() + 60
            last = HISTORY + blocks - 1
            while time.monotonic() < give_up and len(arrived.get(last, [])) < awake:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
            cpu = service.cpu() - cpu
        waits = sorted(max(times) - mined[block] for block, times in arrived.items() if block in mined)
        complete = sum(len(times) >= awake for block, times in arrived.items() if block in mined)
        peak = service.memory("VmHWM")
        least = min((len(times) for times in arrived.values()), default=0)
    finally:
        service.close()
        node.close()
    deliveries = sum(map(len, arrived.values())) * EVENTS_A_BLOCK
    middle, most = waits[len(waits) // 2], waits[-1]
    lines = [
        f"{streams} streams, a tenth of them stalled, {blocks} blocks of {EVENTS_A_BLOCK} events:",
        f"{complete} blocks complete ({least} of {awake} readers at least);",
        f"the last reader waited {middle:.2f} s (middle), {most:.2f} s (most);",
        f"{deliveries / cpu:,.0f} deliveries a CPU second, {cpu / blocks:.2f} CPU seconds a block;",
        f"memory {before:.0f} MB before, {peak:.0f} MB at most;",
        "/health {:.0f} ms (middle), {:.0f} ms (99 of 100), {:.0f} ms (most)".format(*health),
    ]
    print("fan-out    " + "\n           ".join(lines))
    verdict("delivered within a second", complete == blocks and most < 1.0)
    verdict("1,000,000 deliveries/s", deliveries / cpu >= 1_000_000)
    verdict("/health under 100 ms", health[-1] < 100)
    verdict(f"memory under {MEMORY_LIMIT_MB} MB", peak < MEMORY_LIMIT_MB)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two blocks")
    parser.add_argument("--mine", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--watch-health", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.mine:
        mine()
    elif options.watch_health:
        watch_health(options.watch_health)
    else:
        asyncio.run(measure(options.streams, options.blocks, options.every))


if __name__ == "__main__":
    main()

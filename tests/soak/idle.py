"""
Ten thousand idle streams over three replicas on one PostgreSQL: what they cost, and how they come back.

    python tests/soak/idle.py [--streams 10000] [--replicas 3] [--seconds 120] [--block-seconds 4] [--tied]

Each stream has a subscription of its own; one in a hundred gets events of each block, the others get
heartbeats. Clients are processes of their own with bare sockets, each from its own address of loopback; they
send heartbeats as ours do, and go on with the next replica where theirs goes. In the end one replica is
killed; with --tied each client knows one replica, which is started again. Each process opens its share of the
files: `ulimit -n` has to allow as many as a replica has streams.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from event_streamer_service.devchain.node import DevNode
from support import postgres
from support.ports import own_port
from support.raw_client import TRANSFER_TOPIC, RawClient
from support.replicas import execute, node_process
from support.service_process import ServiceProcess

HEARTBEAT = 30.0
AT_ONCE = 40
"""Streams that a client opens at the same time."""
LOGS_FOR = 100
"""One stream in so many gets events."""
NOBODY = "0x" + "11" * 20
CONNECTION = re.compile(rb"x-connection-id: *(\S+)", re.IGNORECASE)
LATER = re.compile(rb"retry-after: *(\d+)", re.IGNORECASE)


# --- a client, a process of its own -------------------------------------------------------------------------


class Reader(asyncio.Protocol):
    """One stream: open again whenever it ends."""

    def __init__(self, client: Client, number: int, port: int) -> None:
        self._client = client
        self.port = port
        self._number = number
        self._head = b""
        self._wait = 0.0
        self.connection: str | None = None
        self.settled = asyncio.get_running_loop().create_future()
        """Seconds to wait before it is tried again; 0 once it is open."""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(
            f"GET /subscriptions/{self._number}/stream HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()
        )
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self.connection is None:
            self._head += data
            if b"\r\n\r\n" in self._head:
                self._begin()
            return
        self._client.batches += data.count(b'"event_batch"')
        self._client.heartbeats += data.count(b'"heartbeat"')

    def _begin(self) -> None:
        found = CONNECTION.search(self._head)
        if not self._head.startswith(b"HTTP/1.1 200") or found is None:
            later = LATER.search(self._head)
            self._wait = float(later[1]) if later else 1.0
            self._transport.close()
            return
        self.connection = found[1].decode()
        self._head = b""
        self.settled.set_result(0.0)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.connection = None
        if not self.settled.done():
            self.settled.set_result(self._wait or 1.0)
        self.lost.set_result(None)


class Client:
    """
    Holds a share of the streams open.

    Args:
        ports: The replicas; each stream begins with the first, and goes on to the next where it is lost.
        address: The client's own.
        numbers: The subscriptions.
    """

    def __init__(self, ports: list[int], address: str, numbers: range) -> None:
        self._ports = ports
        self._address = address
        self._numbers = numbers
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._readers: dict[int, Reader] = {}
        self.batches = 0
        self.heartbeats = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as all_of_it:
            for number in self._numbers:
                all_of_it.create_task(self._keep(number))
            for port in self._ports:
                all_of_it.create_task(self._beat(port))
            all_of_it.create_task(self._report())

    async def _keep(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        for turn in itertools.count():
            reader = Reader(self, number, self._ports[turn % len(self._ports)])
            wait = 1.0
            async with self._gate:
                with contextlib.suppress(OSError):
                    await loop.create_connection(
                        lambda reader=reader: reader,  # type: ignore[misc]
                        "127.0.0.1", reader.port, local_addr=(self._address, 0),
                    )  # fmt: skip
                    wait = await reader.settled
            if not wait:
                self._readers[number] = reader
                await reader.lost
                self._readers.pop(number, None)
                wait = 1.0
            await asyncio.sleep(wait)

    async def _beat(self, port: int) -> None:
        """Send the heartbeats of a replica's streams, one after the other, over one connection."""
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", port, local_addr=(self._address, 0)
                )
                with contextlib.closing(writer):
                    while True:
                        there = [each.connection for each in self._readers.values() if each.port == port]
                        for name in there:
                            await self._beat_once(name, len(there), reader, writer)
                        await asyncio.sleep(1.0)
            await asyncio.sleep(1.0)

    async def _beat_once(
        self, name: str | None, streams: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        began = time.monotonic()
        body = json.dumps({"connection_id": name, "timestamp": "2024-05-23T10:30:00.000Z"}).encode()
        head = (
            f"POST /stream/{name}/heartbeat HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        )
        writer.write(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", answer, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        pause = 0.8 * HEARTBEAT / streams - (time.monotonic() - began)
        await asyncio.sleep(max(0.0, pause))

    async def _report(self) -> None:
        while True:
            print(json.dumps([len(self._readers), self.batches, self.heartbeats]), flush=True)
            await asyncio.sleep(0.5)


# --- the whole of it ----------------------------------------------------------------------------------------


class Clients:
    """The processes that hold the streams open."""

    def __init__(self, ports: list[int], streams: int, *, tied: bool) -> None:
        self._told = [[0, 0, 0] for _ in ports]
        self._processes = []
        share = -(-streams // len(ports))
        for index in range(len(ports)):
            mine = ports[index : index + 1] if tied else ports[index:] + ports[:index]
            first, last = 1 + index * share, min(streams, (index + 1) * share)
            command = [sys.executable, __file__, "--client", ",".join(map(str, mine)), f"127.0.0.{index + 2}"]
            process = subprocess.Popen(
                [*command, str(first), str(last)], stdout=subprocess.PIPE, text=True, env=os.environ
            )
            self._processes.append(process)
            threading.Thread(target=self._listen, args=(index, process), daemon=True).start()

    def _listen(self, index: int, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._told[index] = json.loads(line)

    def told(self, what: int) -> int:
        """How many are open (0), batches (1) or heartbeats (2) that came."""
        return sum(each[what] for each in self._told)

    def wait_for(self, streams: int, seconds: float) -> float:
        """Wait until so many are open; returns how long it took."""
        began = time.monotonic()
        while self.told(0) < streams:
            if time.monotonic() - began > seconds:
                raise SystemExit(f"only {self.told(0)} of {streams} streams are open after {seconds:.0f} s")
            time.sleep(0.25)
        return time.monotonic() - began

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


class Health:
    """Asks each replica for `/health` five times a second."""

    def __init__(self, ports: list[int]) -> None:
        self._ended = threading.Event()
        self._took: deque[float] = deque()
        self._threads = [threading.Thread(target=self._ask, args=(port,), daemon=True) for port in ports]
        for thread in self._threads:
            thread.start()

    def _ask(self, port: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            while not self._ended.wait(0.2):
                began = time.monotonic()
                with contextlib.suppress(httpx.TransportError):
                    client.get("/health")
                    self._took.append(time.monotonic() - began)

    def end(self) -> str:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        took = sorted(self._took)
        middle, nearly_all, most = (1000 * took[int(part * (len(took) - 1))] for part in (0.5, 0.99, 1))
        return f"/health {middle:.0f} ms (middle), {nearly_all:.0f} (99 of 100), {most:.0f} (most)"


def memory(replica: ServiceProcess) -> float:
    """Resident memory in KB."""
    status = Path(f"/proc/{replica.process.pid}/status").read_text()
    return float(re.findall(r"VmRSS:\s+(\d+)", status)[0])


def cpu(replica: ServiceProcess) -> float:
    """Seconds of processor."""
    fields = Path(f"/proc/{replica.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def subscribe(url: str, database: str, streams: int) -> None:
    """Make the subscriptions: one in a hundred gets events, the others' contract has none."""
    with RawClient(url) as client:
        head = 60
        loud = client.subscribe(topic0=TRANSFER_TOPIC, addresses=[], start_block=head)
        quiet = client.subscribe(topic0=TRANSFER_TOPIC, addresses=[NOBODY], start_block=head)
    columns = execute(
        database, "SELECT column_name FROM information_schema.columns WHERE table_name = 'subscriptions'"
    )
    names = ", ".join(f'"{name}"' for (name,) in columns if name != "id")
    numbers = f"generate_series(3, {streams}) number"
    execute(
        database,
        f"INSERT INTO subscriptions (id, {names}) SELECT number, {names} FROM {numbers} JOIN subscriptions"
        f" ON id = CASE WHEN number % {LOGS_FOR} = 0 THEN {loud} ELSE {quiet} END",
    )


@contextlib.contextmanager
def mining(node: DevNode, seconds: float) -> Iterator[None]:
    ended = threading.Event()

    def mine() -> None:
        while not ended.wait(seconds):
            node.mine(1)

    thread = threading.Thread(target=mine)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def tell(line: str) -> None:
    print(line, flush=True)


def measure(streams: int, replicas: int, seconds: float, block_seconds: float, *, tied: bool) -> None:
    """Run it, and print what was seen."""
    with (
        postgres.cluster() as server,
        node_process(60) as node,
        tempfile.TemporaryDirectory() as folder,
        contextlib.ExitStack() as running,
    ):
        database = f"{server}/postgres"
        limits = Path(folder) / "limits.toml"
        limits.write_text(
            "[limits]\nmax_streams = 100000\nmax_subscriptions = 200000\nmax_connections = 15000\n"
            "max_connections_per_address = 15000\nmax_stored_bytes = 1000000000\n"
        )

        def start(port: int) -> ServiceProcess:
            replica = ServiceProcess(
                *("--database", database, "--replicas", "--chain", f"31337={node.url}", "--port", str(port)),
                *("--block-time", str(block_seconds), "--config", str(limits), "--log-level", "warning"),
            )  # fmt: skip
            running.callback(lambda: replica.process.poll() is None and replica.end())
            return replica

        ports = [own_port() for _ in range(replicas)]
        started = [start(port) for port in ports]
        subscribe(started[0].url, database, streams)
        before = [memory(replica) for replica in started]
        spent = sum(map(cpu, started))
        clients = Clients(ports, streams, tied=tied)
        running.callback(clients.close)
        took = clients.wait_for(streams, 1_500)
        spent = sum(map(cpu, started)) - spent
        each = 1000 * spent / streams
        tell(
            f"{streams} streams on {replicas} replicas open in {took:.0f} s, {each:.1f} ms of processor each"
        )
        with mining(node, block_seconds):
            health = Health(ports)
            time.sleep(seconds / 4)
            spent, events = sum(map(cpu, started)), clients.told(1)
            time.sleep(seconds)
            spent = sum(map(cpu, started)) - spent
            each = 1e6 * spent / streams / seconds
            tell(health.end())
            tell(f"{(sum(map(memory, started)) - sum(before)) / streams:.0f} KB a stream")
            tell(f"{each:.0f} µs of processor a stream and second, a block each {block_seconds:g} s")
            tell(f"{clients.told(1) - events} batches, {clients.told(2)} heartbeats, {clients.told(0)} open")
            spent = sum(map(cpu, started[1:]))
            started[0].end()
            killed = time.monotonic()
            while clients.told(0) > streams * (1 - 0.9 / replicas):
                time.sleep(0.1)
            if tied:
                started[0] = start(ports[0])
                tell(f"a killed replica answers after {time.monotonic() - killed:.1f} s")
            clients.wait_for(streams, 900)
            back = time.monotonic() - killed
            tell(f"the streams of a killed replica are back after {back:.1f} s")
            if not tied:
                each = 1000 * (sum(map(cpu, started[1:])) - spent) * replicas / streams
                tell(f"{each:.1f} ms of the other replicas' processor each")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=120.0, help="for which they are idle")
    parser.add_argument("--block-seconds", type=float, default=4.0, help="seconds between two blocks")
    parser.add_argument("--tied", action="store_true", help="clients know one replica each")
    parser.add_argument("--client", nargs=4, help=argparse.SUPPRESS)
    options: Any = parser.parse_args()
    if options.client:
        ports, address, first, last = options.client
        asyncio.run(_client([*map(int, ports.split(","))], address, range(int(first), int(last) + 1)))
    else:
        measure(options.streams, options.replicas, options.seconds, options.block_seconds, tied=options.tied)


async def _client(ports: list[int], address: str, numbers: range) -> None:
    await Client(ports, address, numbers).run()


if __name__ == "__main__":
    main()

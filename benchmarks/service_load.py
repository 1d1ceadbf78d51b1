"""
The load that the service must hold, measured on this machine: `python -m benchmarks.service_load`.

1. live: 200 subscriptions with a stream each while blocks are mined, acknowledged in bulk every 3 s as
   our client does; no event may be lost, and the progress must be true.
2. history: one subscription over a million logs; the service's memory has to stay flat.
3. slow: the same history with a reader beside it that has stopped to read, and one that dribbles.
4. stalled: 200 streams of history whose readers all stand still; memory has to stay bounded.

The service and its development chain are a process of their own (this file with `--serve`), the
clients are raw sockets in this one, so that the figures are those of the service.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
EVENT = {
    "type": "event",
    "name": "Transfer",
    "inputs": [
        {"name": "from", "type": "address", "indexed": True},
        {"name": "to", "type": "address", "indexed": True},
        {"name": "value", "type": "uint256"},
    ],
}
MEMORY_LIMIT_MB = 400
ACKNOWLEDGE_EVERY = 3.0
TRANSFERS_A_BLOCK = 5
"""Of the development chain's 8 logs a block so many are ERC-20 Transfers."""


def serve(blocks: int, mine_every: float | None) -> None:
    """Be the service, until standard input closes."""
    from event_streamer_service import DevChain, LocalService

    chain = DevChain(blocks=blocks, mine_every=mine_every)
    with LocalService(chain, testing=False, requests_per_second=None) as service:
        print(service.url, flush=True)
        sys.stdin.read()


class Process:
    """
    A process that ends when its standard input closes, or at SIGTERM, and what it costs.

    Args:
        arguments: Of Python.
        folder: Goes with it.
    """

    def __init__(self, arguments: list[str], folder: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=Path(__file__).resolve().parent.parent,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def memory(self, field: str = "VmRSS") -> float:
        """Resident memory in MB, now or (`VmHWM`) at its highest."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
        raise RuntimeError("this kernel tells no memory")

    def cpu(self) -> float:
        """Seconds of processor that it has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        if self._folder is not None:
            self._process.terminate()
        self._process.wait(20)
        self._process.stdout.close()
        if self._folder is not None:
            self._folder.cleanup()


@contextlib.contextmanager
def running(blocks: int, mine_every: float | None = None) -> Iterator[Process]:
    arguments = ["-m", "benchmarks.service_load", "--serve", str(blocks)]
    if mine_every is not None:
        arguments += ["--mine-every", str(mine_every)]
    process = Process(arguments)
    try:
        yield process
    finally:
        process.close()


async def subscribe(client: httpx.AsyncClient, start: int, end: int | None = None) -> int:
    body = {
        "topic0": TRANSFER, "event_signature": EVENT, "addresses": [], "start_block": start, "end_block": end,
        "chain_id": 31_337, "subscriber_id": "load",
    }  # fmt: skip
    answer = await client.post("/subscriptions", json=body)
    answer.raise_for_status()
    number: int = answer.json()["id"]
    return number


async def lines(url: str, number: int, *, limit: int = 2**20) -> AsyncGenerator[bytes]:
    """The lines of a stream, over a bare socket: HTTP's chunk sizes are lines that begin with no brace."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=limit)
    writer.write(f"GET /subscriptions/{number}/stream HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
    try:
        while line := await reader.readline():
            if line.startswith(b"{"):
                yield line
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def places_of(message: dict[str, Any]) -> list[tuple[int, int]]:
    """Where the events of a message lie."""
    events = message.get("events", {}).get("Transfer", ())
    return [(event["block_number"], event["log_index"]) for event in events]


async def acknowledge(client: httpx.AsyncClient, number: int, connection: str, batches: list[str]) -> None:
    path = f"/subscriptions/{number}/stream/{connection}/ack/batch/bulk"
    answer = await client.post(path, json={"batch_ids": batches, "connection_id": connection})
    answer.raise_for_status()


async def live(streams: int, blocks: int, mine_every: float) -> None:
    with running(1000, mine_every) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
            first = 995
            numbers = [await subscribe(client, first) for _ in range(streams)]
            last = first + blocks

            async def follow(number: int) -> list[tuple[int, int]]:
                places: list[tuple[int, int]] = []
                waiting: list[str] = []
                acknowledged_at = time.monotonic()
                async with contextlib.aclosing(lines(service.url, number)) as stream:
                    async for line in stream:
                        message = orjson.loads(line)
                        places += places_of(message)
                        waiting.append(message["batch_id"])
                        done = message["last_block"] >= last
                        if done or time.monotonic() - acknowledged_at > ACKNOWLEDGE_EVERY:
                            await acknowledge(client, number, message["connection_id"], waiting)
                            waiting, acknowledged_at = [], time.monotonic()
                        if done:
                            return places
                raise RuntimeError("a stream ended")

            began, cpu = time.monotonic(), service.cpu()
            got = await asyncio.gather(*(follow(number) for number in numbers))
            seconds, cpu = time.monotonic() - began, service.cpu() - cpu
            number = await subscribe(client, first, last)
            truth: list[tuple[int, int]] = []
            async with contextlib.aclosing(lines(service.url, number)) as stream:
                async for line in stream:
                    truth += places_of(orjson.loads(line))
                    if b'"type":"end"' in line:
                        break
            delivered = [
                (await client.get(f"/subscriptions/{number}")).json()["events_delivered"]
                for number in numbers
            ]
        complete = sum([p for p in places if p[0] <= last] == truth for places in got)
        true = sum(count == len(places) for count, places in zip(delivered, got, strict=True))
        peak = service.memory("VmHWM")
        print(
            f"live       {streams} streams, {blocks} blocks, {len(truth)} events each: {complete} complete,"
        )
        print(
            f"           {seconds:.1f} s, service CPU {100 * cpu / seconds:.0f} %, "
            f"memory {peak:.0f} MB at most"
        )
        verdict("no event lost", complete == streams)
        verdict("progress true", true == streams)
        verdict(f"memory under {MEMORY_LIMIT_MB} MB", peak < MEMORY_LIMIT_MB)


async def read_history(
    service: Process, number: int, *, samples: list[float] | None = None
) -> tuple[int, int, float]:
    """Read a subscription to its end; gives events, bytes and seconds."""
    events = size = 0
    every, next_sample = 100_000, 0
    began = time.monotonic()
    async with contextlib.aclosing(lines(service.url, number)) as stream:
        async for line in stream:
            size += len(line)
            if line.startswith(b'{"type":"event_batch"'):
                at = line.index(b'"batch_size":') + 13
                events += int(line[at : line.index(b",", at)])
                if samples is not None and events >= next_sample:
                    samples.append(service.memory())
                    next_sample += every
            elif line.startswith(b'{"type":"end"'):
                break
    return events, size, time.monotonic() - began


async def history(events: int) -> None:
    blocks = events // TRANSFERS_A_BLOCK
    with running(blocks) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
            number = await subscribe(client, 0, blocks - 1)
        before, cpu = service.memory(), service.cpu()
        samples: list[float] = []
        got, size, seconds = await read_history(service, number, samples=samples)
        cpu = service.cpu() - cpu
        print(
            f"history    {got:,} events, {size / 2**20:.0f} MB in {seconds:.1f} s: "
            f"{got / seconds:,.0f} events/s,"
        )
        print(
            f"           {1e6 * cpu / got:.1f} µs of the service's CPU an event, "
            "the chain's own work included;"
        )
        print(f"           memory {before:.0f} MB before, then {', '.join(f'{s:.0f}' for s in samples)} MB")
        verdict("all events", got == events)
        verdict("memory flat", max(samples) - samples[0] < 50)


async def slow(events: int) -> None:
    blocks = events // TRANSFERS_A_BLOCK
    with running(blocks) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
            numbers = [await subscribe(client, 0, blocks - 1) for _ in range(3)]
            _, _, alone = await read_history(service, numbers[0])

            async def stall() -> None:
                async with contextlib.aclosing(lines(service.url, numbers[1], limit=2**16)) as stream:
                    async for _ in stream:
                        await asyncio.sleep(3600)

            async def dribble() -> None:
                async with contextlib.aclosing(lines(service.url, numbers[2], limit=2**20)) as stream:
                    async for _ in stream:
                        await asyncio.sleep(0.2)

            readers = [asyncio.create_task(stall()), asyncio.create_task(dribble())]
            await asyncio.sleep(0.5)
            got, _, beside = await read_history(service, numbers[0])
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
        print(
            f"slow       {got:,} events in {alone:.1f} s alone, "
            f"{beside:.1f} s beside a stalled and a slow reader"
        )
        verdict("not slowed (within a third)", beside < alone * 1.33)


async def stalled(streams: int) -> None:
    with running(40_000) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
            numbers = [await subscribe(client, 0) for _ in range(streams)]

            async def stand_still(number: int) -> None:
                async with contextlib.aclosing(lines(service.url, number, limit=2**16)) as stream:
                    async for _ in stream:
                        await asyncio.sleep(3600)

            readers = [asyncio.create_task(stand_still(number)) for number in numbers]
            await asyncio.sleep(20)
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
        peak = service.memory("VmHWM")
    print(f"stalled    {streams} readers of history that stand still: memory {peak:.0f} MB at most")
    verdict(f"memory under {MEMORY_LIMIT_MB} MB", peak < MEMORY_LIMIT_MB)


def verdict(what: str, held: Any) -> None:
    print(f"           {'ok    ' if held else 'MISSED'} {what}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "parts", nargs="*", choices=["live", "history", "slow", "stalled", []], help="all unless named"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the load")
    parser.add_argument("--serve", type=int, metavar="BLOCKS", help=argparse.SUPPRESS)
    parser.add_argument("--mine-every", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.serve, options.mine_every)
        return
    scale = 10 if options.quick else 1
    parts = {
        "live": lambda: live(200 // scale, 60, 0.25),
        "history": lambda: history(1_000_000 // scale),
        "slow": lambda: slow(200_000 // scale),
        "stalled": lambda: stalled(200 // scale),
    }
    for name in options.parts or parts:
        asyncio.run(parts[name]())


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Broken off.")

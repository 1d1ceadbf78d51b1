"""
The stream server: everything it sends was put together beforehand, so that it is never the bottleneck.

It streams batches in chunked transfer coding, one line a chunk as services write them, then keeps the
connection open in silence: the contestant stops when it has seen all. It answers acknowledgements and
heartbeats like a deployed service, counts what was acknowledged, and serves the one REST
call that is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Iterator
from itertools import islice

from . import payload
from .workers.meter import WARM, WARM_EVENTS

WRITE_BYTES = 256 * 1024
"""Chunks are handed to the socket together, about this many bytes at a time."""

LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
NOW = "2024-05-23T10:30:00.000Z"

SUBSCRIPTION = {
    "id": 1,
    "topic0": payload.TRANSFER,
    "event_signature": {
        "type": "event",
        "name": "Transfer",
        "inputs": [
            {"name": "from", "type": "address", "indexed": True},
            {"name": "to", "type": "address", "indexed": True},
            {"name": "value", "type": "uint256", "indexed": False},
        ],
        "anonymous": False,
    },
    "addresses": ["0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"],
    "start_block": 19_000_000,
    "end_block": None,
    "last_processed_block": 19_000_500,
    "chain_id": 1,
    "subscriber_id": "bench",
    "is_streaming": False,
    "streaming_status": "idle",
    "resume_token": None,
    "last_event_id": None,
    "events_delivered": 0,
    "created_at": NOW,
    "updated_at": NOW,
}


class Shape:
    """One subscription: its batches of events, kept ready as they are sent unless they are too many."""

    def __init__(self, subscription_id: int, events_per_batch: int, batches: int, *, keep: bool) -> None:
        self.subscription_id = subscription_id
        self.events_per_batch = events_per_batch
        self.batches = batches
        self._kept = list(self._writes()) if keep else None
        self.body_bytes = sum(map(len, self._kept or ()))
        """How long the body is, where its pieces are kept."""

    def writes(self) -> Iterator[bytes]:
        """Yield the body in pieces of about WRITE_BYTES, each of whole chunks."""
        return iter(self._kept) if self._kept is not None else self._writes()

    def _writes(self) -> Iterator[bytes]:
        lines = payload.lines(self.events_per_batch, self.batches, subscription_id=self.subscription_id)
        first = next(lines)
        together = max(1, WRITE_BYTES // len(first))
        chunk = b"%x\r\n%s\r\n"
        yield chunk % (len(first), first)
        while group := list(islice(lines, together)):
            yield b"".join(chunk % (len(line), line) for line in group)


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection, read just closely enough for the clients that are measured."""

    def __init__(self, shapes: dict[int, Shape], acknowledged: dict[int, set[str]]) -> None:
        self.shapes = shapes
        self.acknowledged = acknowledged
        self.received = b""
        self.task: asyncio.Task[None] | None = None
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end]
            length = LENGTH.search(head)
            total = end + 4 + (int(length[1]) if length else 0)
            if len(self.received) < total:
                return
            body, self.received = self.received[end + 4 : total], self.received[total:]
            method, target, _ = head.split(b" ", 2)
            self.answer(method.decode(), target.decode().partition("?")[0].split("/"), body)

    def answer(self, method: str, path: list[str], body: bytes) -> None:
        match method, path[1:]:
            case "GET", ["subscriptions", number, "stream"]:
                self.task = asyncio.ensure_future(self.stream(self.shapes[int(number)]))
            case "GET", ["subscriptions", _number]:
                self.send(SUBSCRIPTION)
            case "POST", ["subscriptions", number, "stream", _connection, "ack", "batch", *bulk]:
                sent = json.loads(body)
                ids = sent["batch_ids"] if bulk else [sent["batch_id"]]
                self.acknowledged.setdefault(int(number), set()).update(ids)
                events = len(ids) * self.shapes[int(number)].events_per_batch
                common = {"connection_id": payload.CONNECTION_ID, "timestamp": NOW, "resume_token": "rt_x"}
                if bulk:
                    self.send(
                        {
                            "total_batches": len(ids),
                            "acknowledged_batches": len(ids),
                            "failed_batches": 0,
                            "failed_batch_ids": [],
                            "total_events_acknowledged": events,
                            **common,
                        }
                    )
                else:
                    self.send(
                        {
                            "acknowledged": True,
                            "batch_id": ids[0],
                            "events_acknowledged": events,
                            **common,
                        }
                    )
            case "POST", ["stream", _connection, "heartbeat"]:
                self.send(
                    {
                        "acknowledged": True,
                        "server_timestamp": NOW,
                        "timestamp": NOW,
                        "connection_id": payload.CONNECTION_ID,
                    }
                )
            case "POST", ["bench", "acknowledged", number]:
                self.send({"batches": len(self.acknowledged.pop(int(number), ()))})
            case _:
                self.send({"error": f"the benchmark's server has no {method} {'/'.join(path)}"}, status=404)

    def send(self, value: object, status: int = 200) -> None:
        text = json.dumps(value).encode()
        self.transport.write(
            b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (status, len(text), text)
        )

    async def stream(self, shape: Shape) -> None:
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
            b"X-Connection-Id: %s\r\nX-Heartbeat-Interval: 30\r\nX-Body-Bytes: %d\r\n\r\n"
            % (payload.CONNECTION_ID.encode(), shape.body_bytes)
        )
        for piece in shape.writes():
            self.transport.write(piece)
            await self.writable.wait()


async def serve(shapes: dict[int, Shape]) -> None:
    """Serve until standard input ends; print the port first."""
    acknowledged: dict[int, set[str]] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(shapes, acknowledged), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "shapes",
        nargs="*",
        help="ID:EVENTS_PER_BATCH:BATCHES, with :lazy after it where the lines are too many to keep",
    )
    shapes = {int(WARM): Shape(int(WARM), 1, WARM_EVENTS, keep=True)}
    for text in parser.parse_args().shapes:
        number, events, batches, *rest = text.split(":")
        shapes[int(number)] = Shape(int(number), int(events), int(batches), keep=not rest)
    asyncio.run(serve(shapes))


if __name__ == "__main__":
    main()

"""The floor: a raw socket and orjson.loads for each line; no HTTP library, no handler, no acknowledgement."""

from __future__ import annotations

import socket
import sys
from urllib.parse import urlsplit

import orjson
from meter import Meter

READ_BYTES = 256 * 1024


def connect(url: str, subscription_id: str) -> socket.socket:
    """Send the request and return the socket, whose next bytes are the answer's."""
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname, parts.port))
    connection.sendall(
        b"GET /subscriptions/%s/stream HTTP/1.1\r\nHost: localhost\r\n\r\n" % subscription_id.encode()
    )
    return connection


def parse(connection: socket.socket, events: int) -> int:
    """Read chunks, each a line, and decode them in place: no byte is copied beyond the socket's own copy."""
    buffer = bytearray(4 * READ_BYTES)
    view = memoryview(buffer)
    begin = end = count = 0
    in_body = False
    while count < events:
        if len(buffer) - end < READ_BYTES:
            view[: end - begin] = view[begin:end]
            begin, end = 0, end - begin
        got = connection.recv_into(view[end:], READ_BYTES)
        if not got:
            raise ConnectionError("the server closed the stream early")
        end += got
        if not in_body:
            head = buffer.find(b"\r\n\r\n", begin, end)
            if head < 0:
                continue
            begin, in_body = head + 4, True
        while (size_end := buffer.find(b"\r\n", begin, end)) >= 0:
            size = int(buffer[begin:size_end], 16)
            after = size_end + 2 + size + 2
            if after > end:
                break
            count += orjson.loads(view[size_end + 2 : after - 2])["batch_size"]
            begin = after
    return count


def drain(connection: socket.socket) -> None:
    """Read the body and look at nothing but its last bytes."""
    buffer = bytearray(READ_BYTES)
    expected = None
    received = 0
    while expected is None or received < expected:
        got = connection.recv_into(buffer)
        if expected is None:
            head = buffer.find(b"\r\n\r\n", 0, got)
            start = buffer.find(b"X-Body-Bytes: ") + 14
            expected = int(buffer[start : buffer.find(b"\r\n", start)])
            got -= head + 4
        received += got


if __name__ == "__main__":
    events = int(sys.argv[3])
    meter = Meter()
    meter.start()
    with connect(sys.argv[1], sys.argv[2]) as connection:
        if "--raw" in sys.argv:
            drain(connection)
        else:
            events = parse(connection, events)
    meter.stop()
    meter.report(events=events)

"""Rows 1 to 11 of the fault matrix: what can happen to the bytes of a stream. Real sockets throughout."""

import gzip
import json
import tracemalloc
import zlib

import pytest

from event_streamer_sdk.exceptions import StreamEndedError, StreamLineError
from support.listener import KINDS, Listener
from support.stream_server import END, HEARTBEAT, StreamServer, Wire, batch, line, stream_server

pytestmark = pytest.mark.parametrize("kind", KINDS)
ALL = [0, 1, 2, 3, 4]


def whole(listener: Listener, server: StreamServer) -> None:
    """All was handled in order, and acknowledged; nothing else was acknowledged."""
    assert sorted(set(listener.handled)) == ALL
    assert server.acked <= {f"b{number}" for number in listener.handled}
    assert listener.stream.get_current_resume_token() == "t4"


def test_bytes_dribble_in(kind: str) -> None:
    """Row 1 of the fault matrix."""

    def dribble(wire: Wire) -> None:
        for byte in wire.server.batch(0):
            wire.send(bytes([byte]))
            wire.pause(0.002)
        wire.rest(1)

    with stream_server(dribble) as server:
        listener = Listener(kind, server.url, heartbeat_interval=0.1)
        listener.run()
        # The line took longer than three heartbeat intervals, yet any byte is a sign of life.
        assert listener.reconnects == {}
        whole(listener, server)


def test_one_line_has_a_limit_on_its_time(kind: str) -> None:
    """Row 1 of the fault matrix."""

    def dribble(wire: Wire) -> None:
        wire.batches(0, 0)
        while True:
            wire.send(b"x")
            wire.pause(0.02)

    with stream_server(dribble) as server:
        listener = Listener(kind, server.url, line_timeout=0.3)
        listener.run()
        assert listener.reconnects == {"slow line": 1}
        assert server.tokens == [None, "t0"]
        whole(listener, server)


@pytest.mark.quick
def test_the_peer_vanishes(kind: str) -> None:
    """Row 2 of the fault matrix."""

    def vanish(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.vanish()

    with stream_server(vanish) as server:
        listener = Listener(kind, server.url, heartbeat_interval=0.1)
        listener.run()
        assert listener.reconnects == {"silence": 1}
        assert server.tokens == [None, "t1"]
        assert [error.error_code for error in listener.errors] == ["CONNECTION_LOST"]
        whole(listener, server)


@pytest.mark.quick
def test_reset_in_the_middle_of_a_line(kind: str) -> None:
    """Row 3 of the fault matrix."""

    def reset(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.send(wire.server.batch(2)[:50])
        wire.pause(0.1)  # else the reset would overtake the data
        wire.reset()

    with stream_server(reset) as server:
        listener = Listener(kind, server.url)
        listener.run()
        assert listener.reconnects == {"connection lost": 1}
        assert server.tokens == [None, "t1"]
        assert listener.handled == ALL
        whole(listener, server)


@pytest.mark.quick
def test_a_clean_end_of_the_response(kind: str) -> None:
    """Row 4 of the fault matrix."""

    def end(wire: Wire) -> None:
        wire.batches(0, 2)
        wire.finish()

    with stream_server(end) as server:
        listener = Listener(kind, server.url)
        listener.run()
        assert listener.reconnects == {"end of response": 1}
        assert server.tokens == [None, "t2"]
        assert listener.handled == ALL
        whole(listener, server)


def test_a_last_line_without_its_end_is_a_line(kind: str) -> None:
    """Row 4 of the fault matrix."""

    def end(wire: Wire) -> None:
        wire.send(wire.server.batch(0).rstrip(b"\n"))
        wire.finish()

    with stream_server(end) as server:
        listener = Listener(kind, server.url)
        listener.run()
        assert server.tokens == [None, "t0"]
        whole(listener, server)


@pytest.mark.quick
def test_no_content_ends_the_stream(kind: str) -> None:
    """Row 5 of the fault matrix."""
    with stream_server(size=0) as server:
        listener = Listener(kind, server.url)
        report = listener.run()
        assert report.reason == "finished"
        assert len(server.connects) == 1
        assert listener.statuses[-1].kind == "ended"
        assert not listener.stream.is_running


def test_not_recoverable_ends_the_stream(kind: str) -> None:
    """Row 5 of the fault matrix."""

    def refuse(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.send(
            line(
                {
                    "type": "error",
                    "error_code": "SUBSCRIPTION_NOT_FOUND",
                    "error_message": "it was deleted",
                    "recoverable": False,
                }
            )
        )
        wire.vanish()

    with stream_server(refuse) as server:
        listener = Listener(kind, server.url)
        with pytest.raises(StreamEndedError, match="it was deleted"):
            listener.run()
        assert listener.report is not None
        assert listener.report.reason == "not_recoverable"
        assert listener.handled == [0, 1]
        assert listener.errors[0].error_code == "SUBSCRIPTION_NOT_FOUND"
        assert len(server.connects) == 1
        assert server.acked == {"b0", "b1"}


@pytest.mark.quick
def test_a_truncated_line_with_more_after_it(kind: str) -> None:
    """Row 6 of the fault matrix."""

    def truncate(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.send(wire.server.batch(2)[:60] + b"\n")
        wire.batches(3, 4)
        wire.vanish()

    with stream_server(truncate) as server:
        listener = Listener(kind, server.url)
        listener.run()
        assert listener.reconnects == {"unreadable line": 1}
        assert server.tokens == [None, "t1"]
        assert listener.handled == ALL  # 3 and 4 of the first connection were not handed out
        whole(listener, server)


def test_truncated_twice_stops_before_it(kind: str) -> None:
    """Row 6 of the fault matrix."""

    def truncate(wire: Wire) -> None:
        wire.batches(wire.position, 1)
        wire.send(wire.server.batch(2)[:60] + b"\n")
        wire.batches(3, 4)
        wire.vanish()

    with stream_server(truncate, truncate) as server:
        listener = Listener(kind, server.url)
        with pytest.raises(StreamLineError, match="not JSON"):
            listener.run()
        assert listener.report is not None
        assert listener.report.reason == "unreadable"
        assert listener.handled == [0, 1]
        assert listener.stream.get_current_resume_token() == "t1"
        assert len(server.connects) == 2


def test_bytes_that_are_no_utf_8(kind: str, tmp_path) -> None:
    """Row 7 of the fault matrix."""
    damaged = batch(2).replace(b"event_batch", b"event\xff\xfebatch")

    def damage(wire: Wire) -> None:
        wire.batches(wire.position, 1)
        wire.send(damaged)
        wire.rest(3)

    with stream_server(damage, damage) as server:
        letters = tmp_path / "dead.jsonl"
        listener = Listener(kind, server.url, on_handler_error="dead_letter", dead_letter=letters)
        listener.run()
        assert listener.handled == [0, 1, 3, 4]
        assert server.tokens == [None, "t1"]
        import base64

        (letter,) = [json.loads(text) for text in letters.read_text().splitlines()]
        assert base64.b64decode(letter["raw_base64"]) == damaged.rstrip(b"\n")
        assert letter["kind"] == "line"
        assert [gap.kind for gap in listener.gaps] == ["unreadable"]
        assert listener.stream.stats.dead_letters == 1
        assert "b2" not in server.acked


def test_a_line_of_100_megabytes(kind: str) -> None:
    """Row 8 of the fault matrix."""

    def flood(wire: Wire) -> None:
        wire.batches(wire.position, 1)
        part = b"x" * 65536
        for _ in range(1600):
            wire.send(part)
        wire.send(b"\n")
        wire.rest(2)

    with stream_server(flood, flood) as server:
        listener = Listener(kind, server.url, max_line_bytes=1 << 20)
        tracemalloc.start()
        try:
            with pytest.raises(StreamLineError, match="longer than max_line_bytes=1048576"):
                listener.run(60)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 16 << 20
        assert listener.handled == [0, 1]
        assert listener.stream.get_current_resume_token() == "t1"


def test_skipping_it_goes_on_behind_it(kind: str) -> None:
    """Row 8 of the fault matrix."""

    def flood(wire: Wire) -> None:
        wire.batches(wire.position, 1)
        for _ in range(40):
            wire.send(b"x" * 65536)
        wire.send(b"\n")
        wire.rest(2)

    with stream_server(flood, flood) as server:
        listener = Listener(kind, server.url, max_line_bytes=1 << 20, on_handler_error="skip")
        listener.run(60)
        assert listener.handled == ALL
        assert listener.stream.stats.skipped == 1
        whole(listener, server)


@pytest.mark.quick
def test_a_valid_line_of_2_megabytes(kind: str) -> None:
    """Row 9 of the fault matrix."""
    with stream_server() as server:
        server.batch = lambda number: batch(number, padding="x" * (2 << 20 if number == 2 else 0))
        listener = Listener(kind, server.url)
        listener.run()
        assert listener.handled == ALL
        assert listener.reconnects == {}
        whole(listener, server)


def test_a_compression_bomb(kind: str) -> None:
    """Row 10 of the fault matrix."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(300)) + packer.flush()
    assert len(bomb) < 400_000

    def explode(wire: Wire) -> None:
        wire.begin(Content_Encoding="gzip")
        wire.send(bomb)
        wire.vanish()

    with stream_server(explode, explode) as server:
        listener = Listener(kind, server.url)
        tracemalloc.start()
        try:
            with pytest.raises(StreamLineError, match="longer than max_line_bytes"):
                listener.run(60)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 64 << 20


def test_a_compressed_stream_is_read(kind: str) -> None:
    """Row 10 of the fault matrix."""

    def compressed(wire: Wire) -> None:
        data = b"".join(wire.server.batch(number) for number in range(5)) + END
        wire.begin(Content_Encoding="gzip")
        wire.send(gzip.compress(data))
        wire.finish()

    with stream_server(compressed) as server:
        listener = Listener(kind, server.url)
        listener.run()
        assert server.connects[0].headers["accept-encoding"] == "identity"
        assert listener.handled == ALL
        whole(listener, server)


def test_chunks_cut_anywhere(kind: str) -> None:
    """Row 11 of the fault matrix."""

    def cut(wire: Wire) -> None:
        for number in range(5):
            wire.send(*(bytes([byte]) for byte in wire.server.batch(number)))
        wire.send(HEARTBEAT[:10], HEARTBEAT[10:] + b"\r\n\n" + END)
        wire.finish()

    with stream_server(cut) as server:
        # U+2028 ends a line for some, and characters of several bytes are cut in the middle.
        server.batch = lambda number: batch(number, note="a\u2028b\u0085c \u00e4\U0001f680")
        listener = Listener(kind, server.url)
        listener.run()
        assert listener.handled == ALL
        assert listener.reconnects == {}
        assert len(listener.heartbeats) == 1
        whole(listener, server)

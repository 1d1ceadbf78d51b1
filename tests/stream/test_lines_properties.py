"""Bytes to messages: any cutting gives the same, memory is bounded, all ways to decode agree."""

import gzip
import json
import math
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from event_streamer_sdk._core.inflate import PIECE, Inflater
from event_streamer_sdk._core.stream import decoding
from event_streamer_sdk._core.stream.decoding import decode_block, decode_line
from event_streamer_sdk._core.stream.lines import KEPT_OF_A_LONG_LINE, Block, LineBuffer, LongLine
from event_streamer_sdk._core.stream.messages import Batch, Unknown, to_message
from event_streamer_sdk.exceptions import EventStreamerValidationError, StreamLineError

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["\u2028", "\u0085", "\x1f", "\U0001f680"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
objects = st.dictionaries(st.text(), values, max_size=4)
pieces = st.lists(
    objects.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    | st.binary(max_size=30).filter(lambda data: b"\n" not in data)
    | st.sampled_from(
        [b"", b" ", b"\r", b"{", b'{"a":1}{"b":2}', b'{"a":1} ', b"\xff", b"[1]", b"NaN", b"[NaN]"]
    ),
    max_size=8,
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut bytes at some places."""
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(bounds)]


def read(chunks: list[bytes], limit: int = 1000) -> list[Any]:
    """Read a stream to its end: values, errors by their kind, and over-long lines."""
    buffer = LineBuffer(limit)
    out: list[Any] = []
    for chunk in chunks:
        for item in buffer.feed(chunk):
            if isinstance(item, LongLine):
                out.append(("long", item.head))
            else:
                out.extend(map(shown, values_of(item)))
        assert sum(map(len, buffer._parts)) <= limit
    out.append(("rest", buffer.finish()))
    return out


def values_of(block: Block) -> list[Any]:
    return [value for values in decode_block(block) for value in values]


def shown(value: Any) -> Any:
    return ("error", value.raw) if isinstance(value, StreamLineError) else ("value", value)


@given(
    pieces,
    st.lists(st.integers(min_value=0), max_size=20),
    st.binary(max_size=5).filter(lambda data: b"\n" not in data),
)
@example([b"x" * 1500], [1200], b"")
@pytest.mark.quick
def test_any_cutting_gives_the_same_messages(lines: list[bytes], places: list[int], rest: bytes) -> None:
    data = b"".join(line + b"\n" for line in lines) + rest
    whole = read([data])
    assert read(cut(data, places)) == whole
    assert read([data[place : place + 1] for place in range(len(data))]) == whole


@given(pieces)
@example([b"{}", b'"%s"' % (b"x" * 1500)])
def test_each_line_gives_what_it_gives_alone(lines: list[bytes]) -> None:
    alone = [shown(decode_line(line)) for line in lines if line and not line.isspace()]
    data = b"".join(line + b"\n" for line in lines)
    assert read([data], limit=len(data) + 1)[:-1] == alone


@given(pieces, st.lists(st.integers(min_value=0), max_size=10))
def test_the_plain_install_reads_the_same(lines: list[bytes], places: list[int]) -> None:
    data = b"".join(line + b"\n" for line in lines)
    fast = read(cut(data, places))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "_decode", decoding._decode_stdlib)
        assert read(cut(data, places)) == fast


@given(
    st.lists(st.integers(min_value=0, max_value=60), max_size=8),
    st.lists(st.integers(min_value=0), max_size=10),
)
def test_lines_over_the_limit_are_told_and_not_kept(lengths: list[int], places: list[int]) -> None:
    data = b"".join(b"1" * length + b"\n" for length in lengths)
    found = read(cut(data, places), limit=20)[:-1]
    expected = [
        ("long", b"1" * length) if length > 20 else ("value", int(b"1" * length))
        for length in lengths
        if length
    ]
    assert [kind for kind, _ in found] == [kind for kind, _ in expected]
    for (kind, value), (_, wanted) in zip(found, expected, strict=True):
        assert value == wanted if kind == "value" else wanted.startswith(value[:20])


def test_a_long_line_takes_no_memory() -> None:
    buffer = LineBuffer(1000)
    told = [item for _ in range(1000) for item in buffer.feed(b"x" * 1000)]
    assert len(told) == 1
    assert isinstance(told[0], LongLine)
    assert len(told[0].head) <= KEPT_OF_A_LONG_LINE
    assert sum(map(len, buffer._parts)) == 0
    (block,) = buffer.feed(b"\n{}\n")
    assert isinstance(block, Block)
    assert values_of(block) == [{}]


@given(st.lists(st.binary(max_size=2000), max_size=5), st.lists(st.integers(min_value=0), max_size=10))
def test_inflating_gives_back_what_was_packed(parts: list[bytes], places: list[int]) -> None:
    packed = b"".join(gzip.compress(part) for part in parts)  # a stream of several members
    inflater = Inflater("gzip")
    assert b"".join(piece for chunk in cut(packed, places) for piece in inflater.feed(chunk)) == b"".join(
        parts
    )


def test_inflating_is_done_a_piece_at_a_time() -> None:
    sizes = [len(piece) for piece in Inflater("gzip").feed(gzip.compress(b"0" * 10_000_000))]
    assert sum(sizes) == 10_000_000
    assert max(sizes) <= PIECE


@pytest.mark.parametrize("content", [b"", b"0" * 200_000], ids=["empty members", "a thousandfold"])
def test_inflating_takes_time_in_proportion_to_the_data(content: bytes) -> None:
    member = gzip.compress(content)

    def seconds(members: int) -> float:
        packed, least = member * members, math.inf
        for _ in range(3):
            began = time.process_time()
            for _ in Inflater("gzip").feed(packed):
                pass
            least = min(least, time.process_time() - began)
        return least

    few = 200_000 // len(member) if not content else 50
    assert seconds(8 * few) < 20 * seconds(few), "quadratic time would be 64 times as much"


def test_an_encoding_that_nobody_asked_for() -> None:
    with pytest.raises(EventStreamerValidationError, match="br"):
        Inflater("br")


@given(values | objects)
@pytest.mark.quick
def test_any_value_is_a_message_or_our_error(value: Any) -> None:
    try:
        message = to_message(value)
    except StreamLineError:
        assert not isinstance(value, dict) or value.get("type") in ("event_batch", "reorg")
    else:
        assert isinstance(message, Unknown) or value["type"] in (
            "event_batch",
            "heartbeat",
            "error",
            "reorg",
            "end",
        )


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.just("event_batch"),
            "response_id": st.just("r") | values,
            "batch_id": st.just("b") | values,
            "resume_token": st.just("t") | values,
            "events": st.dictionaries(st.text(), st.lists(objects, max_size=3), max_size=2) | values,
            "batch_size": st.integers(min_value=0, max_value=4) | values,
            "first_block": values,
            "last_block": values,
        },
    )
)
def test_a_batch_is_whole_or_our_error(message: dict[str, Any]) -> None:
    try:
        batch = to_message({"type": "event_batch", **message})
    except StreamLineError:
        return
    assert isinstance(batch, Batch)
    assert batch.size == sum(map(len, batch.events.values()))
    assert message.get("batch_size") in (None, batch.size)
    assert isinstance(batch.batch_id, str)
    assert isinstance(batch.resume_token, str)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000])
def test_nesting_is_no_way_to_break_it(text: str) -> None:
    (value,) = values_of_bytes(text.encode() + b"\n")
    assert isinstance(value, StreamLineError)


def values_of_bytes(data: bytes) -> list[Any]:
    return [
        value
        for item in LineBuffer(1 << 20).feed(data)
        if isinstance(item, Block)
        for value in values_of(item)
    ]


def test_a_carriage_return_does_not_hide_a_line() -> None:
    assert values_of_bytes(b'{"a":1}\r\n\n{"b":2}\n \n') == [{"a": 1}, {"b": 2}]


def test_integers_keep_all_their_digits() -> None:
    assert values_of_bytes(b'{"a":%d}\n' % 2**256) == [{"a": 2**256}]

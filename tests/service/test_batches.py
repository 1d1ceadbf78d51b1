"""Batches: whatever the limits, all events in order, none twice, and positions that resume rightly."""

import gc
import json
import weakref
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_api.models import ABIEvent
from event_streamer_service.chains.types import Block, Log, LogFilter, LogRange, Position
from event_streamer_service.delivery.batch import Batch
from event_streamer_service.delivery.batches import EventEncoder, Lines, cut, range_end
from event_streamer_service.delivery.recent import RecentEvents, RecentRuns, SharedRun
from support.raw_client import TRANSFER_TOPIC, transfer

EVENT = ABIEvent.from_dict(transfer())
WORD = "0x" + "00" * 31 + "07"


def block(number: int) -> Block:
    return Block(number=number, hash=f"0x{number:064x}", parent_hash="0x", timestamp=1_700_000_000 + number)


def log(number: int, index: int, *, topics: int = 3) -> Log:
    return Log(
        address="0x" + "aa" * 20,
        topics=(TRANSFER_TOPIC, *[WORD] * (topics - 1)),
        data=WORD if topics == 3 else "0x",
        block_number=number,
        block_hash=f"0x{number:064x}",
        transaction_hash="0x" + "cc" * 32,
        log_index=index,
    )


def refuse(_: Log, reason: str, count: int) -> None:
    raise AssertionError(reason)


@given(
    counts=st.lists(st.integers(0, 6), min_size=1, max_size=12),
    max_events=st.integers(1, 8),
    max_bytes=st.integers(1, 4000),
)
def test_cutting_loses_nothing(counts: list[int], max_events: int, max_bytes: int) -> None:
    logs = tuple(log(number, index) for number, count in enumerate(counts) for index in range(count))
    blocks = {number: block(number) for number, count in enumerate(counts) if count}
    whole = LogRange(from_block=0, to_block=len(counts) - 1, logs=logs, blocks=blocks, head=len(counts) + 5)
    batches = list(
        cut(whole, EventEncoder(EVENT, undecodable=refuse), max_events=max_events, max_bytes=max_bytes)
    )
    events = [event for batch in batches for event in json.loads(b"[" + batch.events + b"]")]
    places = [(e["block_number"], e["log_index"]) for e in events]
    assert places == [(entry.block_number, entry.log_index) for entry in logs]
    for batch in batches:
        assert 1 <= batch.size <= max_events
        assert batch.size == 1 or len(batch.events) <= max_bytes
    # A reader who has a batch's end needs exactly the events behind it.
    seen = 0
    for batch in batches:
        seen += batch.size
        end = batch.end
        behind = [p for p in places if p > (end.block, 10**9 if end.log_index is None else end.log_index)]
        assert behind == places[seen:]
    assert not batches or batches[-1].end == range_end(whole)
    firsts = [batch.first_block for batch in batches]
    assert firsts == sorted(firsts)


def test_other_events_of_the_same_topic_are_told_and_left_out() -> None:
    told: list[tuple[int, str]] = []
    encoder = EventEncoder(EVENT, undecodable=lambda entry, why, _: told.append((entry.log_index, why)))
    dirty = msgspec.structs.replace(log(5, 4), topics=(TRANSFER_TOPIC, "0x" + "ff" * 31 + "07", WORD))
    cut_short = msgspec.structs.replace(log(5, 3), data="0x00")
    logs = (log(5, 0), log(5, 1, topics=4), log(5, 2), cut_short, dirty)
    mixed = LogRange(from_block=5, to_block=5, logs=logs, blocks={5: block(5)}, head=9)
    (batch,) = cut(mixed, encoder, max_events=10, max_bytes=10_000)
    assert [e["log_index"] for e in json.loads(b"[" + batch.events + b"]")] == [0, 2, 4]
    assert json.loads(b"[" + batch.events + b"]")[2]["from"] == "0x" + "ff" * 19 + "07"
    assert [index for index, _ in told] == [1, 3]
    assert "it has 4 topics, and the subscription's event has 3" in told[0][1]
    none = LogRange(from_block=5, to_block=5, logs=(logs[1],), blocks={5: block(5)}, head=9)
    assert list(cut(none, encoder, max_events=10, max_bytes=10_000)) == []


@pytest.mark.parametrize("field", ["transaction_hash", "block_hash", "address"])
@pytest.mark.parametrize("text", ['0x"', "0x\\", "0x\n", "0xé", "", '","log_index":7,"x":"'])
def test_what_a_node_writes_for_a_hash_stays_a_value(field: str, text: str) -> None:
    """The short way to JSON puts text between quotes; what would end them goes the long way."""
    encoder = EventEncoder(EVENT, undecodable=refuse)
    [usual, unusual, again] = [log(5, 0), msgspec.structs.replace(log(5, 1), **{field: text}), log(5, 2)]
    made = [json.loads(event) for event in encoder.make([usual, unusual, again], {5: '"now"'})]
    assert made[1][field] == text
    assert [event["log_index"] for event in made] == [0, 1, 2]
    assert made[0] | {"log_index": 2} == made[2]
    assert made[1] | {"log_index": 2, field: made[2][field]} == made[2]
    assert list(made[0]) == list(made[1])


def test_other_logs_of_the_contract_are_not_taken_for_an_anonymous_event() -> None:
    """A log of Transfer's topics has the number that the anonymous event asks for, and another form."""
    inputs = [{"name": name, "type": "address", "indexed": True} for name in ("a", "b", "c")]
    anonymous = ABIEvent.from_dict(
        {
            "type": "event",
            "name": "Note",
            "anonymous": True,
            "inputs": [*inputs, {"name": "value", "type": "uint256"}],
        }
    )
    encoder = EventEncoder(anonymous, undecodable=refuse)
    note = msgspec.structs.replace(log(5, 1), topics=(WORD, WORD, WORD))
    longer = msgspec.structs.replace(note, data=WORD + "00" * 32)
    made = encoder.make([note, log(5, 0), longer], {})
    assert isinstance(made[0], bytes)
    assert "clean" in str(made[1])
    assert "32 bytes of data are left" in str(made[2])


def test_a_range_without_its_last_header_ends_without_a_hash() -> None:
    empty = LogRange(from_block=1, to_block=9, logs=(), blocks={}, head=99)
    assert range_end(empty) == Position(9, None, None)


def test_what_one_stream_has_encoded_of_a_recent_block_the_others_share() -> None:
    recent, told = RecentEvents(), []
    logs = (log(9, 0), log(9, 1, topics=4), log(9, 2))
    whole = LogRange(from_block=9, to_block=9, logs=logs, blocks={9: block(9)}, head=9)
    first = EventEncoder(EVENT, undecodable=lambda *_: None, recent=recent)
    [made] = cut(whole, first, max_events=10, max_bytes=4000)
    second = EventEncoder(EVENT, undecodable=lambda entry, *_: told.append(entry.log_index), recent=recent)
    second._make = None  # type: ignore[method-assign, assignment]
    [again] = cut(whole, second, max_events=10, max_bytes=4000)
    assert again == made
    assert told == [1], "each stream is told what it doesn't get"
    nft = EventEncoder(ABIEvent.from_dict(transfer(nft=True)), undecodable=lambda *_: None, recent=recent)
    [other] = cut(whole, nft, max_events=10, max_bytes=4000)
    assert other.size == 1, "another definition makes something else of the same logs"


def test_streams_that_ask_for_the_same_share_whole_batches() -> None:
    runs, told = RecentRuns(), []
    logs = (log(9, 0), log(9, 1, topics=4), log(9, 2), log(9, 3, topics=4))
    whole = LogRange(from_block=9, to_block=9, logs=logs, blocks={9: block(9)}, head=9)
    limits = {"max_events": 1, "max_bytes": 4000}
    asked = LogFilter(TRANSFER_TOPIC)
    first = EventEncoder(EVENT, undecodable=lambda *_: None, runs=runs)
    second = EventEncoder(EVENT, undecodable=lambda entry, _, count: told.append((entry, count)), runs=runs)
    made = first.shared(whole, asked, **limits)
    ahead = [next(made)]
    together = list(second.shared(whole, asked, **limits))
    assert [batch.size for batch in together] == [1, 1]
    assert told == [(logs[1], 1), (logs[3], 1)], "each stream is told what it doesn't get"
    ahead += made
    assert all(one is other for one, other in zip(ahead, together, strict=True))

    rest = msgspec.structs.replace(whole, logs=logs[2:])
    [behind] = second.shared(rest, asked, **limits)
    assert behind.last_event_id == "9:2", "who has a part already gets the rest alone"
    elsewhere = LogFilter(TRANSFER_TOPIC, frozenset({"0x" + "bb" * 20}))
    [other] = second.shared(msgspec.structs.replace(whole, logs=logs[:1]), elsewhere, **limits)
    assert other.last_event_id == "9:0"
    moved = msgspec.structs.replace(whole, blocks={9: msgspec.structs.replace(block(9), hash="0x01")})
    assert next(second.shared(moved, asked, **limits)) is not together[0], "another block 9 is another run"


def test_what_fails_for_one_stream_is_not_the_end_of_the_run_for_others() -> None:
    def make(_: object) -> Iterator[Batch]:
        yield Batch(b"{}", 1, Position(1), "1:0", 1, 1)
        raise MemoryError

    runs = RecentRuns()
    run = runs.run(1, make)
    for _ in range(2):
        batches = run.batches(refuse)
        assert next(batches).size == 1
        with pytest.raises(MemoryError):
            next(batches)
    assert runs.run(1, make) is not run, "the next ones try again"


def test_shared_runs_are_forgotten_before_they_are_too_many() -> None:
    runs = RecentRuns(most_runs=2)
    first = runs.run(1, lambda _: iter(()))
    assert runs.run(1, lambda _: iter(())) is first
    for key in (2, 3):
        runs.run(key, lambda _: iter(()))
    assert runs.run(1, lambda _: iter(())) is not first


def test_recent_events_are_forgotten_before_they_are_too_many() -> None:
    recent = RecentEvents(10_000)
    for index in range(1000):
        recent.keep(("definition", "0xabc", index), b"x" * 100)
        assert recent.size <= 10_000
    assert recent.get(("definition", "0xabc", 999)) == b"x" * 100
    assert recent.get(("definition", "0xabc", 0)) is None


@pytest.mark.parametrize("name", ["Transfer", 'Odd"name\u2028', "ünïcode"])
def test_each_message_is_one_line(name: str) -> None:
    lines = Lines(event_name=name, subscription_id=7, connection_id="conn_1", chain_id=1)
    encoder = EventEncoder(EVENT, undecodable=refuse)
    one = LogRange(from_block=5, to_block=6, logs=(log(5, 0),), blocks={5: block(5), 6: block(6)}, head=9)
    (batch,) = cut(one, encoder, max_events=10, max_bytes=10_000)
    written = {
        "event_batch": lines.batch(batch, batch_id="b", token="t", timestamp="now"),
        "reorg": lines.reorg(4, (block(5),), batch_id="b", token="t", timestamp="now"),
        "heartbeat": lines.heartbeat("now"),
        "error": lines.error("X", "why", recoverable=False, timestamp="now"),
        "end": lines.end("end_block_reached", token="t", timestamp="now"),
    }
    for kind, line in written.items():
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        message = json.loads(line)
        assert message["type"] == kind
        assert (message["subscription_id"], message["connection_id"]) == (7, "conn_1")
        assert message["timestamp"] == "now"
    assert json.loads(written["event_batch"])["events"].keys() == {name}
    assert json.loads(written["event_batch"])["last_block"] == 6


def test_a_shared_run_goes_with_its_last_reader() -> None:
    """Its batches are megabytes: they don't wait until Python looks for garbage that refers to itself."""
    logs = tuple(log(9, index) for index in range(4))
    whole = LogRange(from_block=9, to_block=9, logs=logs, blocks={9: block(9)}, head=9)

    def make(undecodable: object) -> Iterator[Batch]:
        encoder = EventEncoder(EVENT, undecodable=undecodable)  # type: ignore[arg-type]
        return cut(whole, encoder, max_events=2, max_bytes=100_000)

    gc.disable()
    try:
        run = SharedRun(make)
        reading = run.batches(refuse)
        assert next(reading).size == 2
        gone = weakref.ref(run)
        del run, reading
        assert gone() is None
    finally:
        gc.enable()

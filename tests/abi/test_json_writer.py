"""The short way from a log to JSON text: byte for byte what the long way writes, or the same error."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import EventDecoder, LogDecodeError, encode_log, parse_abi
from support.abi_strategies import names, values

PLAIN = ["address", "bool", "uint8", "uint64", "uint256", "int16", "int256", "bytes1", "bytes32", "function"]


@st.composite
def plain_logs(draw: st.DrawFn) -> tuple[ABIEvent, list[str], str]:
    """An event of plain values and hashes, and a log of it."""
    inputs: list[dict[str, Any]] = []
    for name in draw(st.lists(names, max_size=6, unique=True)):
        indexed = sum(each["indexed"] for each in inputs) < 3 and draw(st.booleans())
        kind = draw(st.sampled_from([*PLAIN, "string", "bytes"] if indexed else PLAIN))
        inputs.append({"name": name, "type": kind, "indexed": indexed})
    event = ABIEvent.from_dict(
        {"type": "event", "name": "Plain", "anonymous": draw(st.booleans()), "inputs": inputs}
    )
    given_values = {
        name: draw(values({"type": each["type"], "name": each["name"]}))
        for name, each in zip(EventDecoder(event).names, inputs, strict=True)
    }
    topics, data = encode_log(event, given_values)
    return event, topics, data


def long_way(decoder: EventDecoder, topics: list[str], data: str) -> str:
    wire = decoder.decode_json(topics, data)
    text = json.dumps(wire, ensure_ascii=False, separators=(",", ":"))[1:-1]
    return f"{text}," if text else ""


@given(plain_logs())
def test_it_writes_what_the_long_way_writes(log: tuple[ABIEvent, list[str], str]) -> None:
    event, topics, data = log
    decoder = EventDecoder(event)
    write = decoder.json_writer()
    assert write is not None
    assert write(topics, data) == long_way(decoder, topics, data)


@given(plain_logs(), st.integers(0, 400), st.sampled_from("0123456789abcdefXg"), st.booleans())
def test_a_damaged_log_is_refused_in_the_same_words(
    log: tuple[ABIEvent, list[str], str], place: int, digit: str, strict: bool
) -> None:
    event, topics, data = log
    data = data[:place] + digit + data[place + 1 :]
    decoder = EventDecoder(event, strict=strict)
    write = decoder.json_writer()
    assert write is not None
    assert outcome_of(write, topics, data) == outcome_of(partial(long_way, decoder), topics, data)


def outcome_of(way: Callable[[list[str], str], str], topics: list[str], data: str) -> str:
    try:
        return way(topics, data)
    except LogDecodeError as problem:
        return f"refused: {problem}"


@pytest.mark.parametrize("kind", ["string", "bytes", "uint8[]", "uint8[2]", "fixed128x18"])
def test_other_values_have_no_short_way(kind: str) -> None:
    event = ABIEvent.from_dict(
        {"type": "event", "name": "Other", "anonymous": False, "inputs": [{"name": "x", "type": kind}]}
    )
    assert EventDecoder(event).json_writer() is None


def test_an_address_is_written_with_its_checksum_where_that_is_asked_for() -> None:
    (event,) = parse_abi("event Owned(address owner)")
    decoder = EventDecoder(event, checksum=True)
    topics, data = encode_log(event, {"owner": "0x" + "ab" * 20})
    write = decoder.json_writer()
    assert write is not None
    assert write(topics, data) == long_way(decoder, topics, data)
    assert write(topics, data) != write(topics, data).lower()

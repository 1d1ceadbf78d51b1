"""The short way from a log to JSON text: byte for byte what the long way writes, or nothing at all."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import EventDecoder, LogDecodeError, encode_log, parse_abi
from event_streamer_service.chains.types import Log
from support.abi_strategies import names, values

PLAIN = ["address", "bool", "uint8", "uint64", "uint256", "int16", "int256", "bytes1", "bytes32", "function"]
TIME = "2025-01-01T00:00:00+00:00"
(TRANSFER,) = parse_abi("event Transfer(address indexed from, address indexed to, uint256 value)")


def log_of(event: ABIEvent, given_values: dict[str, Any]) -> Log:
    topics, data = encode_log(event, given_values)
    return Log("0x" + "a1" * 20, tuple(topics), data, 7, "0x" + "b2" * 32, "0x" + "c3" * 32, 9)


@st.composite
def plain_logs(draw: st.DrawFn) -> tuple[ABIEvent, Log]:
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
    return event, log_of(event, given_values)


def long_way(decoder: EventDecoder, log: Log) -> str | None:
    """What a dict and a library make of a log; nothing of one that can't be decoded."""
    try:
        values_by_name = decoder.decode_json(log.topics, log.data)
    except LogDecodeError:
        return None
    placed = {
        "block_number": log.block_number,
        "transaction_hash": log.transaction_hash,
        "log_index": log.log_index,
        "address": log.address,
        "block_hash": log.block_hash,
        "timestamp": TIME,
    }
    return json.dumps(values_by_name | placed, ensure_ascii=False, separators=(",", ":"))


def short_way(decoder: EventDecoder, log: Log) -> str | None:
    write = decoder.json_writer()
    assert write is not None
    written = write(log, json.dumps(TIME))
    return None if written is None else written.decode()


@given(plain_logs())
def test_it_writes_what_the_long_way_writes(given_log: tuple[ABIEvent, Log]) -> None:
    event, log = given_log
    decoder = EventDecoder(event)
    assert short_way(decoder, log) == long_way(decoder, log)


@given(
    plain_logs(),
    st.sampled_from(["topics", "data", "transaction_hash", "address", "block_hash"]),
    st.integers(0, 400),
    st.sampled_from(
        ["0", "1", "f", "F", "X", "x", "g", "_", "-", " ", ",", '"', "\\", "\n", "é", "٣", "\ud800", ""]
    ),
    st.booleans(),
)
@example(
    (TRANSFER, log_of(TRANSFER, {"from": "0x" + "1" * 40, "to": "0x" + "2" * 40, "value": 3})),
    "data",
    9,
    "_",
    True,
)
def test_of_a_damaged_log_it_writes_the_same_or_nothing(
    given_log: tuple[ABIEvent, Log], column: str, place: int, character: str, strict: bool
) -> None:
    event, log = given_log
    text = log.data if column == "data" else getattr(log, column)
    if column == "topics":
        if not text:
            return
        chosen = place % len(text)
        damaged: Any = (*text[:chosen], damage(text[chosen], place, character), *text[chosen + 1 :])
    else:
        damaged = damage(text, place, character)
    fields = {name: getattr(log, name) for name in Log.__struct_fields__}
    log = Log(**{**fields, column: damaged})
    decoder = EventDecoder(event, strict=strict)
    assert short_way(decoder, log) in (None, long_way(decoder, log))


def damage(text: str, place: int, character: str) -> str:
    place %= max(1, len(text))
    return text[:place] + character + text[place + 1 :]


def test_an_x_that_one_text_has_too_many_does_not_stand_in_for_one_that_another_lacks() -> None:
    decoder = EventDecoder(TRANSFER)
    log = log_of(TRANSFER, {"from": "0x" + "1" * 40, "to": "0x" + "2" * 40, "value": 3})
    sender = log.topics[1][:30] + "x" + log.topics[1][31:]
    fields = {name: getattr(log, name) for name in Log.__struct_fields__}
    moved = Log(**{**fields, "topics": (log.topics[0], sender, log.topics[2]), "block_hash": "b2" * 32})
    assert short_way(decoder, moved) is None
    assert long_way(decoder, moved) is None


@pytest.mark.parametrize("kind", ["string", "bytes", "uint8[]", "uint8[2]", "fixed128x18"])
def test_other_values_have_no_short_way(kind: str) -> None:
    event = ABIEvent.from_dict(
        {"type": "event", "name": "Other", "anonymous": False, "inputs": [{"name": "x", "type": kind}]}
    )
    assert EventDecoder(event).json_writer() is None


def test_addresses_with_a_checksum_have_no_short_way() -> None:
    assert EventDecoder(TRANSFER, checksum=True).json_writer() is None

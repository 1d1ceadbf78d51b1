"""Logs of several events, topics to filter by, and event objects of the stream."""

from decimal import Decimal
from typing import Any

import pytest

from event_streamer_sdk.abi import (
    ABIParsingError,
    EventDecoder,
    LogDecodeError,
    LogDecoder,
    decode_event,
    decode_log,
    encode_log,
    encode_topics,
    parse_abi,
    topic0,
)
from support.abi_logs import event, word

pytestmark = pytest.mark.quick


# -- several events ----------------------------------------------------------------------------------------

TOKENS = """
    event Transfer(address indexed from, address indexed to, uint256 value)
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)
    event Note(bytes4 indexed sig, uint256 value) anonymous
    event Note(bytes4 indexed sig, uint256 indexed a, uint256 value) anonymous
"""


def test_the_event_is_picked_by_topic0_and_the_number_of_topics() -> None:
    events = parse_abi(TOKENS)
    for number in (0, 1):
        made = list(events)[number]
        values = dict(zip(EventDecoder(made).names, ["0x" + "01" * 20, "0x" + "02" * 20, 7], strict=True))
        topics, data = encode_log(made, values)
        assert decode_log(events, topics, data) == (made, values)
        assert (
            LogDecoder(events.events).decode([bytes.fromhex(each[2:]) for each in topics], data).event == made
        )
        assert LogDecoder([*events, *events]).decode(topics, data).values == values


def test_anonymous_events_only_where_they_are_named() -> None:
    events = parse_abi(TOKENS)
    note = events.event("Note(bytes4 indexed sig, uint256 value) anonymous")
    topics, data = encode_log(note, {"sig": b"abcd", "value": 1})
    with pytest.raises(LogDecodeError, match="unknown topic0 0x61626364"):
        decode_log(events, topics, data)
    assert decode_log(events, topics, data, anonymous="Note") == (note, {"sig": b"abcd", "value": 1})
    with pytest.raises(LogDecodeError, match="no anonymous event 'Nope'; there are: Note"):
        decode_log(events, topics, data, anonymous="Nope")
    with pytest.raises(LogDecodeError, match="no anonymous event 'Note' has 0 topics"):
        decode_log(events, [], data, anonymous="Note")
    with pytest.raises(LogDecodeError, match="name the anonymous event"):
        decode_log(events, [], data)


def test_a_log_that_names_its_event_is_of_no_anonymous_one() -> None:
    """Paid's hash would be taken for the id: the log has the anonymous event's form."""
    events = parse_abi("event Paid(uint256 amount)\nevent Note(bytes32 indexed id, uint256 value) anonymous")
    topics, data = encode_log(events.event("Paid"), {"amount": 7})
    with pytest.raises(LogDecodeError, match=r"a log of Paid\(uint256\), by its topic0, and not of Note"):
        decode_log(events, topics, data, anonymous="Note")


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("anonymous", "topics", "data", "reported"),
    [
        ("N(bytes4 indexed sig, uint256 v)", ["ff" * 32], word(1), "dirty"),
        ("N(address indexed a)", ["ff" * 32], b"", "dirty"),
        ("N(uint8 a)", [], word(1000), "dirty"),
        ("N(string s)", [], word(32) + word(1) + b"\xff" + bytes(31), "dirty"),
        ("N(bytes b)", [], word(32) + word(1) + b"\xff" * 32, "dirty"),
        ("N(uint256 a)", [], word(1) + word(2), "trailing_bytes"),
        ("N(bytes32 indexed a)", ["12" * 32], word(1), "trailing_bytes"),
        ("N(bytes b)", [], word(32) + word(0) + word(0), "trailing_bytes"),
    ],
)
def test_an_anonymous_event_is_not_made_up_of_other_logs(
    anonymous: str, topics: list[str], data: bytes, reported: str, strict: bool
) -> None:
    """
    What is reported by `decode` is refused by `decode_json`, which can't report it.

    The same logs with a topic0 are taken as before.
    """
    decoder = EventDecoder(event(f"event {anonymous} anonymous"), strict=strict)
    given = [f"0x{topic}" for topic in topics]
    with pytest.raises(LogDecodeError, match=r"clean|not UTF-8|are left"):
        decoder.decode_json(given, data)
    if strict and reported == "dirty":
        with pytest.raises(LogDecodeError):
            decoder.decode(given, data)
    else:
        assert getattr(decoder.decode(given, data), reported)
    named = event(f"event {anonymous}")
    if not strict:
        assert EventDecoder(named, strict=False).decode_json([topic0(named), *given], data)


def test_a_log_of_no_known_event() -> None:
    events = parse_abi(TOKENS)
    transfer = topic0(next(iter(events)))
    with pytest.raises(LogDecodeError, match=r"has 3 or 4 topics, and this one has 2"):
        decode_log(events, [transfer, transfer], "0x")
    with pytest.raises(
        LogDecodeError, match=r"unknown topic0 0x00.*known are: Transfer\(address,address,uint256\)"
    ):
        decode_log(events, [bytes(32)], "0x")


def test_a_log_that_may_be_of_two_events() -> None:
    lines = ["event E(uint256 indexed a, uint256 b)", "event E(uint256 a, uint256 indexed b)"]
    events = list(parse_abi(lines))
    topics, data = encode_log(events[0], {"a": 1, "b": 2})
    with pytest.raises(LogDecodeError, match="may be of several events"):
        decode_log(events, topics, data)
    assert decode_log(events[1:], topics, data).values == {"a": 2, "b": 1}


# -- topics ------------------------------------------------------------------------------------------------

TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"


def test_topics_to_filter_by() -> None:
    transfer = event(TRANSFER)
    one, two = "0x" + "01" * 20, "0x" + "Ab" * 20
    padded = ["0x" + "00" * 12 + address[2:].lower() for address in (one, two)]
    assert encode_topics(transfer, {}) == [topic0(transfer), None, None]
    assert encode_topics(transfer, {"to": two}) == [topic0(transfer), None, padded[1]]
    assert encode_topics(transfer, {"from": {two, one}, "to": None}) == [topic0(transfer), padded, None]
    assert encode_topics(event("event E(bool indexed a) anonymous"), {"a": True}) == ["0x" + word(1).hex()]


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("uint8", 256, "256 is out of range for uint8"),
        ("uint8", -1, "out of range"),
        ("int8", 128, "out of range"),
        ("int8", True, "int8 takes an int, not True"),
        ("uint256", "1e3", "takes an int"),
        ("uint256", 1.0, "takes an int"),
        ("bool", 1, "takes True or False, not 1"),
        ("address", "0x12", "1 bytes were given for address, which takes 20"),
        ("address", "0xzz", "takes 0x and 40 hex digits"),
        ("address", 5, "takes 0x and 40 hex digits"),
        ("bytes4", b"abc", "3 bytes were given for bytes4"),
        ("bytes4", "abcd", "takes bytes or 0x-hex"),
        ("string", b"abc", "takes a str"),
        ("string", "\ud800", "lone surrogate"),
        ("fixed128x18", 0.5, "takes a Decimal"),
        ("fixed128x18", Decimal("1e-19"), "more decimal places"),
        ("fixed128x18", Decimal("NaN"), "takes a Decimal"),
        ("fixed128x18", "1" + "0" * 500, "takes a Decimal|out of range|decimal places"),
        ("uint8[2]", [1], r"1 items were given for uint8\[2\]"),
        ("uint8[]", "0x12", "expected a list for"),
        ("uint8[]", [1, 300], r"^a\[1\]: 300 is out of range"),
        ("(uint8 x, bool y)", (1,), "expected a tuple of 2: x, y"),
        ("(uint8 x, bool y)", {"x": 1}, "no value for y"),
        ("(uint8 x, bool y)[]", [(1, 2)], r"^a\[0\]\.y: bool takes True or False"),
    ],
)
def test_values_that_do_not_fit(kind: str, value: Any, message: str) -> None:
    with pytest.raises(ABIParsingError, match=message):
        encode_topics(event(f"event E({kind} indexed a)"), {"a": value})
    with pytest.raises(ABIParsingError, match=message):
        encode_log(event(f"event E({kind} a)"), {"a": value})


def test_names_that_nothing_can_be_filtered_by() -> None:
    transfer = event(TRANSFER)
    with pytest.raises(
        ABIParsingError, match=r"'form' is not a parameter.*indexed parameters: from, to; did you mean from\?"
    ):
        encode_topics(transfer, {"form": "0x"})
    with pytest.raises(ABIParsingError, match="'value' is not an indexed parameter"):
        encode_topics(transfer, {"value": 1})
    with pytest.raises(ABIParsingError, match="no value for to, value"):
        encode_log(transfer, {"from": "0x" + "00" * 20})


# -- event objects -----------------------------------------------------------------------------------------


def test_an_event_object_gets_python_values() -> None:
    made = event(
        "event E(address indexed a, int256 b, bytes c, (uint8 x, bool[] y) d, string indexed e, fixed8x1 f)"
    )
    source = {
        "a": "0x" + "AB" * 20, "b": "-5", "c": "0x6162", "d": {"x": "1", "y": [True]}, "e": "0x" + "12" * 32,
        "f": "-0.5", "block_number": 7, "extra": None,
    }  # fmt: skip
    typed = decode_event(source, made)
    assert typed == {
        "a": "0x" + "ab" * 20, "b": -5, "c": b"ab", "d": (1, [True]), "e": b"\x12" * 32, "f": Decimal("-0.5"),
        "block_number": 7, "extra": None,
    }  # fmt: skip
    assert typed["d"].x == 1
    assert typed["e"].type == "string"
    assert source["b"] == "-5"
    assert decode_event({**source, "b": -5, "d": ["1", [True]]}, made) == typed


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", "256"), ("uint8", "-1"), ("uint8", "1_0"), ("uint8", "x"), ("uint8", None), ("uint8", True),
        ("uint8", 1.5), ("uint8", "9" * 5000), ("bool", "true"), ("address", "0x12"), ("address", "zz" * 21),
        ("bytes", "6162"), ("bytes", "0x6"), ("bytes", 5), ("bytes4", "0x6162"), ("string", 5),
        ("fixed8x1", "x"), ("fixed8x1", "NaN"), ("fixed8x1", True),
        ("uint8[]", "12"), ("uint8[2]", ["1"]), ("uint8[2]", 5),
        ("(uint8 x)", {}), ("(uint8 x)", []), ("(uint8 x)", "1"), ("(uint8 x)", None),
    ],
)  # fmt: skip
def test_an_event_object_that_does_not_fit(kind: str, value: Any) -> None:
    with pytest.raises(LogDecodeError, match="parameter a") as caught:
        decode_event({"a": value}, event(f"event E({kind} a)"))
    assert len(str(caught.value)) < 300


def test_an_event_object_without_a_parameter() -> None:
    with pytest.raises(LogDecodeError, match=r"lacks a parameter of E\(bool\).*parameter a"):
        decode_event({"b": True}, event("event E(bool a)"))


def test_an_anonymous_event_with_dynamic_values_reads_to_the_end_of_its_data() -> None:
    """What is left over is known only when the values are read: they lie behind the event's own head."""
    event = parse_abi("event Note(bytes text, bytes4[] marks) anonymous").events["Note"]
    words = [0x40, 0x80, 20, 0, 0]
    data = b"".join(word.to_bytes(32, "big") for word in words)
    assert EventDecoder(event).decode_json([], data) == {"text": "0x" + 20 * "00", "marks": []}
    with pytest.raises(LogDecodeError, match="32 bytes of data are left"):
        EventDecoder(event).decode_json([], data + bytes(32))

"""Decoding logs: strictness, offsets, limits, hashes, options."""

import pickle
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from eth_utils import keccak, to_checksum_address

from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import (
    ABIParsingError,
    DecodedEvent,
    EventDecoder,
    IndexedHash,
    Limits,
    LogDecodeError,
    LogDecoder,
    decode_event,
    decode_log,
    encode_log,
    encode_topics,
    extract_abi_event,
    human_readable,
    parse_abi,
    topic0,
)
from event_streamer_sdk.abi.codegen import generate_module

pytestmark = pytest.mark.quick


def event(declaration: str) -> ABIEvent:
    [made] = parse_abi(declaration)
    return made


def word(value: int | bytes | str) -> bytes:
    """A number on the right of a word, or bytes on its left."""
    if isinstance(value, int):
        return (value % 2**256).to_bytes(32, "big")
    return (value.encode() if isinstance(value, str) else value).ljust(32, b"\0")


def decode(declaration: str, *data: int | bytes | str, **options: Any) -> DecodedEvent:
    made = event(declaration)
    return EventDecoder(made, **options).decode([topic0(made)], b"".join(map(word, data)))


@pytest.mark.parametrize(
    ("kind", "dirty", "offset", "value"),
    [
        ("uint8", 256, 0, 0),
        ("uint24", 2**24 + 5, 0, 5),
        ("uint248", 2**255, 0, 0),
        ("int8", 128, 0, -128),
        ("int24", 2**23, 0, -(2**23)),
        ("int64", -(2**63) - 1, 0, 2**63 - 1),
        ("address", 2**160, 0, "0x" + "00" * 20),
        ("bool", 2, 0, True),
        ("bool", 257, 0, True),
        ("bytes4", b"abcde", 0, b"abcd"),
        ("bytes31", b"x" * 32, 0, b"x" * 31),
        ("function", b"f" * 25, 0, b"f" * 24),
        ("ufixed8x1", 300, 0, Decimal("4.4")),
    ],
)
def test_dirty_padding_is_refused_or_flagged(kind: str, dirty: Any, offset: int, value: Any) -> None:
    declaration = f"event E(uint256 before, {kind} a, uint256 behind)"
    with pytest.raises(LogDecodeError, match="padding is not clean") as caught:
        decode(declaration, 1, dirty, 2)
    assert caught.value.path == "a"
    assert caught.value.offset is not None
    assert 32 <= caught.value.offset < 64
    lenient = decode(declaration, 1, dirty, 2, strict=False)
    assert lenient == {"before": 1, "a": value, "behind": 2}
    assert lenient.dirty == ("a",)
    topic = word(dirty)
    made = event(f"event E({kind} indexed a)")
    with pytest.raises(LogDecodeError, match="padding is not clean, in topics") as caught:
        EventDecoder(made).decode([topic0(made), "0x" + topic.hex()], "0x")
    assert caught.value.offset is None
    assert EventDecoder(made, strict=False).decode([bytes.fromhex(topic0(made)[2:]), topic], b"") == {
        "a": value
    }


def test_dirty_values_in_arrays_and_tuples_have_their_offset() -> None:
    declaration = "event E(tuple(uint8 kind, bool ok)[] items, uint8[2] pair)"
    good = (96, 3, 4, 2, 1, 1, 2, 0)
    assert decode(declaration, *good) == {"items": [(1, True), (2, False)], "pair": [3, 4]}
    for index, bad, path in (
        (1, 300, "pair[]"),
        (2, 300, "pair[]"),
        (6, 256, "items[].kind"),
        (7, 2, "items[].ok"),
    ):
        words = [*good[:index], bad, *good[index + 1 :]]
        with pytest.raises(LogDecodeError) as caught:
            decode(declaration, *words)
        assert caught.value.path == path
        assert caught.value.offset is not None
        assert caught.value.offset // 32 == index
        assert decode(declaration, *words, strict=False).dirty == (path.partition("[")[0],)


def test_text_that_is_not_utf8() -> None:
    declaration = "event E(string s)"
    with pytest.raises(LogDecodeError, match="not UTF-8") as caught:
        decode(declaration, 32, 3, b"a\xffb")
    assert (caught.value.path, caught.value.offset) == ("s", 65)
    lenient = decode(declaration, 32, 3, b"a\xffb", strict=False)
    assert lenient == {"s": "a\N{REPLACEMENT CHARACTER}b"}
    assert lenient.dirty == ("s",)


def test_padding_behind_bytes() -> None:
    assert decode("event E(bytes b)", 32, 2, b"ab") == {"b": b"ab"}
    with pytest.raises(LogDecodeError, match="padding"):
        decode("event E(bytes b)", 32, 2, b"abc")
    made = event("event E(bytes b)")
    unpadded = word(32) + word(2) + b"ab"
    with pytest.raises(LogDecodeError, match="32 bytes were to be read, and the data has 66") as caught:
        EventDecoder(made).decode([topic0(made)], unpadded)
    assert caught.value.offset == 64
    lenient = EventDecoder(made, strict=False).decode([topic0(made)], unpadded)
    assert (lenient, lenient.dirty) == ({"b": b"ab"}, ("b",))


@pytest.mark.parametrize(
    ("declaration", "words", "offset"),
    [
        ("event E(uint256 a, uint256 b)", (1,), 0),
        ("event E(bytes a)", (32,), 32),
        ("event E(bytes a)", (2**256 - 1,), 32),
        ("event E(bytes a)", (32, 2**255), 64),
        ("event E(uint256[] a)", (32, 2, 1), 64),
        ("event E(uint256[] a)", (32, 2**250), 64),
        ("event E(uint256[2][] a)", (32, 1, 1), 64),
        ("event E(bytes[2] a)", (32, 64), 32),
        ("event E(tuple(bytes b) t)", (32, 2**64), 64),
        ("event E(uint256[18446744073709551616] a)", (1, 2), 0),
        ("event E(uint256[99999999999999999999][99999999999999999999] a)", (1, 2), 0),
        ("event E(uint256[18446744073709551616][] a)", (32, 1, 1), 64),
        ("event E(tuple(uint256[4611686018427387904] b, bytes c) t)", (32, 1), 32),
    ],
)
def test_data_that_ends_too_soon(declaration: str, words: tuple[int, ...], offset: int) -> None:
    with pytest.raises(
        LogDecodeError, match=r"were to be read|was to be read|beyond the|more bytes"
    ) as caught:
        decode(declaration, *words)
    assert caught.value.offset == offset


def test_no_data_where_none_is_needed() -> None:
    made = event("event E(bool indexed a)")
    assert EventDecoder(made).decode([topic0(made), word(1)], "0x") == {"a": True}
    assert decode("event E()") == {}
    assert decode("event E(uint256[18446744073709551616][] a)", 32, 0) == {"a": []}


def test_topics_are_checked_first() -> None:
    made = event("event E(bool indexed a)")
    decoder = EventDecoder(made)
    good = [topic0(made), "0x" + word(1).hex()]
    assert decoder.decode([topic.upper().replace("0X", "0x") for topic in good], "0X") == {"a": True}
    assert decoder.decode(tuple(bytearray.fromhex(topic[2:]) for topic in good), memoryview(b"")) == {
        "a": True
    }
    assert decoder.decode([good[0], word(1)], b"") == {"a": True}
    for topics, message in (
        ([], "no topic at all"),
        (good[:1], "has 1 indexed parameters, and the log has topics for 0"),
        ([*good, good[1]], "topics for 2"),
        (["0x" + "00" * 32, good[1]], "this is no log of E"),
        ([good[0], "0x01"], "topic 1 has 1 bytes instead of 32"),
        ([good[0], good[1][2:]], "topic 1 must be 0x-hex"),
        ([good[0], good[1][:-1] + " "], "topic 1"),
        ([good[0], None], "topic 1 must be bytes or 0x-hex, not NoneType"),
        (good[0], "topics must be a list"),
        (None, "topics must be a list"),
        (good * 1_000_000, "topics for"),
    ):
        with pytest.raises(LogDecodeError, match=message):
            decoder.decode(topics, b"")
    for data in ("", "ff", "0xf", "0xzz", "0x 00", None, 5):
        with pytest.raises(LogDecodeError, match="data"):
            decoder.decode(good, data)  # type: ignore[arg-type]


def test_what_is_indexed_and_dynamic_is_a_hash_and_says_so() -> None:
    made = event("event E(string indexed s, tuple(uint8 a, string b)[] indexed t, uint256 indexed u)")
    values = {"s": "hello", "t": [(1, "one"), (2, "a longer text, of more than thirty-two bytes")], "u": 5}
    decoded = EventDecoder(made).decode(*encode_log(made, values))
    assert decoded["s"] == keccak(text="hello")
    assert isinstance(decoded["s"], IndexedHash)
    assert decoded["s"].type == "string"
    assert decoded["t"].type == "(uint8,string)[]"
    # Solidity's ABI specification: items one behind the other, each padded, without lengths and pointers.
    assert decoded["t"] == keccak(
        word(1) + word("one") + word(2) + b"a longer text, of more than thirty-two bytes".ljust(64, b"\0")
    )
    assert repr(decoded["s"]) == f"IndexedHash('0x{keccak(text='hello').hex()}', type='string')"
    again = pickle.loads(pickle.dumps(decoded["s"]))
    assert (again, again.type) == (decoded["s"], "string")
    assert encode_topics(made, decoded) == encode_topics(made, values)


def test_tuples_are_named_structures_that_also_index_by_position() -> None:
    made = event("event E(tuple(uint128 liquidity, (uint256 a, uint256)[] fees, bool count) p)")
    decoded = EventDecoder(made).decode(*encode_log(made, {"p": (7, [(1, 2)], True)}))
    value = decoded["p"]
    assert value == (7, [(1, 2)], True)
    assert (value[0], value["liquidity"], value.liquidity, value[-1]) == (7, 7, 7, True)
    assert value.fees[0]["arg1"] == 2
    assert value[0:2] == (7, [(1, 2)])
    assert value["count"] is True
    assert dict(value) == {"liquidity": 7, "fees": [(1, 2)], "count": True}
    assert value.to_dict() == {"liquidity": 7, "fees": [{"a": 1, "arg1": 2}], "count": True}
    assert repr(value) == "(liquidity=7, fees=[(a=1, arg1=2)], count=True)"
    assert pickle.loads(pickle.dumps(value)).fees[0].a == 1
    with pytest.raises(KeyError):
        value["none"]
    with pytest.raises(AttributeError, match="there are liquidity, fees, count"):
        value.none  # noqa: B018


def test_unnamed_and_repeated_parameters_stay_reachable() -> None:
    decoded = decode("event E(uint256, uint256 a, uint256 a, uint256)", 1, 2, 3, 4)
    assert decoded == {"arg0": 1, "a": 2, "a_": 3, "arg3": 4}
    assert decoded.args == (1, 2, 3, 4)


def test_options() -> None:
    address = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
    declaration = "event E(address a, bytes b, bytes4 c, address[] d)"
    made = event(declaration)
    log = encode_log(made, {"a": address, "b": b"bb", "c": b"cccc", "d": [address]})
    assert EventDecoder(made).decode(*log)["a"] == address
    options = EventDecoder(made, checksum=True, hex_bytes=True)
    checksummed = to_checksum_address(address)
    assert options.decode(*log) == {"a": checksummed, "b": "0x6262", "c": "0x63636363", "d": [checksummed]}
    wire = EventDecoder(made).decode_json(*log)
    assert wire == {"a": address, "b": "0x6262", "c": "0x63636363", "d": [address]}
    assert options.decode_event(wire) == options.decode(*log)


def test_a_plan_is_compiled_once_per_event() -> None:
    first, second = EventDecoder(event("event E(uint8 a)")), EventDecoder(event("event E(uint8 a)"))
    log = encode_log(first.event, {"a": 1})
    first.decode(*log), second.decode(*log)
    assert first._decode is second._decode
    # A parameter that is called `indexed` is spelled as one that is.
    named = extract_abi_event(
        [{"type": "event", "name": "E", "inputs": [{"type": "uint8", "name": "indexed"}]}], "E"
    )
    flagged = event("event E(uint8 indexed)")
    assert EventDecoder(named).decode([topic0(named)], word(3)) == {"indexed": 3}
    assert EventDecoder(flagged).decode([topic0(flagged), word(3)], b"") == {"arg0": 3}


# -- work --------------------------------------------------------------------------------------------------


def lines_run(call: Callable[[], object]) -> int:
    """How many lines of Python a call runs: a measure of its work that no busy machine changes."""
    count = 0

    def trace(frame: Any, what: str, argument: Any) -> Any:
        nonlocal count
        count += what == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def bomb(levels: int, width: int) -> bytes:
    """Arrays of arrays in which every pointer leads to the same array of the next level."""
    level = word(width) + word(width * 32) * width
    return (
        word(32)
        + b"".join(word(width) + b"".join(word(32 * width) for _ in range(width)) for _ in range(levels - 1))
        + level
    )


def test_pointers_that_multiply_end_before_they_have() -> None:
    """2 kB of pointers that unfold to 10 to the 10th bytes."""
    made = event("event E(bytes[][][][][][][][] a)")
    data = bomb(8, 7) + word(0) * 8
    assert len(data) < 2500
    decoder = EventDecoder(made)
    with pytest.raises(LogDecodeError, match=r"points at itself too often|beyond"):
        decoder.decode([topic0(made)], data)

    def run() -> None:
        with pytest.raises(LogDecodeError):
            decoder.decode([topic0(made)], data)

    assert lines_run(run) < 32 * len(data) + 4096


def test_many_parameters_that_share_their_data() -> None:
    """Each of 200 parameters points at the same 32 kB: 6 MB to read, of 38 kB of data."""
    made = event(f"event E({','.join(['bytes'] * 200)})")
    data = word(200 * 32) * 200 + word(32_000) + bytes(32_000)
    with pytest.raises(LogDecodeError, match="points at itself too often"):
        EventDecoder(made).decode([topic0(made)], data)
    generous = EventDecoder(made, limits=Limits(decode_factor=1000)).decode([topic0(made)], data)
    assert generous.args == (bytes(32_000),) * 200


def test_work_grows_with_the_data_and_no_faster() -> None:
    made = event("event E(tuple(uint8 a, bytes b, uint16[] c)[] t)")

    def work(count: int) -> int:
        log = encode_log(made, {"t": [(1, b"x", [1, 2])] * count})
        decoder = EventDecoder(made)
        decoder.decode(*log)
        return lines_run(lambda: decoder.decode(*log))

    assert work(400) < 2.1 * work(200) < 4.3 * work(100)


@pytest.mark.parametrize("tail", ["", "[]", "[2]"])
def test_a_level_more_is_no_double_work(tail: str) -> None:
    """A decoder that asks at each level anew whether what lies below is dynamic has twice the work."""

    def work(depth: int) -> int:
        kind = "bytes"
        for _ in range(depth):
            kind = f"({kind}){tail}"
        made = event(f"event E({kind} a)")

        def run() -> None:
            with pytest.raises(LogDecodeError):
                EventDecoder(made).decode([topic0(made)], b"")

        return lines_run(run)

    assert work(48) < 5 * work(12)


def test_values_64_tuples_deep() -> None:
    kind, value, expected = "bytes", b"deep", b"deep"
    nested: Any = value
    for _ in range(64):
        kind, nested = f"({kind})", (nested,)
    made = event(f"event E({kind} a)")
    decoded = EventDecoder(made).decode(*encode_log(made, {"a": nested}))["a"]
    for _ in range(64):
        [decoded] = decoded
    assert decoded == expected


def nested(depth: int, tail: str) -> dict[str, Any]:
    item: dict[str, Any] = {"name": "", "type": "bytes" + "[]" * 16}
    for _ in range(depth):
        item = {"name": "", "type": f"tuple{tail}", "components": [item]}
    return {"type": "event", "name": "E", "inputs": [item]}


def test_levels_of_arrays_and_tuples_end_before_the_interpreter_does() -> None:
    """What is allowed is also decoded, spelled and written, in the frames that Python has."""
    made = extract_abi_event([nested(64, "[]")], "E")
    assert extract_abi_event(human_readable(made), "E") == ABIEvent.from_dict(made.to_dict())
    value: Any = [b"deep"]
    for _ in range(15):
        value = [value]
    for _ in range(64):
        value = [(value,)]
    log = encode_log(made, {"arg0": value})
    decoder = EventDecoder(made)
    assert decoder.decode(*log).args == (value,)
    assert decoder.decode_event(decoder.decode_json(*log))["arg0"] == value
    assert "class E:" in generate_module([made])
    with pytest.raises(ABIParsingError, match="tuples and arrays, more than 128 deep"):
        extract_abi_event([nested(64, "[][]")], "E")
    with pytest.raises(ABIParsingError, match="tuples and arrays, more than 128 deep"):
        topic0(ABIEvent.from_dict(nested(64, "[][]")))


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
        ("uint8[]", "0x12", "a list was to be given"),
        ("uint8[]", [1, 300], r"^a\[1\]: 300 is out of range"),
        ("(uint8 x, bool y)", (1,), "a tuple of 2 was to be given: x, y"),
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
        ABIParsingError, match=r"'form' is no parameter.*indexed are: from, to; did you mean from\?"
    ):
        encode_topics(transfer, {"form": "0x"})
    with pytest.raises(ABIParsingError, match="'value' is not indexed"):
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

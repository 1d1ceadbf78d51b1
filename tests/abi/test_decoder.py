"""Decoding logs: strictness, offsets, hashes, options."""

import pickle
from decimal import Decimal
from typing import Any

import pytest
from eth_utils import keccak, to_checksum_address

from event_streamer_sdk.abi import (
    EventDecoder,
    IndexedHash,
    LogDecodeError,
    encode_log,
    encode_topics,
    extract_abi_event,
    topic0,
)
from support.abi_logs import decode, event, word

pytestmark = pytest.mark.quick


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
        (["0x" + "00" * 32, good[1]], "this is not a log of E"),
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

"""What the ABI part promises, each promise against arbitrary input or an independent implementation."""

import contextlib
import json
import re
from typing import Any

import eth_abi
import eth_abi.grammar
import pytest
from eth_abi.registry import registry
from eth_utils.abi import abi_to_signature, event_abi_to_log_topic
from hypothesis import assume, example, given
from hypothesis import strategies as st

from event_streamer_api.models import ABIEvent, ABIInput
from event_streamer_sdk.abi import (
    ABIParsingError,
    EventDecoder,
    IndexedHash,
    LogDecodeError,
    decode_event,
    decode_log,
    encode_log,
    encode_topics,
    extract_abi_event,
    extract_abi_events,
    human_readable,
    parse_abi,
    parse_contract_abi,
    signature,
    topic0,
)
from event_streamer_sdk.abi._tokens import Token
from support.abi_strategies import (
    deep_events,
    events,
    is_hashed,
    json_values,
    mutated,
    names,
    spelled,
    values,
)

REAL_ABI = [
    {
        "anonymous": False,
        "inputs": [
            {"indexed": False, "internalType": "bytes32", "name": "orderHash", "type": "bytes32"},
            {"indexed": True, "internalType": "address", "name": "offerer", "type": "address"},
            {
                "components": [
                    {"internalType": "enum ItemType", "name": "itemType", "type": "uint8"},
                    {"internalType": "uint256[2]", "name": "amounts", "type": "uint256[2]"},
                ],
                "indexed": False,
                "internalType": "struct SpentItem[]",
                "name": "offer",
                "type": "tuple[]",
            },
        ],
        "name": "OrderFulfilled",
        "type": "event",
    },
    {
        "anonymous": True,
        "inputs": [{"indexed": True, "name": "sig", "type": "bytes4"}],
        "name": "Note",
        "type": "event",
    },
    {"inputs": [], "name": "pause", "outputs": [], "stateMutability": "nonpayable", "type": "function"},
]


def read(item: dict[str, Any]) -> ABIEvent:
    return extract_abi_event([item], item["name"])


def frozen(value: Any) -> Any:
    """Lists as tuples, at any depth: eth-abi has tuples for arrays."""
    return tuple(frozen(each) for each in value) if isinstance(value, list | tuple) else value


# -- documents ---------------------------------------------------------------------------------------------


@given(events())
def test_json_to_model_and_back(item: dict[str, Any]) -> None:
    event = read(item)
    again = extract_abi_event(json.dumps(event.to_dict()), event.name)
    assert again == event
    assert ABIEvent.from_dict(event.to_dict()) == event


@given(events())
def test_by_way_of_a_line_of_solidity(item: dict[str, Any]) -> None:
    event = read(item)
    line = human_readable(event)
    assert extract_abi_event(line, event.name) == event
    assert extract_abi_event([item], line.removeprefix("event ")) == event
    if not Token(event.name, 1, 1, False).is_reserved:
        assert extract_abi_event(line.removeprefix("event ") + ";", event.name) == event


@given(events(depth=4))
def test_signature_and_topic0_are_those_of_eth_utils(item: dict[str, Any]) -> None:
    event = read(item)
    assert signature(event) == abi_to_signature(item)
    assert topic0(event) == "0x" + event_abi_to_log_topic(item).hex()


@pytest.mark.quick
@given(json_values)
@example([{"type": "event", "name": "E", "inputs": [{"type": "tuple", "components": []}]}])
@example({"contracts": {"a": {"b": {"abi": None}}}})
@example({"result": ["event E(uint256 x)"]})
@example([["event E()"]])
def test_arbitrary_json_raises_only_our_error(value: Any) -> None:
    only_parsing_errors(value)
    only_parsing_errors(json.dumps(value))


@pytest.mark.quick
@given(mutated(REAL_ABI))
def test_mutated_abis_raise_only_our_error(document: Any) -> None:
    only_parsing_errors(document)


@given(st.data())
def test_mutated_text_raises_only_our_error(data: st.DataObject) -> None:
    text = json.dumps(REAL_ABI)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    only_parsing_errors(text[:start] + data.draw(st.text(max_size=6)) + text[end:])


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"\xef\xbb\xbf" + tail))
@example(b"\xff\xfe[\x00]\x00")
@example(b"\xff\xfe[")
def test_arbitrary_bytes_raise_only_our_error(document: bytes) -> None:
    only_parsing_errors(document)


SOLIDITY_WORDS = st.sampled_from(
    [
        "event", "struct", "function", "error", "E", "S", "a", "(", ")", "[", "]", "{", "}", ",", ";", ".",
        "tuple", "uint", "uint256", "address", "payable", "indexed", "anonymous", "memory", "returns",
        "external", "12", "\n", " ", "//", "/*", "*/", "é", '"', "constructor", "receive", "(uint a)",
        '"indexed"', "view", "after",
    ]
)  # fmt: skip


@pytest.mark.quick
@given(st.text(max_size=120) | st.lists(SOLIDITY_WORDS, max_size=40).map(" ".join))
@example("struct S { S s; } event E(S s)")
@example("struct S { T t; } struct T { S s; } event E(T[] t)")
@example("event E(\nevent F()")
@example("/*")
@example("\ud800")
def test_arbitrary_text_raises_only_our_error(text: str) -> None:
    only_parsing_errors(text)
    only_parsing_errors([text, text])


def only_parsing_errors(source: Any) -> None:
    """Whatever is asked of a source, there is an answer or an ABIParsingError."""
    for ask in (
        lambda: [topic0(event) for event in parse_abi(source)],
        lambda: extract_abi_events(source, contract="Name"),
        lambda: extract_abi_event(source, "E"),
        lambda: extract_abi_event(source, "OrderFulfilled(bytes32, address, (uint8,uint256[2])[])"),
        lambda: extract_abi_event(source, "0x" + "12" * 32),
        lambda: parse_contract_abi(source),
    ):
        with contextlib.suppress(ABIParsingError):
            ask()


@given(st.text(max_size=60) | st.lists(SOLIDITY_WORDS, max_size=20).map("".join))
def test_whatever_is_asked_for_raises_only_our_error(asked: str) -> None:
    with pytest.raises(ABIParsingError):
        extract_abi_event(REAL_ABI, asked)


# -- what changes topic0, and what doesn't -----------------------------------------------------------------


@given(events(), st.data())
def test_names_indexed_and_blanks_never_change_topic0(item: dict[str, Any], data: st.DataObject) -> None:
    event = read(item)
    changed = extract_abi_event(json.dumps(item, indent=data.draw(st.integers(0, 3))), item["name"])
    assert topic0(changed) == topic0(event)
    for each in item["inputs"]:
        each["indexed"] = False
        each["name"] = data.draw(names | st.none())
    assert topic0(read(item)) == topic0(event)
    words = re.findall(r'[\w$]+|"[\w$]+"|\W', human_readable(event))
    blank = data.draw(st.sampled_from([" ", "\n", "\t", "  ", " /* indexed */ ", "\u00a0"]))
    spaced = blank.join(word for word in words if word.strip())
    assert topic0(extract_abi_event(spaced, event.name)) == topic0(event)


@given(events(), events())
def test_any_change_of_a_type_changes_topic0(one: dict[str, Any], other: dict[str, Any]) -> None:
    assume([spelled(each) for each in one["inputs"]] != [spelled(each) for each in other["inputs"]])
    other["name"] = one["name"]
    assert topic0(read(one)) != topic0(read(other))


@given(st.lists(events(depth=1, max_inputs=3), min_size=1, max_size=5), st.data())
def test_order_and_duplicates_change_no_look_up(items: list[dict[str, Any]], data: st.DataObject) -> None:
    for item in items[1:]:
        if data.draw(st.booleans()):
            item["name"] = items[0]["name"]
    again = data.draw(st.permutations([*items, *data.draw(st.lists(st.sampled_from(items), max_size=3))]))
    events_, events_again = extract_abi_events(items), extract_abi_events(again)
    assert events_ == events_again
    for key, event in events_.items():
        for asked in (key, event.name, signature(event), human_readable(event), topic0(event)):
            assert answer(items, asked) == answer(again, asked)
        assert answer(again, key) == event


def answer(source: Any, asked: str) -> ABIEvent | str:
    try:
        return extract_abi_event(source, asked)
    except ABIParsingError as error:
        return str(error).partition(":")[0]


# -- types -------------------------------------------------------------------------------------------------

TYPE_PIECES = st.sampled_from(
    [
        "uint", "int", "bytes", "fixed", "ufixed", "address", "bool", "string", "function", "byte", "8",
        "256", "24", "0", "08", "33", "128x18", "8x80", "8x81", "x",
        "[]", "[2]", "[0]", "[02]", "[", "]", "(", ")",
        ",", "uint8", "-1",
    ]
)  # fmt: skip


@pytest.mark.quick
@given(
    st.lists(TYPE_PIECES, max_size=8).map("".join)
    | events().map(lambda item: ",".join(map(spelled, item["inputs"])))
)
@example("uint008")
@example("u[3]int256")
@example("uint\uff12\uff15\uff16")
@example("function()")
@example("bytes0")
@example("uint256[0]")
@example("fixed128x0")
@example("()")
@example("(uint256,)")
@example("uint[]uintuint")
@example("(uint)uint")
def test_the_grammar_is_that_of_eth_abi(text: str) -> None:
    """
    A type is one for both or for neither.

    `uint[]uintuint` is a type and a name: as in Solidity, whose tokens need a blank only where they would run
    together, none is needed behind a bracket. eth-abi has types alone, so what has a name isn't one for it.
    """
    # eth-abi takes a number behind `bool` for nothing, and has `function` as an alias, which takes no number.
    assume(not re.search(r"bool[0-9]|function(?![\[,)]|$)", text))
    normal = eth_abi.grammar.normalize(f"({text})")
    try:
        theirs = text == "" or registry.has_encoder(normal)
    except Exception:  # noqa: BLE001 - however eth-abi refuses it
        theirs = False
    try:
        ours = not any(map(has_name, extract_abi_event(f"E({text})", "E").inputs))
    except ABIParsingError:
        ours = False
    assert ours == theirs


def has_name(parameter: ABIInput) -> bool:
    return bool(parameter.name) or any(map(has_name, parameter.components or ()))


# -- logs --------------------------------------------------------------------------------------------------


@st.composite
def logs(
    draw: st.DrawFn, items: st.SearchStrategy[dict[str, Any]]
) -> tuple[dict[str, Any], list[bytes], bytes, list[Any]]:
    """An event, a log of it that eth-abi has encoded, and the values in the order of the parameters."""
    item = draw(items)
    given_values = [draw(values(each)) for each in item["inputs"]]
    topics = [] if item["anonymous"] else [event_abi_to_log_topic(item)]
    expected = []
    for each, value in zip(item["inputs"], given_values, strict=True):
        if each["indexed"] and is_hashed(each):
            value = draw(st.binary(min_size=32, max_size=32))
            topics.append(value)
        elif each["indexed"]:
            topics.append(eth_abi.encode([spelled(each)], [value]))
        expected.append(value)
    plain = [
        (spelled(each), value)
        for each, value in zip(item["inputs"], expected, strict=True)
        if not each["indexed"]
    ]
    return item, topics, eth_abi.encode([kind for kind, _ in plain], [value for _, value in plain]), expected


@given(logs(events()), st.booleans())
def test_decoding_undoes_encoding(
    log: tuple[dict[str, Any], list[bytes], bytes, list[Any]], strict: bool
) -> None:
    item, topics, data, expected = log
    decoder = EventDecoder(read(item), strict=strict)
    decoded = decoder.decode(topics, data)
    assert frozen(list(decoded.values())) == frozen(expected)
    assert [isinstance(value, IndexedHash) for value in decoded.values()] == [
        each["indexed"] and is_hashed(each) for each in item["inputs"]
    ]
    assert decoded.trailing_bytes == 0
    assert decoded.dirty == ()
    hexed = decoder.decode(["0x" + topic.hex() for topic in topics], "0x" + data.hex())
    assert hexed == decoded


@given(logs(deep_events()))
def test_decoding_undoes_encoding_eight_levels_deep(
    log: tuple[dict[str, Any], list[bytes], bytes, list[Any]],
) -> None:
    item, topics, data, expected = log
    assert frozen(list(EventDecoder(read(item)).decode(topics, data).values())) == frozen(expected)


@given(logs(events()), st.binary(min_size=1, max_size=40))
def test_trailing_data_is_allowed_and_reported(
    log: tuple[dict[str, Any], list[bytes], bytes, list[Any]], more: bytes
) -> None:
    item, topics, data, expected = log
    decoded = EventDecoder(read(item)).decode(topics, data + more)
    assert frozen(list(decoded.values())) == frozen(expected)
    assert decoded.trailing_bytes == len(more)


@given(logs(events()))
def test_the_wire_form_is_json_and_comes_back(
    log: tuple[dict[str, Any], list[bytes], bytes, list[Any]],
) -> None:
    item, topics, data, _ = log
    event = read(item)
    decoder = EventDecoder(event)
    wire = json.loads(json.dumps(decoder.decode_json(topics, data)))
    assert tuple(wire) == decoder.wire_names
    decoded = decoder.decode(topics, data)
    typed = decode_event({"block_number": 7, "log_index": 0, **wire}, event)
    assert [typed[name] for name in decoder.wire_names] == list(decoded.values())
    assert typed["block_number"] == 7


@given(logs(events()))
def test_encoding_is_that_of_eth_abi(log: tuple[dict[str, Any], list[bytes], bytes, list[Any]]) -> None:
    item, topics, data, _ = log
    event = read(item)
    decoded = EventDecoder(event).decode(topics, data)
    assert encode_log(event, decoded) == (["0x" + topic.hex() for topic in topics], "0x" + data.hex())
    indexed = {
        name: value
        for (name, value), each in zip(decoded.items(), item["inputs"], strict=True)
        if each["indexed"]
    }
    assert encode_topics(event, indexed) == ["0x" + topic.hex() for topic in topics]


WORDS = st.integers(0, 12).map(lambda number: (number * 32).to_bytes(32, "big")) | st.sampled_from(
    [
        (1).to_bytes(32, "big"),
        (2).to_bytes(32, "big"),
        b"\xff" * 32,
        b"\x00" * 31 + b"\x21",
        b"\x80" + bytes(31),
    ]
)


@pytest.mark.quick
@given(
    events(),
    st.lists(st.binary(min_size=32, max_size=32) | WORDS, max_size=4),
    st.lists(WORDS, max_size=30).map(b"".join) | st.binary(max_size=300),
    st.booleans(),
)
def test_arbitrary_logs_raise_only_log_decode_error(
    item: dict[str, Any], topics: list[bytes], data: bytes, strict: bool
) -> None:
    event = read(item)
    count = sum(each["indexed"] for each in item["inputs"])
    fitting = [] if item["anonymous"] else [bytes.fromhex(topic0(event)[2:])]
    fitting += (topics * 4 + [bytes(32)] * 4)[:count]
    decoder = EventDecoder(event, strict=strict)
    for these in (fitting, topics):
        for decode in (decoder.decode, decoder.decode_json, lambda t, d: decode_log([event], t, d).values):
            with contextlib.suppress(LogDecodeError):
                decoded = decode(these, data)
                # Each value stands for a word or a byte of text that was read, and was charged before it was.
                assert size_of(list(decoded.values())) <= 32 * len(data) + 4096 + 64 * len(item["inputs"])


def size_of(value: Any) -> int:
    """Roughly how much there is of a value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return 1 + sum(size_of(each) for each in value)
    return 1 + (len(value) // 3 if isinstance(value, str | bytes) else 0)


@given(
    st.one_of(
        st.none(), st.integers(), st.text(max_size=70), st.binary(max_size=40), st.lists(st.text(max_size=68))
    ),
    st.one_of(st.none(), st.integers(), st.text(max_size=70), st.binary(max_size=40)),
)
@example(["0x" + "zz" * 32], "0x")
@example(["0x" + " 12" * 21 + " "], "0x")
def test_things_that_are_no_log_raise_only_log_decode_error(topics: Any, data: Any) -> None:
    for event in parse_abi(REAL_ABI):
        with pytest.raises(LogDecodeError):
            EventDecoder(event).decode(topics, data)
    with pytest.raises(LogDecodeError):
        decode_log(parse_abi(REAL_ABI), topics, data)


@given(events(), st.dictionaries(names | st.sampled_from(["a", "from"]), json_values, max_size=5), st.data())
def test_arbitrary_event_objects_raise_only_log_decode_error(
    item: dict[str, Any], source: dict[str, Any], data: st.DataObject
) -> None:
    event = read(item)
    for name in EventDecoder(event).wire_names:
        source[name] = data.draw(
            json_values | st.sampled_from(["1", "0x", "0x12", "1_0", "-5", "٣", ["1"], True])
        )
    with contextlib.suppress(LogDecodeError):
        decode_event(source, event)

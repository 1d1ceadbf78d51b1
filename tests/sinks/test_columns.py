"""Event objects become typed columns: the values that the decoder gives, named as the stream names them."""

import contextlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_streamer_sdk.abi import LogDecodeError, extract_abi_event
from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.models.abi import ABIEvent, ABIInput
from event_streamer_sdk.sinks import EventTable, arrow
from event_streamer_sdk.sinks._text import _row_writer, json_columns, json_rows, json_text
from support.event_objects import METADATA, event_objects

TRANSFER = extract_abi_event("Transfer(address indexed from, address indexed to, uint256 value)", "Transfer")


def event_of(**values: Any) -> dict[str, Any]:
    return {**values, **METADATA}


def table_of(*inputs: ABIInput, **options: Any) -> EventTable:
    return EventTable(ABIEvent(name="Seen", inputs=list(inputs)), 1, **options)


def test_metadata_comes_first_and_parameters_follow() -> None:
    table = EventTable(TRANSFER, 10)
    event = event_of(**{"from": "0x" + "AB" * 20, "to": "0x" + "cd" * 20, "value": str(2**256 - 1)})
    assert dict(zip(table.names, table.take([event]), strict=True)) == {
        "chain_id": [10],
        "block_number": [7],
        "block_hash": ["0x" + "b1" * 32],
        "transaction_hash": ["0x" + "7a" * 32],
        "log_index": [3],
        "address": ["0x" + "ad" * 20],
        "timestamp": [datetime(2024, 5, 23, 10, 30, tzinfo=UTC)],
        "from": ["0x" + "ab" * 20],
        "to": ["0x" + "cd" * 20],
        "value": [2**256 - 1],
    }


def test_what_a_service_does_not_send_is_null_and_what_must_be_there_is_missed() -> None:
    table = table_of()
    event = event_of()
    del event["block_hash"], event["timestamp"]
    columns = dict(zip(table.names, table.take([event, event_of()]), strict=True))
    assert columns["block_hash"] == [None, "0x" + "b1" * 32]
    assert columns["timestamp"][0] is None
    del event["log_index"]
    with pytest.raises(LogDecodeError, match="block 7, log None lacks log_index"):
        table.take([event_of(), event])


@pytest.mark.parametrize(
    ("given_names", "expected"),
    [
        (["address", "timestamp", "chain_id"], ["address_", "timestamp_", "chain_id_"]),
        (["", "a", "a", "A"], ["arg0", "a", "a_", "A__"]),
        (["Block_Number"], ["Block_Number_"]),
        (["address_", "address"], ["address_", "address__"]),
    ],
)
def test_names_that_clash_are_told_apart_also_by_databases_that_ignore_case(
    given_names: list[str], expected: list[str]
) -> None:
    table = table_of(*(ABIInput(name=name, type="bool") for name in given_names))
    assert [column.name for column in table.parameters] == expected
    folded = [name.casefold() for name in table.names]
    assert len(set(folded)) == len(folded)


def test_long_names_are_cut_and_stay_different() -> None:
    inputs = [ABIInput(name="x" * 70 + str(number), type="bool") for number in range(30)]
    names = table_of(*inputs, longest_name=63).names
    assert max(map(len, names)) == 63
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "moment", ["2024-05-23T10:30:00", "2024-05-23T12:30:00+02:00", 1716460200, 1716460200.0]
)
def test_times_are_read_in_every_form_that_services_write(moment: Any) -> None:
    columns = table_of().take([event_of() | {"timestamp": moment}])
    assert columns[6] == [datetime(2024, 5, 23, 10, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("uint8", "255", "256"),
        ("uint8", 0, "-1"),
        ("int8", "-128", "-129"),
        ("uint256", str(2**256 - 1), str(2**256)),
        ("uint256", "5", 5.0),
        ("uint256", "5", True),
        ("uint256", "5", " 5"),
        ("uint256", "5", "5_0"),
        ("uint256", "5", "٣"),
        ("uint256", 5, ""),
        ("fixed16x2", "1.25", "1.255"),
        ("fixed16x2", "-327.68", "-327.69"),
        ("ufixed128x18", "0.000000000000000001", "NaN"),
        ("bool", True, "true"),
        ("bool", False, 0),
        ("string", "a\0b", None),
        ("string", "", "\ud800"),
        ("address", "0x" + "ab" * 20, "0x" + "ab" * 19),
        ("address", "0x" + "ab" * 20, "ab" * 21),
        ("bytes4", "0x01020304", "0x0102 304"),
        ("bytes4", "0x01020304", "0x0x0203"),
        ("bytes4", "0x01020304", "0102030405"),
        ("bytes", "0x", "0x0"),
        ("bytes", "0x00ff", "00ff"),
        ("uint8[2]", ["1", "2"], ["1"]),
        ("uint8[]", [], "12"),
        ("uint8[]", ["255"], ["256"]),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_place(type_: str, good: Any, bad: Any) -> None:
    table = table_of(ABIInput(name="x", type=type_))
    right, wrong = event_of(x=good), event_of(x=bad)
    assert len(table.take([right, right])[-1]) == 2
    for events in ([wrong], [right, wrong], [wrong, right]):
        with pytest.raises(LogDecodeError, match=r"block 7, log 3 is not a value of type .*\(parameter x\)"):
            table.take(events)


@settings(max_examples=50)
@given(event_objects(), st.integers(1, 4))
def test_columns_hold_what_the_decoder_gives(drawn: Any, copies: int) -> None:
    event, found, expected = drawn
    columns = EventTable(event, 1).take([found] * copies)
    assert columns[7:] == [[value] * copies for value in expected]


@pytest.mark.parametrize(
    ("first", "second"),
    [("0x0x0203", "0102030405"), ("0x0102030", "40x01020304"), ("0x010203040x", "01020304")],
)
def test_values_that_are_whole_only_together_are_refused(first: str, second: str) -> None:
    table = table_of(ABIInput(name="x", type="bytes4"))
    with pytest.raises(LogDecodeError, match=f"'{first}'"):
        table.take([event_of(x=first), event_of(x=second)])


def test_hex_in_mixed_case_is_stored_in_lower_case() -> None:
    columns = table_of(ABIInput(name="x", type="bytes4")).take(
        [event_of(x="0xABcd0102"), event_of(x="0xabcd0102")]
    )
    assert columns[-1] == ["0xabcd0102", "0xabcd0102"]


def test_lines_of_json_keep_any_name_of_a_parameter() -> None:
    names = ["v1", "from", "__init__", "None", "$", "self", ""]
    table = table_of(*(ABIInput(name=name, type="bool") for name in names))
    keys = ["arg6" if name == "" else name for name in names]
    (line,) = json_rows(table, table.take([event_of(**dict.fromkeys(keys, True))]))
    assert list(json.loads(line)) == list(table.names)
    assert [json.loads(line)[name] for name in keys] == [True] * len(names)


@pytest.mark.parametrize("name", ["{v0.__class__}", "a'", "a b", 'a"', "a\\", "a\n", "{", "%s", ""])
def test_a_name_that_could_be_code_is_not_compiled(name: str) -> None:
    with pytest.raises(ValueError, match="must be identifiers"):
        _row_writer((name,), (True,))


@pytest.mark.parametrize("integers", ["text", "decimal", "binary", "float"])
def test_lines_of_json_hold_what_json_writes(integers: arrow.IntegerStyle) -> None:
    table = table_of(
        ABIInput(name="text", type="string"),
        ABIInput(name="wide", type="uint256"),
        ABIInput(name="below", type="int256"),
        ABIInput(name="short", type="int64"),
        ABIInput(name="parts", type="fixed128x18"),
        ABIInput(name="truth", type="bool"),
        ABIInput(name="data", type="bytes"),
        ABIInput(name="list", type="string[]"),
    )
    texts = ["", "a \"b\" \\ {c} 'd'", "\n\r\t\b\f\0\x1f\x7f", "é\u2028\U0001f600", "null"]
    events = [
        event_of(
            text=text, wide=str(10**70 + number), below=str(-(2**200)), short=-number, parts="0.5",
            truth=number % 2 == 0, data="0x" + "ab" * number, list=[text, text],
        )
        for number, text in enumerate(texts)
    ]  # fmt: skip
    del events[1]["block_hash"], events[1]["timestamp"]
    columns = table.take(events)
    wanted = [
        dict(zip(table.names, row, strict=True))
        for row in zip(*json_columns(table, columns, integers), strict=True)
    ]
    assert [json.loads(line) for line in json_text(table, columns, integers).split(b"\n")[:-1]] == wanted
    assert [json.loads(row) for row in json_rows(table, columns, integers)] == wanted


def test_columns_are_chosen_by_name_and_metadata_stays() -> None:
    table = EventTable(TRANSFER, 1, only=["value"])
    assert table.names[7:] == ("value",)
    with pytest.raises(
        EventStreamerValidationError, match="no column nothing; its parameters are from, to, value"
    ):
        EventTable(TRANSFER, 1, only=["nothing"])


TO = "0x" + "cd" * 20


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("value > 10**24", [2]),
        ("value >= 10**24 and value <= 10**24", [1]),
        ("5 <= value < 10**24", [0]),
        (f"from == '{'0x' + 'AB' * 20}'", [0, 1]),
        (f"to in ['{TO}'] and not value == 5", [1, 2]),
        ("block_number == 7 and log_index != 3", []),
        ("value % 2 == 1", [0, 2]),
        ("'efef' in from", [2]),
        ("timestamp is None", []),
        ("timestamp > '2024-05-23' and timestamp < '2024-05-24'", [0, 1, 2]),
        ("'2024-05-23T12:30:00+02:00' == timestamp", [0, 1, 2]),
        ("timestamp > '2024-05-23T10:30:01'", []),
        ("True", [0, 1, 2]),
    ],
)
def test_conditions_choose_rows(condition: str, kept: list[int]) -> None:
    sender, other = "0x" + "ab" * 20, "0x" + "ef" * 20
    events = [
        event_of(**{"from": sender, "to": TO, "value": "5"}),
        event_of(**{"from": sender, "to": TO, "value": str(10**24)}),
        event_of(**{"from": other, "to": TO, "value": str(10**24 + 1)}),
    ]
    columns = EventTable(TRANSFER, 1, only=["value"], where=condition).take(events)
    assert columns[-1] == [int(events[index]["value"]) for index in kept]
    assert {len(values) for values in columns} == {len(kept)}


def test_conditions_reach_into_structs_and_lists() -> None:
    inputs = [ABIInput(name="amount", type="uint256"), ABIInput(name="tags", type="uint8[]")]
    table = table_of(
        ABIInput(name="order", type="tuple", components=inputs),
        where="order['amount'] > 4 and order['tags'][0] == 1",
    )
    events = [event_of(order={"amount": str(n), "tags": ["1"]}) for n in (4, 5)]
    assert table.take(events)[-1] == [{"amount": 5, "tags": [1]}]


@pytest.mark.parametrize(
    "condition",
    [
        "", "value >", "nobody > 1", "len(value)", "value.real", "[x for x in value]", "lambda: 1",
        "value := 5", "(lambda: 1)()", "__import__('os')", "value ** value", "value > 9**9999999",
        "f'{value}'", "'a' + value > 1", "value > 'a'", "value / 0 > 1", "(" * 5000 + ")" * 5000,
        "value\nvalue", "value; value", "timestamp > 'soon'", "$", "'", "\0",
    ],
)  # fmt: skip
def test_conditions_are_refused_in_one_sentence(condition: str) -> None:
    events = [event_of(**{"from": TO, "to": TO, "value": "5"})]
    with pytest.raises(EventStreamerValidationError) as caught:
        EventTable(TRANSFER, 1, where=condition).take(events)
    assert "condition" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("condition", "advice"),
    [
        (f"to == {TO}", "compares to, which is text, with a number: put it in quotation marks"),
        (f"address in ['{TO}', {TO}]", "compares address, which is text, with a number"),
        (
            "'3' != value",
            "compares value, which is a number, with the text '3': leave out the quotation marks",
        ),
        ("value in ('3',)", "leave out the quotation marks"),
        ("1 < block_number <= '5'", "leave out the quotation marks"),
        ("to == '0x9fe467…a6e0'", "compares to, which is hex such as '0x1f…', with '0x9fe467…a6e0'"),
        ("value = 3", "equality is written =="),
        ("value == 3 AND log_index == 1", "write and in place of AND"),
        ("value == 3 || log_index == 1", "write or in place of ||"),
    ],
)
def test_a_condition_that_no_row_can_meet_is_refused_before_any_row(condition: str, advice: str) -> None:
    with pytest.raises(EventStreamerValidationError) as caught:
        EventTable(TRANSFER, 1, where=condition)
    assert advice in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    events = [event_of(**{"from": TO, "to": TO, "value": "5"})]
    with contextlib.suppress(EventStreamerValidationError):
        EventTable(TRANSFER, 1, where=text).take(events)


def test_fixed_point_numbers_are_decimals() -> None:
    table = table_of(ABIInput(name="x", type="fixed128x18"))
    assert table.take([event_of(x="-1.5")])[-1] == [Decimal("-1.5")]

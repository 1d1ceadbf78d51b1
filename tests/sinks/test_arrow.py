"""Record batches hold every value, in each style that can hold it."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings

from event_streamer_sdk.abi import LogDecodeError
from event_streamer_sdk.exceptions import EventStreamerSDKError, EventStreamerValidationError
from event_streamer_sdk.models.abi import ABIEvent, ABIInput
from event_streamer_sdk.sinks import EventTable, MissingExtraError, arrow
from support.event_objects import METADATA, event_objects


def table_of(*inputs: ABIInput) -> EventTable:
    return EventTable(ABIEvent(name="Seen", inputs=list(inputs)), 1)


def as_text(value: Any) -> Any:
    """The same value with wide integers and decimals as text, which is all that the default style changes."""
    if isinstance(value, dict):
        return {name: as_text(member) for name, member in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if type(value) is int else value


@settings(max_examples=30)
@given(event_objects())
def test_record_batches_hold_what_the_columns_hold(drawn: Any) -> None:
    event, found, expected = drawn
    batch = arrow.record_batch(EventTable(event, 1), [found, found])
    assert batch.num_rows == 2
    assert [as_text(column.to_pylist()) for column in batch.columns[7:]] == [
        [as_text(value)] * 2 for value in expected
    ]


@pytest.mark.parametrize(
    ("style", "stored"),
    [
        ("text", str(2**250)),
        ("decimal", Decimal(2**250)),
        ("binary", (2**250).to_bytes(32, "big")),
        ("float", float(2**250)),
    ],
)
def test_wide_integers_have_four_styles(style: arrow.IntegerStyle, stored: Any) -> None:
    table = table_of(ABIInput(name="x", type="uint256"), ABIInput(name="y", type="uint64"))
    schema = arrow.schema(table, integers=style)
    batch = arrow.record_batch(table, [METADATA | {"x": str(2**250), "y": str(2**64 - 1)}], schema)
    assert batch["x"].to_pylist() == [stored]
    assert batch["y"].to_pylist() == [2**64 - 1]
    assert batch.schema.field("x").metadata == {b"abi_type": b"uint256"}


def test_negative_numbers_are_kept_in_every_style() -> None:
    table = table_of(ABIInput(name="x", type="int256"))
    events = [METADATA | {"x": "-5"}]
    shown = {
        style: arrow.record_batch(table, events, arrow.schema(table, integers=style))["x"].to_pylist()[0]
        for style in ("text", "decimal", "binary", "float")
    }
    assert shown == {"text": "-5", "decimal": Decimal(-5), "binary": b"\xff" * 31 + b"\xfb", "float": -5.0}


def test_a_decimal_that_is_too_small_says_so_and_nothing_is_rounded() -> None:
    table = table_of(ABIInput(name="x", type="uint256"))
    schema = arrow.schema(table, integers="decimal")
    with pytest.raises(LogDecodeError, match="more than 76 digits; another style holds it"):
        arrow.record_batch(table, [METADATA | {"x": str(2**256 - 1)}], schema)


def test_bytes_can_stay_bytes() -> None:
    struct = ABIInput(name="t", type="tuple", components=[ABIInput(name="h", type="bytes4[]")])
    table = table_of(ABIInput(name="b", type="bytes"), struct)
    batch = arrow.record_batch(
        table,
        [METADATA | {"b": "0x00ff", "t": {"h": ["0x01020304"]}}],
        arrow.schema(table, byte_style="binary"),
    )
    assert batch["b"].to_pylist() == [b"\x00\xff"]
    assert batch["t"].to_pylist() == [{"h": [b"\x01\x02\x03\x04"]}]
    assert batch["address"].to_pylist() == [b"\xad" * 20]
    assert batch.schema.field("address").type == pa.binary(20)


def test_a_style_that_does_not_exist_is_refused() -> None:
    with pytest.raises(EventStreamerValidationError, match="integers must be one of text, decimal"):
        arrow.schema(table_of(), integers="int")  # type: ignore[arg-type]
    with pytest.raises(EventStreamerValidationError, match="byte_style"):
        arrow.schema(table_of(), byte_style="base64")  # type: ignore[arg-type]


def test_a_missing_library_is_one_sentence_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'event-streamer-sdk\[arrow\]>=1'") as caught:
        arrow.schema(table_of())
    assert isinstance(caught.value, EventStreamerSDKError)

"""Decoding logs costs what the log is worth: work and depth are bounded."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import (
    ABIParsingError,
    EventDecoder,
    Limits,
    LogDecodeError,
    encode_log,
    extract_abi_event,
    human_readable,
    topic0,
)
from event_streamer_sdk.abi.codegen import generate_module
from support.abi_logs import event, word

pytestmark = pytest.mark.quick


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

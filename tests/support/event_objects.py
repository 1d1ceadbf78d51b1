"""Events with any types, and what the stream and the decoder make of their logs."""

from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import EventDecoder, IndexedHash, LogDecodeError, StructValue, encode_log
from support.abi_strategies import events, values

METADATA = {
    "block_number": 7,
    "block_hash": "0x" + "b1" * 32,
    "transaction_hash": "0x" + "7a" * 32,
    "log_index": 3,
    "address": "0x" + "ad" * 20,
    "timestamp": "2024-05-23T10:30:00Z",
}


@st.composite
def event_objects(draw: st.DrawFn) -> tuple[ABIEvent, dict[str, Any], list[Any]]:
    """An event, an event object of the stream, and the values that it stands for, by position."""
    drawn = draw(events(depth=2, max_inputs=4))
    event = ABIEvent.from_dict(drawn)
    decoder = EventDecoder(event)
    given = [draw(values(each)) for each in drawn["inputs"]]
    topics, data = encode_log(event, dict(zip(decoder.names, given, strict=True)))
    try:
        expected = [plain(value) for value in decoder.decode(topics, data).values()]
        return event, decoder.decode_json(topics, data) | METADATA, expected
    except LogDecodeError:
        reject()  # whether every log can be decoded is asked by the tests of the ABI


def plain(value: Any) -> Any:
    """What a column holds of a value that the decoder gave."""
    if isinstance(value, StructValue):
        return {name: plain(member) for name, member in zip(value.names, value, strict=True)}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bytes | IndexedHash):
        return "0x" + value.hex()
    return value

"""Events and log data in few words, for tests."""

from typing import Any

from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import (
    DecodedEvent,
    EventDecoder,
    parse_abi,
    topic0,
)


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

"""A log's topics and data as bytes, with a sentence for each way in which they can be wrong."""

from collections.abc import Sequence
from typing import Any

from ._errors import LogDecodeError
from ._events import Event, hash_of_signature

__all__ = ["data_bytes", "log_bytes", "topic_words"]


def log_bytes(event: Event, topics: Sequence[str | bytes], data: str | bytes) -> bytes:
    """
    Check a log's topics against an event, and join what holds values.

    Raises:
        LogDecodeError: Another event's topic0, another number of topics, or something that isn't bytes.
    """
    words = topic_words(topics)
    indexed = sum(parameter.indexed for parameter in event.parameters)
    if not event.anonymous:
        expected = hash_of_signature(event.signature)
        if not words or f"0x{words[0].hex()}" != expected:
            found = f"0x{words[0].hex()}" if words else "no topic at all"
            raise LogDecodeError(
                f"this is not a log of {event.signature}: its topic0 is {expected}, not {found}"
            )
        del words[0]
    if len(words) != indexed:
        raise LogDecodeError(
            f"{event.signature} has {indexed} indexed parameters, and the log has topics for {len(words)}"
        )
    return b"".join((*words, data_bytes(data)))


def topic_words(topics: Any) -> list[bytes]:
    """
    Turn a log's topics into words of 32 bytes.

    Raises:
        LogDecodeError: It isn't a list, or a topic is none.
    """
    if isinstance(topics, str | bytes | bytearray) or not isinstance(topics, Sequence):
        raise LogDecodeError("topics must be a list of 32-byte words, as bytes or 0x-hex")
    words = [_bytes(topic, f"topic {index}") for index, topic in enumerate(topics[:5])]
    for index, word in enumerate(words):
        if len(word) != 32:
            raise LogDecodeError(f"topic {index} has {len(word)} bytes instead of 32")
    return words


def data_bytes(data: Any) -> bytes:
    """
    Turn a log's data into bytes.

    Raises:
        LogDecodeError: It is neither.
    """
    return _bytes(data, "data")


def _bytes(value: Any, what: str) -> bytes:
    """Turn bytes or 0x-hex into bytes."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if not isinstance(value, str):
        raise LogDecodeError(f"{what} must be bytes or 0x-hex, not {type(value).__name__}")
    if value[:2] not in ("0x", "0X"):
        raise LogDecodeError(f"{what} must be 0x-hex")
    try:
        raw = bytes.fromhex(value[2:])
    except ValueError:
        raise LogDecodeError(f"{what} holds something that is not a pair of hex digits") from None
    if len(raw) * 2 != len(value) - 2:
        raise LogDecodeError(f"{what} has blanks between its hex digits")
    return raw

"""
Lines → messages, a block at a time.

Decoding is most of what a client costs, so it is done by `msgspec` where that is installed (extra `fast`).
`orjson` was measured too: it is slower here, and turns integers above 64 bits into floats. Decoding many
lines in one call saves less than it costs to make sure that each held one value. What the fast way can't read
is read again by Python's own decoder, which says what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from event_streamer_api.models import (
    StreamingEnd,
    StreamingError,
    StreamingEventBatch,
    StreamingHeartbeat,
    StreamingReorg,
)
from event_streamer_sdk.exceptions import StreamLineError

from .lines import Block

if TYPE_CHECKING:
    from event_streamer_api.errors import EventStreamerValidationError

Events = dict[str, list[dict[str, Any]]]
"""Event name → the events of that name, in order."""

TOGETHER = 64 * 1024
"""
Bytes of short lines that are decoded before they are handled: more than some 100 batches at once fall out of
the processor's cache before they are handled, which costs 1 µs for each batch.
"""

LONG_LINE = 4096
"""
Bytes from which on a line is handled before the next one is decoded.

The events of many such lines (a MB and more) would be alive at once: Python would take their memory from the
system and give it back again and again, which costs 10 % with 100 events a batch.
"""

SHOWN_OF_A_LINE = 80
"""Bytes of a broken line that an error message shows."""


class Batch:
    """
    A batch of events as it arrived.

    Attributes:
        message: The whole message, with fields that this version doesn't know.
        batch_id: What is acknowledged.
        resume_token: The token behind this batch; write it in your own transaction (see
            `HandlerCheckpoint`), never into a log.
        events: Event name → events. With `dedupe` only those that are new, with `typed` typed values.
        size: How many events the message holds.
        first_block: The first block it covers, `None` where it doesn't say.
        last_block: The last block it covers, `None` where it doesn't say.
        goes_back: Whether it may end before the batch that came before it: a reorganisation took events of it
            away before they were delivered, or stood in a line that was passed over.
        owner: The streaming client that received it.
    """

    __slots__ = (
        "batch_id",
        "epoch",
        "events",
        "first_block",
        "goes_back",
        "last_block",
        "message",
        "owner",
        "resume_token",
        "size",
    )

    def __init__(self, message: dict[str, Any]) -> None:
        events = message.get("events")
        token = message.get("resume_token")
        batch_id = message.get("batch_id") or message.get("response_id")
        if type(events) is not dict or type(token) is not str or type(batch_id) is not str:
            _explain(message)
        size = 0
        for group in events.values():
            if type(group) is not list:
                _explain(message)
            size += len(group)
        declared = message.get("batch_size")
        if declared is not None and declared != size:
            raise StreamLineError(f"batch {batch_id} says batch_size {declared!r} and holds {size} events")
        self.message = message
        self.batch_id: str = batch_id
        self.resume_token: str = token
        self.events: Events = events
        self.size = size
        self.epoch = 0
        self.goes_back = False
        self.owner: Any = None
        first = message.get("first_block")
        last = message.get("last_block")
        if type(first) is not int or type(last) is not int:
            first, last = _ends(events)
        self.first_block: int | None = first
        self.last_block: int | None = last

    @property
    def subscription_id(self) -> int | None:
        """The subscription, where the message says it."""
        return self.message.get("subscription_id")

    @property
    def connection_id(self) -> str | None:
        """The connection that delivered it, where the message says it."""
        return self.message.get("connection_id")

    @property
    def chain_id(self) -> int | None:
        """The chain, where the message says it."""
        return self.message.get("chain_id")

    def to_model(self) -> StreamingEventBatch:
        """
        Give the message as the model of the API.

        Returns:
            The model, checked.

        Raises:
            EventStreamerValidationError: A field breaks its rule.
        """
        return StreamingEventBatch.from_dict(self.message)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.batch_id}: {self.size} events>"


class Unknown:
    """
    A message of a type that this version doesn't know, or a known one that breaks its rules.

    Attributes:
        message: As it came.
    """

    __slots__ = ("message",)

    def __init__(self, message: Mapping[str, Any]) -> None:
        self.message = message


Message = Batch | StreamingHeartbeat | StreamingError | StreamingReorg | StreamingEnd | Unknown

_MODELS: dict[str, type[StreamingHeartbeat | StreamingError | StreamingReorg | StreamingEnd]] = {
    "heartbeat": StreamingHeartbeat,
    "error": StreamingError,
    "reorg": StreamingReorg,
    "end": StreamingEnd,
}


def decode_block(block: Block) -> Iterator[list[Any]]:
    """
    Decode whole lines, as they are asked for.

    Args:
        block: The lines.

    Yields:
        Decoded values, one for each line, blank lines left out; a `StreamLineError` stands in the place of a
        line that is not JSON. Short lines come many together, long ones one by one.
    """
    data, start = block.data, block.start
    view = memoryview(data)
    began = start
    # Nothing here holds a value but the list, which whoever handles it empties before the next one: then
    # Python puts the next one where this one was, and the processor has that place at hand.
    values: list[Any] = []
    for end in block.ends:
        try:
            values.append(_decode(view[start : end - 1]))
        except (ValueError, RecursionError):  # msgspec.DecodeError and UnicodeDecodeError are both the first
            line = data[start : end - 1]
            if line and not line.isspace():
                values.append(decode_line(line))
        if end - began >= TOGETHER or end - start >= LONG_LINE:
            yield values
            values = []
            began = end
        start = end
    if values:
        yield values


def decode_line(line: bytes) -> Any:
    """
    Decode one line, strictly: UTF-8, and JSON without NaN and infinities (RFC 8259).

    Args:
        line: The line, without its end.

    Returns:
        The value, or the `StreamLineError` that says what is wrong with it.
    """
    try:
        return _STRICT.decode(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return StreamLineError(f"a line is not UTF-8 (byte {error.start} of {len(line)})", line)
    except RecursionError:
        return StreamLineError(f"a line of {len(line)} bytes is nested too deeply", line)
    except ValueError as error:
        return StreamLineError(f"a line of {len(line)} bytes is not JSON ({error})", line)


def to_message(value: Any, batch_class: type[Batch] = Batch) -> Message:
    """
    Give a decoded line its meaning.

    Args:
        value: What `decode_block` gave.
        batch_class: What batches are made of.

    Returns:
        The message.

    Raises:
        StreamLineError: The line is not JSON, not an object, or a batch that contradicts itself.
    """
    if type(value) is dict:
        kind = value.get("type")
        if kind == "event_batch":
            return batch_class(value)
        model = _MODELS.get(kind) if isinstance(kind, str) else None
        if model is StreamingReorg:
            # It carries a token, so passing it over would pass over a position: held as strictly as a batch.
            try:
                return model.from_dict(value)
            except ValueError as error:
                raise StreamLineError(f"a reorg message breaks its rules: {error}") from error
        if model is not None:
            try:
                return model.from_dict(value)
            except ValueError:
                return Unknown(value)
        return Unknown(value)
    if isinstance(value, StreamLineError):
        raise value
    raise StreamLineError(f"a line holds {type(value).__name__} and not a JSON object")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant)


def _decode_stdlib(line: memoryview) -> Any:
    return _STRICT.decode(str(line, "utf-8"))


_decode: Callable[[memoryview], Any] = _decode_stdlib
with suppress(ImportError):  # the plain install
    import msgspec

    _decode = msgspec.json.Decoder().decode


def _ends(events: Events) -> tuple[int | None, int | None]:
    """Find the first and the last block of events that come in order, without looking at each."""
    first: int | None = None
    last: int | None = None
    for group in events.values():
        if not group:
            continue
        try:
            begin, end = group[0]["block_number"], group[-1]["block_number"]
        except (KeyError, TypeError):
            continue
        if type(begin) is not int or type(end) is not int:
            continue
        if first is None or begin < first:
            first = begin
        if last is None or end > last:
            last = end
    return first, last


def _explain(message: dict[str, Any]) -> NoReturn:
    """Say what is wrong with a batch; slow, and only for batches that are wrong."""
    try:
        StreamingEventBatch.from_dict(message)
    except ValueError as error:
        problem: EventStreamerValidationError | ValueError = error
        raise StreamLineError(f"a batch breaks its rules: {problem}") from error
    raise StreamLineError("a batch breaks its rules: events must be an object of lists")

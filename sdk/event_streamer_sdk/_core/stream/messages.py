"""Decoded lines → batches and other messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, get_args

from attrs import fields

from event_streamer_api.models import (
    StreamingEnd,
    StreamingError,
    StreamingEventBatch,
    StreamingHeartbeat,
    StreamingReorg,
)
from event_streamer_sdk.exceptions import StreamLineError

from ..words import counted
from .decoding import Decoded

if TYPE_CHECKING:
    from event_streamer_api.errors import EventStreamerValidationError

Events = dict[str, list[dict[str, Any]]]
"""Event name → the events of that name, in order."""

Plain = tuple[str, list[dict[str, Any]], str, str, int, int, int]
"""What `plain_fields` reads: name, events, batch id, resume token, size, first and last block."""


class BatchOwner(Protocol):
    """What a batch needs of the streaming client that received it."""

    def acknowledge_batch(self, batch_id: str) -> Awaitable[None] | None:
        """Say that a batch is done; in the async client to be awaited."""


class Batch:
    """
    A batch of events as it arrived.

    Args:
        message: The decoded line.
        epoch: The connection that delivered it.
        owner: The streaming client that received it.
        goes_back: As the attribute.

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

    def __init__(
        self,
        message: dict[str, Any],
        *,
        epoch: int = 0,
        owner: BatchOwner | None = None,
        goes_back: bool = False,
    ) -> None:
        plain = plain_fields(message)
        if plain is not None:
            _, _, batch_id, token, size, first, last = plain
            self._fill(batch_id, token, message["events"], size, first, last)
        else:
            self._read(message)
        self.message: dict[str, Any] = message
        self.epoch: int = epoch
        self.owner: BatchOwner | None = owner
        self.goes_back: bool = goes_back

    def _read(self, message: dict[str, Any]) -> None:
        """Read a batch that is not plain, but may be good all the same."""
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
            raise StreamLineError(
                f"batch {batch_id} says batch_size {declared!r} and holds {counted(size, 'event')}"
            )
        first = message.get("first_block")
        last = message.get("last_block")
        if type(first) is not int or type(last) is not int:
            first, last = _ends(events)
        self._fill(batch_id, token, events, size, first, last)

    def _fill(
        self, batch_id: str, token: str, events: Events, size: int, first: int | None, last: int | None
    ) -> None:
        self.batch_id: str = batch_id
        self.resume_token: str = token
        self.events: Events = events
        self.size: int = size
        self.first_block: int | None = first
        self.last_block: int | None = last

    def doubt(self) -> None:
        """Note that it may end before the batch that came before it."""
        self.goes_back = True

    def keep(self, events: Events) -> None:
        """Hand out these events only."""
        self.events = events

    def forget_above(self, block: int) -> None:
        """Take the events of blocks away that a reorganisation removed, before they are delivered."""
        self.events = {
            name: kept
            for name, group in self.events.items()
            if (kept := [event for event in group if _stays(event, block)])
        }
        if self.last_block is not None and self.last_block > block:
            self.last_block = block
            self.goes_back = True

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
        return f"<{type(self).__name__} {self.batch_id}: {counted(self.size, 'event')}>"


class Unknown:
    """
    A message of a type that this version doesn't know, or a known one that breaks its rules.

    Attributes:
        message: As it came.
    """

    __slots__ = ("message",)

    def __init__(self, message: Mapping[str, Any]) -> None:
        self.message = message

    @property
    def connection_id(self) -> str | None:
        """The connection that delivered it, where the message says it."""
        told = self.message.get("connection_id")
        return told if isinstance(told, str) else None


Control = StreamingHeartbeat | StreamingError | StreamingReorg | StreamingEnd
"""
What a stream holds besides batches. A new type of message is added here, when `openapi.yaml` has it; the type
checker then asks for its branch in `delivering`, and `_streaming/decorators.py` gets a decorator for it.
"""

Message = Batch | Control | Unknown

MODELS: dict[str, type[Control]] = {fields(model).type.default: model for model in get_args(Control)}
"""Their models, by the `type` that each of them has on the wire."""


def plain_fields(message: Any) -> Plain | None:
    """
    Read a plain batch: one kind of event, at least one of them, and all fields that a batch can have.

    Nearly all batches are such, so this is the one rule for them, and quick. What `Batch` accepts besides is
    rare.

    Returns:
        What is in it, `None` for everything else.
    """
    try:
        if message["type"] != "event_batch":
            return None
        events, batch_id, token = message["events"], message["batch_id"], message["resume_token"]
        (name,) = events  # a list or a string of one would fail at the next line
        group = events[name]
        size = len(group)
        if message["batch_size"] != size:
            return None
        first = last = None
        if "first_block" in message:  # asked for so, since that calls no method
            first, last = message["first_block"], message.get("last_block")
        if first is None or last is None:
            first, last = group[0]["block_number"], group[-1]["block_number"]
    except (KeyError, ValueError, TypeError, IndexError):
        return None
    if (
        type(group) is not list
        or not group
        or type(batch_id) is not str
        or not batch_id
        or type(token) is not str
        or type(first) is not int
        or type(last) is not int
        or first > last
    ):
        return None
    return name, group, batch_id, token, size, first, last


def to_message(value: Decoded, make_batch: Callable[[dict[str, Any]], Batch] = Batch) -> Message:
    """
    Give a decoded line its meaning.

    Raises:
        StreamLineError: The line is not JSON, not an object, or a batch that contradicts itself.
    """
    if type(value) is dict:
        kind = value.get("type")
        if kind == "event_batch":
            return make_batch(value)
        model = MODELS.get(kind) if isinstance(kind, str) else None
        if model is StreamingReorg:
            # It carries a token, so passing it over would pass over a position: held as strictly as a batch.
            try:
                return model.from_dict(value)
            except ValueError as error:
                raise StreamLineError(f"a reorg message is malformed: {error}") from error
        if model is not None:
            try:
                return model.from_dict(value)
            except ValueError:
                return Unknown(value)
        return Unknown(value)
    if isinstance(value, StreamLineError):
        raise value
    raise StreamLineError(f"a line holds {type(value).__name__} and not a JSON object")


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


def _stays(event: dict[str, Any], block: int) -> bool:
    of_event = event.get("block_number")
    return not (isinstance(of_event, int) and of_event > block)


def _explain(message: dict[str, Any]) -> NoReturn:
    """Say what is wrong with a batch; slow, and only for batches that are wrong."""
    try:
        StreamingEventBatch.from_dict(message)
    except ValueError as error:
        problem: EventStreamerValidationError | ValueError = error
        raise StreamLineError(f"a batch is malformed: {problem}") from error
    raise StreamLineError("a batch is malformed: events must be an object of lists")

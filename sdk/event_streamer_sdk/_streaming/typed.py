"""
Python values in place of the stream's text: `typed=True`, and handlers that take a class of `abi.codegen`.

The ABI part is loaded where it is needed only: a stream of plain event objects starts without it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import ABIEvent

if TYPE_CHECKING:
    from event_streamer_sdk.abi import EventDecoder
    from event_streamer_sdk.abi.codegen import EventClass

Group = list[dict[str, Any]]
"""Events of one kind."""


class Values:
    """Gives event objects their Python values, once the subscription's event is known."""

    def __init__(self) -> None:
        self._event: ABIEvent | None = None
        self._decoder: EventDecoder | None = None

    @property
    def is_known(self) -> bool:
        """Whether `learn` has been called."""
        return self._decoder is not None

    def learn(self, event: ABIEvent) -> None:
        """Take the event that the subscription is for."""
        from event_streamer_sdk.abi import EventDecoder

        self._event = event
        self._decoder = EventDecoder(event)

    def of_group(self, events: Group) -> Group:
        """
        Convert events of the subscription.

        Returns:
            New ones with Python values; the time of the block is a `datetime` in UTC.

        Raises:
            LogDecodeError: An event object does not fit the event's definition.
        """
        assert self._decoder is not None
        convert = self._decoder.decode_event
        return [_with_time(convert(event)) for event in events]

    def of_batch(self, events: Mapping[str, Group]) -> dict[str, Group]:
        """
        Convert the events of a batch; a name that is not the subscription's stays as it came.

        Raises:
            LogDecodeError: An event object does not fit the event's definition.
        """
        assert self._event is not None
        return {
            name: self.of_group(group) if name == self._event.name else group
            for name, group in events.items()
        }


def _with_time(event: dict[str, Any]) -> dict[str, Any]:
    # No parameter is called so in an event object: the key is the block's.
    text = event.get("timestamp")
    if isinstance(text, str):
        event["timestamp"] = _moment(text)
    return event


@functools.lru_cache(maxsize=16)  # all events of a block have the same one
def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        from event_streamer_sdk.abi import LogDecodeError

        raise LogDecodeError(f"the event's timestamp {text[:60]!r} is not an ISO 8601 time") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def name_of_event(event: str | type[EventClass]) -> str:
    """
    Give the name that the stream has for what a handler is registered for.

    Raises:
        EventStreamerValidationError: It is neither.
    """
    if isinstance(event, str):
        return event
    from event_streamer_sdk.abi.codegen import event_name, is_event_class

    if not is_event_class(event):
        raise EventStreamerValidationError(
            f"on_event takes an event's name, or a class that codegen wrote, not {event!r}"
        )
    return event_name(event)


def taking_instances(event_class: type[EventClass], handler: Callable[..., Any]) -> Callable[[Group], Any]:
    """Make a handler of event objects out of one that takes instances of a class."""

    @functools.wraps(handler)
    def handle(events: Group) -> Any:
        return handler([event_class.from_event(event) for event in events])

    return handle

"""
What makes a class the class of an event.

`event_streamer_sdk.abi.codegen` writes such classes; one written by hand works as well. A streaming client
needs no more of a class than this::

    def on_event(self, event):                      # a name, or a class
        if is_event_class(event):
            name, convert = event_name(event), event.from_event
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self, TypeGuard, runtime_checkable

from event_streamer_api.models import ABIEvent

__all__ = ["EventClass", "event_name", "is_event_class"]


@runtime_checkable
class EventClass(Protocol):
    """
    The class of an event: its definition, and how an event object of the stream becomes an instance.

    Attributes:
        __abi_event__: The definition of the event.
    """

    __abi_event__: ClassVar[ABIEvent]

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """
        Make an instance of an event object of the stream.

        Args:
            event: The event object, its integers as decimal text and its bytes as 0x-hex, metadata beside
                them.

        Returns:
            The instance.

        Raises:
            LogDecodeError: A parameter is missing, or its value doesn't fit its type.
        """
        ...


def is_event_class(value: object) -> TypeGuard[type[EventClass]]:
    """
    Tell whether something is the class of an event.

    Args:
        value: Anything; a name, for instance.

    Returns:
        Whether it is a class with `__abi_event__` and `from_event`.
    """
    return (
        isinstance(value, type)
        and isinstance(getattr(value, "__abi_event__", None), ABIEvent)
        and callable(getattr(value, "from_event", None))
    )


def event_name(event_class: type[EventClass]) -> str:
    """
    Name the event of a class, as the stream does.

    Args:
        event_class: The class.

    Returns:
        The event's name.
    """
    return event_class.__abi_event__.name

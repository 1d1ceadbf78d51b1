"""When two definitions of an event are the same: when they decode every log alike."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ._events import signature

if TYPE_CHECKING:
    from event_streamer_api.models import ABIEvent, ABIInput

__all__ = ["event_key"]


def event_key(event: ABIEvent) -> str:
    """
    Write what tells an event's definition from others: definitions with one key decode every log alike.

    That is the canonical signature, what is indexed, the names of parameters and of tuples' members, and
    whether it is anonymous. `internalType`, unknown fields and spellings such as `uint` don't count.

    Args:
        event: The event.

    Returns:
        Compact JSON, equal for equal definitions.

    Raises:
        ABIParsingError: The event is not a valid one.

    Example:
        >>> event_key(ABIEvent(name="Ping", inputs=[ABIInput(name="at", type="uint", indexed=True)]))
        '["Ping(uint256)",false,[["at",true,[]]]]'
    """
    parameters = [_parameter(each) for each in event.inputs]
    return json.dumps([signature(event), bool(event.anonymous), parameters], separators=(",", ":"))


def _parameter(parameter: ABIInput) -> list[Any]:
    return [parameter.name or "", bool(parameter.indexed), _names(parameter)]


def _names(parameter: ABIInput) -> list[Any]:
    return [[member.name or "", _names(member)] for member in parameter.components or []]

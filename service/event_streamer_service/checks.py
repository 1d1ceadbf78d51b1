"""What has to hold for a subscription beyond the form of its fields. Pure, no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import EventDecoder, signature, topic0
from event_streamer_service.errors import Unprocessable
from event_streamer_service.settings import Settings


class _Chains(Protocol):
    def is_active(self, chain_id: int) -> bool: ...

    def active_ids(self) -> list[int]: ...


def check_definition(values: Mapping[str, Any], *, settings: Settings, chains: _Chains) -> None:
    """
    Check what a subscription asks for as a whole.

    Raises:
        Unprocessable: With the sentence that says what to change.
        EventStreamerValidationError: The event can't be decoded.
    """
    if values["end_block"] is not None and values["end_block"] < values["start_block"]:
        raise Unprocessable(f"end_block {values['end_block']} is before start_block {values['start_block']}.")
    if len(values["addresses"]) > settings.max_addresses:
        raise Unprocessable(
            f"addresses holds {len(values['addresses'])} contracts, and {settings.max_addresses} are "
            "allowed. Leave it empty to get the event of every contract."
        )
    if not chains.is_active(values["chain_id"]):
        known = ", ".join(map(str, chains.active_ids())) or "none"
        raise Unprocessable(
            f"Chain {values['chain_id']} is not active here; active chains: {known}.",
            code="UNKNOWN_CHAIN",
        )
    size = len(json.dumps(values["event_signature"]))
    if size > settings.max_definition_bytes:
        raise Unprocessable(
            f"event_signature has {size} bytes, and {settings.max_definition_bytes} are allowed. Leave out "
            "what isn't part of the ABI."
        )
    event = ABIEvent.from_dict(values["event_signature"])
    EventDecoder(event)  # an event that can't be decoded is refused now and not when its first log comes
    if event.anonymous:
        if not values["addresses"]:
            raise Unprocessable(
                "An anonymous event can't be told from others by topic0: name the contracts in addresses."
            )
    elif topic0(event) != values["topic0"].lower():
        raise Unprocessable(
            f"topic0 {values['topic0']} is not that of event_signature, which is {topic0(event)}."
        )
    check_topics(values.get("topics"), event)


def check_topics(topics: Sequence[Sequence[str] | None] | None, event: ABIEvent) -> None:
    """
    Check that the logs of an event can have these topics.

    Args:
        topics: For each position the alternatives, or `None` for any; none at all for every log.
        event: The event.

    Raises:
        Unprocessable: There are more positions than topics, or the first is another event's.
    """
    if topics is None:
        return
    indexed = [each.name or each.type for each in event.inputs if each.indexed]
    first = 0 if event.anonymous else 1
    if len(topics) > first + len(indexed):
        parameters = f"its indexed parameters ({', '.join(indexed) or 'none'})"
        what = parameters if event.anonymous else f"topic0 and {parameters}"
        raise Unprocessable(
            f"topics has {len(topics)} positions, and {first + len(indexed)} are allowed for "
            f"{signature(event)}: {what}."
        )
    if (
        not event.anonymous
        and topics[0] is not None
        and {each.lower() for each in topics[0]} != {topic0(event)}
    ):
        raise Unprocessable(f"topics[0] must be null or the event's own topic0, which is {topic0(event)}.")

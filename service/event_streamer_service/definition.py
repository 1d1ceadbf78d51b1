"""What a subscription asks for: its fields, when two ask for the same, and how much they take up. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import event_key

FIELDS = ("topic0", "event_signature", "addresses", "topics", "start_block", "end_block", "chain_id")
"""The columns that say what is delivered, as against whose it is and how far it has come."""


def definition_key(values: Mapping[str, Any]) -> str:
    """
    Return what subscriptions have in common that ask for the same: a hash, to be compared and indexed.

    The same subscriber, event, chain, contracts, topics, first and last block are the same subscription.
    topic0 follows from the event, and means nothing for an anonymous one.

    Args:
        values: The columns of a subscription.

    Raises:
        ABIParsingError: The event is not a valid one.
    """
    wanted: list[Any] = [
        values["subscriber_id"],
        values["chain_id"],
        event_key(ABIEvent.from_dict(values["event_signature"])),
        sorted({address.lower() for address in values["addresses"]}),
        values["start_block"],
        values["end_block"],
    ]
    topics = values.get("topics")
    if topics is not None:  # appended only then, so that the keys that an earlier release made still hold
        wanted.append(topics)
    return hashlib.sha256(json.dumps(wanted).encode("utf-8", "surrogatepass")).hexdigest()


def normal_topics(
    topics: Sequence[Sequence[str] | None] | None, event: ABIEvent
) -> list[list[str] | None] | None:
    """
    Spell the topics that are wanted in one way.

    Lower case, in order, each once, without positions at the end that take any, and without topic0, which
    follows from the event.

    Args:
        topics: For each position the alternatives, or `None` for any.
        event: The event.

    Returns:
        The same topics, `None` where they take every log.

    Example:
        >>> normal_topics([None, ["0xB", "0xa", "0xb"], None], transfer)
        [None, ['0xa', '0xb']]
    """
    spelled = [None if each is None else sorted({topic.lower() for topic in each}) for each in topics or ()]
    if spelled and not event.anonymous:
        spelled[0] = None
    while spelled and spelled[-1] is None:
        spelled.pop()
    return spelled or None


def stored_bytes(values: Mapping[str, Any]) -> int:
    """Return about how many bytes a subscription's columns of varying size take up."""
    names = ("event_signature", "addresses", "topics", "subscriber_id")
    return len(json.dumps([values.get(name) for name in names]))

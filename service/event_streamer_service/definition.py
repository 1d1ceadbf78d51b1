"""What a subscription asks for: its fields, when two ask for the same, and how much they take up. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from event_streamer_api.models import ABIEvent
from event_streamer_sdk.abi import event_key

FIELDS = ("topic0", "event_signature", "addresses", "start_block", "end_block", "chain_id")
"""The columns that say what is delivered, as against whose it is and how far it has come."""


def definition_key(values: Mapping[str, Any]) -> str:
    """
    Return what subscriptions have in common that ask for the same: a hash, to be compared and indexed.

    The same subscriber, event, chain, contracts, first and last block are the same subscription. topic0
    follows from the event, and means nothing for an anonymous one.

    Args:
        values: The columns of a subscription.

    Raises:
        ABIParsingError: The event is not a valid one.
    """
    wanted = [
        values["subscriber_id"],
        values["chain_id"],
        event_key(ABIEvent.from_dict(values["event_signature"])),
        sorted({address.lower() for address in values["addresses"]}),
        values["start_block"],
        values["end_block"],
    ]
    return hashlib.sha256(json.dumps(wanted).encode("utf-8", "surrogatepass")).hexdigest()


def stored_bytes(values: Mapping[str, Any]) -> int:
    """Return about how many bytes a subscription's columns of varying size take up."""
    return len(json.dumps([values["event_signature"], values["addresses"], values["subscriber_id"]]))

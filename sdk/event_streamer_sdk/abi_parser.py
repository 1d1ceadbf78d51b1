"""The ABI part under the import path of releases 0.4 and 0.5; it is `event_streamer_sdk.abi` now."""

from typing import Any

from event_streamer_api.models import ABIEvent

from .abi import (
    DEFAULT_LIMITS,
    ABIParsingError,
    ABISource,
    Limits,
    extract_abi_event,
    extract_abi_events,
    parse_contract_abi,
)

__all__ = ["ABIParser", "ABIParsingError", "extract_abi_event", "extract_abi_events", "parse_contract_abi"]


class ABIParser:
    """The functions of this module as methods, as they were used in releases 0.4 and 0.5."""

    # Written out: `staticmethod(extract_abi_event)` has no type that all type checkers infer alike.
    @staticmethod
    def extract_abi_event(
        abi_json: ABISource, event_name: str, *, contract: str | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> ABIEvent:
        """Get one event from an ABI: the function `extract_abi_event`."""
        return extract_abi_event(abi_json, event_name, contract=contract, limits=limits)

    @staticmethod
    def extract_abi_events(
        abi_json: ABISource, *, contract: str | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> dict[str, ABIEvent]:
        """Get all events from an ABI: the function `extract_abi_events`."""
        return extract_abi_events(abi_json, contract=contract, limits=limits)

    @staticmethod
    def parse_contract_abi(
        abi_json: ABISource, *, contract: str | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> dict[str, Any]:
        """Sort the items of an ABI by what they are: the function `parse_contract_abi`."""
        return parse_contract_abi(abi_json, contract=contract, limits=limits)

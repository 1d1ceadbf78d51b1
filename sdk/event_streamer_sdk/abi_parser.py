"""The ABI part under the import path of releases 0.4 and 0.5; it is `event_streamer_sdk.abi` now."""

from .abi import ABIParsingError, extract_abi_event, extract_abi_events, parse_contract_abi

__all__ = ["ABIParser", "ABIParsingError", "extract_abi_event", "extract_abi_events", "parse_contract_abi"]


class ABIParser:
    """The functions of this module as methods, as they were used in releases 0.4 and 0.5."""

    extract_abi_event = staticmethod(extract_abi_event)
    extract_abi_events = staticmethod(extract_abi_events)
    parse_contract_abi = staticmethod(parse_contract_abi)

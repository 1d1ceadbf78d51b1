"""ABIs of contracts: events from whatever holds them, their topics, and the decoding of their logs."""

from ._contract import ParsedABI, extract_abi_event, extract_abi_events, parse_abi, parse_contract_abi
from ._decoder import EventDecoder
from ._errors import ABIParsingError, LogDecodeError
from ._events import signature, topic0, wire_names
from ._limits import DEFAULT_LIMITS, Limits
from ._spelling import human_readable
from ._values import DecodedEvent, IndexedHash, StructValue

__all__ = [
    "DEFAULT_LIMITS",
    "ABIParsingError",
    "DecodedEvent",
    "EventDecoder",
    "IndexedHash",
    "Limits",
    "LogDecodeError",
    "ParsedABI",
    "StructValue",
    "extract_abi_event",
    "extract_abi_events",
    "human_readable",
    "parse_abi",
    "parse_contract_abi",
    "signature",
    "topic0",
    "wire_names",
]

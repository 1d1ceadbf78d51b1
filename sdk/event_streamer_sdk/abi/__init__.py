"""
ABIs of contracts: events from whatever holds them, their topics, and the decoding of their logs.

::

    event = extract_abi_event(Path("artifacts/Token.json"), "Transfer")   # or JSON, or a line of Solidity
    topic0(event)                                                        # "0xddf252ad…"
    EventDecoder(event).decode(log["topics"], log["data"])               # {"from": "0x…", …, "value": 1000}

All that takes an event takes the `ABIEvent` of the models, wherever it comes from. Errors are
`ABIParsingError` for what was to be parsed, and `LogDecodeError` for logs.
"""

from ._contract import ParsedABI, extract_abi_event, extract_abi_events, parse_abi, parse_contract_abi
from ._decoder import EventDecoder, decode_event
from ._encoder import encode_log, encode_topics
from ._errors import ABIParsingError, LogDecodeError
from ._event_class import EventClass, event_name, is_event_class
from ._events import signature, topic0, wire_names
from ._identity import event_key
from ._limits import DEFAULT_LIMITS, Limits
from ._log_decoder import DecodedLog, LogDecoder, decode_log
from ._sources import ABISource
from ._spelling import human_readable
from ._values import DecodedEvent, IndexedHash, StructValue

__all__ = [
    "DEFAULT_LIMITS",
    "ABIParsingError",
    "ABISource",
    "DecodedEvent",
    "DecodedLog",
    "EventClass",
    "EventDecoder",
    "IndexedHash",
    "Limits",
    "LogDecodeError",
    "LogDecoder",
    "ParsedABI",
    "StructValue",
    "decode_event",
    "decode_log",
    "encode_log",
    "encode_topics",
    "event_key",
    "event_name",
    "extract_abi_event",
    "extract_abi_events",
    "human_readable",
    "is_event_class",
    "parse_abi",
    "parse_contract_abi",
    "signature",
    "topic0",
    "wire_names",
]

"""
Events of a contract.

Written by event_streamer_sdk.abi.codegen; changes to it get lost.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import attrs

from event_streamer_sdk.abi import EventDecoder
from event_streamer_sdk.models.abi import ABIEvent, ABIInput

__all__ = [
    "Approval",
    "Transfer",
]


@attrs.frozen(kw_only=True)
class Transfer:
    """event Transfer(address indexed from, address indexed to, uint256 value)"""

    __abi_event__: ClassVar[ABIEvent] = ABIEvent(
        type="event",
        name="Transfer",
        inputs=[
            ABIInput(name="from", type="address", indexed=True),
            ABIInput(name="to", type="address", indexed=True),
            ABIInput(name="value", type="uint256"),
        ],
        anonymous=False,
    )
    __decoder__: ClassVar[EventDecoder] = EventDecoder(__abi_event__)

    from_: str
    to: str
    value: int
    block_number: int
    transaction_hash: str
    log_index: int
    address: str
    timestamp: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Make an instance of an event object of the stream."""
        values = cls.__decoder__.decode_event(event, metadata=True)
        return cls(
            from_=values["from"],
            to=values["to"],
            value=values["value"],
            block_number=values["block_number"],
            transaction_hash=values["transaction_hash"],
            log_index=values["log_index"],
            address=values["address"],
            timestamp=values["timestamp"],
        )


@attrs.frozen(kw_only=True)
class Approval:
    """event Approval(address indexed owner, address indexed spender, uint256 value)"""

    __abi_event__: ClassVar[ABIEvent] = ABIEvent(
        type="event",
        name="Approval",
        inputs=[
            ABIInput(name="owner", type="address", indexed=True),
            ABIInput(name="spender", type="address", indexed=True),
            ABIInput(name="value", type="uint256"),
        ],
        anonymous=False,
    )
    __decoder__: ClassVar[EventDecoder] = EventDecoder(__abi_event__)

    owner: str
    spender: str
    value: int
    block_number: int
    transaction_hash: str
    log_index: int
    address: str
    timestamp: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Make an instance of an event object of the stream."""
        values = cls.__decoder__.decode_event(event, metadata=True)
        return cls(
            owner=values["owner"],
            spender=values["spender"],
            value=values["value"],
            block_number=values["block_number"],
            transaction_hash=values["transaction_hash"],
            log_index=values["log_index"],
            address=values["address"],
            timestamp=values["timestamp"],
        )

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model

if TYPE_CHECKING:
    from .abi_event import ABIEvent


@_attrs_define(kw_only=True, repr=False)
class SubscriptionCreate(Model):
    """
    A new subscription.

    Attributes:
        topic0: The keccak-256 hash of the event's canonical signature. The client library computes it where
            it is left out. Has the form `^0x[0-9a-fA-F]{64}$`.
        event_signature: The definition of the event, by which its logs are decoded.
        addresses: The contracts whose logs are wanted; empty for all contracts. 1000 items at most; default
            [].
        topics: Which logs of the event are wanted, by their topics, as in `eth_getLogs`: for each position
            `null` for any, or a list of alternatives. Position 0 is the event's own topic0 or `null`; the
            indexed parameters follow in order. An anonymous event's parameters begin at position 0. The client
            library makes them from values, see `subscribe(where=…)`. A service that doesn't know this field
            ignores it. 1 item or more; 4 items at most.
        start_block: The first block, counted from 0. 0 or more.
        end_block: The last block; none for a live subscription that goes on with the chain. 0 or more.
        chain_id: The EIP-155 id of the chain. 1 or more.
        subscriber_id: Who subscribes. The client library puts its own id in.
        additional_properties: What the service sent beyond these fields.
    """

    topic0: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text(pattern="^0x[0-9a-fA-F]{64}$")))
    )
    event_signature: ABIEvent = _attrs_field(validator=_check.validated(_check.instance("ABIEvent")))
    addresses: list[str] = _attrs_field(
        factory=list,
        validator=_check.validated(_check.array(_check.text(pattern="^0x[0-9a-fA-F]{40}$"), max_items=1000)),
    )
    topics: list[list[str] | None] | None = _attrs_field(
        default=None,
        validator=_check.validated(
            _check.nullable(
                _check.array(
                    _check.nullable(
                        _check.array(_check.text(pattern="^0x[0-9a-fA-F]{64}$"), min_items=1, max_items=100)
                    ),
                    min_items=1,
                    max_items=4,
                )
            )
        ),
    )
    start_block: int = _attrs_field(
        validator=_check.validated(_check.integer(minimum=0, maximum=9007199254740991))
    )
    end_block: int | None = _attrs_field(
        default=None,
        validator=_check.validated(_check.nullable(_check.integer(minimum=0, maximum=9007199254740991))),
    )
    chain_id: int = _attrs_field(
        validator=_check.validated(_check.integer(minimum=1, maximum=9007199254740991))
    )
    subscriber_id: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text(min_length=1, max_length=255)))
    )
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """
        Read the model from decoded JSON.

        Args:
            src_dict: The JSON object. Fields that the model does not know are kept.

        Returns:
            The model.

        Raises:
            EventStreamerValidationError: If a field is missing or breaks its rule; the message names its path.
        """
        from .abi_event import ABIEvent

        read = _read.Reader("SubscriptionCreate", src_dict)
        return read.finished(
            cls(
                topic0=read.optional("topic0", _read.as_is, None),
                event_signature=read.required("event_signature", ABIEvent.from_dict),
                addresses=read.optional("addresses", _read.list_of(_read.as_is), list),
                topics=read.optional_or_null(
                    "topics", _read.list_of(_read.or_null(_read.list_of(_read.as_is))), None
                ),
                start_block=read.required("start_block", _read.to_integer),
                end_block=read.optional_or_null("end_block", _read.to_integer, None),
                chain_id=read.required("chain_id", _read.to_integer),
                subscriber_id=read.optional_or_null("subscriber_id", _read.as_is, None),
                additional_properties=read.rest(),
            )
        )

    def to_dict(self, *, include_none: bool = False) -> dict[str, Any]:
        """
        Write the model as JSON values.

        Args:
            include_none: Whether fields that are None are written as null; otherwise they are left out.

        Returns:
            A new dict that `json.dumps` can write.
        """
        result: dict[str, Any] = dict(self.additional_properties)
        if self.topic0 is not None or include_none:
            result["topic0"] = self.topic0
        result["event_signature"] = self.event_signature.to_dict(include_none=include_none)
        result["addresses"] = list(self.addresses)
        if self.topics is not None:
            result["topics"] = [(None if item is None else list(item)) for item in self.topics]
        elif include_none:
            result["topics"] = None
        result["start_block"] = self.start_block
        if self.end_block is not None or include_none:
            result["end_block"] = self.end_block
        result["chain_id"] = self.chain_id
        if self.subscriber_id is not None or include_none:
            result["subscriber_id"] = self.subscriber_id
        return result if include_none else self._as_arrived(result)

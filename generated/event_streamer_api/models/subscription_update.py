from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import UNSET, Model

if TYPE_CHECKING:
    from .abi_event import ABIEvent


@_attrs_define(kw_only=True, repr=False)
class SubscriptionUpdate(Model):
    """
    A change of a subscription; only the fields that are given are sent and change.

    Attributes:
        topic0: The new topic0. It has to fit the event. Has the form `^0x[0-9a-fA-F]{64}$`.
        event_signature: The new definition of the event.
        addresses: The new contracts; empty for all contracts. 1000 items at most.
        topics: The new topics that are wanted; an explicit `null` takes every log of the event again. 1
            item or more; 4 items at most.
        start_block: The new first block. 0 or more.
        end_block: The new last block; an explicit `null` makes the subscription live. 0 or more.
        chain_id: The new chain. 1 or more.
        subscriber_id: The new owner.
        is_streaming: Whether events are delivered over a stream.
        streaming_status: The new status, such as `active` or `paused`.
        additional_properties: What the service sent beyond these fields.
    """

    topic0: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text(pattern="^0x[0-9a-fA-F]{64}$")))
    )
    event_signature: ABIEvent | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.instance("ABIEvent")))
    )
    addresses: list[str] | None = _attrs_field(
        default=None,
        validator=_check.validated(
            _check.nullable(_check.array(_check.text(pattern="^0x[0-9a-fA-F]{40}$"), max_items=1000))
        ),
    )
    # An explicit None is sent as null and differs from a field that was left out.
    _topics: list[list[str] | None] | None = _attrs_field(
        default=UNSET,
        alias="topics",
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
    start_block: int | None = _attrs_field(
        default=None,
        validator=_check.validated(_check.nullable(_check.integer(minimum=0, maximum=9007199254740991))),
    )
    # An explicit None is sent as null and differs from a field that was left out.
    _end_block: int | None = _attrs_field(
        default=UNSET,
        alias="end_block",
        validator=_check.validated(_check.nullable(_check.integer(minimum=0, maximum=9007199254740991))),
    )
    chain_id: int | None = _attrs_field(
        default=None,
        validator=_check.validated(_check.nullable(_check.integer(minimum=1, maximum=9007199254740991))),
    )
    subscriber_id: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text(min_length=1, max_length=255)))
    )
    is_streaming: bool | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.boolean()))
    )
    streaming_status: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text(max_length=64)))
    )
    additional_properties: dict[str, Any] = _attrs_field(factory=dict)

    @property
    def topics(self) -> list[list[str] | None] | None:
        """The new topics that are wanted; an explicit `null` takes every log of the event again. 1 item or more; 4 items at most."""
        return None if self._topics is UNSET else self._topics

    @topics.setter
    def topics(self, value: list[list[str] | None] | None) -> None:
        self._topics = value

    @property
    def end_block(self) -> int | None:
        """The new last block; an explicit `null` makes the subscription live. 0 or more."""
        return None if self._end_block is UNSET else self._end_block

    @end_block.setter
    def end_block(self, value: int | None) -> None:
        self._end_block = value

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

        read = _read.Reader("SubscriptionUpdate", src_dict)
        return read.finished(
            cls(
                topic0=read.optional("topic0", _read.as_is, None),
                event_signature=read.optional("event_signature", ABIEvent.from_dict, None),
                addresses=read.optional("addresses", _read.list_of(_read.as_is), None),
                topics=read.clearable("topics", _read.list_of(_read.or_null(_read.list_of(_read.as_is)))),
                start_block=read.optional("start_block", _read.to_integer, None),
                end_block=read.clearable("end_block", _read.to_integer),
                chain_id=read.optional("chain_id", _read.to_integer, None),
                subscriber_id=read.optional("subscriber_id", _read.as_is, None),
                is_streaming=read.optional("is_streaming", _read.as_is, None),
                streaming_status=read.optional("streaming_status", _read.as_is, None),
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
        if self.event_signature is not None:
            result["event_signature"] = self.event_signature.to_dict(include_none=include_none)
        elif include_none:
            result["event_signature"] = None
        if self.addresses is not None:
            result["addresses"] = list(self.addresses)
        elif include_none:
            result["addresses"] = None
        if self._topics is not UNSET:
            result["topics"] = (
                None
                if self.topics is None
                else [(None if item is None else list(item)) for item in self.topics]
            )
        elif include_none:
            result["topics"] = None
        if self.start_block is not None or include_none:
            result["start_block"] = self.start_block
        if self._end_block is not UNSET:
            result["end_block"] = self.end_block
        elif include_none:
            result["end_block"] = None
        if self.chain_id is not None or include_none:
            result["chain_id"] = self.chain_id
        if self.subscriber_id is not None or include_none:
            result["subscriber_id"] = self.subscriber_id
        if self.is_streaming is not None or include_none:
            result["is_streaming"] = self.is_streaming
        if self.streaming_status is not None or include_none:
            result["streaming_status"] = self.streaming_status
        return result if include_none else self._as_arrived(result)

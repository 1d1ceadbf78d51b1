from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from .. import sending as _send
from ..types import Model

if TYPE_CHECKING:
    from .abi_event import ABIEvent


@_attrs_define(kw_only=True, repr=False)
class SubscriptionResponse(Model):
    """
    A subscription as the service keeps it.

    Attributes:
        id: The id of the subscription. 1 or more.
        topic0: The keccak-256 hash of the event's canonical signature.
        event_signature: The definition of the event.
        addresses: The contracts whose logs are delivered; empty for all contracts.
        topics: Which logs of the event are delivered, by their topics: for each position `null` for any, or
            the alternatives. None where every log of the event is.
        start_block: The first block. 0 or more.
        end_block: The last block; none for a live subscription. 0 or more.
        last_processed_block: The last block that was processed.
        chain_id: The EIP-155 id of the chain. 1 or more.
        subscriber_id: Who subscribed.
        is_streaming: Whether events are delivered over a stream.
        streaming_status: The status of the delivery, such as `active`, `paused` or `finished`.
        resume_token: A token to resume from, where the service gives one.
        last_event_id: The id of the last event that was delivered.
        events_delivered: How many events were delivered. 0 or more.
        problem: Why logs of this subscription are not delivered, in a sentence: they can't be decoded as
            the event that was subscribed to. None as long as no such log came, and after the event is changed.
        created_at: When the subscription was made.
        updated_at: When it was last changed.
        additional_properties: What the service sent beyond these fields.
    """

    id: int = _attrs_field(validator=_check.validated(_check.integer(minimum=1)))
    topic0: str = _attrs_field(validator=_check.validated(_check.text()))
    event_signature: ABIEvent = _attrs_field(validator=_check.validated(_check.instance("ABIEvent")))
    addresses: list[str] = _attrs_field(validator=_check.validated(_check.array(_check.text())))
    topics: list[list[str] | None] | None = _attrs_field(
        default=None,
        validator=_check.validated(
            _check.nullable(_check.array(_check.nullable(_check.array(_check.text()))))
        ),
    )
    start_block: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
    end_block: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    last_processed_block: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer()))
    )
    chain_id: int = _attrs_field(validator=_check.validated(_check.integer(minimum=1)))
    subscriber_id: str = _attrs_field(validator=_check.validated(_check.text()))
    is_streaming: bool | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.boolean()))
    )
    streaming_status: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    resume_token: str | None = _attrs_field(
        default=None,
        validator=_check.validated(_check.nullable(_check.text(secret=True))),
        metadata={"secret": True},
    )
    last_event_id: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    events_delivered: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    problem: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    created_at: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
    )
    updated_at: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
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

        read = _read.Reader("SubscriptionResponse", src_dict)
        return read.finished(
            cls(
                id=read.required("id", _read.to_integer),
                topic0=read.required("topic0", _read.as_is),
                event_signature=read.required("event_signature", ABIEvent.from_dict),
                addresses=read.required("addresses", _read.list_of(_read.as_is)),
                topics=read.optional_or_null(
                    "topics", _read.list_of(_read.or_null(_read.list_of(_read.as_is))), None
                ),
                start_block=read.required("start_block", _read.to_integer),
                end_block=read.optional_or_null("end_block", _read.to_integer, None),
                last_processed_block=read.optional_or_null("last_processed_block", _read.to_integer, None),
                chain_id=read.required("chain_id", _read.to_integer),
                subscriber_id=read.required("subscriber_id", _read.as_is),
                is_streaming=read.optional_or_null("is_streaming", _read.as_is, None),
                streaming_status=read.optional_or_null("streaming_status", _read.as_is, None),
                resume_token=read.optional_or_null("resume_token", _read.as_is, None),
                last_event_id=read.optional_or_null("last_event_id", _read.as_is, None),
                events_delivered=read.optional_or_null("events_delivered", _read.to_integer, None),
                problem=read.optional_or_null("problem", _read.as_is, None),
                created_at=read.optional_or_null("created_at", _read.to_datetime, None),
                updated_at=read.optional_or_null("updated_at", _read.to_datetime, None),
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
        result["id"] = self.id
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
        if self.last_processed_block is not None or include_none:
            result["last_processed_block"] = self.last_processed_block
        result["chain_id"] = self.chain_id
        result["subscriber_id"] = self.subscriber_id
        if self.is_streaming is not None or include_none:
            result["is_streaming"] = self.is_streaming
        if self.streaming_status is not None or include_none:
            result["streaming_status"] = self.streaming_status
        if self.resume_token is not None or include_none:
            result["resume_token"] = self.resume_token
        if self.last_event_id is not None or include_none:
            result["last_event_id"] = self.last_event_id
        if self.events_delivered is not None or include_none:
            result["events_delivered"] = self.events_delivered
        if self.problem is not None or include_none:
            result["problem"] = self.problem
        if self.created_at is not None:
            result["created_at"] = _send.to_iso(self.created_at)
        elif include_none:
            result["created_at"] = None
        if self.updated_at is not None:
            result["updated_at"] = _send.to_iso(self.updated_at)
        elif include_none:
            result["updated_at"] = None
        return result if include_none else self._as_arrived(result)

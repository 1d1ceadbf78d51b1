from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from .. import sending as _send
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class StreamingEventBatch(Model):
    """
    A batch of decoded events, to be acknowledged as a whole. Every event object holds its parameters by name
    (integers as decimal strings, bytes and addresses as 0x-hex, tuples as objects, arrays as lists) and
    beside them `block_number`, `transaction_hash`, `log_index`, `address` and `timestamp`.

    Attributes:
        type: Always `event_batch`.
        response_id: The id of the batch, and what is acknowledged where there is no `batch_id`.
        batch_id: The id to acknowledge.
        subscription_id: The subscription.
        connection_id: The connection.
        resume_token: The token behind this batch.
        events: The events by name, in the order of the chain.
        batch_size: How many events the batch holds. 0 or more.
        timestamp: When the batch was sent.
        chain_id: The chain.
        first_block: The first block that the batch covers.
        last_block: The last block that the batch covers.
        head_block: The chain's newest block when the batch was made.
        traceparent: The trace that the delivery of the batch belongs to (W3C Trace Context), where the
            service keeps traces and the stream was opened with a header `traceparent`.
        additional_properties: What the service sent beyond these fields.
    """

    type: Literal["event_batch"] = _attrs_field(
        default=_check.fixed("event_batch"), validator=_check.validated(_check.constant("event_batch"))
    )
    response_id: str = _attrs_field(validator=_check.validated(_check.text()))
    batch_id: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    subscription_id: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer()))
    )
    connection_id: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    resume_token: str = _attrs_field(
        validator=_check.validated(_check.text(secret=True)), metadata={"secret": True}
    )
    events: dict[str, list[dict[str, Any]]] = _attrs_field(
        validator=_check.validated(_check.mapping(_check.array(_check.mapping(_check.anything()))))
    )
    batch_size: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    timestamp: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
    )
    chain_id: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer()))
    )
    first_block: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer()))
    )
    last_block: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer()))
    )
    head_block: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer()))
    )
    traceparent: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
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

        read = _read.Reader("StreamingEventBatch", src_dict)
        return read.finished(
            cls(
                type=read.required("type", _read.as_is),
                response_id=read.required("response_id", _read.as_is),
                batch_id=read.optional_or_null("batch_id", _read.as_is, None),
                subscription_id=read.optional_or_null("subscription_id", _read.to_integer, None),
                connection_id=read.optional_or_null("connection_id", _read.as_is, None),
                resume_token=read.required("resume_token", _read.as_is),
                events=read.required("events", _read.map_of(_read.list_of(_read.map_of(_read.as_is)))),
                batch_size=read.optional_or_null("batch_size", _read.to_integer, None),
                timestamp=read.optional_or_null("timestamp", _read.to_datetime, None),
                chain_id=read.optional_or_null("chain_id", _read.to_integer, None),
                first_block=read.optional_or_null("first_block", _read.to_integer, None),
                last_block=read.optional_or_null("last_block", _read.to_integer, None),
                head_block=read.optional_or_null("head_block", _read.to_integer, None),
                traceparent=read.optional_or_null("traceparent", _read.as_is, None),
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
        result["type"] = self.type
        result["response_id"] = self.response_id
        if self.batch_id is not None or include_none:
            result["batch_id"] = self.batch_id
        if self.subscription_id is not None or include_none:
            result["subscription_id"] = self.subscription_id
        if self.connection_id is not None or include_none:
            result["connection_id"] = self.connection_id
        result["resume_token"] = self.resume_token
        result["events"] = {key0: [dict(item) for item in inner0] for key0, inner0 in self.events.items()}
        if self.batch_size is not None or include_none:
            result["batch_size"] = self.batch_size
        if self.timestamp is not None:
            result["timestamp"] = _send.to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        if self.chain_id is not None or include_none:
            result["chain_id"] = self.chain_id
        if self.first_block is not None or include_none:
            result["first_block"] = self.first_block
        if self.last_block is not None or include_none:
            result["last_block"] = self.last_block
        if self.head_block is not None or include_none:
            result["head_block"] = self.head_block
        if self.traceparent is not None or include_none:
            result["traceparent"] = self.traceparent
        return result if include_none else self._as_arrived(result)

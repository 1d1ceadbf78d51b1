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
class StreamingEnd(Model):
    """
    The subscription is done; the response ends behind this line.

    Attributes:
        type: Always `end`.
        reason: Why, such as `end_block_reached`.
        connection_id: The connection.
        subscription_id: The subscription.
        resume_token: The token behind the last batch.
        timestamp: When it was sent.
        additional_properties: What the service sent beyond these fields.
    """

    type: Literal["end"] = _attrs_field(
        default=_check.fixed("end"), validator=_check.validated(_check.constant("end"))
    )
    reason: str = _attrs_field(validator=_check.validated(_check.text()))
    connection_id: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    subscription_id: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer()))
    )
    resume_token: str | None = _attrs_field(
        default=None,
        validator=_check.validated(_check.nullable(_check.text(secret=True))),
        metadata={"secret": True},
    )
    timestamp: datetime.datetime | None = _attrs_field(
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

        read = _read.Reader("StreamingEnd", src_dict)
        return read.finished(
            cls(
                type=read.required("type", _read.as_is),
                reason=read.required("reason", _read.as_is),
                connection_id=read.optional_or_null("connection_id", _read.as_is, None),
                subscription_id=read.optional_or_null("subscription_id", _read.to_integer, None),
                resume_token=read.optional_or_null("resume_token", _read.as_is, None),
                timestamp=read.optional_or_null("timestamp", _read.to_datetime, None),
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
        result["reason"] = self.reason
        if self.connection_id is not None or include_none:
            result["connection_id"] = self.connection_id
        if self.subscription_id is not None or include_none:
            result["subscription_id"] = self.subscription_id
        if self.resume_token is not None or include_none:
            result["resume_token"] = self.resume_token
        if self.timestamp is not None:
            result["timestamp"] = _send.to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        return result if include_none else self._as_arrived(result)

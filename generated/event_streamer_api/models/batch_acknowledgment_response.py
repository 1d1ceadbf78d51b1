from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from .. import sending as _send
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class BatchAcknowledgmentResponse(Model):
    """
    The answer to the acknowledgement of one batch.

    Attributes:
        acknowledged: Whether the batch is acknowledged.
        batch_id: The batch.
        events_acknowledged: How many events the batch held. 0 or more.
        connection_id: The connection that delivered it.
        timestamp: When it was acknowledged.
        resume_token: The token behind the batch.
        additional_properties: What the service sent beyond these fields.
    """

    acknowledged: bool = _attrs_field(validator=_check.validated(_check.boolean()))
    batch_id: str = _attrs_field(validator=_check.validated(_check.text()))
    events_acknowledged: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    connection_id: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    timestamp: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
    )
    resume_token: str | None = _attrs_field(
        default=None,
        validator=_check.validated(_check.nullable(_check.text(secret=True))),
        metadata={"secret": True},
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

        read = _read.Reader("BatchAcknowledgmentResponse", src_dict)
        return read.finished(
            cls(
                acknowledged=read.required("acknowledged", _read.as_is),
                batch_id=read.required("batch_id", _read.as_is),
                events_acknowledged=read.optional_or_null("events_acknowledged", _read.to_integer, None),
                connection_id=read.optional_or_null("connection_id", _read.as_is, None),
                timestamp=read.optional_or_null("timestamp", _read.to_datetime, None),
                resume_token=read.optional_or_null("resume_token", _read.as_is, None),
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
        result["acknowledged"] = self.acknowledged
        result["batch_id"] = self.batch_id
        if self.events_acknowledged is not None or include_none:
            result["events_acknowledged"] = self.events_acknowledged
        if self.connection_id is not None or include_none:
            result["connection_id"] = self.connection_id
        if self.timestamp is not None:
            result["timestamp"] = _send.to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        if self.resume_token is not None or include_none:
            result["resume_token"] = self.resume_token
        return result if include_none else self._as_arrived(result)

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
class BulkBatchAcknowledgmentResponse(Model):
    """
    The answer to the acknowledgement of many batches.

    Attributes:
        total_batches: How many batches the request named. 0 or more.
        acknowledged_batches: How many are acknowledged. 0 or more.
        failed_batches: How many are not. 0 or more.
        failed_batch_ids: Which are not.
        total_events_acknowledged: How many events the acknowledged batches held. 0 or more.
        connection_id: The connection.
        timestamp: When they were acknowledged.
        resume_token: The token behind the last batch of the unbroken run of acknowledged ones.
        additional_properties: What the service sent beyond these fields.
    """

    total_batches: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
    acknowledged_batches: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
    failed_batches: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
    failed_batch_ids: list[str] = _attrs_field(validator=_check.validated(_check.array(_check.text())))
    total_events_acknowledged: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
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

        read = _read.Reader("BulkBatchAcknowledgmentResponse", src_dict)
        return read.finished(
            cls(
                total_batches=read.required("total_batches", _read.to_integer),
                acknowledged_batches=read.required("acknowledged_batches", _read.to_integer),
                failed_batches=read.required("failed_batches", _read.to_integer),
                failed_batch_ids=read.required("failed_batch_ids", _read.list_of(_read.as_is)),
                total_events_acknowledged=read.required("total_events_acknowledged", _read.to_integer),
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
        result["total_batches"] = self.total_batches
        result["acknowledged_batches"] = self.acknowledged_batches
        result["failed_batches"] = self.failed_batches
        result["failed_batch_ids"] = list(self.failed_batch_ids)
        result["total_events_acknowledged"] = self.total_events_acknowledged
        if self.connection_id is not None or include_none:
            result["connection_id"] = self.connection_id
        if self.timestamp is not None:
            result["timestamp"] = _send.to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        if self.resume_token is not None or include_none:
            result["resume_token"] = self.resume_token
        return result if include_none else self._as_arrived(result)

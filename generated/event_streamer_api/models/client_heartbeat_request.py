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
class ClientHeartbeatRequest(Model):
    """
    A sign of life of the client.

    Attributes:
        timestamp: The client's time.
        sequence_number: How many heartbeats this connection has sent before. 0 or more.
        additional_properties: What the service sent beyond these fields.
    """

    timestamp: datetime.datetime = _attrs_field(validator=_check.validated(_check.moment()))
    sequence_number: int | None = _attrs_field(
        default=None,
        validator=_check.validated(_check.nullable(_check.integer(minimum=0, maximum=9007199254740991))),
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

        read = _read.Reader("ClientHeartbeatRequest", src_dict)
        return read.finished(
            cls(
                timestamp=read.required("timestamp", _read.to_datetime),
                sequence_number=read.optional_or_null("sequence_number", _read.to_integer, None),
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
        result["timestamp"] = _send.to_iso(self.timestamp)
        if self.sequence_number is not None or include_none:
            result["sequence_number"] = self.sequence_number
        return result if include_none else self._as_arrived(result)

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    Model,
    Reader,
    integer,
    moment,
    nullable,
    to_datetime,
    to_integer,
    to_iso,
    validated,
)


@_attrs_define(kw_only=True, repr=False)
class ClientHeartbeatRequest(Model):
    """
    A sign of life of the client.

    Attributes:
        timestamp: The client's time.
        sequence_number: How many heartbeats this connection has sent before. 0 or more.
        additional_properties: What the service sent beyond these fields.
    """

    timestamp: datetime.datetime = _attrs_field(validator=validated(moment()))
    sequence_number: int | None = _attrs_field(
        default=None, validator=validated(nullable(integer(minimum=0, maximum=9007199254740991)))
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

        read = Reader("ClientHeartbeatRequest", src_dict)
        return cls(
            timestamp=read.required("timestamp", to_datetime),
            sequence_number=read.optional_or_null("sequence_number", to_integer, None),
            additional_properties=read.rest(),
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
        result["timestamp"] = to_iso(self.timestamp)
        if self.sequence_number is not None or include_none:
            result["sequence_number"] = self.sequence_number
        return result

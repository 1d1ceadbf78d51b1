from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    Model,
    Reader,
    as_is,
    moment,
    nullable,
    text,
    to_datetime,
    to_iso,
    validated,
)


@_attrs_define(kw_only=True, repr=False)
class HealthResponse(Model):
    """
    Whether the service is up.

    Attributes:
        status: `healthy` while the service can do its work.
        timestamp: When this was so.
        additional_properties: What the service sent beyond these fields.
    """

    status: str = _attrs_field(validator=validated(text()))
    timestamp: datetime.datetime | None = _attrs_field(default=None, validator=validated(nullable(moment())))
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

        read = Reader("HealthResponse", src_dict)
        return cls(
            status=read.required("status", as_is),
            timestamp=read.optional_or_null("timestamp", to_datetime, None),
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
        result["status"] = self.status
        if self.timestamp is not None:
            result["timestamp"] = to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        return result

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
    boolean,
    moment,
    nullable,
    text,
    to_datetime,
    to_iso,
    validated,
)


@_attrs_define(kw_only=True, repr=False)
class ClientHeartbeatResponse(Model):
    """
    The answer to a client's heartbeat.

    Attributes:
        acknowledged: Whether the heartbeat counted.
        timestamp: The service's time.
        server_timestamp: The service's time, under the name that some services use.
        connection_id: The connection.
        additional_properties: What the service sent beyond these fields.
    """

    acknowledged: bool = _attrs_field(validator=validated(boolean()))
    timestamp: datetime.datetime | None = _attrs_field(default=None, validator=validated(nullable(moment())))
    server_timestamp: datetime.datetime | None = _attrs_field(
        default=None, validator=validated(nullable(moment()))
    )
    connection_id: str | None = _attrs_field(default=None, validator=validated(nullable(text())))
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

        read = Reader("ClientHeartbeatResponse", src_dict)
        return cls(
            acknowledged=read.required("acknowledged", as_is),
            timestamp=read.optional_or_null("timestamp", to_datetime, None),
            server_timestamp=read.optional_or_null("server_timestamp", to_datetime, None),
            connection_id=read.optional_or_null("connection_id", as_is, None),
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
        result["acknowledged"] = self.acknowledged
        if self.timestamp is not None:
            result["timestamp"] = to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        if self.server_timestamp is not None:
            result["server_timestamp"] = to_iso(self.server_timestamp)
        elif include_none:
            result["server_timestamp"] = None
        if self.connection_id is not None or include_none:
            result["connection_id"] = self.connection_id
        return result

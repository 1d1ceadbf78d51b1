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

    acknowledged: bool = _attrs_field(validator=_check.validated(_check.boolean()))
    timestamp: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
    )
    server_timestamp: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
    )
    connection_id: str | None = _attrs_field(
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

        read = _read.Reader("ClientHeartbeatResponse", src_dict)
        return read.finished(
            cls(
                acknowledged=read.required("acknowledged", _read.as_is),
                timestamp=read.optional_or_null("timestamp", _read.to_datetime, None),
                server_timestamp=read.optional_or_null("server_timestamp", _read.to_datetime, None),
                connection_id=read.optional_or_null("connection_id", _read.as_is, None),
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
        if self.timestamp is not None:
            result["timestamp"] = _send.to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        if self.server_timestamp is not None:
            result["server_timestamp"] = _send.to_iso(self.server_timestamp)
        elif include_none:
            result["server_timestamp"] = None
        if self.connection_id is not None or include_none:
            result["connection_id"] = self.connection_id
        return result if include_none else self._as_arrived(result)

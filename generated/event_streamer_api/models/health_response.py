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
class HealthResponse(Model):
    """
    Whether the service is up.

    Attributes:
        status: `healthy` while the service can do its work.
        timestamp: When this was so.
        features: What the service does beyond the first edition of this API, so that clients needn't guess:
            `idempotency-key`, that it heeds the header `Idempotency-Key`.
        additional_properties: What the service sent beyond these fields.
    """

    status: str = _attrs_field(validator=_check.validated(_check.text()))
    timestamp: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
    )
    features: list[str] | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.array(_check.text())))
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

        read = _read.Reader("HealthResponse", src_dict)
        return read.finished(
            cls(
                status=read.required("status", _read.as_is),
                timestamp=read.optional_or_null("timestamp", _read.to_datetime, None),
                features=read.optional_or_null("features", _read.list_of(_read.as_is), None),
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
        result["status"] = self.status
        if self.timestamp is not None:
            result["timestamp"] = _send.to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        if self.features is not None:
            result["features"] = list(self.features)
        elif include_none:
            result["features"] = None
        return result if include_none else self._as_arrived(result)

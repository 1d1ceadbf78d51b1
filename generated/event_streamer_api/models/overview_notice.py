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
class OverviewNotice(Model):
    """
    Something that went wrong, or that whoever runs the service wants to know.

    Attributes:
        timestamp: When it happened last.
        code: Its name for programs.
        message: What happened, in one sentence.
        count: How often it happened in a row. 1 or more.
        chain_id: The chain that it is about. 0 or more.
        subscription_id: The subscription that it is about. 0 or more.
        severity: `info`, `warning` or `error`.
        additional_properties: What the service sent beyond these fields.
    """

    timestamp: datetime.datetime = _attrs_field(validator=_check.validated(_check.moment()))
    code: str = _attrs_field(validator=_check.validated(_check.text()))
    message: str = _attrs_field(validator=_check.validated(_check.text()))
    count: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=1)))
    )
    chain_id: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    subscription_id: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    severity: str | None = _attrs_field(
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

        read = _read.Reader("OverviewNotice", src_dict)
        return read.finished(
            cls(
                timestamp=read.required("timestamp", _read.to_datetime),
                code=read.required("code", _read.as_is),
                message=read.required("message", _read.as_is),
                count=read.optional("count", _read.to_integer, None),
                chain_id=read.optional_or_null("chain_id", _read.to_integer, None),
                subscription_id=read.optional_or_null("subscription_id", _read.to_integer, None),
                severity=read.optional("severity", _read.as_is, None),
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
        result["code"] = self.code
        result["message"] = self.message
        if self.count is not None or include_none:
            result["count"] = self.count
        if self.chain_id is not None or include_none:
            result["chain_id"] = self.chain_id
        if self.subscription_id is not None or include_none:
            result["subscription_id"] = self.subscription_id
        if self.severity is not None or include_none:
            result["severity"] = self.severity
        return result if include_none else self._as_arrived(result)

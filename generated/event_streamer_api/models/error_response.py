from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    Model,
    Reader,
    anything,
    as_is,
    integer,
    moment,
    nullable,
    text,
    to_datetime,
    to_integer,
    to_iso,
    validated,
)


@_attrs_define(kw_only=True, repr=False)
class ErrorResponse(Model):
    """
    What went wrong. Some services send `error` and perhaps `detail` as text; others send only `detail`, as
    text or as a list of `{loc, msg, type}` items.

    Attributes:
        error: What went wrong, in one sentence.
        error_code: The error's name for programs.
        status: The HTTP status once more; some clients look for it in the body.
        request_id: The request's name in the service's log, as in `X-Request-Id`.
        detail: More about it, or where in the request it is.
        timestamp: When it went wrong.
        additional_properties: What the service sent beyond these fields.
    """

    error: str | None = _attrs_field(default=None, validator=validated(nullable(text())))
    error_code: str | None = _attrs_field(default=None, validator=validated(nullable(text())))
    status: int | None = _attrs_field(default=None, validator=validated(nullable(integer())))
    request_id: str | None = _attrs_field(default=None, validator=validated(nullable(text())))
    detail: Any = _attrs_field(default=None, validator=validated(nullable(anything())))
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

        read = Reader("ErrorResponse", src_dict)
        return cls(
            error=read.optional_or_null("error", as_is, None),
            error_code=read.optional_or_null("error_code", as_is, None),
            status=read.optional_or_null("status", to_integer, None),
            request_id=read.optional_or_null("request_id", as_is, None),
            detail=read.optional("detail", as_is, None),
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
        if self.error is not None or include_none:
            result["error"] = self.error
        if self.error_code is not None or include_none:
            result["error_code"] = self.error_code
        if self.status is not None or include_none:
            result["status"] = self.status
        if self.request_id is not None or include_none:
            result["request_id"] = self.request_id
        if self.detail is not None or include_none:
            result["detail"] = self.detail
        if self.timestamp is not None:
            result["timestamp"] = to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        return result

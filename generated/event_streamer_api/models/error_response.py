from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from .. import sending as _send
from ..types import Model, Unknown

if TYPE_CHECKING:
    from .error_detail import ErrorDetail


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

    error: str | None = _attrs_field(default=None, validator=_check.validated(_check.nullable(_check.text())))
    error_code: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    status: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer()))
    )
    request_id: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    detail: str | list[ErrorDetail] | Unknown | None = _attrs_field(
        default=None,
        validator=_check.validated(
            _check.nullable(
                _check.any_of(
                    "a string or a list", _check.text(), _check.array(_check.instance("ErrorDetail"))
                )
            )
        ),
    )
    timestamp: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
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
        from .error_detail import ErrorDetail

        read = _read.Reader("ErrorResponse", src_dict)
        return read.finished(
            cls(
                error=read.optional_or_null("error", _read.as_is, None),
                error_code=read.optional_or_null("error_code", _read.as_is, None),
                status=read.optional_or_null("status", _read.to_integer, None),
                request_id=read.optional_or_null("request_id", _read.as_is, None),
                detail=read.optional_or_null(
                    "detail",
                    _read.union_of(
                        _read.only(
                            _check.array(_check.instance("ErrorDetail")), _read.list_of(ErrorDetail.from_dict)
                        ),
                        _read.only(_check.text(), _read.as_is),
                    ),
                    None,
                ),
                timestamp=read.optional_or_null("timestamp", _read.to_datetime, None),
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
        if self.error is not None or include_none:
            result["error"] = self.error
        if self.error_code is not None or include_none:
            result["error_code"] = self.error_code
        if self.status is not None or include_none:
            result["status"] = self.status
        if self.request_id is not None or include_none:
            result["request_id"] = self.request_id
        if self.detail is not None:
            result["detail"] = _send.plain(self.detail, include_none=include_none)
        elif include_none:
            result["detail"] = None
        if self.timestamp is not None:
            result["timestamp"] = _send.to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        return result if include_none else self._as_arrived(result)

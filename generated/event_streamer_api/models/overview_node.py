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
class OverviewNode(Model):
    """
    A node of a chain and its circuit breaker.

    Attributes:
        name: The name of its circuit breaker.
        url: Where it is, with credentials masked; none where the caller may not see it.
        state: `closed`, `open` or `half_open`.
        retry_after: Seconds until an open circuit breaker lets a call through; 0 where it may now. 0 or
            more.
        total_calls: Calls that were made and ended. 0 or more.
        failure_count: Calls that failed. 0 or more.
        consecutive_failures: Calls that failed since the last one that did not. 0 or more.
        average_response_time: The mean time of a call, in milliseconds. 0 or more.
        last_error: Why a call failed last.
        last_failure_time: When a call failed last.
        additional_properties: What the service sent beyond these fields.
    """

    name: str = _attrs_field(validator=_check.validated(_check.text()))
    url: str | None = _attrs_field(default=None, validator=_check.validated(_check.nullable(_check.text())))
    state: str = _attrs_field(validator=_check.validated(_check.text()))
    retry_after: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number(minimum=0)))
    )
    total_calls: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    failure_count: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    consecutive_failures: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    average_response_time: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number(minimum=0)))
    )
    last_error: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    last_failure_time: datetime.datetime | None = _attrs_field(
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

        read = _read.Reader("OverviewNode", src_dict)
        return read.finished(
            cls(
                name=read.required("name", _read.as_is),
                url=read.optional_or_null("url", _read.as_is, None),
                state=read.required("state", _read.as_is),
                retry_after=read.optional("retry_after", _read.as_is, None),
                total_calls=read.optional("total_calls", _read.to_integer, None),
                failure_count=read.optional("failure_count", _read.to_integer, None),
                consecutive_failures=read.optional("consecutive_failures", _read.to_integer, None),
                average_response_time=read.optional("average_response_time", _read.as_is, None),
                last_error=read.optional_or_null("last_error", _read.as_is, None),
                last_failure_time=read.optional_or_null("last_failure_time", _read.to_datetime, None),
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
        result["name"] = self.name
        if self.url is not None or include_none:
            result["url"] = self.url
        result["state"] = self.state
        if self.retry_after is not None or include_none:
            result["retry_after"] = self.retry_after
        if self.total_calls is not None or include_none:
            result["total_calls"] = self.total_calls
        if self.failure_count is not None or include_none:
            result["failure_count"] = self.failure_count
        if self.consecutive_failures is not None or include_none:
            result["consecutive_failures"] = self.consecutive_failures
        if self.average_response_time is not None or include_none:
            result["average_response_time"] = self.average_response_time
        if self.last_error is not None or include_none:
            result["last_error"] = self.last_error
        if self.last_failure_time is not None:
            result["last_failure_time"] = _send.to_iso(self.last_failure_time)
        elif include_none:
            result["last_failure_time"] = None
        return result if include_none else self._as_arrived(result)

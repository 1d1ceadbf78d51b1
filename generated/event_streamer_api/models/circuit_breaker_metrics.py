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
class CircuitBreakerMetrics(Model):
    """
    The figures of one circuit breaker.

    Attributes:
        name: The circuit breaker's name.
        failure_count: How many calls failed. 0 or more.
        success_count: How many calls succeeded. 0 or more.
        consecutive_failures: How many of the last calls failed in a row. 0 or more.
        consecutive_successes: How many of the last calls succeeded in a row. 0 or more.
        total_calls: How many calls there were. 0 or more.
        half_open_calls: How many calls are let through while half open. 0 or more.
        last_failure_time: When a call last failed.
        last_error: Why it failed, in the node's words where it gave some; of URLs only the host is shown.
        last_success_time: When a call last succeeded.
        state_transitions: How often each transition happened, by its name.
        success_rate: The share of calls that succeeded, from 0 to 1.
        failure_rate: The share of calls that failed, from 0 to 1.
        average_response_time: The mean time of a call, in milliseconds. 0 or more.
        additional_properties: What the service sent beyond these fields.
    """

    name: str = _attrs_field(validator=_check.validated(_check.text()))
    failure_count: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    success_count: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    consecutive_failures: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    consecutive_successes: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    total_calls: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    half_open_calls: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    last_failure_time: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
    )
    last_error: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    last_success_time: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
    )
    state_transitions: dict[str, int] | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.mapping(_check.integer())))
    )
    success_rate: float = _attrs_field(validator=_check.validated(_check.number()))
    failure_rate: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number()))
    )
    average_response_time: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number(minimum=0)))
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

        read = _read.Reader("CircuitBreakerMetrics", src_dict)
        return read.finished(
            cls(
                name=read.required("name", _read.as_is),
                failure_count=read.optional_or_null("failure_count", _read.to_integer, None),
                success_count=read.optional_or_null("success_count", _read.to_integer, None),
                consecutive_failures=read.optional_or_null("consecutive_failures", _read.to_integer, None),
                consecutive_successes=read.optional_or_null("consecutive_successes", _read.to_integer, None),
                total_calls=read.optional_or_null("total_calls", _read.to_integer, None),
                half_open_calls=read.optional_or_null("half_open_calls", _read.to_integer, None),
                last_failure_time=read.optional_or_null("last_failure_time", _read.to_datetime, None),
                last_error=read.optional_or_null("last_error", _read.as_is, None),
                last_success_time=read.optional_or_null("last_success_time", _read.to_datetime, None),
                state_transitions=read.optional_or_null(
                    "state_transitions", _read.map_of(_read.to_integer), None
                ),
                success_rate=read.required("success_rate", _read.as_is),
                failure_rate=read.optional_or_null("failure_rate", _read.as_is, None),
                average_response_time=read.optional_or_null("average_response_time", _read.as_is, None),
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
        if self.failure_count is not None or include_none:
            result["failure_count"] = self.failure_count
        if self.success_count is not None or include_none:
            result["success_count"] = self.success_count
        if self.consecutive_failures is not None or include_none:
            result["consecutive_failures"] = self.consecutive_failures
        if self.consecutive_successes is not None or include_none:
            result["consecutive_successes"] = self.consecutive_successes
        if self.total_calls is not None or include_none:
            result["total_calls"] = self.total_calls
        if self.half_open_calls is not None or include_none:
            result["half_open_calls"] = self.half_open_calls
        if self.last_failure_time is not None:
            result["last_failure_time"] = _send.to_iso(self.last_failure_time)
        elif include_none:
            result["last_failure_time"] = None
        if self.last_error is not None or include_none:
            result["last_error"] = self.last_error
        if self.last_success_time is not None:
            result["last_success_time"] = _send.to_iso(self.last_success_time)
        elif include_none:
            result["last_success_time"] = None
        if self.state_transitions is not None:
            result["state_transitions"] = dict(self.state_transitions)
        elif include_none:
            result["state_transitions"] = None
        result["success_rate"] = self.success_rate
        if self.failure_rate is not None or include_none:
            result["failure_rate"] = self.failure_rate
        if self.average_response_time is not None or include_none:
            result["average_response_time"] = self.average_response_time
        return result if include_none else self._as_arrived(result)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class CircuitBreakerConfigResponse(Model):
    """
    The thresholds of the circuit breakers.

    Attributes:
        failure_threshold: After how many failures in a row a circuit breaker opens. 0 or more.
        recovery_timeout: After how many seconds an open one becomes half open. 0 or more.
        success_threshold: After how many successes in a row a half-open one closes. 0 or more.
        timeout: After how many seconds a call counts as failed. 0 or more.
        half_open_max_calls: How many calls a half-open one lets through. 0 or more.
        additional_properties: What the service sent beyond these fields.
    """

    failure_threshold: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
    recovery_timeout: float = _attrs_field(validator=_check.validated(_check.number(minimum=0)))
    success_threshold: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
    timeout: float = _attrs_field(validator=_check.validated(_check.number(minimum=0)))
    half_open_max_calls: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
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

        read = _read.Reader("CircuitBreakerConfigResponse", src_dict)
        return read.finished(
            cls(
                failure_threshold=read.required("failure_threshold", _read.to_integer),
                recovery_timeout=read.required("recovery_timeout", _read.as_is),
                success_threshold=read.required("success_threshold", _read.to_integer),
                timeout=read.required("timeout", _read.as_is),
                half_open_max_calls=read.required("half_open_max_calls", _read.to_integer),
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
        result["failure_threshold"] = self.failure_threshold
        result["recovery_timeout"] = self.recovery_timeout
        result["success_threshold"] = self.success_threshold
        result["timeout"] = self.timeout
        result["half_open_max_calls"] = self.half_open_max_calls
        return result if include_none else self._as_arrived(result)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class CircuitBreakerResetResponse(Model):
    """
    The answer to a reset.

    Attributes:
        message: What was done, in one sentence.
        status: `success` when it was done.
        reset_count: How many circuit breakers were reset. 0 or more.
        additional_properties: What the service sent beyond these fields.
    """

    message: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    status: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    reset_count: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
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

        read = _read.Reader("CircuitBreakerResetResponse", src_dict)
        return read.finished(
            cls(
                message=read.optional_or_null("message", _read.as_is, None),
                status=read.optional_or_null("status", _read.as_is, None),
                reset_count=read.optional_or_null("reset_count", _read.to_integer, None),
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
        if self.message is not None or include_none:
            result["message"] = self.message
        if self.status is not None or include_none:
            result["status"] = self.status
        if self.reset_count is not None or include_none:
            result["reset_count"] = self.reset_count
        return result if include_none else self._as_arrived(result)

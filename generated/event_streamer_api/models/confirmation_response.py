from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class ConfirmationResponse(Model):
    """
    The answer to a confirmation, as releases before 0.3 got it.

    Attributes:
        success: Whether the delivery is confirmed.
        message: What was done, in one sentence.
        additional_properties: What the service sent beyond these fields.
    """

    success: bool = _attrs_field(validator=_check.validated(_check.boolean()))
    message: str = _attrs_field(validator=_check.validated(_check.text()))
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

        read = _read.Reader("ConfirmationResponse", src_dict)
        return read.finished(
            cls(
                success=read.required("success", _read.as_is),
                message=read.required("message", _read.as_is),
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
        result["success"] = self.success
        result["message"] = self.message
        return result if include_none else self._as_arrived(result)

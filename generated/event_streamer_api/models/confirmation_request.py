from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class ConfirmationRequest(Model):
    """
    The confirmation of a delivery, as releases before 0.3 sent it. No call uses it any more.

    Attributes:
        subscription_id: The subscription. 1 or more.
        response_id: The delivery's `response_id`.
        additional_properties: What the service sent beyond these fields.
    """

    subscription_id: int = _attrs_field(validator=_check.validated(_check.integer(minimum=1)))
    response_id: str = _attrs_field(validator=_check.validated(_check.text(min_length=1)))
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

        read = _read.Reader("ConfirmationRequest", src_dict)
        return read.finished(
            cls(
                subscription_id=read.required("subscription_id", _read.to_integer),
                response_id=read.required("response_id", _read.as_is),
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
        result["subscription_id"] = self.subscription_id
        result["response_id"] = self.response_id
        return result if include_none else self._as_arrived(result)

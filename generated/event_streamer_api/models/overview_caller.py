from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class OverviewCaller(Model):
    """
    Whoever asks for the overview.

    Attributes:
        subscriber_id: Whose API key it is; none for an admin, and where there are no keys.
        is_admin: Whether chains and circuit breakers may be changed.
        needs_key: Whether the service has API keys.
        additional_properties: What the service sent beyond these fields.
    """

    subscriber_id: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    is_admin: bool = _attrs_field(validator=_check.validated(_check.boolean()))
    needs_key: bool = _attrs_field(validator=_check.validated(_check.boolean()))
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

        read = _read.Reader("OverviewCaller", src_dict)
        return read.finished(
            cls(
                subscriber_id=read.optional_or_null("subscriber_id", _read.as_is, None),
                is_admin=read.required("is_admin", _read.as_is),
                needs_key=read.required("needs_key", _read.as_is),
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
        if self.subscriber_id is not None or include_none:
            result["subscriber_id"] = self.subscriber_id
        result["is_admin"] = self.is_admin
        result["needs_key"] = self.needs_key
        return result if include_none else self._as_arrived(result)

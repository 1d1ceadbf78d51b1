from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model

if TYPE_CHECKING:
    from .abi_event_description import AbiEventDescription


@_attrs_define(kw_only=True, repr=False)
class AbiEventsResponse(Model):
    """
    The events of an ABI.

    Attributes:
        events: The events that can be subscribed to.
        left_out: Why further events can't be read, a sentence each.
        additional_properties: What the service sent beyond these fields.
    """

    events: list[AbiEventDescription] = _attrs_field(
        validator=_check.validated(_check.array(_check.instance("AbiEventDescription")))
    )
    left_out: list[str] = _attrs_field(validator=_check.validated(_check.array(_check.text())))
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
        from .abi_event_description import AbiEventDescription

        read = _read.Reader("AbiEventsResponse", src_dict)
        return read.finished(
            cls(
                events=read.required("events", _read.list_of(AbiEventDescription.from_dict)),
                left_out=read.required("left_out", _read.list_of(_read.as_is)),
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
        result["events"] = [item.to_dict(include_none=include_none) for item in self.events]
        result["left_out"] = list(self.left_out)
        return result if include_none else self._as_arrived(result)

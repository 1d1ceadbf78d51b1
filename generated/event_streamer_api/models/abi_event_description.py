from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model

if TYPE_CHECKING:
    from .abi_event import ABIEvent


@_attrs_define(kw_only=True, repr=False)
class AbiEventDescription(Model):
    """
    An event and what names it.

    Attributes:
        event_signature: The event, as a subscription takes it.
        topic0: The hash of its signature; none for an anonymous event.
        signature: Its canonical signature.
        human_readable: The event as a line of Solidity.
        additional_properties: What the service sent beyond these fields.
    """

    event_signature: ABIEvent = _attrs_field(validator=_check.validated(_check.instance("ABIEvent")))
    topic0: str | None = _attrs_field(validator=_check.validated(_check.nullable(_check.text())))
    signature: str = _attrs_field(validator=_check.validated(_check.text()))
    human_readable: str = _attrs_field(validator=_check.validated(_check.text()))
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
        from .abi_event import ABIEvent

        read = _read.Reader("AbiEventDescription", src_dict)
        return read.finished(
            cls(
                event_signature=read.required("event_signature", ABIEvent.from_dict),
                topic0=read.nullable("topic0", _read.as_is),
                signature=read.required("signature", _read.as_is),
                human_readable=read.required("human_readable", _read.as_is),
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
        result["event_signature"] = self.event_signature.to_dict(include_none=include_none)
        result["topic0"] = self.topic0
        result["signature"] = self.signature
        result["human_readable"] = self.human_readable
        return result if include_none else self._as_arrived(result)

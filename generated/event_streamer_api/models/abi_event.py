from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model

if TYPE_CHECKING:
    from .abi_input import ABIInput


@_attrs_define(kw_only=True, repr=False)
class ABIEvent(Model):
    """
    The definition of an event, in the shape of the Solidity JSON ABI.

    Attributes:
        type: Always `event`.
        name: The event's name.
        inputs: The event's parameters, in the order of their declaration. 1024 items at most; default [].
        anonymous: Whether the event is declared `anonymous`, so that its logs carry no topic0. Default
            False.
        additional_properties: What the service sent beyond these fields.
    """

    type: Literal["event"] = _attrs_field(
        default=_check.fixed("event"), validator=_check.validated(_check.constant("event"))
    )
    name: str = _attrs_field(validator=_check.validated(_check.text(min_length=1, max_length=1024)))
    inputs: list[ABIInput] = _attrs_field(
        factory=list, validator=_check.validated(_check.array(_check.instance("ABIInput"), max_items=1024))
    )
    anonymous: bool = _attrs_field(default=False, validator=_check.validated(_check.boolean()))
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
        from .abi_input import ABIInput

        read = _read.Reader("ABIEvent", src_dict)
        return read.finished(
            cls(
                type=read.required("type", _read.as_is),
                name=read.required("name", _read.as_is),
                inputs=read.optional("inputs", _read.list_of(ABIInput.from_dict), list),
                anonymous=read.optional("anonymous", _read.as_is, False),
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
        result["type"] = self.type
        result["name"] = self.name
        result["inputs"] = [item.to_dict(include_none=include_none) for item in self.inputs]
        result["anonymous"] = self.anonymous
        return result if include_none else self._as_arrived(result)

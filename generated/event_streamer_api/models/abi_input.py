from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class ABIInput(Model):
    """
    One parameter of an event, in the shape of the Solidity JSON ABI.

    Attributes:
        name: The parameter's name; unnamed parameters have none or an empty one.
        type: The ABI type, such as `address`, `uint256`, `bytes32[]` or `tuple`.
        indexed: Whether the parameter is a topic of the log rather than part of its data. Default False.
        internalType: The compiler's own name of the type, such as `contract IERC20` or `struct Order`.
        components: The members of a tuple; absent for every other type. 1024 items at most.
        additional_properties: What the service sent beyond these fields.
    """

    name: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text(max_length=1024)))
    )
    type: str = _attrs_field(validator=_check.validated(_check.text(min_length=1, max_length=256)))
    indexed: bool | None = _attrs_field(
        default=False, validator=_check.validated(_check.nullable(_check.boolean()))
    )
    internalType: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text(max_length=1024)))
    )
    components: list[ABIInput] | None = _attrs_field(
        default=None,
        validator=_check.validated(
            _check.nullable(_check.array(_check.instance("ABIInput"), max_items=1024))
        ),
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

        read = _read.Reader("ABIInput", src_dict)
        return read.finished(
            cls(
                name=read.optional_or_null("name", _read.as_is, None),
                type=read.required("type", _read.as_is),
                indexed=read.optional_or_null("indexed", _read.as_is, False),
                internalType=read.optional_or_null("internalType", _read.as_is, None),
                components=read.optional_or_null("components", _read.list_of(ABIInput.from_dict), None),
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
        if self.name is not None or include_none:
            result["name"] = self.name
        result["type"] = self.type
        if self.indexed is not None or include_none:
            result["indexed"] = self.indexed
        if self.internalType is not None or include_none:
            result["internalType"] = self.internalType
        if self.components is not None:
            result["components"] = [item.to_dict(include_none=include_none) for item in self.components]
        elif include_none:
            result["components"] = None
        return result if include_none else self._as_arrived(result)

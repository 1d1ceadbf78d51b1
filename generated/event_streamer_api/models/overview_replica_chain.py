from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class OverviewReplicaChain(Model):
    """
    A chain that a process reads.

    Attributes:
        chain_id: The chain. 0 or more.
        head_block: The newest block that it knows. 0 or more.
        additional_properties: What the service sent beyond these fields.
    """

    chain_id: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
    head_block: int | None = _attrs_field(
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

        read = _read.Reader("OverviewReplicaChain", src_dict)
        return read.finished(
            cls(
                chain_id=read.required("chain_id", _read.to_integer),
                head_block=read.optional_or_null("head_block", _read.to_integer, None),
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
        result["chain_id"] = self.chain_id
        if self.head_block is not None or include_none:
            result["head_block"] = self.head_block
        return result if include_none else self._as_arrived(result)

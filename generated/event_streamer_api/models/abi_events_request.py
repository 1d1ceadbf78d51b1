from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class AbiEventsRequest(Model):
    """
    What holds the events.

    Attributes:
        source: JSON, or lines of Solidity.
        contract: Which contract, where the source holds several.
        additional_properties: What the service sent beyond these fields.
    """

    source: str = _attrs_field(validator=_check.validated(_check.text(min_length=1, max_length=1000000)))
    contract: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text(max_length=255)))
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

        read = _read.Reader("AbiEventsRequest", src_dict)
        return read.finished(
            cls(
                source=read.required("source", _read.as_is),
                contract=read.optional_or_null("contract", _read.as_is, None),
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
        result["source"] = self.source
        if self.contract is not None or include_none:
            result["contract"] = self.contract
        return result if include_none else self._as_arrived(result)

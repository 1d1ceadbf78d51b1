from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class BulkBatchAcknowledgmentRequest(Model):
    """
    The acknowledgement of many batches.

    Attributes:
        batch_ids: The batches. 1 item or more; 1000 items at most.
        connection_id: The connection that delivered them; the one of the path.
        additional_properties: What the service sent beyond these fields.
    """

    batch_ids: list[str] = _attrs_field(
        validator=_check.validated(
            _check.array(_check.text(min_length=1, max_length=255), min_items=1, max_items=1000)
        )
    )
    connection_id: str = _attrs_field(validator=_check.validated(_check.text(min_length=1, max_length=255)))
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

        read = _read.Reader("BulkBatchAcknowledgmentRequest", src_dict)
        return read.finished(
            cls(
                batch_ids=read.required("batch_ids", _read.list_of(_read.as_is)),
                connection_id=read.required("connection_id", _read.as_is),
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
        result["batch_ids"] = list(self.batch_ids)
        result["connection_id"] = self.connection_id
        return result if include_none else self._as_arrived(result)

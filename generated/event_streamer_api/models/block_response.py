from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from .. import sending as _send
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class BlockResponse(Model):
    """
    A block of a chain.

    Attributes:
        chain_id: The EIP-155 id of the chain.
        number: The number of the block. 0 or more.
        hash: The hash of the block, 0x-hex.
        timestamp: The time in the block's header; null where the node tells none.
        additional_properties: What the service sent beyond these fields.
    """

    chain_id: int = _attrs_field(validator=_check.validated(_check.integer()))
    number: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
    hash: str = _attrs_field(validator=_check.validated(_check.text()))
    timestamp: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
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

        read = _read.Reader("BlockResponse", src_dict)
        return read.finished(
            cls(
                chain_id=read.required("chain_id", _read.to_integer),
                number=read.required("number", _read.to_integer),
                hash=read.required("hash", _read.as_is),
                timestamp=read.optional_or_null("timestamp", _read.to_datetime, None),
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
        result["number"] = self.number
        result["hash"] = self.hash
        if self.timestamp is not None:
            result["timestamp"] = _send.to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        return result if include_none else self._as_arrived(result)

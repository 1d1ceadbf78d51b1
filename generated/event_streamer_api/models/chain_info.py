from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model


@_attrs_define(kw_only=True, repr=False)
class ChainInfo(Model):
    """
    One chain of the list of chains.

    Attributes:
        chain_id: The EIP-155 id of the chain.
        name: The chain's name.
        status: `active` or `inactive`.
        rpc_urls: The RPC endpoints; credentials in them are masked.
        average_block_time: The mean time between two blocks, in seconds. 0 or more.
        additional_properties: What the service sent beyond these fields.
    """

    chain_id: int = _attrs_field(validator=_check.validated(_check.integer()))
    name: str = _attrs_field(validator=_check.validated(_check.text()))
    status: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    rpc_urls: list[str] | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.array(_check.text())))
    )
    average_block_time: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number(minimum=0)))
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

        read = _read.Reader("ChainInfo", src_dict)
        return read.finished(
            cls(
                chain_id=read.required("chain_id", _read.to_integer),
                name=read.required("name", _read.as_is),
                status=read.optional_or_null("status", _read.as_is, None),
                rpc_urls=read.optional_or_null("rpc_urls", _read.list_of(_read.as_is), None),
                average_block_time=read.optional_or_null("average_block_time", _read.as_is, None),
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
        result["name"] = self.name
        if self.status is not None or include_none:
            result["status"] = self.status
        if self.rpc_urls is not None:
            result["rpc_urls"] = list(self.rpc_urls)
        elif include_none:
            result["rpc_urls"] = None
        if self.average_block_time is not None or include_none:
            result["average_block_time"] = self.average_block_time
        return result if include_none else self._as_arrived(result)

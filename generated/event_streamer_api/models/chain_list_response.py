from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from .. import sending as _send
from ..types import Model

if TYPE_CHECKING:
    from .chain_info import ChainInfo


@_attrs_define(kw_only=True, repr=False)
class ChainListResponse(Model):
    """
    The active chains. Some services send `chains` as a map from chain id to configuration; the client
    library reads it into the same list.

    Attributes:
        chains: The chains.
        total_chains: How many there are. 0 or more.
        timestamp: When this was so.
        additional_properties: What the service sent beyond these fields.
    """

    chains: list[ChainInfo] = _attrs_field(
        validator=_check.validated(_check.array(_check.instance("ChainInfo")))
    )
    total_chains: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
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
        from .chain_info import ChainInfo

        read = _read.Reader("ChainListResponse", src_dict)
        return read.finished(
            cls(
                chains=read.required("chains", _read.list_of(ChainInfo.from_dict)),
                total_chains=read.optional_or_null("total_chains", _read.to_integer, None),
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
        result["chains"] = [item.to_dict(include_none=include_none) for item in self.chains]
        if self.total_chains is not None or include_none:
            result["total_chains"] = self.total_chains
        if self.timestamp is not None:
            result["timestamp"] = _send.to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        return result if include_none else self._as_arrived(result)

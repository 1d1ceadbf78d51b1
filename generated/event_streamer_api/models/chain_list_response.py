from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import (
    Model,
    Reader,
    array,
    instance,
    integer,
    list_of,
    moment,
    nullable,
    to_datetime,
    to_integer,
    to_iso,
    validated,
)

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

    chains: list[ChainInfo] = _attrs_field(validator=validated(array(instance("ChainInfo"))))
    total_chains: int | None = _attrs_field(default=None, validator=validated(nullable(integer(minimum=0))))
    timestamp: datetime.datetime | None = _attrs_field(default=None, validator=validated(nullable(moment())))
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

        read = Reader("ChainListResponse", src_dict)
        return cls(
            chains=read.required("chains", list_of(ChainInfo.from_dict)),
            total_chains=read.optional_or_null("total_chains", to_integer, None),
            timestamp=read.optional_or_null("timestamp", to_datetime, None),
            additional_properties=read.rest(),
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
            result["timestamp"] = to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        return result

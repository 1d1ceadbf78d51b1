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
class ChainStatsResponse(Model):
    """
    Figures on the configured chains.

    Attributes:
        total_chains: How many chains are configured. 0 or more.
        active_chains: How many of them are active. 0 or more.
        healthy_rpcs: How many RPC endpoints can be called. 0 or more.
        loaded: Whether the configurations have been read.
        supported_chain_ids: The ids of the active chains.
        last_refresh: When the configurations were last read.
        timestamp: When this was so.
        additional_properties: What the service sent beyond these fields.
    """

    total_chains: int = _attrs_field(validator=_check.validated(_check.integer(minimum=0)))
    active_chains: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    healthy_rpcs: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    loaded: bool | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.boolean()))
    )
    supported_chain_ids: list[int] | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.array(_check.integer())))
    )
    last_refresh: datetime.datetime | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.moment()))
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

        read = _read.Reader("ChainStatsResponse", src_dict)
        return read.finished(
            cls(
                total_chains=read.required("total_chains", _read.to_integer),
                active_chains=read.optional_or_null("active_chains", _read.to_integer, None),
                healthy_rpcs=read.optional_or_null("healthy_rpcs", _read.to_integer, None),
                loaded=read.optional_or_null("loaded", _read.as_is, None),
                supported_chain_ids=read.optional_or_null(
                    "supported_chain_ids", _read.list_of(_read.to_integer), None
                ),
                last_refresh=read.optional_or_null("last_refresh", _read.to_datetime, None),
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
        result["total_chains"] = self.total_chains
        if self.active_chains is not None or include_none:
            result["active_chains"] = self.active_chains
        if self.healthy_rpcs is not None or include_none:
            result["healthy_rpcs"] = self.healthy_rpcs
        if self.loaded is not None or include_none:
            result["loaded"] = self.loaded
        if self.supported_chain_ids is not None:
            result["supported_chain_ids"] = list(self.supported_chain_ids)
        elif include_none:
            result["supported_chain_ids"] = None
        if self.last_refresh is not None:
            result["last_refresh"] = _send.to_iso(self.last_refresh)
        elif include_none:
            result["last_refresh"] = None
        if self.timestamp is not None:
            result["timestamp"] = _send.to_iso(self.timestamp)
        elif include_none:
            result["timestamp"] = None
        return result if include_none else self._as_arrived(result)

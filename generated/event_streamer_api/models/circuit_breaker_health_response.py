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
class CircuitBreakerHealthResponse(Model):
    """
    How many circuit breakers are healthy.

    Attributes:
        healthy_rpcs: How many RPC endpoints can be called. 0 or more.
        total_rpcs: How many RPC endpoints there are. 0 or more.
        unhealthy_chains: The chains none of whose endpoints can be called, by id or name.
        overall_health: `healthy`, `degraded` or `unhealthy`.
        health_percentage: The share of healthy circuit breakers, in percent. 0 or more.
        total_circuit_breakers: How many circuit breakers there are. 0 or more.
        healthy_circuit_breakers: How many of them are not open. 0 or more.
        unhealthy_circuit_breakers: How many of them are open. 0 or more.
        rpc_clients: The health of the RPC clients by chain.
        last_updated: When this was so.
        additional_properties: What the service sent beyond these fields.
    """

    healthy_rpcs: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    total_rpcs: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    unhealthy_chains: list[Any] | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.array(_check.anything())))
    )
    overall_health: str | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.text()))
    )
    health_percentage: float | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.number(minimum=0, maximum=100)))
    )
    total_circuit_breakers: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    healthy_circuit_breakers: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    unhealthy_circuit_breakers: int | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.integer(minimum=0)))
    )
    rpc_clients: dict[str, dict[str, Any]] | None = _attrs_field(
        default=None,
        validator=_check.validated(_check.nullable(_check.mapping(_check.mapping(_check.anything())))),
    )
    last_updated: datetime.datetime | None = _attrs_field(
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

        read = _read.Reader("CircuitBreakerHealthResponse", src_dict)
        return read.finished(
            cls(
                healthy_rpcs=read.optional_or_null("healthy_rpcs", _read.to_integer, None),
                total_rpcs=read.optional_or_null("total_rpcs", _read.to_integer, None),
                unhealthy_chains=read.optional_or_null("unhealthy_chains", _read.list_of(_read.as_is), None),
                overall_health=read.optional_or_null("overall_health", _read.as_is, None),
                health_percentage=read.optional_or_null("health_percentage", _read.as_is, None),
                total_circuit_breakers=read.optional_or_null(
                    "total_circuit_breakers", _read.to_integer, None
                ),
                healthy_circuit_breakers=read.optional_or_null(
                    "healthy_circuit_breakers", _read.to_integer, None
                ),
                unhealthy_circuit_breakers=read.optional_or_null(
                    "unhealthy_circuit_breakers", _read.to_integer, None
                ),
                rpc_clients=read.optional_or_null(
                    "rpc_clients", _read.map_of(_read.map_of(_read.as_is)), None
                ),
                last_updated=read.optional_or_null("last_updated", _read.to_datetime, None),
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
        if self.healthy_rpcs is not None or include_none:
            result["healthy_rpcs"] = self.healthy_rpcs
        if self.total_rpcs is not None or include_none:
            result["total_rpcs"] = self.total_rpcs
        if self.unhealthy_chains is not None:
            result["unhealthy_chains"] = list(self.unhealthy_chains)
        elif include_none:
            result["unhealthy_chains"] = None
        if self.overall_health is not None or include_none:
            result["overall_health"] = self.overall_health
        if self.health_percentage is not None or include_none:
            result["health_percentage"] = self.health_percentage
        if self.total_circuit_breakers is not None or include_none:
            result["total_circuit_breakers"] = self.total_circuit_breakers
        if self.healthy_circuit_breakers is not None or include_none:
            result["healthy_circuit_breakers"] = self.healthy_circuit_breakers
        if self.unhealthy_circuit_breakers is not None or include_none:
            result["unhealthy_circuit_breakers"] = self.unhealthy_circuit_breakers
        if self.rpc_clients is not None:
            result["rpc_clients"] = {key0: dict(inner0) for key0, inner0 in self.rpc_clients.items()}
        elif include_none:
            result["rpc_clients"] = None
        if self.last_updated is not None:
            result["last_updated"] = _send.to_iso(self.last_updated)
        elif include_none:
            result["last_updated"] = None
        return result if include_none else self._as_arrived(result)

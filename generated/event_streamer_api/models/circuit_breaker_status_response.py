from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import checks as _check
from .. import reading as _read
from ..types import Model

if TYPE_CHECKING:
    from .circuit_breaker_status import CircuitBreakerStatus
    from .rpc_client_status import RpcClientStatus


@_attrs_define(kw_only=True, repr=False)
class CircuitBreakerStatusResponse(Model):
    """
    All circuit breakers.

    Attributes:
        circuit_breakers: The circuit breakers by name.
        rpc_clients: The circuit breakers by chain and name.
        summary: Figures over all of them.
        additional_properties: What the service sent beyond these fields.
    """

    circuit_breakers: dict[str, CircuitBreakerStatus] = _attrs_field(
        validator=_check.validated(_check.mapping(_check.instance("CircuitBreakerStatus")))
    )
    rpc_clients: dict[str, dict[str, RpcClientStatus]] | None = _attrs_field(
        default=None,
        validator=_check.validated(
            _check.nullable(_check.mapping(_check.mapping(_check.instance("RpcClientStatus"))))
        ),
    )
    summary: dict[str, Any] | None = _attrs_field(
        default=None, validator=_check.validated(_check.nullable(_check.mapping(_check.anything())))
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
        from .circuit_breaker_status import CircuitBreakerStatus
        from .rpc_client_status import RpcClientStatus

        read = _read.Reader("CircuitBreakerStatusResponse", src_dict)
        return read.finished(
            cls(
                circuit_breakers=read.required(
                    "circuit_breakers", _read.map_of(CircuitBreakerStatus.from_dict)
                ),
                rpc_clients=read.optional_or_null(
                    "rpc_clients", _read.map_of(_read.map_of(RpcClientStatus.from_dict)), None
                ),
                summary=read.optional_or_null("summary", _read.map_of(_read.as_is), None),
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
        result["circuit_breakers"] = {
            key0: inner0.to_dict(include_none=include_none) for key0, inner0 in self.circuit_breakers.items()
        }
        if self.rpc_clients is not None:
            result["rpc_clients"] = {
                key0: {key1: inner1.to_dict(include_none=include_none) for key1, inner1 in inner0.items()}
                for key0, inner0 in self.rpc_clients.items()
            }
        elif include_none:
            result["rpc_clients"] = None
        if self.summary is not None:
            result["summary"] = dict(self.summary)
        elif include_none:
            result["summary"] = None
        return result if include_none else self._as_arrived(result)

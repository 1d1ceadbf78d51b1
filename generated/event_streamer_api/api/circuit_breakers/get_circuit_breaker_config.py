from __future__ import annotations

from typing import TYPE_CHECKING

from ... import reading as _read
from ...types import Operation

if TYPE_CHECKING:
    from ...models.circuit_breaker_config_response import CircuitBreakerConfigResponse


def get_circuit_breaker_config() -> Operation[CircuitBreakerConfigResponse]:
    """
    Get the thresholds of the circuit breakers.

    Returns:
        The request. Its result: The configuration.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.circuit_breaker_config_response import CircuitBreakerConfigResponse

    return Operation(
        operation_id="get_circuit_breaker_config",
        method="GET",
        path="/api/circuit-breakers/config",
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(CircuitBreakerConfigResponse.from_dict),
        safe=True,
    )

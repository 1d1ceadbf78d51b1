from __future__ import annotations

from typing import TYPE_CHECKING

from ... import reading as _read
from ...types import Operation

if TYPE_CHECKING:
    from ...models.circuit_breaker_health_response import CircuitBreakerHealthResponse


def get_circuit_breaker_health() -> Operation[CircuitBreakerHealthResponse]:
    """
    Get how many circuit breakers are healthy.

    Returns:
        The request. Its result: The summary.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.circuit_breaker_health_response import CircuitBreakerHealthResponse

    return Operation(
        operation_id="get_circuit_breaker_health",
        method="GET",
        path="/api/circuit-breakers/health",
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(CircuitBreakerHealthResponse.from_dict),
        safe=True,
    )

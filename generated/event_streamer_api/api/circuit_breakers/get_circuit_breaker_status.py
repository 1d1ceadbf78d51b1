from __future__ import annotations

from typing import TYPE_CHECKING

from ... import reading as _read
from ...types import Operation

if TYPE_CHECKING:
    from ...models.circuit_breaker_status_response import CircuitBreakerStatusResponse


def get_circuit_breaker_status() -> Operation[CircuitBreakerStatusResponse]:
    """
    Get the state of all circuit breakers.

    Returns:
        The request. Its result: The circuit breakers by name.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.circuit_breaker_status_response import CircuitBreakerStatusResponse

    return Operation(
        operation_id="get_circuit_breaker_status",
        method="GET",
        path="/api/circuit-breakers/status",
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(CircuitBreakerStatusResponse.from_dict),
        safe=True,
    )

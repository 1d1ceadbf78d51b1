from __future__ import annotations

from typing import TYPE_CHECKING

from ...types import (
    Operation,
    answer_of,
    in_path,
    in_query,
    text,
)

if TYPE_CHECKING:
    from ...models.circuit_breaker_reset_response import CircuitBreakerResetResponse


def reset_circuit_breaker(name: str) -> Operation[CircuitBreakerResetResponse]:
    """
    Close one circuit breaker.

    Args:
        name: The name of the circuit breaker.

    Returns:
        The request. Its result: The circuit breaker is closed.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.circuit_breaker_reset_response import CircuitBreakerResetResponse

    text(min_length=1, max_length=255)(name, "reset_circuit_breaker: name")
    return Operation(
        operation_id="reset_circuit_breaker",
        method="POST",
        path=f"/api/circuit-breakers/{in_path(name)}/reset",
        params=in_query(),
        json=None,
        headers={},
        parse=answer_of(CircuitBreakerResetResponse.from_dict),
        safe=True,
    )

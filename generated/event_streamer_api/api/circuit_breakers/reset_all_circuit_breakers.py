from __future__ import annotations

from typing import TYPE_CHECKING

from ... import reading as _read
from ...types import Operation

if TYPE_CHECKING:
    from ...models.circuit_breaker_reset_response import CircuitBreakerResetResponse


def reset_all_circuit_breakers() -> Operation[CircuitBreakerResetResponse]:
    """
    Close all circuit breakers.

    Returns:
        The request. Its result: How many there are; all are closed now.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.circuit_breaker_reset_response import CircuitBreakerResetResponse

    return Operation(
        operation_id="reset_all_circuit_breakers",
        method="POST",
        path="/api/circuit-breakers/reset",
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(CircuitBreakerResetResponse.from_dict),
        safe=True,
    )

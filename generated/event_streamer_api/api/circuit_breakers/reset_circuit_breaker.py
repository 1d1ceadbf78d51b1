from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

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

    _check.text(min_length=1, max_length=255)(name, "reset_circuit_breaker: name")
    return Operation(
        operation_id="reset_circuit_breaker",
        method="POST",
        path=f"/api/circuit-breakers/{_send.in_path(name)}/reset",
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(CircuitBreakerResetResponse.from_dict),
        safe=True,
    )

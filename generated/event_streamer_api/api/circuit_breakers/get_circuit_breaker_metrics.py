from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.circuit_breaker_metrics import CircuitBreakerMetrics


def get_circuit_breaker_metrics(name: str) -> Operation[CircuitBreakerMetrics]:
    """
    Get the figures of one circuit breaker.

    Args:
        name: The name of the circuit breaker.

    Returns:
        The request. Its result: The figures.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.circuit_breaker_metrics import CircuitBreakerMetrics

    _check.text(min_length=1, max_length=255)(name, "get_circuit_breaker_metrics: name")
    return Operation(
        operation_id="get_circuit_breaker_metrics",
        method="GET",
        path=f"/api/circuit-breakers/{_send.in_path(name)}/metrics",
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(CircuitBreakerMetrics.from_dict),
        safe=True,
    )

"""The calls of one tag of openapi.yaml."""

from .get_circuit_breaker_config import get_circuit_breaker_config
from .get_circuit_breaker_health import get_circuit_breaker_health
from .get_circuit_breaker_metrics import get_circuit_breaker_metrics
from .get_circuit_breaker_status import get_circuit_breaker_status
from .reset_all_circuit_breakers import reset_all_circuit_breakers
from .reset_circuit_breaker import reset_circuit_breaker

__all__ = (
    "get_circuit_breaker_config",
    "get_circuit_breaker_health",
    "get_circuit_breaker_metrics",
    "get_circuit_breaker_status",
    "reset_all_circuit_breakers",
    "reset_circuit_breaker",
)

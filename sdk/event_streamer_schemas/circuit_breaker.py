"""Circuit breaker models under the import path of releases 0.4 and 0.5."""

from event_streamer_api.models import (
    CircuitBreakerConfigResponse,
    CircuitBreakerHealthResponse,
    CircuitBreakerMetrics,
    CircuitBreakerResetResponse,
    CircuitBreakerStatus,
    CircuitBreakerStatusResponse,
    RpcClientStatus,
)

__all__ = [
    "CircuitBreakerConfigResponse",
    "CircuitBreakerHealthResponse",
    "CircuitBreakerMetrics",
    "CircuitBreakerResetResponse",
    "CircuitBreakerStatus",
    "CircuitBreakerStatusResponse",
    "RpcClientStatus",
]

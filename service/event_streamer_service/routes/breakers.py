"""Circuit breakers: their state, figures and thresholds, and closing them by hand."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from event_streamer_service.chains.breaker import CircuitBreaker
from event_streamer_service.clock import isoformat
from event_streamer_service.errors import NotFound
from event_streamer_service.requests import path_name
from event_streamer_service.responses import json_response
from event_streamer_service.routes._request import caller_of, service_of


async def get_circuit_breaker_status(request: Request) -> Response:
    """Return the state of every circuit breaker."""
    breakers = service_of(request).chains.breakers_by_chain
    clients: dict[str, dict[str, Any]] = {}
    for chain_id, breaker in breakers:
        clients.setdefault(str(chain_id), {})[breaker.name] = {
            "state": breaker.state,
            "metrics": _counts(breaker),
            "is_healthy": breaker.is_healthy,
        }
    states = [breaker.state for _, breaker in breakers]
    return json_response(
        {
            "circuit_breakers": {
                breaker.name: {"state": breaker.state, **_counts(breaker)} for _, breaker in breakers
            },
            "rpc_clients": clients,
            "summary": {
                "total": len(states),
                **{state: states.count(state) for state in ("closed", "open", "half_open")},
            },
        }
    )


async def get_circuit_breaker_health(request: Request) -> Response:
    """Return how many endpoints can be called."""
    service = service_of(request)
    breakers = service.chains.breakers_by_chain
    total = len(breakers)
    healthy = sum(breaker.is_healthy for _, breaker in breakers)
    unhealthy_chains = service.chains.unhealthy_chains
    overall = "healthy" if healthy == total else "unhealthy" if unhealthy_chains else "degraded"
    by_chain: dict[str, dict[str, Any]] = {}
    for chain_id, breaker in breakers:
        by_chain.setdefault(str(chain_id), {})[breaker.name] = {
            "state": breaker.state,
            "is_healthy": breaker.is_healthy,
        }
    return json_response(
        {
            "healthy_rpcs": healthy,
            "total_rpcs": total,
            "unhealthy_chains": unhealthy_chains,
            "overall_health": overall,
            "health_percentage": 100.0 * healthy / total if total else 100.0,
            "total_circuit_breakers": total,
            "healthy_circuit_breakers": healthy,
            "unhealthy_circuit_breakers": total - healthy,
            "rpc_clients": by_chain,
            "last_updated": isoformat(service.clock.time()),
        }
    )


async def get_circuit_breaker_config(request: Request) -> Response:
    """Return the thresholds of all circuit breakers."""
    settings = service_of(request).chains.breaker_settings
    return json_response(
        {
            "failure_threshold": settings.failure_threshold,
            "recovery_timeout": settings.recovery_timeout,
            "success_threshold": settings.success_threshold,
            "timeout": settings.timeout,
            "half_open_max_calls": settings.half_open_max_calls,
        }
    )


async def get_circuit_breaker_metrics(request: Request) -> Response:
    """Return the figures of one circuit breaker."""
    breaker = _breaker(request)
    return json_response(
        {
            "name": breaker.name,
            **_counts(breaker),
            "half_open_calls": breaker.half_open_calls,
            "success_rate": breaker.success_rate,
            "failure_rate": breaker.failure_rate,
            "average_response_time": breaker.average_response_time,
        }
    )


async def reset_all_circuit_breakers(request: Request) -> Response:
    """Close every circuit breaker."""
    caller_of(request).check_admin()
    service = service_of(request)
    count = service.chains.reset_breakers()
    await service.tell(breaker=None)
    return json_response(
        {
            "message": f"{count} circuit breaker{'s' if count != 1 else ''} reset.",
            "status": "success",
            "reset_count": count,
        }
    )


async def reset_circuit_breaker(request: Request) -> Response:
    """Close one circuit breaker."""
    caller_of(request).check_admin()
    breaker = _breaker(request)
    breaker.reset()
    await service_of(request).tell(breaker=breaker.name)
    return json_response(
        {"message": f"Circuit breaker {breaker.name} reset.", "status": "success", "reset_count": 1}
    )


def _breaker(request: Request) -> CircuitBreaker:
    name = path_name(request, "name")
    breakers = service_of(request).chains.breakers
    if name not in breakers:
        known = ", ".join(sorted(breakers)) or "none"
        raise NotFound(
            f"There is no circuit breaker of this name; there are: {known}.",
            title="Circuit breaker not found",
            code="CIRCUIT_BREAKER_NOT_FOUND",
        )
    return breakers[name]


def _counts(breaker: CircuitBreaker) -> dict[str, Any]:
    return {
        "failure_count": breaker.failure_count,
        "success_count": breaker.success_count,
        "consecutive_failures": breaker.consecutive_failures,
        "consecutive_successes": breaker.consecutive_successes,
        "total_calls": breaker.total_calls,
        "last_failure_time": _time(breaker.last_failure_time),
        "last_error": breaker.last_error,
        "last_success_time": _time(breaker.last_success_time),
        "state_transitions": dict(breaker.state_transitions),
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else isoformat(seconds)

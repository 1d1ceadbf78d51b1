"""Whether the service is up, whether it can do its work, and its figures."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from event_streamer_service.clock import isoformat
from event_streamer_service.errors import Forbidden, Unauthorized
from event_streamer_service.metrics import CONTENT_TYPE
from event_streamer_service.responses import json_response
from event_streamer_service.routes._request import caller_of, query, service_of
from event_streamer_service.service import Service
from event_streamer_service.store import subscriptions


async def get_health(request: Request) -> Response:
    """Answer 200 while the service can answer at all and its database works; else 503."""
    service = service_of(request)
    problem = await service.database_check.problem()
    body: dict[str, Any] = {
        "status": "unhealthy" if problem else "healthy",
        "timestamp": isoformat(service.clock.time()),
        "features": ["idempotency-key"],
    }
    if problem:
        body |= {"error": "Database unavailable", "detail": problem}
    return json_response(body, 503 if problem else 200)


async def get_readiness(request: Request) -> Response:
    """
    Answer 200 while the service can take work: its database answers, and every active chain can be read.

    Of chains it says what their watchers and circuit breakers know: no node is asked, so that nobody can use
    this call to wear nodes or breakers out.
    """
    service = service_of(request)
    problem = await service.database_check.problem()
    checks: dict[str, Any] = {"database": problem or "ok"} | {
        f"chain_{chain.config.chain_id}": service.chains.known_problem(chain) or "ok"
        for chain in service.chains.running()
    }
    if service.stopping:
        checks["service"] = "stopping"
    ready = all(said == "ok" for said in checks.values())
    body: dict[str, Any] = {"status": "ready" if ready else "not_ready"}
    if caller_of(request).sees_operations:
        body["checks"] = checks
    body["timestamp"] = isoformat(service.clock.time())
    return json_response(body, 200 if ready else 503)


async def get_metrics(request: Request) -> Response:
    """Answer with all figures in Prometheus' text format."""
    caller = caller_of(request)
    if not caller.sees_operations:
        refusal = Unauthorized if caller.key is None else Forbidden
        raise refusal("Figures need an admin key or a metrics key.")
    service = service_of(request)
    metrics = service.metrics
    for chain in service.chains.running():
        if chain.head_number is not None:
            metrics.head_block.labels(chain.config.chain_id).set(chain.head_number)
    for chain_id, breaker in service.chains.breakers_by_chain:
        level = {"closed": 0, "half_open": 1, "open": 2}[breaker.state]
        metrics.breaker_state.labels(chain_id, breaker.name).set(level)
    _set_progress(service)
    metrics.subscriptions.set(await query(request, subscriptions.count))
    return Response(metrics.render(), media_type=CONTENT_TYPE)


def _set_progress(service: Service) -> None:
    """Set the figures of the subscriptions that are streamed now; those of others are dropped."""
    metrics = service.metrics
    metrics.last_processed_block.clear()
    metrics.blocks_behind.clear()
    streamed = {c.subscription.id: c.subscription for c in service.hub.open_connections() if not c.watches}
    for subscription in streamed.values():
        labels = subscription.chain_id, subscription.id
        done = subscription.processed_block(service.book.current(subscription))
        behind = service.activity.blocks_behind(subscription)
        if done is not None:
            metrics.last_processed_block.labels(*labels).set(done)
        if behind is not None:
            metrics.blocks_behind.labels(*labels).set(behind)

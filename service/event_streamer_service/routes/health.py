"""Whether the service is up, whether it can do its work, and its figures."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from event_streamer_service.clock import isoformat
from event_streamer_service.metrics import CONTENT_TYPE
from event_streamer_service.routes._answer import json_response, service_of
from event_streamer_service.service import Service
from event_streamer_service.store import subscriptions

_PATIENCE = 5.0
"""Seconds after which a database or a node that gives no answer counts as down."""


async def get_health(request: Request) -> Response:
    """Answer 200 while the service can answer at all and its database works; else 503."""
    service = service_of(request)
    problem = await _database_problem(service)
    body = {"status": "unhealthy" if problem else "healthy", "timestamp": isoformat(service.clock.time())}
    if problem:
        body |= {"error": "Database unavailable", "detail": problem}
    return json_response(body, 503 if problem else 200)


async def get_readiness(request: Request) -> Response:
    """Answer 200 while the service can take work: database and every active chain give answers."""
    service = service_of(request)
    problem, chains = await asyncio.gather(_database_problem(service), _chain_problems(service))
    checks: dict[str, Any] = {"database": problem or "ok"} | {
        f"chain_{chain_id}": said or "ok" for chain_id, said in chains.items()
    }
    if service.stopping:
        checks["service"] = "stopping"
    ready = all(said == "ok" for said in checks.values())
    body = {
        "status": "ready" if ready else "not_ready",
        "checks": checks,
        "timestamp": isoformat(service.clock.time()),
    }
    return json_response(body, 200 if ready else 503)


async def get_metrics(request: Request) -> Response:
    """Answer with all figures in Prometheus' text format."""
    service = service_of(request)
    metrics = service.metrics
    for chain in service.chains.running():
        if chain.head_number is not None:
            metrics.head.labels(chain.config.chain_id).set(chain.head_number)
    for chain_id, breaker in service.chains.breakers():
        level = {"closed": 0, "half_open": 1, "open": 2}[breaker.state]
        metrics.breaker_state.labels(chain_id, breaker.name).set(level)
    metrics.subscriptions.set(await service.run(subscriptions.count))
    return Response(metrics.render(), media_type=CONTENT_TYPE)


async def _database_problem(service: Service) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE):
            await service.database.check()
    except TimeoutError:
        return f"The database gives no answer within {_PATIENCE:g} s."
    except SQLAlchemyError:
        return "The database can't be reached."
    return None


async def _chain_problems(service: Service) -> dict[int, str | None]:
    chains = service.chains.running()
    said = await asyncio.gather(*(service.chains.problem(chain, _PATIENCE) for chain in chains))
    return {chain.config.chain_id: problem for chain, problem in zip(chains, said, strict=True)}

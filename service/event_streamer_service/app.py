"""The application: which call is which function."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from event_streamer_service.middleware import WATCHED_PATHS, Gate
from event_streamer_service.page import files as page
from event_streamer_service.routes import (
    abi,
    breakers,
    chains,
    health,
    overview,
    streaming,
    subscriptions,
    watching,
)
from event_streamer_service.service import Service

_SUBSCRIPTION = "/subscriptions/{subscription_id}"
_CONNECTION = _SUBSCRIPTION + "/stream/{connection_id}"


def create_app(service: Service) -> Starlette:
    """
    Return the ASGI application of a service, which it starts and closes with its lifespan.

    Args:
        service: The service; not started yet.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            await service.start()
            yield
        finally:
            await service.close()

    app = Starlette(
        routes=_routes(service),
        middleware=[*_traced(service), Middleware(Gate, service=service)],
        lifespan=lifespan,
        exception_handlers={HTTPException: _hand_on},
    )
    # A path with a slash too many is another path. A redirect would name `Host` and plain HTTP, and a client
    # that follows it would send its key there.
    app.router.redirect_slashes = False
    app.state.service = service
    return app


def _traced(service: Service) -> list[Middleware]:
    """Return what tells traces of requests: before the gate, so that refusals are told, too."""
    if service.tracing is None:
        return []
    from event_streamer_service.spans import Requests  # imported where there are traces, and nowhere else

    def untold(path: str) -> bool:
        """Leave out what is asked every few seconds for ever, and the page's own files."""
        return path == "/health" or path in WATCHED_PATHS or page.is_public(path)

    return [Middleware(Requests, tracing=service.tracing, untold=untold)]


async def _hand_on(_: Request, problem: Exception) -> Response:
    """Leave it to the gate to answer: all refusals get their shape there."""
    raise problem


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def _calls(path: str, **by_method: Callable[[Request], Awaitable[Response]]) -> Route:
    """
    Return one route for all calls of a path, so that 405 names every method that there is.

    It takes the methods that there are not as well: else `PUT /api/chains/stats` would go on to
    `/api/chains/{chain_id}`, and be told that "stats" is not a number.
    """
    allowed = [*by_method, *(["HEAD"] if "GET" in by_method else [])]

    async def call(request: Request) -> Response:
        if request.method not in allowed:
            raise HTTPException(405, headers={"Allow": ", ".join(allowed)})
        return await by_method["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, call, methods=_METHODS)


def _routes(service: Service) -> list[Route]:
    routes = [
        _calls("/", GET=page.get_page),
        _calls("/docs", GET=page.get_reference),
        _calls("/openapi.json", GET=page.get_document),
        _calls("/assets/{name:path}", GET=page.get_asset),
        _calls("/health", GET=health.get_health),
        _calls("/ready", GET=health.get_readiness),
        _calls("/metrics", GET=health.get_metrics),
        _calls(
            "/subscriptions",
            GET=subscriptions.list_subscriptions,
            POST=subscriptions.create_subscription,
            PUT=subscriptions.get_or_create_subscription,
        ),
        _calls(
            _SUBSCRIPTION,
            GET=subscriptions.get_subscription,
            PUT=subscriptions.update_subscription,
            DELETE=subscriptions.delete_subscription,
        ),
        Route(_SUBSCRIPTION + "/stream", streaming.StreamEndpoint()),
        Route(_SUBSCRIPTION + "/watch", watching.WatchEndpoint()),
        _calls(_CONNECTION + "/ack/batch", POST=streaming.acknowledge_batch),
        _calls(_CONNECTION + "/ack/batch/bulk", POST=streaming.acknowledge_batch_bulk),
        _calls("/stream/{connection_id}/heartbeat", POST=streaming.send_heartbeat),
        _calls(_SUBSCRIPTION + "/processing-status", GET=streaming.check_processing_status),
        _calls(_SUBSCRIPTION + "/last-processed-block", GET=streaming.get_subscription_last_processed_block),
        _calls("/api/overview", GET=overview.get_overview),
        _calls("/api/activity", GET=overview.get_activity),
        _calls("/api/abi/events", POST=abi.read_abi_events),
        _calls("/api/circuit-breakers/status", GET=breakers.get_circuit_breaker_status),
        _calls("/api/circuit-breakers/health", GET=breakers.get_circuit_breaker_health),
        _calls("/api/circuit-breakers/config", GET=breakers.get_circuit_breaker_config),
        _calls("/api/circuit-breakers/reset", POST=breakers.reset_all_circuit_breakers),
        _calls("/api/circuit-breakers/{name}/metrics", GET=breakers.get_circuit_breaker_metrics),
        _calls("/api/circuit-breakers/{name}/reset", POST=breakers.reset_circuit_breaker),
        _calls("/api/chains", GET=chains.get_all_chains, POST=chains.create_chain),
        _calls("/api/chains/stats", GET=chains.get_chain_stats),
        _calls("/api/chains/refresh", POST=chains.refresh_chains),
        _calls(
            "/api/chains/{chain_id}",
            GET=chains.get_chain,
            PUT=chains.update_chain,
            DELETE=chains.delete_chain,
        ),
        _calls("/api/chains/{chain_id}/blocks/{block_number}", GET=chains.get_block),
    ]
    if service.settings.testing:
        from event_streamer_service.testing import routes as admin

        routes += [
            _calls("/admin/faults", GET=admin.list_faults, POST=admin.add_fault, DELETE=admin.clear_faults),
            _calls("/admin/faults/{fault_id}", DELETE=admin.remove_fault),
            _calls("/admin/journal", GET=admin.read_journal, DELETE=admin.clear_journal),
        ]
    return routes

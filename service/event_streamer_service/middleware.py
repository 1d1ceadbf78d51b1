"""
What every request passes on its way in and its answer on the way out.

In: a request id, where a browser's page comes from, the fault that a test asked for, the caller, the rate
limit. Out: one shape for all refusals, the figures and a line of log.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_service.auth import ANYBODY, Caller
from event_streamer_service.clock import isoformat
from event_streamer_service.errors import (
    STATUS_TITLES,
    Forbidden,
    ServiceError,
    Unauthorized,
    Unavailable,
    Unprocessable,
    error_body,
)
from event_streamer_service.logs import fields
from event_streamer_service.origins import check_host, check_media_type, check_origin
from event_streamer_service.page.files import is_public
from event_streamer_service.responses import json_response
from event_streamer_service.store.database import ClientGone

if TYPE_CHECKING:
    from event_streamer_service.service import Service

logger = logging.getLogger(__name__)

WATCHED_PATHS = frozenset({"/ready", "/metrics"})
"""What supervisors and Prometheus ask. `/health` needs no key, and tells nobody more than anybody."""
_STRANGER = Caller(subscriber=None, is_admin=False)
_WATCHER = Caller(subscriber=None, is_admin=False, watches_only=True)
_STREAM_ROUTES = frozenset(
    {"/subscriptions/{subscription_id}/stream", "/subscriptions/{subscription_id}/watch"}
)
_CLIENT_GONE = 499
"""What logs and figures say of a request whose client has gone; nginx says so too."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Gate:
    """
    Stands before all routes.

    Args:
        app: The routes.
        service: The service they belong to.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and see to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        asked = headers.get("x-request-id", "")
        request_id = asked if _REQUEST_ID.fullmatch(asked) else self._service.request_ids.new("req_")
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            await self._pass(scope, headers, receive, answer)
        except (ClientDisconnect, ClientGone):
            status = _CLIENT_GONE  # nobody is left who could be answered
        except asyncio.CancelledError:
            if not self._service.stopping or status:
                raise
            # The server's patience with a stop is over: whoever waits is told, and the log isn't.
            problem = Unavailable("The service is stopping.", retry_after=5)
            await self._refuse(problem, request_id)(scope, receive, answer)
        except Exception as problem:
            refusal = self._refuse(problem, request_id)
            if status:
                raise  # the answer has begun: all that is left is to break it off
            await refusal(scope, receive, answer)
        finally:
            self._account(scope, status, time.perf_counter() - started, request_id)

    async def _pass(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        service, path = self._service, scope["path"]
        allowed = service.settings.allowed_hosts
        check_host(headers, allowed=allowed, any_host=service.keys.required)
        check_origin(scope["method"], headers, allowed=allowed)
        check_media_type(scope["method"], headers)
        instead = service.observer.on_request(path)
        if instead is not None:
            await instead(scope, receive, send)
            return
        if path == "/health" or is_public(path):
            caller = ANYBODY
        elif path in WATCHED_PATHS:
            caller = self._watcher(headers)
            service.rate_limit.take(_who(None, "watcher", scope))
        else:
            try:
                handed_over = await service.cluster.handed_over_by(scope, headers, receive)
                caller = service.keys.identify(headers) if handed_over is None else handed_over[0]
            except Unauthorized:
                service.rate_limit.take(_who(None, "stranger", scope))  # so that nobody can try many keys
                raise
            if caller.watches_only:
                raise Forbidden("This key reads /metrics and /ready, and nothing else.")
            if handed_over is None:  # else it was counted where it arrived
                who = "admin" if caller.is_admin else "subscriber"
                service.rate_limit.take(_who(caller.subscriber, who, scope))
            else:
                receive = handed_over[1]
        scope["event_streamer.caller"] = caller
        await self._app(scope, receive, send)

    def _watcher(self, headers: Headers) -> Caller:
        """Return who looks at the figures: a stranger may ask as well, and is shown less."""
        if self._service.settings.open_metrics:
            return _WATCHER
        try:
            return self._service.keys.identify(headers)
        except Unauthorized:
            return _STRANGER

    def _refuse(self, problem: Exception, request_id: str) -> ASGIApp:
        timestamp = isoformat(self._service.clock.time())
        refusal = _as_refusal(problem)
        if refusal is not None:
            body = refusal.body(timestamp=timestamp, request_id=request_id)
            return json_response(body, refusal.status, headers=refusal.headers())
        if isinstance(problem, HTTPException):
            title = STATUS_TITLES.get(problem.status_code, "Request refused")
            body = error_body(
                problem.status_code,
                title,
                str(problem.detail),
                title.upper().replace(" ", "_"),
                timestamp=timestamp,
                request_id=request_id,
            )
            return json_response(body, problem.status_code, headers=problem.headers)
        logger.error("A request failed", exc_info=problem, extra=fields(request_id=request_id))
        self._service.notices.note(
            "INTERNAL_ERROR",
            f"A request failed; the log has the details under {request_id}.",
            severity="error",
        )
        body = error_body(
            500,
            "Internal error",
            "The service failed; its log has the details under this request id.",
            "INTERNAL_ERROR",
            timestamp=timestamp,
            request_id=request_id,
        )
        return json_response(body, 500)

    def _account(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        metrics = self._service.metrics
        metrics.requests.labels(scope["method"], route, status).inc()
        if route not in _STREAM_ROUTES:
            metrics.request_seconds.labels(scope["method"], route).observe(seconds)
        caller = scope.get("event_streamer.caller")
        logger.info(
            "Request",
            extra=fields(
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],  # without the query, which may hold a resume token
                status=status,
                milliseconds=round(seconds * 1000, 2),
                subscriber=caller.subscriber if caller else None,
            ),
        )


def _as_refusal(problem: Exception) -> ServiceError | None:
    if isinstance(problem, ServiceError):
        return problem
    if isinstance(problem, EventStreamerValidationError):
        return Unprocessable(str(problem))
    if isinstance(problem, SQLAlchemyError):  # the database's own module has told of it
        return Unavailable("The service's database can't be used now.", retry_after=5)
    return None


def _who(subscriber: str | None, kind: str, scope: Scope) -> str:
    """Name whose rate is counted: a subscriber, or for others the address that calls."""
    client = scope.get("client")
    return f"{kind}:{subscriber or (client[0] if client else '')}"

"""How answers are written: JSON by orjson, times as the wire has them, the service behind a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from event_streamer_service.auth import Caller
from event_streamer_service.delivery.writer import transport_of

if TYPE_CHECKING:
    from event_streamer_service.service import Service

T = TypeVar("T")


def json_response(body: object, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a JSON body."""
    return Response(orjson.dumps(body), status, headers=dict(headers or {}), media_type="application/json")


def service_of(request: Request) -> Service:
    """Return the service that a request is for."""
    service: Service = request.app.state.service
    return service


def caller_of(request: Request) -> Caller:
    """Return who sends a request."""
    caller: Caller = request.scope["event_streamer.caller"]
    return caller


async def query(request: Request, work: Callable[[Connection], T]) -> T:
    """Read from the database for a request, unless its client has gone meanwhile."""
    return await service_of(request).database.read(work, is_wanted=_is_wanted(request))


async def change(request: Request, work: Callable[[Connection], T]) -> T:
    """Run a transaction for a request, unless its client has gone before it began."""
    return await service_of(request).database.run(work, is_wanted=_is_wanted(request))


def created(body: object, *, is_replayed: bool) -> Response:
    """Return the answer to a create, which says where it is that of an earlier request with the same key."""
    return json_response(body, 201, headers={"idempotent-replayed": "true"} if is_replayed else None)


def _is_wanted(request: Request) -> Callable[[], bool]:
    transport = transport_of(request.scope)
    return lambda: transport is None or not transport.is_closing()


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that have a value."""
    return {name: value for name, value in values.items() if value is not None}

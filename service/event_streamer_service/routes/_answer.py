"""How answers are written: JSON by orjson, times as the wire has them, the service behind a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from event_streamer_service.auth import Caller

if TYPE_CHECKING:
    from event_streamer_service.service import Service


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


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that have a value."""
    return {name: value for name, value in values.items() if value is not None}

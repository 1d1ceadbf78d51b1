"""What routes ask of a request: the service behind it, its caller, and the database while it waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection
from starlette.requests import Request

from event_streamer_service.auth import Caller
from event_streamer_service.delivery.writer import transport_of

if TYPE_CHECKING:
    from event_streamer_service.service import Service

T = TypeVar("T")


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


def _is_wanted(request: Request) -> Callable[[], bool]:
    transport = transport_of(request.scope)
    return lambda: transport is None or not transport.is_closing()

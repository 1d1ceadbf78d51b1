"""
For tests: faults to inject and the journal to read, where `Settings.testing` is on.

These calls are no part of the specification; with API keys they need an admin key.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from event_streamer_service.errors import Conflict, NotFound, Unprocessable
from event_streamer_service.requests import (
    LARGEST_ID,
    optional_query_integer,
    path_id,
    query_text,
    read_object,
)
from event_streamer_service.responses import json_response
from event_streamer_service.routes._request import caller_of, service_of
from event_streamer_service.testing.faults import Faults
from event_streamer_service.testing.journal import Journal
from event_streamer_service.testing.observer import TestObserver

_DEEPEST_REORG = 1000


async def list_faults(request: Request) -> Response:
    """Return the faults that have yet to strike."""
    return json_response({"faults": [fault.to_dict() for fault in _faults(request).pending()]})


async def add_fault(request: Request) -> Response:
    """Let something go wrong: `{"kind": "drop", "after": 3}`, or a reorg at once."""
    faults = _faults(request)
    body = await read_object(request, limit=service_of(request).settings.max_body_bytes)
    if body.get("kind") == "reorg":
        return await _reorg(request, body)
    try:
        fault = faults.add(body.pop("kind", ""), **body)
    except (TypeError, ValueError) as problem:
        raise Unprocessable(str(problem)) from problem
    return json_response(fault.to_dict(), 201)


async def clear_faults(request: Request) -> Response:
    """Take all faults back."""
    _faults(request).clear()
    return Response(status_code=204)


async def remove_fault(request: Request) -> Response:
    """Take one fault back."""
    number = path_id(request, "fault_id")
    if not _faults(request).remove(number):
        raise NotFound(f"There is no fault {number} (any more).")
    return Response(status_code=204)


async def read_journal(request: Request) -> Response:
    """Return what clients did: `?kind=acknowledge&subscription_id=1&after=17`."""
    entries = _journal(request).entries(
        query_text(request, "kind"),
        subscription_id=optional_query_integer(request, "subscription_id", least=1, most=LARGEST_ID),
        after=optional_query_integer(request, "after", least=0, most=LARGEST_ID) or 0,
    )
    return json_response({"entries": [entry.to_dict() for entry in entries]})


async def clear_journal(request: Request) -> Response:
    """Forget what happened so far."""
    _journal(request).clear()
    return Response(status_code=204)


async def _reorg(request: Request, body: dict[str, object]) -> Response:
    chain_id, depth = body.get("chain_id"), body.get("depth", 1)
    sources = service_of(request).registry.sources
    if chain_id is None and len(sources) == 1:
        (chain_id,) = sources
    if not isinstance(depth, int) or not 1 <= depth <= _DEEPEST_REORG:
        raise Unprocessable(f"depth must be an integer between 1 and {_DEEPEST_REORG}.")
    reorganise = getattr(sources.get(chain_id), "reorg", None) if isinstance(chain_id, int) else None
    if reorganise is None:
        raise Conflict("Only an embedded development chain reorganises on demand: name its chain_id.")
    try:
        lost = reorganise(depth)
    except ValueError as problem:
        raise Unprocessable(str(problem)) from problem
    return json_response(
        {"kind": "reorg", "chain_id": chain_id, "common_ancestor": lost.common_ancestor}, 201
    )


def _faults(request: Request) -> Faults:
    return _observer(request).faults


def _journal(request: Request) -> Journal:
    return _observer(request).journal


def _observer(request: Request) -> TestObserver:
    caller_of(request).check_admin()
    observer = service_of(request).observer
    assert isinstance(observer, TestObserver), "these routes exist with Settings.testing only"
    return observer

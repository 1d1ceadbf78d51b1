"""Reading the events of what people paste: ABIs, artifacts, lines of Solidity."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from event_streamer_api.models import ABIEvent, AbiEventsRequest
from event_streamer_sdk.abi import ABIParsingError, human_readable, parse_abi, signature, topic0
from event_streamer_service.errors import Unprocessable
from event_streamer_service.requests import read_model
from event_streamer_service.responses import json_response
from event_streamer_service.routes._request import service_of

_MOST_EVENTS = 2000
"""Far more than a contract has; what is beyond them is left out, and told."""


async def read_abi_events(request: Request) -> Response:
    """Return the events of an ABI, with the topic0 of each."""
    body = await read_model(request, AbiEventsRequest, limit=service_of(request).settings.max_body_bytes)
    try:
        # Long ABIs take a while to read, and streams must not wait for that.
        answer = await asyncio.to_thread(_read, body.source, body.contract)
    except ABIParsingError as problem:
        raise Unprocessable(f"No event can be read: {problem}", code="ABI_NOT_READ") from problem
    return json_response(answer)


def _read(source: str, contract: str | None) -> dict[str, Any]:
    events, faults = parse_abi(source, contract=contract).read_events()
    found = list(events.values())
    told = [str(fault) for fault in faults]
    if len(found) > _MOST_EVENTS:
        told.append(f"{len(found) - _MOST_EVENTS} further events: only {_MOST_EVENTS} are shown.")
    if not found and not told:
        raise ABIParsingError("the source has no events")
    return {"events": [_described(event) for event in found[:_MOST_EVENTS]], "left_out": told}


def _described(event: ABIEvent) -> dict[str, Any]:
    return {
        "event_signature": event.to_dict(),
        "topic0": None if event.anonymous else topic0(event),
        "signature": signature(event),
        "human_readable": human_readable(event),
    }

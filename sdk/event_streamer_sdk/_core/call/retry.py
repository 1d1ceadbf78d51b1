"""
How a call is made, decided without making it: when it is sent again, after which wait, and how it ends.

`exchange` is a generator. It yields what is to be done (`Request`: send it, `Pause`: wait) and is sent what
came of it (`Response`, `NoResponse`); a shell, blocking or for asyncio, carries the steps out. So whatever is
decided here is decided once for both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import TypeVar

from attrs import evolve, frozen

from event_streamer_api.types import Operation

from ... import exceptions as errors
from ..backoff import Backoff, Reconnect
from .errors import error_of
from .outcome import NoResponse, Response
from .redirects import MAX_REDIRECTS, redirected
from .request import Request, request_of
from .result import result_of
from .service import Service

T = TypeVar("T")

CALL_WAITS = Reconnect(initial=0.5, maximum=8.0)
"""Waits between the attempts of one call. A caller is waiting, so they stay shorter than those of a
stream."""

REPEATABLE_STATUS = frozenset({429, 500, 502, 503, 504})
"""After these a call that is safe to repeat may go better the next time."""


KEY_HEADER = "Idempotency-Key"
"""By it a service knows a request again (draft-ietf-httpapi-idempotency-key-header)."""

_KEYS_ARE_HEEDED = "idempotency-key"
"""The word for that among the `features` of a service's health."""


@frozen
class Pause:
    """Wait so many seconds; answer with None."""

    seconds: float


def exchange(
    service: Service,
    operation: Operation[T],
    backoff: Backoff,
    retries: int,
    new_key: Callable[[], object],
) -> Generator[Request | Pause, Response | NoResponse | None, T]:
    """
    Make one call, with its repetitions.

    Args:
        service: Where it goes, and with which headers.
        operation: The call.
        backoff: How long to wait between attempts.
        retries: How many attempts may follow the first one.
        new_key: Makes the `Idempotency-Key` of a call that takes one and wasn't given any.

    Yields:
        What the shell has to do next.

    Raises:
        EventStreamerSDKError: The error of the last attempt.
    """
    request = request_of(service, operation)
    if operation.keyed and not any(name.lower() == KEY_HEADER.lower() for name in request.headers):
        request = evolve(request, headers={**request.headers, KEY_HEADER: str(new_key())})
    keys_are_heeded: bool | None = None
    redirects = 0
    while True:
        outcome = yield request
        if isinstance(outcome, NoResponse):
            error: errors.EventStreamerSDKError = outcome.error
            in_vain, arrived = outcome.hopeless, outcome.sent
        else:
            assert outcome is not None, "the shell answers a Request with what came of it"
            elsewhere = redirected(request, outcome)
            if elsewhere is not None and redirects < MAX_REDIRECTS:
                redirects += 1
                request = elsewhere
                continue
            if 200 <= outcome.status < 300:
                return result_of(operation, outcome)
            error = error_of(service, operation, outcome)
            in_vain, arrived = outcome.status not in REPEATABLE_STATUS, True
        if in_vain:
            raise error
        is_safe = operation.safe or not arrived
        while not is_safe and operation.keyed and not keys_are_heeded and retries > 0:
            keys_are_heeded = yield from _heeds_keys(service)
            if keys_are_heeded is False:
                break
            if keys_are_heeded is None:  # it can't be asked just now either
                retries -= 1
                yield Pause(backoff.next_delay(None))
        if retries <= 0 or not (is_safe or keys_are_heeded):
            raise error
        retries -= 1
        yield Pause(backoff.next_delay(getattr(error, "retry_after", None)))


def _heeds_keys(service: Service) -> Generator[Request, Response | NoResponse | None, bool | None]:
    """
    Ask a service whether it knows a request again by its key: else it would be done twice.

    Returns:
        What it says; None where it gives no answer, or is in trouble.
    """
    from event_streamer_api.api.health import get_health  # seldom needed

    answer = yield request_of(service, get_health())
    if not isinstance(answer, Response) or answer.status in REPEATABLE_STATUS:
        return None
    try:
        health = json.loads(answer.body)
    except ValueError:
        return False
    features = health.get("features") if isinstance(health, dict) else None
    return isinstance(features, list) and _KEYS_ARE_HEEDED in features

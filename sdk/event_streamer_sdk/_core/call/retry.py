"""
How a call is made, decided without making it: when it is sent again, after which wait, and how it ends.

`exchange` is a generator. It yields what is to be done (`Request`: send it, `Pause`: wait) and is sent what
came of it (`Response`, `NoResponse`); a shell, blocking or for asyncio, carries the steps out. So whatever is
decided here is decided once for both.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from attrs import frozen

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


@frozen
class Pause:
    """Wait so many seconds; answer with None."""

    seconds: float


def exchange(
    service: Service, operation: Operation[T], backoff: Backoff, retries: int
) -> Generator[Request | Pause, Response | NoResponse | None, T]:
    """
    Make one call, with its repetitions.

    Args:
        service: Where it goes, and with which headers.
        operation: The call.
        backoff: How long to wait between attempts.
        retries: How many attempts may follow the first one.

    Yields:
        What the shell has to do next.

    Returns:
        The call's result.

    Raises:
        EventStreamerSDKError: The error of the last attempt.
    """
    request = request_of(service, operation)
    redirects = 0
    while True:
        outcome = yield request
        if isinstance(outcome, NoResponse):
            error: errors.EventStreamerSDKError = outcome.error
            again = not outcome.hopeless and (operation.safe or not outcome.sent)
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
            again = operation.safe and outcome.status in REPEATABLE_STATUS
        if not again or retries <= 0:
            raise error
        retries -= 1
        yield Pause(backoff.next_delay(getattr(error, "retry_after", None)))

"""
What both HTTP shells are made of and do without waiting: options, words for failures, what is logged.

The shells are `_async/http.py` and the blocking half that is printed from it. They do I/O and nothing else:
what to send, when to send it again and what an answer means is decided by `_core.call`.
"""

from __future__ import annotations

import abc
import logging
import random
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import uuid4

from . import exceptions as errors
from ._core.backoff import Backoff
from ._core.call import retry
from ._core.call.body import BodyError
from ._core.call.hooks import RequestInfo, ResponseInfo
from ._core.call.outcome import NoResponse
from ._core.call.request import Request
from ._core.redaction import LIBRARY_LOGGERS, TOKEN_FILTER
from ._http_options import HTTPOptions
from ._transports.errors import ConnectionBrokenError, TransportError
from ._transports.losses import Surroundings, lost
from ._transports.proxies import Proxy
from ._transports.tls import trust_variable

if TYPE_CHECKING:
    from event_streamer_api.types import Operation

    from ._core.call.service import Service
    from ._transports.limits import TimeLimits

T = TypeVar("T")

FAILURES = (TransportError, BodyError)
"""What a request may raise on its way, and the body of its response."""

UNREADABLE = (ConnectionBrokenError, BodyError)
"""What makes a body useless, without being a matter of time: a status of 300 and more says enough then."""

_logger = logging.getLogger(__name__)

_LEFT_TO_PARENT: list[Any] = []
"""Kept, so that nothing of it is closed when it is collected."""


class Answered(Protocol):
    """What is logged of a response, whether its body has been read or not."""

    @property
    def status(self) -> int:
        """Its status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, looked up in lower case."""


class HTTPShell(abc.ABC):
    """What both shells share."""

    _transport: Any = None
    _proxy: Proxy | None = None
    _is_the_parents = False
    _is_closed = False

    def __init__(self, service: Service, options: HTTPOptions) -> None:
        self.service = service
        self.options = options
        # Many threads may share a client; the first requests of two of them shall not make two transports.
        self._lock = threading.Lock()
        for name in LIBRARY_LOGGERS:
            logging.getLogger(name).addFilter(TOKEN_FILTER)
        if options.http_client is not None:
            self._check_own_client()

    @abc.abstractmethod
    def _check_own_client(self) -> None:
        """Refuse a client of the user's that is not of this shell's kind."""

    @abc.abstractmethod
    def _new_transport(self) -> Any:
        """Make the transport that the options ask for."""

    @property
    def transport(self) -> Any:
        """What sends the requests; it is made for the first one, since that loads the libraries."""
        transport = self._transport
        if transport is None:
            if self._is_the_parents:
                name = "transport" if self.options.http_client is None else "http_client"
                raise errors.EventStreamerValidationError(
                    f"{name} was used before this process was forked, and its connections are the parent's: "
                    "make the client in the child"
                )
            with self._lock:
                if self._is_closed:
                    raise errors.ClientClosedError(
                        "this client is closed; make another one, or make the call before it is closed"
                    )
                transport = self._transport = self._transport or self._new_transport()
        return transport

    def open_again(self) -> None:
        """Take requests, also where it was closed before."""
        self._is_closed = False

    def _take_transport(self) -> Any:
        """Mark this shell as closed; give its transport, if there is one, for the caller to close."""
        with self._lock:
            self._is_closed = True
            transport, self._transport = self._transport, None
        return transport

    def leave_to_parent(self) -> None:
        """
        After a fork, in the child: leave the connections to the parent, and open others when they are needed.

        Otherwise both processes would read from one socket and get each other's answers. Nothing is closed,
        since closing sends something with TLS, and takes the socket out of the parent's selector.
        """
        if self._transport is not None:
            _LEFT_TO_PARENT.append(self._transport)
            self._is_the_parents = self.options.http_client is not None or self.options.transport is not None
        self._transport = None
        self._lock = threading.Lock()

    def _steps(self, operation: Operation[T], retries: int | None, service: Service | None = None) -> Any:
        backoff = Backoff(retry.CALL_WAITS, random.random)
        allowed = self.options.max_retries if retries is None else retries
        return retry.exchange(service or self.service, operation, backoff, allowed, uuid4)

    def _no_response(self, operation: Operation[Any], error: Exception, limits: TimeLimits) -> NoResponse:
        where = Surroundings(self.service, self._proxy, trust_variable(self.options.trust_env))
        return lost(operation, error, limits, where)

    def _told(self, info: RequestInfo, outcome: Answered | NoResponse, seconds: float) -> ResponseInfo:
        """Say what came of a request, for hooks."""
        answered = None if isinstance(outcome, NoResponse) else outcome
        return ResponseInfo(
            request=info,
            status=answered.status if answered else None,
            headers=answered.headers if answered else {},
            request_id=answered.headers.get("x-request-id") if answered else None,
            seconds=seconds,
            error=outcome.error if isinstance(outcome, NoResponse) else None,
        )

    def _log_pause(self, step: retry.Pause, operation: Operation[Any]) -> None:
        _logger.info("%s is made again in %.1f s", operation.operation_id, step.seconds)

    def _log(self, request: Request, operation: Operation[Any], outcome: Answered | NoResponse) -> None:
        if isinstance(outcome, NoResponse):
            _logger.debug("%s %s -> %s", request.method, operation.path, outcome.error)
        else:
            request_id = outcome.headers.get("x-request-id", "none")
            _logger.debug(
                "%s %s -> %d (request id %s)", request.method, operation.path, outcome.status, request_id
            )

# Printed from _async/http.py by `make generate`. Change it there, never here.
"""
The HTTP shell, blocking: it sends calls and opens streams, over the transport that the options ask for.

Beneath both is one `_send`. What is sent, when again, and what the answer means is decided by `_core.call`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from .. import exceptions as errors
from .._core.call.body import Body
from .._core.call.hooks import RequestInfo, without_secrets
from .._core.call.outcome import NoResponse, Response
from .._core.call.request import Request
from .._core.call.retry import Pause
from .._core.call.service import merged_headers
from .._http_shell import FAILURES, UNREADABLE, HTTPShell
from .._runs.answers_on_threads import settled
from .._transports.limits import HEAD_SECONDS, SILENCE_SECONDS, TimeLimits, limits_of, limits_of_head
from .._transports.waiting_on_threads import sleep

if TYPE_CHECKING:
    import httpx

    from event_streamer_api.types import Operation

    from .._core.call.service import Service
    from .._transports._sync.port import SyncOpenResponse, SyncTransport

T = TypeVar("T")


class SyncHTTP(HTTPShell):
    """Sends requests, blocking."""

    def _new_transport(self) -> SyncTransport:
        """Ours, unless a proxy, a limit on connections or something of the user's own is asked for."""
        import httpx

        from .._transports._sync.httpx import SyncHttpxTransport
        from .._transports._sync.llhttp import SyncLlhttpTransport

        options = self.options
        if options.http_client is not None:
            return SyncHttpxTransport(self._own_client(), owned=False)
        if options.transport is not None:
            return SyncHttpxTransport(httpx.Client(transport=options.transport), owned=True)
        way = options.way_to(self.service.url)
        self._proxy, limits = way.proxy, way.limits
        if way.proxy is None and limits.max_connections is None:
            return SyncLlhttpTransport(way.tls, limits.max_keepalive_connections, limits.keepalive_expiry)
        transport = httpx.HTTPTransport(
            verify=way.tls or False,  # without TLS: httpx would read the certificates all the same
            trust_env=False,
            limits=limits,
            proxy=way.httpx_proxy,
        )
        return SyncHttpxTransport(httpx.Client(transport=transport), owned=True)

    def _own_client(self) -> httpx.Client:
        import httpx

        own = self.options.http_client
        if not isinstance(own, httpx.Client):
            kind = httpx.Client.__name__
            raise errors.EventStreamerValidationError(
                f"http_client takes an httpx.{kind} here, got {type(own).__name__}"
            )
        return own

    def _check_own_client(self) -> None:
        self._own_client()

    def close(self) -> None:
        """Close the connections. Further requests are refused."""
        transport = self._take_transport()
        if transport is not None:
            transport.close()

    def request(
        self,
        operation: Operation[T],
        *,
        retries: int | None = None,
        timeout: Any = None,  # of each attempt and its steps, and not of this call
        service: Service | None = None,
        seen: Callable[[Response], None] | None = None,
    ) -> T:
        """
        Make a call.

        Args:
            operation: The call.
            retries: How often it may be repeated; by default as the client is set.
            timeout: Limit of each attempt, in the form of the client's; by default that one.
            service: The service with headers of this call's own; by default as the client is set.
            seen: Gets each response; what comes of the call is read from the last one.

        Raises:
            EventStreamerSDKError: If it fails.
        """
        steps = self._steps(operation, retries, service)
        timeout = self.options.timeout if timeout is None else timeout
        outcome: Any = None
        while True:
            if seen is not None and isinstance(outcome, Response):
                seen(outcome)
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(step, Pause):
                self._log_pause(step, operation)
                sleep(step.seconds)
                outcome = None
            else:
                outcome = self._send(step, operation, limits_of(timeout))

    def open_stream(
        self,
        operation: Operation[Any],
        *,
        headers: Mapping[str, str] | None = None,
        head_timeout: float | None = HEAD_SECONDS,
        silence: float | None = SILENCE_SECONDS,
        service: Service | None = None,
    ) -> SyncStreamResponse:
        """
        Open a response whose body is read by the caller.

        Args:
            operation: The call.
            headers: Headers for this request alone.
            head_timeout: Seconds until the response's head has to be there; None for no limit.
            silence: Seconds of silence in its body until it counts as lost; None for no limit. What else the
                body takes is not limited.
            service: The service with headers of this stream's own; by default as the client is set.

        Returns:
            The response, with a status of 2xx, to be closed.

        Raises:
            EventStreamerSDKError: If the status is another one, or no response comes.
        """
        steps = self._steps(operation, 0, service)
        step = next(steps)
        request = evolve(step, headers=merged_headers(step.headers, headers or {}))
        while True:
            limits = limits_of_head(self.options.timeout, head_timeout)
            outcome = self._send(request, operation, limits, is_stream=True)
            if not isinstance(outcome, Response | NoResponse):
                limits.only_silence(silence)
                return SyncStreamResponse(self, operation, outcome, limits)
            # Anything else than a stream is judged by the core: a redirect, or the error to raise.
            request = steps.send(outcome)

    def _send(
        self, request: Request, operation: Operation[Any], limits: TimeLimits, *, is_stream: bool = False
    ) -> Response | NoResponse | SyncOpenResponse:
        """Send one request, and tell the user's hooks of it and of what came."""
        hooks = self.options.hooks
        if hooks is None:
            return self._exchange(request, operation, limits, is_stream)
        info = RequestInfo(
            operation_id=operation.operation_id,
            method=request.method,
            url=request.url,
            params=dict(request.params),
            headers=without_secrets(request.headers),
        )
        for hook in hooks.request:
            settled(hook(info), hook)
        began = time.monotonic()
        outcome = self._exchange(request, operation, limits, is_stream)
        told = self._told(info, outcome, time.monotonic() - began)
        try:
            for answer_hook in hooks.response:
                settled(answer_hook(told), answer_hook)
        except BaseException:
            if not isinstance(outcome, Response | NoResponse):
                outcome.close()
            raise
        return outcome

    def _exchange(
        self, request: Request, operation: Operation[Any], limits: TimeLimits, is_stream: bool
    ) -> Response | NoResponse | SyncOpenResponse:
        """Send one request; the response is whole, but for a stream of status 2xx, which is left open."""
        outcome: Response | NoResponse | SyncOpenResponse
        try:
            outcome = opened = self.transport.open(request, limits)
            if not is_stream or not 200 <= opened.status < 300:
                outcome = self._whole(opened)
        except FAILURES as error:
            outcome = self._no_response(operation, error, limits)
        self._log(request, operation, outcome)
        return outcome

    def _whole(self, opened: SyncOpenResponse) -> Response:
        """Read a response to its end, bounded, and close it."""
        content = b""
        try:
            body = Body(self.options.max_response_bytes)
            while chunk := opened.chunk():
                body.add(chunk)
            content = body.content(opened.headers.get("content-encoding"))
        except UNREADABLE:
            if opened.status < 300:
                raise
            # Its status says enough.
        finally:
            opened.close()
        return Response(status=opened.status, headers=opened.headers, body=content)


class SyncStreamResponse:
    """
    A stream that is open.

    Attributes:
        status: Its status, 200 or 204.
        headers: Its headers, looked up in lower case.
    """

    def __init__(
        self, http: SyncHTTP, operation: Operation[Any], response: SyncOpenResponse, limits: TimeLimits
    ) -> None:
        self.status = response.status
        self.headers = response.headers
        self._http = http
        self._operation = operation
        self._response = response
        self._limits = limits

    def chunk(self) -> bytes:
        """
        Wait for the next piece of the body.

        Returns:
            At least one byte, still compressed if the header `content-encoding` says so; none at the end.

        Raises:
            EventStreamerSDKError: If the connection breaks, or is silent for too long.
        """
        try:
            return self._response.chunk()
        except FAILURES as error:
            raise self._http._no_response(self._operation, error, self._limits).error from error

    def break_off(self) -> None:
        """Make a `chunk` that waits fail at once. May be called from another thread."""
        self._response.break_off()

    def close(self) -> None:
        """Close the connection."""
        self._response.close()

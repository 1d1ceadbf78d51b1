"""
The two shells that send requests: one for asyncio, one blocking.

They do I/O and nothing else. What to send, when to send it again and what an answer means is decided by
`_core.call`; the libraries' exceptions become the SDK's by `_lost`. httpx is imported when the first
request is made, since it is the better part of the time to import a program.
"""

from __future__ import annotations

import abc
import asyncio
import logging
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from . import exceptions as errors
from ._core.backoff import Backoff
from ._core.call.body import Body
from ._core.call.outcome import NoResponse, Response
from ._core.call.request import Request
from ._core.call.retry import CALL_WAITS, Pause, exchange
from ._core.redaction import LIBRARY_LOGGERS, TOKEN_FILTER
from ._http_options import HTTPOptions
from ._transports.cookies import keep_cookies, with_cookies
from ._transports.limits import Limits, limits_of
from ._transports.losses import Surroundings, lost, network_errors, unreadable
from ._transports.proxies import Proxy, proxy_of
from ._transports.tls import trust_variable

if TYPE_CHECKING:
    import httpx

    from event_streamer_api.types import Operation

    from ._core.call.service import Service

T = TypeVar("T")
C = TypeVar("C", "httpx.Client", "httpx.AsyncClient")

_logger = logging.getLogger(__name__)


class _Shell(abc.ABC):
    """
    What both shells share: where requests go, and the words for what goes wrong on the way.

    Calls go straight to our own transport, where it is in use: two thirds of a call by way of an httpx client
    are spent on the objects and layers between.
    """

    _client: Any = None
    _direct: Any = None
    _proxy: Proxy | None = None
    _has_cookies = False  # asking the jar itself costs more than a call can spare
    _is_the_parents = False

    def __init__(self, service: Service, options: HTTPOptions) -> None:
        self.service = service
        self.options = options
        # Many threads may share a client; the first requests of two of them shall not make two.
        self._lock = threading.Lock()
        for name in LIBRARY_LOGGERS:
            logging.getLogger(name).addFilter(TOKEN_FILTER)
        if options.http_client is not None:
            self._check_own_client()

    def leave_to_parent(self) -> None:
        """
        After a fork, in the child: leave the connections to the parent, and open others when they are needed.

        Both would read from the same socket else, and get each other's answers. Nothing is closed, since
        closing sends something with TLS, and takes the socket out of the parent's selector.
        """
        if self._client is not None:
            _LEFT_TO_PARENT.append(self._client)
            self._is_the_parents = self.options.http_client is not None or self.options.transport is not None
        self._client = self._direct = None
        self._lock = threading.Lock()

    def _refuse_the_parents(self) -> None:
        if self._is_the_parents:
            name = "transport" if self.options.http_client is None else "http_client"
            raise errors.EventStreamerValidationError(
                f"{name} was used before this process was forked, and its connections are the parent's: "
                "make the client in the child"
            )

    @abc.abstractmethod
    def _check_own_client(self) -> None:
        """Refuse a client of the user's that is not of this shell's kind."""

    def _own_client(self, kind: type[C]) -> C | None:
        """The user's client, where there is one; httpx is loaded then anyway."""
        own = self.options.http_client
        if own is not None and not isinstance(own, kind):
            raise errors.EventStreamerValidationError(
                f"http_client takes an httpx.{kind.__name__} here, got {type(own).__name__}"
            )
        return own

    def _new_client(self, kind: type[C], fast: Callable[..., Any], plain: Callable[..., Any]) -> C:
        options = self.options
        if options.transport is None:
            self._proxy = proxy_of(self.service.url, options.proxy, options.trust_env)
        arguments = options.client_arguments(self.service.url, self._proxy, fast, plain)
        transport = arguments["transport"]
        self._direct = transport if hasattr(transport, "call") and self.options.transport is None else None
        return kind(**arguments)

    def _exchange(self, operation: Operation[T], retries: int | None) -> Any:
        backoff = Backoff(CALL_WAITS, random.random)
        allowed = self.options.max_retries if retries is None else retries
        return exchange(self.service, operation, backoff, allowed)

    def _arguments(self, step: Request, timeout: Any) -> dict[str, Any]:
        return {
            "method": step.method,
            "url": step.url,
            "params": step.params or None,
            "content": step.content,
            "headers": step.headers,
            "timeout": timeout,
        }

    def _direct_arguments(self, step: Request, cookies: httpx.Cookies, limits: Limits) -> dict[str, Any]:
        return {
            "method": step.method,
            "url": step.url,
            "params": step.params or None,
            "content": step.content,
            "headers": with_cookies(step, cookies) if self._has_cookies else step.headers,
            "limits": limits,
            "max_bytes": self.options.max_response_bytes,
        }

    def _stream_limits(self, read_timeout: float | None) -> Limits:
        """The limits of a stream: as set, but its head and silence may last as long as the caller says."""
        import httpx

        steps = httpx.Timeout(self.options.timeout).as_dict()
        return Limits({**steps, "read": read_timeout}, read_timeout)

    def _stream_arguments(
        self, step: Request, headers: Mapping[str, str] | None, limits: Limits
    ) -> dict[str, Any]:
        return {
            **self._arguments(step, None),
            "headers": {**step.headers, **(headers or {})},
            "extensions": {"timeout": dict(limits.steps), "limits": limits},
        }

    def _lost(self, operation: Operation[Any], error: Exception, limits: Limits) -> NoResponse:
        where = Surroundings(self.service, self._proxy, trust_variable(self.options.trust_env))
        return lost(operation, error, limits, where)

    def _body_of(self, response: httpx.Response) -> tuple[Body, str | None]:
        """Begin to read a body, bounded; one that its transport made whole is there, and inflated."""
        body = Body(self.options.max_response_bytes)
        if response.is_stream_consumed:
            body.add(response.content)
            return body, None
        return body, response.headers.get("content-encoding")

    def _log_pause(self, step: Pause, operation: Operation[Any]) -> None:
        _logger.info("%s is made again in %.1f s", operation.operation_id, step.seconds)

    def _log(self, step: Request, operation: Operation[Any], outcome: Response | NoResponse) -> None:
        if isinstance(outcome, Response):
            request_id = outcome.headers.get("x-request-id", "none")
            _logger.debug(
                "%s %s -> %d (request id %s)", step.method, operation.path, outcome.status, request_id
            )
        else:
            _logger.debug("%s %s -> %s", step.method, operation.path, outcome.error)


_LEFT_TO_PARENT: list[Any] = []
"""Kept, so that nothing of it is closed when it is collected."""


class SyncHTTP(_Shell):
    """
    Sends requests and waits for their answers.

    Where httpx's own transport serves (proxies, limits on connections, the user's client), a blocked read
    can't be broken off: a call ends at the first piece of its body that comes after its time, and a head that
    dribbles in is limited by the time-out of each read alone.
    """

    _client: httpx.Client | None = None

    def _check_own_client(self) -> None:
        import httpx

        self._own_client(httpx.Client)

    @property
    def client(self) -> httpx.Client:
        """The httpx client: the user's own, or one that is made for the first request."""
        client = self._client
        if client is None:
            import httpx

            from ._transports import default_transport

            self._refuse_the_parents()
            with self._lock:
                client = self._client = (
                    self._client
                    or self._own_client(httpx.Client)
                    or self._new_client(httpx.Client, default_transport, httpx.HTTPTransport)
                )
        return client

    def close(self) -> None:
        """Close the connections. A further request opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None and self.options.http_client is None:
            client.close()

    def request(self, operation: Operation[T], *, retries: int | None = None, timeout: Any = None) -> T:
        """
        Make a call.

        Args:
            operation: The call.
            retries: How often it may be repeated; by default as the client is set.
            timeout: Limit of each attempt, in the form of the client's; by default that one.

        Returns:
            The call's result.

        Raises:
            EventStreamerSDKError: If it fails.
        """
        steps = self._exchange(operation, retries)
        timeout = self.options.timeout if timeout is None else timeout
        outcome: Response | NoResponse | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(step, Pause):
                self._log_pause(step, operation)
                time.sleep(step.seconds)
                outcome = None
            else:
                outcome = self._send(step, operation, timeout)

    def _send(self, step: Request, operation: Operation[Any], timeout: Any) -> Response | NoResponse:
        outcome: Response | NoResponse
        client = self.client
        limits = limits_of(timeout)
        try:
            if self._direct is not None:
                reply = self._direct.call(**self._direct_arguments(step, client.cookies, limits))
                if "set-cookie" in reply.headers:
                    keep_cookies(step, reply, client.cookies)
                    self._has_cookies = True
                outcome = Response(status=reply.status, headers=reply.headers, body=reply.body)
            else:
                request = client.build_request(**self._arguments(step, timeout))
                with closing(client.send(request, stream=True, follow_redirects=False)) as response:
                    outcome = _head(response, self._read(response, limits))
        except network_errors() as error:
            outcome = self._lost(operation, error, limits)
        self._log(step, operation, outcome)
        return outcome

    def _read(self, response: httpx.Response, limits: Limits) -> bytes:
        try:
            body, encoding = self._body_of(response)
            if not response.is_stream_consumed:
                for part in response.iter_raw():
                    body.add(part)
                    limits.check()
            return body.content(encoding)
        except unreadable():
            if response.status_code < 300:
                raise
            return b""  # the status says enough

    @contextmanager
    def stream(
        self,
        operation: Operation[Any],
        *,
        headers: Mapping[str, str] | None = None,
        read_timeout: float | None = None,
    ) -> Iterator[httpx.Response]:
        """
        Open a response whose body is read by the caller.

        Args:
            operation: The call.
            headers: Headers for this request alone.
            read_timeout: Seconds until the response's head has to be there, and of silence in its body until
                it counts as lost; None for no limit. What else the body takes is not limited.

        Yields:
            The response, with status 200 or 204; it is closed in the end, however the block is left.

        Raises:
            EventStreamerSDKError: If the status is another one, or the connection breaks inside the block.
        """
        steps = self._exchange(operation, 0)
        step = next(steps)
        client, limits = self.client, self._stream_limits(read_timeout)
        while True:
            try:
                request = client.build_request(**self._stream_arguments(step, headers, limits))
                response = client.send(request, stream=True, follow_redirects=False)
            except network_errors() as error:
                raise self._lost(operation, error, limits).error from error
            try:
                self._has_cookies |= "set-cookie" in response.headers
                if response.is_success:
                    self._log(step, operation, _head(response))
                    limits.lift()
                    yield response
                    return
                body = self._read(response, limits)
            except network_errors() as error:
                raise self._lost(operation, error, limits).error from error
            finally:
                response.close()
            # Anything else than a stream is judged by the core: a redirect, or the error to raise.
            step = steps.send(_head(response, body))


class AsyncHTTP(_Shell):
    """Sends requests and awaits their answers."""

    _client: httpx.AsyncClient | None = None

    def _check_own_client(self) -> None:
        import httpx

        self._own_client(httpx.AsyncClient)

    @property
    def client(self) -> httpx.AsyncClient:
        """The httpx client: the user's own, or one that is made for the first request."""
        if self._client is None:
            import httpx

            from ._transports import default_async_transport

            self._refuse_the_parents()
            self._client = self._own_client(httpx.AsyncClient) or self._new_client(
                httpx.AsyncClient, default_async_transport, httpx.AsyncHTTPTransport
            )
        return self._client

    async def close(self) -> None:
        """Close the connections. A further request opens new ones."""
        client, self._client = self._client, None
        if client is not None and self.options.http_client is None:
            await client.aclose()

    async def request(
        self,
        operation: Operation[T],
        *,
        retries: int | None = None,
        timeout: Any = None,  # noqa: ASYNC109  # of each attempt and its steps, and not of this call
    ) -> T:
        """
        Make a call.

        Args:
            operation: The call.
            retries: How often it may be repeated; by default as the client is set.
            timeout: Limit of each attempt, in the form of the client's; by default that one.

        Returns:
            The call's result.

        Raises:
            EventStreamerSDKError: If it fails.
        """
        steps = self._exchange(operation, retries)
        timeout = self.options.timeout if timeout is None else timeout
        outcome: Response | NoResponse | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(step, Pause):
                self._log_pause(step, operation)
                await asyncio.sleep(step.seconds)
                outcome = None
            else:
                outcome = await self._send(step, operation, timeout)

    async def _send(
        self,
        step: Request,
        operation: Operation[Any],
        timeout: Any,  # noqa: ASYNC109  # as above
    ) -> Response | NoResponse:
        outcome: Response | NoResponse
        client = self.client
        limits = limits_of(timeout)
        try:
            if self._direct is not None:
                reply = await self._direct.call(**self._direct_arguments(step, client.cookies, limits))
                if "set-cookie" in reply.headers:
                    keep_cookies(step, reply, client.cookies)
                    self._has_cookies = True
                outcome = Response(status=reply.status, headers=reply.headers, body=reply.body)
            else:
                request = client.build_request(**self._arguments(step, timeout))
                async with limits.enforced():
                    response = await client.send(request, stream=True, follow_redirects=False)
                    async with aclosing(response):
                        outcome = _head(response, await self._read(response))
        except network_errors() as error:
            outcome = self._lost(operation, error, limits)
        self._log(step, operation, outcome)
        return outcome

    async def _read(self, response: httpx.Response) -> bytes:
        try:
            body, encoding = self._body_of(response)
            if not response.is_stream_consumed:
                async for part in response.aiter_raw():
                    body.add(part)
            return body.content(encoding)
        except unreadable():
            if response.status_code < 300:
                raise
            return b""  # the status says enough

    @asynccontextmanager
    async def stream(
        self,
        operation: Operation[Any],
        *,
        headers: Mapping[str, str] | None = None,
        read_timeout: float | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """
        Open a response whose body is read by the caller.

        Args:
            operation: The call.
            headers: Headers for this request alone.
            read_timeout: Seconds until the response's head has to be there, and of silence in its body until
                it counts as lost; None for no limit. What else the body takes is not limited.

        Yields:
            The response, with status 200 or 204; it is closed in the end, however the block is left.

        Raises:
            EventStreamerSDKError: If the status is another one, or the connection breaks inside the block.
        """
        steps = self._exchange(operation, 0)
        step = next(steps)
        client, limits = self.client, self._stream_limits(read_timeout)
        while True:
            try:
                request = client.build_request(**self._stream_arguments(step, headers, limits))
                async with limits.enforced():
                    response = await client.send(request, stream=True, follow_redirects=False)
            except network_errors() as error:
                raise self._lost(operation, error, limits).error from error
            try:
                self._has_cookies |= "set-cookie" in response.headers
                if response.is_success:
                    self._log(step, operation, _head(response))
                    limits.lift()
                    yield response
                    return
                async with limits.enforced():
                    body = await self._read(response)
            except network_errors() as error:
                raise self._lost(operation, error, limits).error from error
            finally:
                await response.aclose()
            # Anything else than a stream is judged by the core: a redirect, or the error to raise.
            step = steps.send(_head(response, body))


def _head(response: httpx.Response, body: bytes = b"") -> Response:
    return Response(status=response.status_code, headers=response.headers, body=body)

"""The service's spans; `tracing.py` says which there are, and when this is imported."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NoOpTracerProvider,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TracerProvider,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from event_streamer_service.chains.source import ChainSource
from event_streamer_service.chains.types import Block, Log, LogFilter
from event_streamer_service.delivery.batch import Batch
from event_streamer_service.delivery.connection import Connection

SCOPE = "event_streamer_service"
_W3C = TraceContextTextMapPropagator()
_SYSTEM = "event_streamer"


def configured(provider: TracerProvider | None) -> TracerProvider | None:
    """Return a provider, or the global one; `None` where nobody has set one."""
    found = trace.get_tracer_provider() if provider is None else provider
    return None if isinstance(found, trace.ProxyTracerProvider | NoOpTracerProvider) else found


class Tracing:
    """
    Makes the service's spans.

    Args:
        provider: Where they go.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer(SCOPE)

    def source(self, source: ChainSource, chain_id: int, node: str) -> ChainSource:
        """
        Return a source whose reads of logs are told.

        Args:
            source: The source.
            chain_id: Its chain.
            node: Its name, that of its circuit breaker: a URL may hold a key.
        """
        told: Any = _Source(source, self, chain_id, node)
        return told  # type: ignore[no-any-return] # the rest of a source's methods are handed on

    def deliveries(self, connection: Connection, asked: Headers) -> Deliveries:
        """
        Return what tells of the batches of a stream.

        Args:
            connection: Whose stream it is.
            asked: The headers of the request that opened it.
        """
        opened = trace.get_current_span().get_span_context()
        return Deliveries(self, connection, opened if opened.is_valid else None, "traceparent" in asked)

    def span(
        self,
        name: str,
        kind: SpanKind,
        attributes: dict[str, str | int],
        context: Context | None = None,
        links: Sequence[Link] = (),
    ) -> Span:
        """Begin a span: nobody's child unless there is a context for it."""
        return self._tracer.start_span(
            name, Context() if context is None else context, kind, attributes, links=links
        )

    @contextlib.contextmanager
    def reading(self, chain_id: int, node: str, first: int, last: int) -> Iterator[Span]:
        """Tell of a read of a chain."""
        span = self.span(
            "eth_getLogs",
            SpanKind.CLIENT,
            {
                "rpc.system.name": "jsonrpc",
                "rpc.method": "eth_getLogs",
                "event_streamer.chain.id": chain_id,
                "event_streamer.node": node,
                "event_streamer.block.first": first,
                "event_streamer.block.last": last,
            },
        )
        try:
            yield span
        except BaseException as error:
            _failed(span, error)
            raise
        finally:
            span.end()


class Requests:
    """
    Tells of requests.

    Args:
        app: The application.
        tracing: Makes the spans.
        untold: Tells which paths are left out.
    """

    def __init__(self, app: ASGIApp, tracing: Tracing, untold: Callable[[str], bool]) -> None:
        self._app = app
        self._tracing = tracing
        self._untold = untold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or self._untold(scope["path"]):
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        span = self._tracing.span(
            method,
            SpanKind.SERVER,
            # The query isn't told: it may hold a resume token.
            {
                "http.request.method": method,
                "url.path": scope["path"],
                "url.scheme": scope.get("scheme", "http"),
            },
            context=propagate.extract(Headers(scope=scope), Context()),
        )

        ended = False

        def end() -> None:
            nonlocal ended
            if ended:
                return
            ended = True
            route = getattr(scope.get("route"), "path", None)
            if route is not None and span.is_recording():
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
            span.end()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_attribute("error.type", str(status))
                    span.set_status(StatusCode.ERROR)
                if status == 200 and scope["path"].endswith(("/stream", "/watch")):
                    end()  # it is open: what comes over it are spans of their own
            await send(message)

        token = contexts.attach(trace.set_span_in_context(span))
        try:
            await self._app(scope, receive, answer)
        except BaseException as error:
            _failed(span, error)
            raise
        finally:
            contexts.detach(token)
            end()


class Deliveries:
    """
    Tells of the batches of one stream.

    Args:
        tracing: Makes the spans.
        connection: Whose stream it is.
        opened: The span of the request that opened it.
        wanted: Whether the client wants to hear of the spans: it sent one of its own.
    """

    def __init__(
        self, tracing: Tracing, connection: Connection, opened: SpanContext | None, wanted: bool
    ) -> None:
        self._tracing = tracing
        self._links = [] if opened is None else [Link(opened)]
        self._wanted = wanted
        self._written: list[Span] = []
        self._name = f"send subscriptions/{connection.subscription.id}"
        self._about: dict[str, str | int] = {
            "messaging.system": _SYSTEM,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.name": f"subscriptions/{connection.subscription.id}",
            "messaging.consumer.group.name": connection.subscription.subscriber_id,
            "event_streamer.chain.id": connection.subscription.chain_id,
            "event_streamer.connection.id": connection.id,
        }

    def begin(self, batch: Batch, batch_id: str) -> str | None:
        """
        Begin to tell of a batch that is about to be written.

        Args:
            batch: The batch.
            batch_id: Its id.

        Returns:
            The `traceparent` for the client, where it wants one.
        """
        span = self._tracing.span(
            self._name,
            SpanKind.PRODUCER,
            {
                **self._about,
                "messaging.batch.message_count": batch.size,
                "event_streamer.batch.id": batch_id,
                "event_streamer.block.first": batch.first_block,
                "event_streamer.block.last": batch.end.block,
                "event_streamer.block.head": batch.head,
            },
            links=self._links,
        )
        self._written.append(span)
        if not self._wanted:
            return None
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, trace.set_span_in_context(span, Context()))
        return carrier.get("traceparent")

    def end(self, error: BaseException | None = None) -> None:
        """
        End the spans of the batches that were written.

        Args:
            error: What went wrong, where something did.
        """
        spans, self._written = self._written, []
        for span in spans:
            if error is not None:
                _failed(span, error)
            span.end()


class _Source:
    """Tells of the reads of a source."""

    def __init__(self, source: ChainSource, tracing: Tracing, chain_id: int, node: str) -> None:
        self._source = source
        self._tracing = tracing
        self._about = chain_id, node

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def logs(self, from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
        with self._tracing.reading(*self._about, from_block, to_block) as span:
            found = await self._source.logs(from_block, to_block, log_filter)
            span.set_attribute("event_streamer.logs", len(found))
            return found

    async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        first, last = (blocks[0].number, blocks[-1].number) if blocks else (0, 0)
        with self._tracing.reading(*self._about, first, last) as span:
            found = await self._source.block_logs(blocks, log_filter)
            span.set_attribute("event_streamer.logs", sum(map(len, found)))
            return found


def _failed(span: Span, error: BaseException) -> None:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    span.set_attribute("error.type", name)
    # Without the message: a node's own words may hold its URL, and with it a key.
    span.set_status(StatusCode.ERROR)

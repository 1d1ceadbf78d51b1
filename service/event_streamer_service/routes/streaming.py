"""Streams: open one, acknowledge what came over it, keep it alive, ask how far it is."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from event_streamer_api.models import (
    BatchAcknowledgmentRequest,
    BulkBatchAcknowledgmentRequest,
    ClientHeartbeatRequest,
)
from event_streamer_service.clock import isoformat
from event_streamer_service.delivery.connection import Connection, Ending
from event_streamer_service.delivery.stream import Stream, Tools
from event_streamer_service.delivery.writer import Writer, transport_of
from event_streamer_service.errors import (
    Conflict,
    NotFound,
    TokenRefused,
    Unavailable,
    Unprocessable,
    no_such_connection,
)
from event_streamer_service.logs import fields
from event_streamer_service.requests import (
    LARGEST_ID,
    header_object,
    optional_query_integer,
    path_id,
    path_name,
    query_text,
    read_model,
)
from event_streamer_service.responses import json_response
from event_streamer_service.routes._request import caller_of, service_of
from event_streamer_service.routes.subscriptions import own_subscription, token_for
from event_streamer_service.service import Service
from event_streamer_service.store.subscriptions import Progress, Subscription, with_progress
from event_streamer_service.tokens import TokenScope

logger = logging.getLogger(__name__)

Call = Callable[[Request], Awaitable[Response]]

_LONGEST_TOKEN = 4096
_LONGEST_METADATA = 8192
_PARTING = 2.0
"""Seconds that a connection which is broken off has to be gone."""


class StreamEndpoint:
    """`GET /subscriptions/{id}/stream`: a response that lasts, so it speaks ASGI itself."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        if scope["method"] != "GET":
            await Response(status_code=405, headers={"allow": "GET"})(scope, receive, send)
            return
        service = service_of(request)
        subscription, start = await _admitted(request, service)
        metadata = header_object(request, "x-client-metadata", longest=_LONGEST_METADATA)
        if subscription.is_done_at(start.position):
            service.hub.note_done(subscription, start)
            await Response(status_code=204)(scope, receive, send)
            return
        caller = caller_of(request)
        connection = service.hub.open(
            subscription,
            start,
            metadata,
            key=caller.key,
            shows_nodes=caller.sees_operations or service.settings.show_nodes,
            now=service.clock.time(),
        )
        try:
            await service.cluster.opened(connection)
        except BaseException:
            service.hub.closed(connection, Ending("refused"))
            service.cluster.closed(connection)  # it may be counted already, where this was cancelled
            raise
        service.observer.note(
            "connect",
            subscription_id=subscription.id,
            connection_id=connection.id,
            resume_token=request.query_params.get("resume_token"),
            metadata=metadata,
        )
        ending = Ending("failed")
        try:
            ending = await stream(service, connection, service.tools, scope, receive, send)
        finally:
            _closed(service, connection, ending)
            service.cluster.closed(connection)


async def stream(
    service: Service, connection: Connection, tools: Tools, scope: Scope, receive: Receive, send: Send
) -> Ending:
    """Answer a request with a connection's stream; returns what ended it."""
    listener = asyncio.create_task(_listen(receive, connection), name=f"listen {connection.id}")
    writer = Writer(
        send, transport_of(scope), timeout=service.settings.write_timeout, ending=connection.ending
    )
    try:
        return await _stream(service, connection, tools, writer, Headers(scope=scope))
    finally:
        if writer.broke_off:  # an answer without an end is a mistake to the server until it knows why
            await asyncio.wait({listener}, timeout=_PARTING)
        listener.cancel()


async def _stream(
    service: Service, connection: Connection, tools: Tools, writer: Writer, asked: Headers
) -> Ending:
    logger.info(
        "Stream opened",
        extra=fields(
            connection_id=connection.id,
            subscription_id=connection.subscription.id,
            chain_id=connection.subscription.chain_id,
            after_block=connection.start.block if connection.start else None,
            client=connection.metadata or None,
        ),
    )
    await writer.start(
        200,
        [
            (b"content-type", b"application/x-ndjson"),
            (b"cache-control", b"no-store"),
            # Proxies such as nginx must hand each line on as it comes.
            (b"x-accel-buffering", b"no"),
            (b"x-connection-id", connection.id.encode()),
            (b"x-heartbeat-interval", f"{service.settings.heartbeat_interval:g}".encode()),
        ],
    )
    deliveries = None if tools.tracing is None else tools.tracing.deliveries(connection, asked)
    return await Stream(connection, writer, tools, deliveries).run()


async def _listen(receive: Receive, connection: Connection) -> None:
    """Wait until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    connection.end(Ending("client_gone"))


def _closed(service: Service, connection: Connection, ending: Ending) -> None:
    service.hub.closed(connection, ending)
    service.notices.of_closing(connection, ending)
    subscription = connection.subscription
    service.observer.note(
        "disconnect",
        subscription_id=subscription.id,
        connection_id=connection.id,
        reason=ending.reason,
    )
    logger.info(
        "Stream closed",
        extra=fields(
            connection_id=connection.id,
            subscription_id=subscription.id,
            reason=ending.reason,
            unacknowledged=connection.ledger.unacknowledged,
        ),
    )


async def _admitted(request: Request, service: Service) -> tuple[Subscription, Progress]:
    """Return whose stream a request asks for and where it begins, once it is its turn."""
    subscription = await own_subscription(request)
    start = _start(request, service, subscription)
    delay = 0.0 if start.position is None else service.admission.admit()
    if delay:
        await asyncio.sleep(delay)
        subscription = await own_subscription(request)  # it may have changed, or be gone
        start = _start(request, service, subscription)
    return subscription, start


def _start(request: Request, service: Service, subscription: Subscription) -> Progress:
    """Return where a stream begins, or refuse it."""
    if service.stopping:
        raise Unavailable("The service is stopping.", retry_after=5)
    service.cluster.check()
    if not subscription.is_streaming:
        raise Conflict(
            "The subscription is paused: set is_streaming to true first.", code="PROCESSING_STOPPED"
        )
    if not service.chains.is_active(subscription.chain_id):
        raise Conflict(f"Chain {subscription.chain_id} is not active here.", code="PROCESSING_STOPPED")
    token = query_text(request, "resume_token", longest=_LONGEST_TOKEN)
    start = subscription.progress
    if token is not None:
        if service.observer.on_token(subscription.id):
            raise TokenRefused("The resume token has expired.", code="RESUME_TOKEN_EXPIRED")
        start = service.tokens.read(token, TokenScope.of(subscription))
    return start


def where_it_is(call: Call) -> Call:
    """Let the replica that has the connection of the path answer a call."""

    @functools.wraps(call)
    async def somewhere(request: Request) -> Response:
        return await service_of(request).cluster.hand_over(request) or await call(request)

    return somewhere


@where_it_is
async def acknowledge_batch(request: Request) -> Response:
    """Take the acknowledgement of one batch."""
    service = service_of(request)
    body = await read_model(request, BatchAcknowledgmentRequest, limit=service.settings.max_body_bytes)
    connection = _own_connection(request, subscription_id=path_id(request))
    accepted, _ = await _acknowledge(service, connection, [body.batch_id])
    return json_response(
        {
            "acknowledged": body.batch_id in accepted,
            "batch_id": body.batch_id,
            "events_acknowledged": accepted.get(body.batch_id, 0),
            **_about(service, connection),
        }
    )


@where_it_is
async def acknowledge_batch_bulk(request: Request) -> Response:
    """Take the acknowledgements of many batches."""
    service = service_of(request)
    body = await read_model(request, BulkBatchAcknowledgmentRequest, limit=service.settings.max_body_bytes)
    connection = _own_connection(request, subscription_id=path_id(request))
    if body.connection_id != connection.id:
        raise Unprocessable("connection_id of the body is not the one of the path.")
    if len(body.batch_ids) > service.settings.max_bulk_acks:
        raise Unprocessable(f"batch_ids may hold {service.settings.max_bulk_acks} ids at most.")
    accepted, failed = await _acknowledge(service, connection, body.batch_ids)
    return json_response(
        {
            "total_batches": len(body.batch_ids),
            "acknowledged_batches": len(body.batch_ids) - len(failed),
            "failed_batches": len(failed),
            "failed_batch_ids": failed,
            "total_events_acknowledged": sum(accepted.values()),
            **_about(service, connection),
        }
    )


@where_it_is
async def send_heartbeat(request: Request) -> Response:
    """Take a sign of life of a client."""
    service = service_of(request)
    body = await read_model(request, ClientHeartbeatRequest, limit=service.settings.max_body_bytes)
    connection = _own_connection(request)
    connection.seen()
    service.observer.note(
        "heartbeat",
        subscription_id=connection.subscription.id,
        connection_id=connection.id,
        sequence_number=body.sequence_number,
    )
    now = isoformat(service.clock.time())
    return json_response(
        {
            "acknowledged": connection.is_open,
            "connection_id": connection.id,
            "timestamp": now,
            "server_timestamp": now,
        }
    )


async def check_processing_status(request: Request) -> Response:
    """Tell whether a subscription is being processed."""
    service = service_of(request)
    subscription = await own_subscription(request)
    streams = (await service.cluster.open_streams([subscription.id]))[subscription.id]
    return json_response(
        {
            "subscription_id": subscription.id,
            "is_processing": streams > 0,
            "connection_count": streams,
            "timestamp": isoformat(service.clock.time()),
        }
    )


async def get_subscription_last_processed_block(request: Request) -> Response:
    """Tell how far a subscription has come; 404 where it was never processed on that chain."""
    service = service_of(request)
    subscription = await own_subscription(request)
    chain_id = optional_query_integer(request, "chain_id", least=1, most=LARGEST_ID)
    started = subscription.progress.position is not None
    if not started:
        started = (await service.cluster.open_streams([subscription.id]))[subscription.id] > 0
    if not started or chain_id not in (None, subscription.chain_id):
        raise NotFound(
            f"Subscription {subscription.id} is not being processed"
            + (f" on chain {chain_id}." if chain_id is not None else "."),
            title="Not processing",
            code="NOT_PROCESSING",
        )
    return json_response({"last_processed_block": subscription.last_processed_block})


async def _acknowledge(
    service: Service, connection: Connection, batch_ids: list[str]
) -> tuple[dict[str, int], list[str]]:
    connection.seen()
    result = await service.hub.acknowledge(connection, batch_ids)
    for batch_id in batch_ids:
        service.observer.note(
            "acknowledge",
            subscription_id=connection.subscription.id,
            connection_id=connection.id,
            batch_id=batch_id,
            acknowledged=batch_id in result.accepted,
        )
    return result.accepted, result.failed


def _about(service: Service, connection: Connection) -> dict[str, Any]:
    """Return what every answer to an acknowledgement says about its connection."""
    subscription = connection.subscription
    subscription = with_progress(subscription, service.book.current(subscription))
    return {
        "connection_id": connection.id,
        "timestamp": isoformat(service.clock.time()),
        "resume_token": token_for(service, subscription),
    }


def _own_connection(request: Request, *, subscription_id: int | None = None) -> Connection:
    """
    Return the connection that the path names.

    Raises:
        NotFound: There is none, it is another subscription's, or not the caller's.
    """
    service, caller = service_of(request), caller_of(request)
    name = path_name(request, "connection_id")
    connection = service.hub.find(name)
    if connection is not None:
        subscription = connection.subscription
        mine = caller.subscriber in (None, subscription.subscriber_id)
        if mine and subscription_id in (None, subscription.id):
            return connection
    raise no_such_connection()

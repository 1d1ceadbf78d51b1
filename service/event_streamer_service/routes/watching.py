"""Looking at a subscription's events without taking part in their delivery."""

from __future__ import annotations

from attrs import evolve
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from event_streamer_service.chains.types import Position
from event_streamer_service.errors import Conflict, Unavailable
from event_streamer_service.requests import query_integer
from event_streamer_service.routes._request import caller_of, service_of
from event_streamer_service.routes.streaming import stream
from event_streamer_service.routes.subscriptions import own_subscription
from event_streamer_service.service import Service
from event_streamer_service.store.subscriptions import Subscription

_HEAD_PATIENCE = 2.0
"""Seconds that a chain's nodes have to tell its head."""
_MOST_BLOCKS = 1000


class WatchEndpoint:
    """`GET /subscriptions/{id}/watch`: a response that lasts, so it speaks ASGI itself."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        if scope["method"] != "GET":
            await Response(status_code=405, headers={"allow": "GET"})(scope, receive, send)
            return
        service, caller = service_of(request), caller_of(request)
        subscription = await own_subscription(request)
        last_blocks = query_integer(request, "last_blocks", 20, least=0, most=_MOST_BLOCKS)
        if service.stopping:
            raise Unavailable("The service is stopping.", retry_after=5)
        connection = service.hub.watch(
            subscription,
            await _start(service, subscription, last_blocks),
            key=caller.key,
            shows_nodes=caller.sees_operations or service.settings.show_nodes,
            now=service.clock.time(),
        )
        try:
            tools = evolve(service.tools, keep_problem=_keep_nothing, tracing=None)
            await stream(service, connection, tools, scope, receive, send)
        finally:
            service.hub.unwatch(connection)


async def _start(service: Service, subscription: Subscription, last_blocks: int) -> Position | None:
    """Return where to begin: some blocks before the head, or before the end where that is lower."""
    if not service.chains.is_active(subscription.chain_id):
        raise Conflict(f"Chain {subscription.chain_id} is not active here.", code="PROCESSING_STOPPED")
    head = await service.chains.head_number(subscription.chain_id, _HEAD_PATIENCE)
    if head is None:
        return subscription.progress.position
    aim = head if subscription.end_block is None else min(head, subscription.end_block)
    after = aim - last_blocks
    return Position(after) if after >= subscription.start_block else None


async def _keep_nothing(_subscription_id: int, _problem: str) -> None:
    """Whoever only looks on writes nothing down."""

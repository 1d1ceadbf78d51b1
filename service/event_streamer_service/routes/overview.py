"""What goes on in the service now, and over time: what its page shows."""

from __future__ import annotations

import asyncio
from importlib import metadata
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from event_streamer_service.activity import client_of
from event_streamer_service.auth import Caller
from event_streamer_service.chains.breaker import CircuitBreaker
from event_streamer_service.chains.config import redact_url
from event_streamer_service.chains.feed import Chain
from event_streamer_service.clock import isoformat
from event_streamer_service.cluster.directory import OpenStream, Replica
from event_streamer_service.delivery.connection import Connection
from event_streamer_service.node_urls import without_hosts
from event_streamer_service.requests import LARGEST_ID, optional_query_integer, query_integer
from event_streamer_service.responses import json_response
from event_streamer_service.routes._request import caller_of, query, service_of
from event_streamer_service.service import Service
from event_streamer_service.store import subscriptions
from event_streamer_service.store.subscriptions import Subscription

_HEAD_PATIENCE = 1.0
"""Seconds that a chain's nodes have to tell its head, where nobody follows it."""
_HEAD_GOOD_FOR = 15.0
"""Seconds for which that is repeated: pages ask every 2 s, for hours."""
_LONGEST_MINUTES = 360


async def get_overview(request: Request) -> Response:
    """Return chains, pace, connections and notices, as far as they are the caller's."""
    service, caller = service_of(request), caller_of(request)
    shown = caller.sees_operations or service.settings.show_nodes
    connections = [
        connection
        for connection in service.hub.open_connections()
        if caller.subscriber in (None, connection.subscription.subscriber_id)
    ]
    delivered = {c.subscription.id: c.subscription for c in connections if not c.watches}
    paces = [pace for number in delivered if (pace := service.activity.pace(number)) is not None]
    chains = await asyncio.gather(*(_chain(service, chain, shown) for chain in service.chains.running()))
    elsewhere = await service.cluster.streams_elsewhere(caller.subscriber)
    replicas = service.cluster.members
    return json_response(
        {
            "timestamp": isoformat(service.clock.time()),
            "started_at": None if service.started_at is None else isoformat(service.started_at),
            "version": _VERSION,
            "caller": {
                "subscriber_id": caller.subscriber,
                "is_admin": caller.is_admin,
                "needs_key": service.keys.required,
            },
            "events_per_second": round(sum(pace.events for pace in paces), 3),
            "chains": chains,
            "subscriptions": [_subscription(service, each) for each in delivered.values()],
            "connections": [
                *(_connection(each) for each in connections),
                *(_connection_elsewhere(replica, stream) for replica, stream in elsewhere),
            ],
            "notices": _notices(service, caller, shown),
            "replica": service.cluster.name if replicas else None,
            "replicas": [_replica(each, shown=caller.sees_operations) for each in replicas],
        }
    )


async def get_activity(request: Request) -> Response:
    """Return events per second and lag over time."""
    service, caller = service_of(request), caller_of(request)
    number = optional_query_integer(request, "subscription_id", least=1, most=LARGEST_ID)
    minutes = query_integer(request, "minutes", 20, least=1, most=_LONGEST_MINUTES)
    if number is not None:
        found = await query(request, lambda c: subscriptions.get(c, number))
        caller.check_owns(found, number)
        series = service.activity.series(minutes, lambda each: each == number)
    elif caller.subscriber is None:
        series = service.activity.series(minutes, lambda _: True)
    else:
        subscriber = caller.subscriber
        mine = await query(request, lambda c: subscriptions.ids_of(c, subscriber))
        series = service.activity.series(minutes, mine.__contains__)
    return json_response(
        {
            "step": series.step,
            "timestamps": series.times,
            "events_per_second": series.events,
            "blocks_behind": series.behind,
        }
    )


async def _chain(service: Service, chain: Chain, shown: bool) -> dict[str, Any]:
    config, tracker = chain.config, chain.tracker
    head = await service.chains.head_number(config.chain_id, _HEAD_PATIENCE, good_for=_HEAD_GOOD_FOR)
    # It may have been reconfigured while its head was asked for.
    nodes = service.chains.nodes_of(config.chain_id)
    problem = service.chains.known_problem(chain)
    if problem is None and head is None and nodes and all(each.consecutive_failures for _, each in nodes):
        problem = "None of its nodes answers."

    def told(text: str | None) -> str | None:
        return text if text is None or shown else without_hosts(text, config)

    def node(url: str, breaker: CircuitBreaker) -> dict[str, Any]:
        failed_at = breaker.last_failure_time
        return {
            "name": breaker.name,
            "url": redact_url(url) if shown else None,
            "state": breaker.state,
            "retry_after": round(breaker.retry_after, 1),
            "total_calls": breaker.total_calls,
            "failure_count": breaker.failure_count,
            "consecutive_failures": breaker.consecutive_failures,
            "average_response_time": round(breaker.average_response_time, 1),
            "last_error": told(breaker.last_error),
            "last_failure_time": None if failed_at is None else isoformat(failed_at),
        }

    return {
        "chain_id": config.chain_id,
        "name": config.name,
        "head_block": head if head is not None else chain.head_number,
        "head_changed_at": None if tracker.last_change is None else isoformat(tracker.last_change),
        "average_block_time": config.average_block_time,
        "reorgs": tracker.reorgs,
        "streams": chain.feeds,
        "problem": told(problem),
        "nodes": [node(*each) for each in nodes],
    }


def _subscription(service: Service, subscription: Subscription) -> dict[str, Any]:
    pace = service.activity.pace(subscription.id)
    behind = service.activity.blocks_behind(subscription)
    blocks = 0.0 if pace is None else pace.blocks
    return {
        "subscription_id": subscription.id,
        "streams": service.hub.open_streams(subscription.id),
        "events_per_second": 0.0 if pace is None else round(pace.events, 3),
        "blocks_per_second": round(blocks, 3),
        "blocks_behind": behind,
        "seconds_left": round(behind / blocks, 1) if behind is not None and blocks > 0 else None,
    }


def _connection(connection: Connection) -> dict[str, Any]:
    subscription = connection.subscription
    return {
        "connection_id": connection.id,
        "subscription_id": subscription.id,
        "subscriber_id": subscription.subscriber_id,
        "chain_id": subscription.chain_id,
        "watches": connection.watches,
        "opened_at": isoformat(connection.opened_at),
        "client": client_of(connection),
        "events": connection.written,
        "unacknowledged": 0 if connection.watches else connection.ledger.unacknowledged,
        "block": None if connection.position is None else max(0, connection.position.block),
    }


def _connection_elsewhere(replica: str, stream: OpenStream) -> dict[str, Any]:
    return {
        "connection_id": stream.connection_id,
        "subscription_id": stream.subscription_id,
        "subscriber_id": stream.subscriber_id,
        "watches": False,
        "replica": replica,
    }


def _replica(replica: Replica, *, shown: bool) -> dict[str, Any]:
    details = replica.details
    return {
        "name": replica.id,
        "host": f"{details['host']}:{details['pid']}" if shown else None,
        "streams": details["streams"],
        "seconds_up": round(max(0.0, replica.up_for), 1),
        "chains": [
            {"chain_id": int(chain_id), "head_block": head} for chain_id, head in details["chains"].items()
        ],
    }


def _notices(service: Service, caller: Caller, shown: bool) -> list[dict[str, Any]]:
    return [
        {
            "timestamp": isoformat(notice.at),
            "code": notice.code,
            "message": notice.message,
            "count": notice.count,
            "chain_id": notice.chain_id,
            "subscription_id": notice.subscription_id,
            "severity": notice.severity,
        }
        for notice in service.notices.newest_first(caller.subscriber, shows_nodes=shown)
    ]


def _version() -> str:
    try:
        return metadata.version("event-streamer-sdk")
    except metadata.PackageNotFoundError:  # run from its sources
        return "unknown"


_VERSION = _version()

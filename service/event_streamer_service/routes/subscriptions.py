"""Subscriptions: create, list, get, change, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from event_streamer_api.models import ABIEvent, SubscriptionCreate, SubscriptionUpdate
from event_streamer_service.checks import check_definition, check_topics
from event_streamer_service.clock import isoformat
from event_streamer_service.definition import FIELDS, normal_topics, stored_bytes
from event_streamer_service.delivery.endings import CHANGED, DELETED, PAUSING
from event_streamer_service.errors import TooManyRequests, Unprocessable
from event_streamer_service.requests import (
    idempotency_key,
    path_id,
    query_integer,
    query_text,
    read_model,
    read_object,
)
from event_streamer_service.responses import created, json_response
from event_streamer_service.routes._request import caller_of, change, query, service_of
from event_streamer_service.service import Service
from event_streamer_service.settings import Settings
from event_streamer_service.store import idempotency, subscriptions
from event_streamer_service.store.subscriptions import Progress, Subscription, progress_values
from event_streamer_service.tokens import TokenScope

_LAST_PAGE = 2**31 - 1
_PAUSED = {"paused": False, "active": True}
"""Statuses that a client may set, and the `is_streaming` that each stands for."""
_RESTARTING = {"chain_id", "start_block"}
"""Fields whose change makes the progress meaningless: delivery starts anew."""


async def create_subscription(request: Request) -> Response:
    """Add a subscription; delivery begins when its stream is opened."""
    service = service_of(request)
    values = await _wanted(request)
    now = service.clock.time()
    key = idempotency_key(request)
    keyed = (
        None
        if key is None
        else idempotency.Keyed(values["subscriber_id"], key, ["POST", request.url.path, values])
    )

    def add(connection: Connection) -> tuple[dict[str, Any], bool]:
        if keyed is not None:
            answered = idempotency.claim(connection, keyed, now=now)
            if answered is not None:
                return answered, True
        _check_room(connection, service.settings, values)
        added = _describe(service, subscriptions.insert(connection, values, now=now), streams=0)
        if keyed is not None:
            idempotency.keep(connection, keyed, added)
        return added, False

    answer, is_replayed = await change(request, add)
    return created(answer, is_replayed=is_replayed)


async def get_or_create_subscription(request: Request) -> Response:
    """Return the oldest subscription that asks for just this, or add one."""
    service = service_of(request)
    values = await _wanted(request)
    now = service.clock.time()

    def find_or_add(connection: Connection) -> tuple[Subscription, bool]:
        found = subscriptions.find_like(connection, values)
        if found is not None:
            return found, False
        _check_room(connection, service.settings, values)
        return subscriptions.find_or_insert(connection, values, now=now)

    found, is_new = await change(request, find_or_add)
    found = subscriptions.with_progress(found, service.book.with_unsaved(found))
    return json_response(await describe(service, found), 201 if is_new else 200)


async def _wanted(request: Request) -> dict[str, Any]:
    """Return the columns of the subscription that a body asks for, checked."""
    service, caller = service_of(request), caller_of(request)
    wanted = await read_model(request, SubscriptionCreate, limit=service.settings.max_body_bytes)
    owner = caller.acts_for(wanted.subscriber_id)
    if owner is None:
        raise Unprocessable("subscriber_id is missing: say whose subscription it is.")
    if wanted.topic0 is None:
        raise Unprocessable("topic0 is missing: the keccak-256 hash of the event's signature.")
    values = {
        "subscriber_id": owner,
        "chain_id": wanted.chain_id,
        "topic0": wanted.topic0,
        "event_signature": wanted.event_signature.to_dict(),
        "addresses": wanted.addresses,
        "topics": normal_topics(wanted.topics, wanted.event_signature),
        "start_block": wanted.start_block,
        "end_block": wanted.end_block,
    }
    check_topics(wanted.topics, wanted.event_signature)
    check_definition(values, settings=service.settings, chains=service.chains)
    return values


def _check_room(
    connection: Connection, settings: Settings, values: Mapping[str, Any], *, more: int = 1
) -> None:
    """
    Check that a subscriber may have what it asks for.

    Args:
        connection: Of the database.
        settings: The limits.
        values: The subscription's columns.
        more: 1 where it is a new one, 0 where one is changed.

    Raises:
        TooManyRequests: It has as much as is allowed.
    """
    count, size = subscriptions.usage(connection, values["subscriber_id"])
    if more and count >= settings.max_subscriptions:
        raise TooManyRequests(
            f"This subscriber has {settings.max_subscriptions} subscriptions, and no more are "
            "allowed. Delete one first.",
        )
    if size + stored_bytes(values) > settings.max_stored_bytes:
        raise TooManyRequests(
            f"This subscriber's subscriptions take up {size} bytes, and {settings.max_stored_bytes} are "
            "allowed. Delete one first.",
        )


async def list_subscriptions(request: Request) -> Response:
    """Return a page of the caller's subscriptions."""
    service, caller = service_of(request), caller_of(request)
    owner = caller.acts_for(query_text(request, "subscriber_id"))
    page = query_integer(request, "page", 1, least=1, most=_LAST_PAGE)
    page_size = query_integer(request, "page_size", 20, least=1, most=service.settings.max_page_size)
    found, total = await query(
        request,
        lambda c: subscriptions.page(c, subscriber_id=owner, offset=(page - 1) * page_size, limit=page_size),
    )
    streams = await service.cluster.open_streams(each.id for each in found)
    newest = (subscriptions.with_progress(each, service.book.with_unsaved(each)) for each in found)
    return json_response(
        {
            "subscriptions": [_describe(service, each, streams=streams[each.id]) for each in newest],
            "total": total,
            "page": page,
            "page_size": page_size,
        }
    )


async def get_subscription(request: Request) -> Response:
    """Return a subscription."""
    service = service_of(request)
    found = await own_subscription(request, owner=query_text(request, "subscriber_id"))
    return json_response(await describe(service, found))


async def update_subscription(request: Request) -> Response:
    """Change the fields that are given; open streams end, since they deliver the old definition."""
    service, caller = service_of(request), caller_of(request)
    body = await read_object(request, limit=service.settings.max_body_bytes)
    update = SubscriptionUpdate.from_dict(body)
    before = await own_subscription(request)
    changes = _changes(update, body)
    if changes.get("topics") is not None:
        event = update.event_signature or ABIEvent.from_dict(before.event_signature)
        check_topics(changes["topics"], event)
        changes["topics"] = normal_topics(changes["topics"], event)
    if "subscriber_id" in changes:
        caller.acts_for(changes["subscriber_id"])
    changes = {name: value for name, value in changes.items() if getattr(before, name) != value}
    if not changes:
        return json_response(await describe(service, before))
    if changes.keys() - {"is_streaming", "subscriber_id"}:
        merged = {name: getattr(before, name) for name in FIELDS} | changes
        check_definition(merged, settings=service.settings, chains=service.chains)
    if changes.keys() & _RESTARTING:
        changes |= progress_values(Progress())
    await service.book.saved()
    now = service.clock.time()

    def write(connection: Connection) -> Subscription | None:
        if changes.keys() & {"event_signature", "addresses", "topics", "subscriber_id"}:
            merged = {name: getattr(before, name) for name in (*FIELDS, "subscriber_id")} | changes
            _check_room(connection, service.settings, merged, more=0)
        service.cluster.tell(connection, subscription=before.id)
        return subscriptions.update(connection, before.id, changes, now=now)

    after = caller.check_owns(await change(request, write), before.id)
    # What was delivered of the old version moves nothing any more: the database knows the version.
    service.hub.drop(before.id, PAUSING if changes.get("is_streaming") is False else CHANGED)
    service.book.forget(before.id)
    return json_response(await describe(service, after))


async def delete_subscription(request: Request) -> Response:
    """Remove a subscription and end its streams."""
    service = service_of(request)
    found = await own_subscription(request)

    def remove(connection: Connection) -> None:
        service.cluster.tell(connection, subscription=found.id)
        subscriptions.delete(connection, found.id)

    await change(request, remove)
    service.hub.drop(found.id, DELETED)
    service.book.forget(found.id)
    return Response(status_code=204)


async def own_subscription(request: Request, *, owner: str | None = None) -> Subscription:
    """
    Return the subscription that the path names, with its newest progress.

    Args:
        request: The request.
        owner: Whose it has to be, where the request says so.

    Raises:
        NotFound: There is none, or it is not the caller's.
    """
    service, caller = service_of(request), caller_of(request)
    number = path_id(request)
    owner = caller.acts_for(owner)
    found = await query(request, lambda c: subscriptions.get(c, number))
    if found is not None and owner not in (None, found.subscriber_id):
        found = None
    found = caller.check_owns(found, number)
    return subscriptions.with_progress(found, service.book.with_unsaved(found))


def _changes(update: SubscriptionUpdate, body: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that an update sets."""
    changes: dict[str, Any] = {
        name: getattr(update, name)
        for name in (*FIELDS, "subscriber_id", "is_streaming")
        if getattr(update, name) is not None
    }
    if update.event_signature is not None:
        changes["event_signature"] = update.event_signature.to_dict()
    for name in ("end_block", "topics"):
        if name in body and body[name] is None:
            changes[name] = None
    if update.streaming_status is not None:
        if update.streaming_status not in _PAUSED:
            raise Unprocessable(
                "streaming_status can be set to 'active' or 'paused'; the service sets all other values."
            )
        changes.setdefault("is_streaming", _PAUSED[update.streaming_status])
    return changes


async def describe(service: Service, subscription: Subscription) -> dict[str, Any]:
    """Return a subscription as the wire has it."""
    streams = await service.cluster.open_streams([subscription.id])
    return _describe(service, subscription, streams=streams[subscription.id])


def _describe(service: Service, subscription: Subscription, *, streams: int) -> dict[str, Any]:
    progress = subscription.progress
    return {
        "id": subscription.id,
        "topic0": subscription.topic0,
        "event_signature": subscription.event_signature,
        "addresses": subscription.addresses,
        "topics": subscription.topics,
        "start_block": subscription.start_block,
        "end_block": subscription.end_block,
        "last_processed_block": subscription.last_processed_block,
        "chain_id": subscription.chain_id,
        "subscriber_id": subscription.subscriber_id,
        "is_streaming": subscription.is_streaming,
        "streaming_status": _status(subscription, streams),
        "resume_token": token_for(service, subscription),
        "last_event_id": progress.last_event_id,
        "events_delivered": progress.events_delivered,
        "problem": subscription.problem,
        "created_at": isoformat(subscription.created_at),
        "updated_at": isoformat(subscription.updated_at),
    }


def token_for(service: Service, subscription: Subscription) -> str | None:
    """Return a token for a subscription's progress, `None` before the first acknowledgement."""
    progress = subscription.progress
    if progress.position is None:
        return None
    return service.tokens.make(TokenScope.of(subscription), progress.position, progress.events_delivered)


def _status(subscription: Subscription, streams: int) -> str:
    if not subscription.is_streaming:
        return "paused"
    if streams:
        return "active"
    return "finished" if subscription.is_done_at(subscription.progress.position) else "idle"

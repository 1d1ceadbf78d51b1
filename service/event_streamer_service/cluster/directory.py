"""
Which replicas are there, and which streams are open where: two tables, and the database's clock.

A replica is there as long as its lease lasts. The database says what time it is: clocks of machines differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, Float, cast, delete, extract, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_new

from event_streamer_service.store.schema import open_streams, replicas, subscriptions

NOW = cast(extract("epoch", func.clock_timestamp()), Float(53))
"""The time now, in seconds since the Unix epoch, as the database has it."""
_FORGET_AFTER = 60.0
"""Seconds after the end of its lease in which a replica may come back to what it was."""
_COUNTING = 7_203_553
"""Number of the advisory lock under which a subscriber's streams are counted, one after the other."""


@frozen(kw_only=True)
class Replica:
    """
    A process that shares the database.

    Attributes:
        id: Its name, new with each start.
        url: Where the others reach it.
        up_for: Seconds since it started, by the database's clock.
        lease: Seconds for which it counts as there; negative: since when it doesn't.
        details: What it says about itself: `host`, `pid`, `version`, `streams`, `chains` (id → head).
    """

    id: str
    url: str
    up_for: float
    lease: float
    details: Mapping[str, Any]


@frozen(kw_only=True)
class OpenStream:
    """A stream of a replica."""

    connection_id: str
    subscription_id: int
    subscriber_id: str


@frozen(kw_only=True)
class Counts:
    """How many streams are open, in all replicas: of a subscriber, and of a subscription."""

    subscriber: int
    subscription: int


def all_replicas(connection: Connection) -> list[Replica]:
    """Return the replicas, also those that were there until a short while ago, the oldest first."""
    lease = (replicas.c.expires_at - NOW).label("lease")
    up_for = (NOW - replicas.c.started_at).label("up_for")
    columns = (replicas.c.id, replicas.c.url, replicas.c.details, up_for, lease)
    rows = connection.execute(select(*columns).order_by(replicas.c.started_at, replicas.c.id)).mappings()
    return [Replica(**row) for row in rows]


def renew(
    connection: Connection,
    replica: Replica,
    *,
    closed: Sequence[str],
    streams: Iterable[OpenStream],
) -> float:
    """
    Renew a replica's lease; take it in (anew), with all its streams, where it isn't known.

    Args:
        connection: Of the database.
        replica: Itself; `lease` counts from now.
        closed: Connections whose streams have ended.
        streams: All of its streams.

    Returns:
        The time now.
    """
    values = {"url": replica.url, "details": dict(replica.details), "expires_at": NOW + replica.lease}
    known = connection.execute(update(replicas).where(replicas.c.id == replica.id).values(**values))
    if known.rowcount == 0:
        connection.execute(insert(replicas).values(id=replica.id, started_at=NOW, **values))
        for stream in streams:
            add_stream(connection, replica.id, stream)
    remove_streams(connection, closed)
    now: float = connection.execute(select(NOW)).scalar_one()
    return now


def forget_gone(connection: Connection) -> list[str]:
    """Remove replicas that will not come back, and their streams; returns which ones."""
    gone = (
        select(replicas.c.id)
        .where(replicas.c.expires_at < NOW - _FORGET_AFTER)
        .with_for_update(skip_locked=True)
    )
    removed = list(
        connection.execute(delete(replicas).where(replicas.c.id.in_(gone)).returning(replicas.c.id)).scalars()
    )
    if removed:
        connection.execute(delete(open_streams).where(open_streams.c.replica_id.in_(removed)))
    return removed


def leave(connection: Connection, replica_id: str) -> None:
    """Remove a replica that stops, and its streams."""
    connection.execute(delete(open_streams).where(open_streams.c.replica_id == replica_id))
    connection.execute(delete(replicas).where(replicas.c.id == replica_id))


def hold_still(connection: Connection, subscription_id: int) -> int | None:
    """
    Keep a subscription from changing until the transaction ends.

    Returns:
        The subscription's version; `None` where it is gone or paused.
    """
    table = subscriptions
    query = select(table.c.version).where(table.c.id == subscription_id, table.c.is_streaming)
    version: int | None = connection.execute(query.with_for_update(read=True)).scalar_one_or_none()
    return version


def hold_openings(connection: Connection, subscriber_id: str) -> None:
    """Let nobody else open a stream of a subscriber until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(_COUNTING, func.hashtext(subscriber_id))))


def count_streams(connection: Connection, subscription_id: int, subscriber_id: str) -> Counts:
    """Count the open streams of a subscriber and of a subscription, in all replicas."""
    theirs, its = (
        open_streams.c.subscriber_id == subscriber_id,
        open_streams.c.subscription_id == subscription_id,
    )
    query = _of_live(select(func.count().filter(theirs), func.count().filter(its)).where(or_(theirs, its)))
    of_subscriber, of_subscription = connection.execute(query).one()
    return Counts(subscriber=of_subscriber, subscription=of_subscription)


def streams_of(connection: Connection, subscription_ids: Iterable[int]) -> dict[int, int]:
    """Count the open streams of subscriptions, in all replicas; those without any are left out."""
    number = open_streams.c.subscription_id
    query = _of_live(select(number, func.count()).where(number.in_(list(subscription_ids)))).group_by(number)
    return {row[0]: row[1] for row in connection.execute(query)}


def streams_elsewhere(
    connection: Connection, replica_id: str, subscriber_id: str | None, *, most: int
) -> list[tuple[str, OpenStream]]:
    """
    Return the open streams of other replicas, each with its replica.

    Args:
        connection: Of the database.
        replica_id: Whose streams are left out.
        subscriber_id: Whose are wanted; `None` for everybody's.
        most: Streams, at most.
    """
    table = open_streams.c
    query = _of_live(
        select(table.replica_id, table.connection_id, table.subscription_id, table.subscriber_id)
    ).where(table.replica_id != replica_id)
    if subscriber_id is not None:
        query = query.where(table.subscriber_id == subscriber_id)
    rows = connection.execute(query.order_by(table.subscription_id, table.connection_id).limit(most))
    return [
        (row[0], OpenStream(connection_id=row[1], subscription_id=row[2], subscriber_id=row[3]))
        for row in rows
    ]


def add_stream(connection: Connection, replica_id: str, stream: OpenStream) -> None:
    """Note an open stream."""
    values = {
        "connection_id": stream.connection_id,
        "replica_id": replica_id,
        "subscription_id": stream.subscription_id,
        "subscriber_id": stream.subscriber_id,
    }
    connection.execute(insert_new(open_streams).values(**values).on_conflict_do_nothing())


def remove_streams(connection: Connection, closed: Sequence[str]) -> None:
    """Note that streams have ended."""
    if closed:
        connection.execute(delete(open_streams).where(open_streams.c.connection_id.in_(closed)))


def _of_live(query: Any) -> Any:
    return query.select_from(open_streams.join(replicas, replicas.c.id == open_streams.c.replica_id)).where(
        replicas.c.expires_at > NOW
    )

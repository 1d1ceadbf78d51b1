"""
Answers kept by the key of their request, so that a create that is sent again creates nothing again.

The key is claimed and the answer kept in the transaction that creates. So two requests with one key, in two
processes too, meet at the primary key: the later one waits for the first to commit, and finds its answer.
What fails keeps nothing, and may be tried again under the same key.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from event_streamer_service.errors import Conflict
from event_streamer_service.store.schema import idempotency_keys as table

LIFETIME = 24 * 3600.0
"""Seconds that an answer is kept."""
MOST_OF_ONE_OWNER = 1000
"""Answers that are kept for one owner; the oldest make room."""
_REMOVED_AT_ONCE = 100


@frozen
class Keyed:
    """
    A request that bears a key.

    Attributes:
        owner: Whose key it is: keys of two owners are two.
        key: The key.
        wanted: What is asked for, as JSON values: another thing under the same key is refused.
    """

    owner: str
    key: str
    wanted: Any

    @property
    def id(self) -> str:
        """The owner and the key, hashed: as long as any other, whatever was sent."""
        return _digest([self.owner, self.key])

    @property
    def fingerprint(self) -> str:
        """What is asked for, hashed."""
        return _digest(self.wanted)


def find(connection: Connection, request: Keyed, *, now: float) -> dict[str, Any] | None:
    """
    Return the answer that an earlier request with this key had, `None` where there was none.

    Raises:
        Conflict: That one asked for something else.
    """
    query = select(table).where(table.c.id == request.id, table.c.created_at > now - LIFETIME)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    if row["fingerprint"] != request.fingerprint:
        raise Conflict(
            "This Idempotency-Key was used for another request. Use a new key for each new request.",
            title="Idempotency-Key used already",
            code="IDEMPOTENCY_KEY_REUSED",
        )
    answer: dict[str, Any] = row["answer"]
    return answer


def claim(connection: Connection, request: Keyed, *, now: float) -> dict[str, Any] | None:
    """
    Take a key for this transaction.

    Returns:
        `None`: it is taken, and `keep` has to follow. Else the answer of the request that had it before.

    Raises:
        Conflict: That one asked for something else.
    """
    insert = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    row = insert(table).values(
        id=request.id, owner=request.owner, fingerprint=request.fingerprint, answer={}, created_at=now
    )
    take = row.on_conflict_do_nothing().returning(table.c.id)
    while connection.execute(take).scalar_one_or_none() is None:
        found = find(connection, request, now=now)
        if found is not None:
            return found
        # It has expired.
        connection.execute(delete(table).where(table.c.id == request.id))
    _remove_old(connection, request.owner, now)
    return None


def keep(connection: Connection, request: Keyed, answer: dict[str, Any]) -> None:
    """Keep the answer of a request whose key was claimed."""
    connection.execute(table.update().where(table.c.id == request.id).values(answer=answer))


def _remove_old(connection: Connection, owner: str, now: float) -> None:
    """Remove some answers that have expired, and those of an owner that are too many."""
    expired = select(table.c.id).where(table.c.created_at <= now - LIFETIME)
    too_many = (
        select(table.c.id)
        .where(table.c.owner == owner)
        .order_by(table.c.created_at.desc())
        .offset(MOST_OF_ONE_OWNER)
    )
    for query in (expired, too_many):
        # Those that another process removes just now are left to it: two would wait for each other.
        some = query.limit(_REMOVED_AT_ONCE).with_for_update(skip_locked=True)
        ids = connection.execute(some).scalars().all()
        if ids:
            connection.execute(delete(table).where(table.c.id.in_(ids)))


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

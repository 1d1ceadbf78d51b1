"""Chain configurations in the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as insert_new

from event_streamer_service.store.schema import chains as table


@frozen(kw_only=True)
class StoredChain:
    """A chain's configuration as the REST calls gave it, and whether it is followed."""

    chain_id: int
    config: dict[str, Any]
    active: bool
    updated_at: float


def all_chains(connection: Connection) -> list[StoredChain]:
    """Return every chain, also those that were deactivated, by id."""
    rows = connection.execute(select(table).order_by(table.c.chain_id)).mappings()
    return [
        StoredChain(
            chain_id=row["chain_id"],
            config=row["config"],
            active=row["active"],
            updated_at=row["updated_at"],
        )
        for row in rows
    ]


def save(connection: Connection, chain_id: int, config: Mapping[str, Any], *, now: float) -> None:
    """Write a chain's configuration, over an older one if there is one, and activate it."""
    values = {"config": dict(config), "active": True, "updated_at": now}
    changed = connection.execute(table.update().where(table.c.chain_id == chain_id).values(**values))
    if changed.rowcount == 0:
        connection.execute(table.insert().values(chain_id=chain_id, created_at=now, **values))


def enter(connection: Connection, chain_id: int, config: Mapping[str, Any], *, now: float) -> None:
    """Write a chain's configuration where there is none, be it that others write it too; PostgreSQL only."""
    values = {"config": dict(config), "active": True, "created_at": now, "updated_at": now}
    connection.execute(insert_new(table).values(chain_id=chain_id, **values).on_conflict_do_nothing())


def deactivate(connection: Connection, chain_id: int, *, now: float) -> None:
    """Stop following a chain; its configuration stays."""
    connection.execute(
        table.update().where(table.c.chain_id == chain_id).values(active=False, updated_at=now)
    )

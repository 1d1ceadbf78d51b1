"""Recent block headers in the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError

from event_streamer_service.chains.errors import ChainUnavailable
from event_streamer_service.chains.types import Block
from event_streamer_service.store.database import Database
from event_streamer_service.store.schema import block_headers as table

T = TypeVar("T")


class SqlHeaderStore:
    """
    Keeps headers in the service's database (a `HeaderStore`).

    Args:
        database: The service's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, chain_id: int, blocks: Sequence[Block]) -> None:
        """Store headers; one that is there already (same hash) stays as it is."""
        rows = [
            {
                "chain_id": chain_id,
                "hash": block.hash,
                "number": block.number,
                "parent_hash": block.parent_hash,
                "timestamp": block.timestamp,
            }
            for block in blocks
        ]
        if rows:
            await self._run(lambda connection: _save(connection, rows))

    async def load(self, chain_id: int) -> list[Block]:
        """Return all stored headers of a chain, in any order; several may share a number."""
        return await self._run(lambda connection: _load(connection, chain_id))

    async def prune(self, chain_id: int, below: int) -> None:
        """Forget headers with a number less than `below`, but for block 0: it tells a chain from another."""
        query = table.delete().where(table.c.chain_id == chain_id, table.c.number < below, table.c.number > 0)
        await self._run(lambda connection: connection.execute(query))

    async def _run(self, work: Callable[[Connection], T]) -> T:
        """Work in the database; its outage holds a chain up as a node's does, and subscribers are told."""
        try:
            return await self._database.run(work)
        except SQLAlchemyError as problem:  # the database's own module tells the rest
            raise ChainUnavailable("the service's database can't be used now") from problem


def _save(connection: Connection, rows: list[dict[str, object]]) -> None:
    insert = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    connection.execute(insert(table).on_conflict_do_nothing(), rows)


def _load(connection: Connection, chain_id: int) -> list[Block]:
    columns = (table.c.number, table.c.hash, table.c.parent_hash, table.c.timestamp)
    rows = connection.execute(select(*columns).where(table.c.chain_id == chain_id))
    return [Block(*row) for row in rows]

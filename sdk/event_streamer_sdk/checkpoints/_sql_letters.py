"""Dead letters in a table of an SQL database: pure functions of a connection."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from event_streamer_api.errors import EventStreamerValidationError

from .._core.stream.checkpoint import DeadLetterRecord
from .._extras import needs
from ._sql_database import Work
from .letters import DeadLetter, as_json, from_json, id_of

DEFAULT_TABLE = "event_streamer_dead_letters"
WRITING, READING, REMOVING = "writing a dead letter", "reading dead letters", "removing dead letters"


class SQLLetters:
    """The table of dead letters, and the work that is done in it."""

    def __init__(self, table: str) -> None:
        if not table.isidentifier():
            raise EventStreamerValidationError(f"table must be a plain name, not {table!r}")
        sa = needs("sqlalchemy")
        self.table: Any = sa.Table(
            table,
            sa.MetaData(),
            sa.Column("time", sa.String(40), nullable=False),
            sa.Column("kind", sa.String(16), nullable=False),
            sa.Column("subscription_id", sa.BigInteger, nullable=False),
            sa.Column("batch_id", sa.Text),
            sa.Column("reason", sa.Text, nullable=False),
            sa.Column("record", sa.Text, nullable=False),
        )

    def insert(self, record: DeadLetterRecord) -> Work:
        """Write a record."""
        insert = self.table.insert().values(
            time=record.time.isoformat(),
            kind=record.kind,
            subscription_id=record.subscription_id,
            batch_id=record.batch_id,
            reason=record.reason,
            record=as_json(record),
        )
        return lambda connection: connection.execute(insert)

    def select(self) -> Callable[[Any], list[DeadLetter]]:
        """Read all, in the order of their time."""
        sa = needs("sqlalchemy")
        select = sa.select(self.table.c.record).order_by(self.table.c.time)
        return lambda connection: [from_json(text) for text in connection.execute(select).scalars()]

    def delete(self, ids: Collection[str]) -> Callable[[Any], int]:
        """Forget some; gives how many were there."""
        sa = needs("sqlalchemy")
        record = self.table.c.record

        def work(connection: Any) -> int:
            found = [text for text in connection.execute(sa.select(record)).scalars() if id_of(text) in ids]
            return sum(
                connection.execute(self.table.delete().where(record == text)).rowcount
                for text in dict.fromkeys(found)
            )

        return work

"""Work in a transaction of an SQL database, and what its errors mean; with and without asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .._core.stream.failures import store_may_come_back
from .._extras import MissingExtraError, needs
from .._runs.aside import call_aside
from ..exceptions import StoreError
from ._sql_engines import ENGINES, POOL_SIZE, DatabasePlace, Shared, loop_key, place_of
from ._sql_gathering import Position, settle, to_try_alone

Work = Callable[[Any], Any]
"""Gets a connection of SQLAlchemy in a transaction; what it returns is handed on."""
SaveAll = Callable[[Sequence[Position]], Work]
"""Gives the work that stores positions, which returns the names of those that are stored."""


_PATIENCE_WHEN_CANCELLED = 0.25
"""Seconds that a server has to break off a statement."""
_FINDING = threading.BoundedSemaphore(POOL_SIZE)
"""Stores that ask a first connection where it leads to, at once: a hundred may start together."""


class _Known:
    """What both kinds know: the place, its tables, and what a failure means."""

    _shared: Shared | None = None

    def __init__(
        self,
        where: Any,
        dialect: str | None,
        tables: Sequence[Any],
        error: type[StoreError],
        *,
        singly: bool = False,
    ) -> None:
        self._where = where
        self._dialect = dialect
        self._tables = tables
        self._error = error
        # What can't be a database is refused now; of a connect function that is told when it is first used.
        self._place: DatabasePlace | None = None if callable(where) else place_of(where, dialect)
        self._singly = singly
        self._lock = threading.Lock()

    def _found(self, what: str) -> DatabasePlace:
        """Give the place; a connect function is asked for a first connection, once."""
        if self._place is None:
            with self._lock, _FINDING:
                if self._place is None:
                    with self._failures_told(what):
                        self._place = place_of(self._where, self._dialect)
        return self._place

    def _take(self, what: str, key: Hashable, make: Callable[[], Any]) -> Shared:
        with self._failures_told(what):
            shared = self._shared = ENGINES.take(key, make, self)
        return shared

    def _given_back(self) -> Any:
        """Let go of the engine; gives it where nobody has it any more and it is to be disposed of."""
        shared, self._shared = self._shared, None
        engine = ENGINES.give_back(shared, self) if shared is not None else None
        return None if self._place is not None and self._place.is_users else engine

    def _engine(self, shared: Shared) -> Any:
        """Give the engine for some work: where that is one statement, a transaction would hold it up."""
        if self._singly and shared.engine.dialect.name == "postgresql":
            return shared.engine.execution_options(isolation_level="AUTOCOMMIT")
        return shared.engine

    def _missing(self, shared: Shared) -> list[Any]:
        return [table for table in self._tables if table.name not in shared.made]

    @contextmanager
    def _failures_told(
        self, what: str, shared: Shared | None = None, *, fresh: bool = True
    ) -> Iterator[None]:
        """Make our error of what goes wrong; the tables are looked for anew."""
        try:
            yield
        except (MissingExtraError, self._error):
            raise
        except Exception as error:
            if shared is not None:
                shared.made -= {table.name for table in self._tables}
            cause = getattr(error, "orig", None) or error
            lines = str(cause).strip().splitlines()
            raise self._error(
                f"{what} failed: {type(cause).__name__}: {lines[0] if lines else ''}",
                # A kept connection may be at fault itself; the next one is made anew.
                permanent=fresh and not _may_pass(error),
            ) from error


def _may_pass(error: Exception) -> bool:
    exceptions = needs("sqlalchemy").exc
    if isinstance(error, exceptions.TimeoutError):  # all connections of the pool are in use
        return True
    if isinstance(error, exceptions.DBAPIError):
        return error.connection_invalidated or store_may_come_back(error.orig)
    if isinstance(error, exceptions.SQLAlchemyError):  # of the statement, and not of the database
        return False
    return store_may_come_back(error)


class Database(_Known):
    """
    An SQL database, used from any thread.

    Args:
        where: As for `place_of`.
        dialect: As for `place_of`.
        tables: Tables of SQLAlchemy; made where they don't exist.
        error: The exception to raise.
        singly: The work is one statement on PostgreSQL, which needs no transaction around it.
    """

    def transaction(self, work: Work, what: str) -> Any:
        """
        Do some work in one transaction.

        Args:
            work: The work.
            what: What is being done, for the error's message.

        Returns:
            What `work` returns.

        Raises:
            Exception: The error this was made with; the transaction is rolled back.
        """
        place = self._found(what)
        shared = self._take(what, place.key, place.make)
        place.close_unused()
        missing = self._missing(shared)
        with self._failures_told(what, shared, fresh=bool(missing)):
            self._make_tables(shared, missing)
            with self._engine(shared).begin() as connection:
                try:
                    return work(connection)
                finally:
                    if self._shared is not shared:  # closed meanwhile: the pool takes nothing back
                        connection.detach()

    def save(self, position: Position, save_all: SaveAll, what: str) -> bool:
        """
        Store a position, together with those that other threads have waiting.

        Args:
            position: The position.
            save_all: Stores several.
            what: As for `transaction`.

        Returns:
            Whether it is stored; else another worker has taken over.

        Raises:
            Exception: As by `transaction`.
        """
        place = self._found(what)
        gathering = ENGINES.gathering((place.key, self._tables[0].name), threading.Lock)
        try:
            with gathering.waiting(position), gathering.turn:
                while position.waits:
                    with gathering.taken() as part:
                        self._save_all(part, save_all, what)
        finally:
            place.close_unused()  # where another store's connection has done the work
        return position.result()

    def _save_all(self, part: Sequence[Position], save_all: SaveAll, what: str) -> None:
        try:
            settle(part, self.transaction(save_all(part), what))
        except StoreError as error:
            for position in to_try_alone(part, error):
                self._save_all([position], save_all, what)

    def _make_tables(self, shared: Shared, missing: Sequence[Any]) -> None:
        for table in missing:
            try:
                self._make_table(shared.engine, table)
            except needs("sqlalchemy").exc.DBAPIError:
                # Workers that start at once may both find no table; then one of them fails to make it. Each
                # table is tried by itself: with several in one go, the other may be ahead once more.
                self._make_table(shared.engine, table)
            shared.made.add(table.name)

    def _make_table(self, engine: Any, table: Any) -> None:
        with engine.begin() as connection:
            table.create(connection, checkfirst=True)

    def close(self) -> None:
        """Give the engine back; the last one closes its connections. A further call opens others."""
        engine = self._given_back()
        if engine is not None:
            engine.dispose()


async def _ended_when_cancelled(work: Coroutine[Any, Any, Any]) -> Any:
    """
    Do some work that ends soon when it is cancelled, whatever the database does.

    psycopg asks the server to break the statement off, and gives a silent one ten seconds for it, unless it
    is cancelled once more.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_PATIENCE_WHEN_CANCELLED)
        if not task.cancelled():
            task.exception()  # nobody asks for it any more, and asyncio would say so
        raise
    return task.result()


class AsyncDatabase(_Known):
    """The same for asyncio, through SQLAlchemy's engine for it; in threads where a driver has no asyncio."""

    _threaded: Database | None = None

    async def transaction(self, work: Work, what: str) -> Any:
        """Do some work in one transaction, as `Database.transaction`."""
        place = await self._found_in_thread(what)
        if place.make_async is None:
            if self._threaded is None:
                self._threaded = Database(place, None, self._tables, self._error, singly=self._singly)
            return await call_aside(self._threaded.transaction, work, what)
        shared = self._take(what, loop_key(place.key), place.make_async)
        missing = self._missing(shared)
        with self._failures_told(what, shared, fresh=bool(missing)):
            return await _ended_when_cancelled(self._done(shared, missing, work))

    async def _done(self, shared: Shared, missing: Sequence[Any], work: Work) -> Any:
        await self._make_tables(shared, missing)
        async with self._engine(shared).begin() as connection:
            return await connection.run_sync(work)

    async def _found_in_thread(self, what: str) -> DatabasePlace:
        place = self._place
        if place is None:  # it may have to connect
            place = await call_aside(self._found, what)
        return place

    async def save(self, position: Position, save_all: SaveAll, what: str) -> bool:
        """Store a position, together with those that other tasks have waiting, as `Database.save`."""
        place = await self._found_in_thread(what)
        gathering = ENGINES.gathering((loop_key(place.key), self._tables[0].name), asyncio.Lock)
        with gathering.waiting(position):
            async with gathering.turn:
                while position.waits:
                    with gathering.taken() as part:
                        await self._save_all(part, save_all, what)
        if place.unused:
            await call_aside(place.close_unused)
        return position.result()

    async def _save_all(self, part: Sequence[Position], save_all: SaveAll, what: str) -> None:
        try:
            settle(part, await self.transaction(save_all(part), what))
        except StoreError as error:
            for position in to_try_alone(part, error):
                await self._save_all([position], save_all, what)

    async def _make_tables(self, shared: Shared, missing: Sequence[Any]) -> None:
        for table in missing:
            try:
                await self._make_table(shared.engine, table)
            except needs("sqlalchemy").exc.DBAPIError:
                await self._make_table(shared.engine, table)
            shared.made.add(table.name)

    async def _make_table(self, engine: Any, table: Any) -> None:
        async with engine.begin() as connection:
            await connection.run_sync(table.create, checkfirst=True)

    async def close(self) -> None:
        """Give the engine back; the last one closes its connections."""
        if self._threaded is not None:
            await call_aside(self._threaded.close)
        engine = self._given_back()
        if engine is not None:
            await engine.dispose()

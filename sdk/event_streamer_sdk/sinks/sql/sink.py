"""Events in a table of PostgreSQL or SQLite: rows and position in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import StreamingReorg

from ..._extras import needs
from ..protocol import SinkBatch, SinkError, SinkUnavailableError, Source
from .dialects import Dialect, dialect_of
from .early import EarlyRows
from .tables import check, check_name, events_of, positions_table, table_name, table_of

__all__ = ["SQLSink"]

EARLY_EVENTS = 1_000
"""With fewer events at a time it isn't worth a transaction's beginning."""


class SQLSink:
    """
    Writes events into a table of PostgreSQL (by COPY) or SQLite.

    The table is made from the ABI where it isn't there, and checked where it is. Its primary key is the
    chain, the block's number, the transaction's hash and the log's index; integers of more than 64 bits are
    `NUMERIC(78, 0)` (SQLite: text), lists and structs JSON. Each transaction holds rows and the position
    behind them, which is kept in the table `event_streamer_positions`. Rows of replaced blocks are deleted.

    A table belongs to one subscription. A second process that writes into it is found out, and refused.

    Args:
        url: `postgresql://user:password@host/database`, or `sqlite:///file.db`; `?table=` and `?schema=` name
            the table.
        table: The table's name; as in the URL, else the event's name in lower case.
        schema: The schema of PostgreSQL; as in the URL, else the default one.
        columns: The parameters that are wanted; all where not given.
        where: A condition for rows, such as `value > 10**24`.
        write_rows: Events in a transaction, at most about so many.
        patience: Seconds that the database may be away before the stream ends.

    Raises:
        EventStreamerValidationError: The URL can't be used.
        MissingExtraError: SQLAlchemy or psycopg isn't installed.

    Example:
        >>> streaming_client.run(into=SQLSink("postgresql://localhost/chain?table=transfers"))
    """

    def __init__(
        self,
        url: str,
        *,
        table: str | None = None,
        schema: str | None = None,
        columns: Iterable[str] | None = None,
        where: str | None = None,
        write_rows: int = 50_000,
        patience: float = 60.0,
    ) -> None:
        self._sqlalchemy = needs("sqlalchemy")
        self._url, named = _parse(self._sqlalchemy, url)
        self._dialect: Dialect = dialect_of(self._url.get_backend_name())
        self._table_name = table or named.get("table")
        check_name(self._table_name)
        self._schema = schema or named.get("schema")
        self._columns = None if columns is None else tuple(columns)
        self._where = where
        self.write_rows = write_rows
        self.patience = patience
        self._engine: Any = None
        self._connection: Any = None
        self._source: Source | None = None
        self._table: Any = None
        self._positions = positions_table(self._schema)
        self._position: str | None = None
        self._name = f"table {self._table_name}"
        self._early: EarlyRows | None = None
        self._sends_early = True

    # --- the sink ------------------------------------------------------------------------------

    def open(self, source: Source) -> str | None:
        """
        Make or check the table, and read the position.

        Args:
            source: The subscription.

        Returns:
            The token of the position.

        Raises:
            SinkUnavailableError: The database can't be reached.
            SinkError: The table is another one, or belongs to another subscription.
        """
        self._source = source = source.narrowed(columns=self._columns, where=self._where)
        events = events_of(source, self._columns, self._where)
        self._table_name = name = self._table_name or table_name(source.event)
        self._name = f"table {name}"
        self._table = table_of(events, name, self._schema, self._dialect.name)
        self._engine = self._sqlalchemy.create_engine(
            self._url, connect_args=self._dialect.connect_args, poolclass=self._sqlalchemy.pool.NullPool
        )
        self._dialect.begin(events, self._table, self._engine.dialect)
        with self._transaction() as connection:
            # Of processes that start at once each has to find what the one before has made.
            self._dialect.alone(connection)
            is_there = check(connection, self._table)
            self._positions.create(connection, checkfirst=True)
            found = self._read(connection)
            token = source.token_in(found, self._name)
            if found is None:
                if (
                    is_there
                    and connection.execute(self._sqlalchemy.select(1).select_from(self._table)).first()
                ):
                    raise SinkError(
                        f"{self._name} has rows, but no position is stored for them: name another table"
                    )
                self._table.create(connection, checkfirst=True)
                found = source.position(None)
                connection.execute(self._positions.insert().values(table_name=name, position=found))
            elif not is_there:
                raise SinkError(
                    f"{self._name} is gone, but not its position: delete it from {self._positions.name}, and "
                    "stream a new subscription, since this one would not begin anew"
                )
        self._position = found
        return token

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Any:
        """
        Bring events into the database's form.

        Args:
            events: Event objects.

        Returns:
            Text of COPY, or rows.
        """
        prepared = self._dialect.prepare(events)
        copy = self._dialect.copy
        if copy is not None and self._sends_early and len(events) >= EARLY_EVENTS:
            self._send_early(copy, prepared)
        return prepared

    def write(self, batch: SinkBatch) -> None:
        """
        Write rows and the position in one transaction.

        Args:
            batch: The events.

        Raises:
            SinkUnavailableError: The database is away, locked or full.
            SinkError: It refuses, or another process has written.
        """
        left = self._end_early(batch.prepared)
        self._move(self._opened().position(batch.resume_token), lambda raw: self._dialect.insert(raw, left))

    def undo(self, reorg: StreamingReorg) -> None:
        """
        Delete the rows of replaced blocks, and move the position, in one transaction.

        Args:
            reorg: The replaced blocks.

        Raises:
            SinkUnavailableError: The database is away, locked or full.
            SinkError: It refuses, or another process has written.
        """
        self._give_up_early()
        columns = self._table.columns
        gone = self._table.delete().where(
            columns.chain_id == self._opened().chain_id, columns.block_number > reorg.common_ancestor
        )
        self._move(self._opened().position(reorg.resume_token), lambda _: self._connection.execute(gone))

    def finish(self) -> None:
        """
        Note that the subscription has no further events.

        Raises:
            SinkUnavailableError: The database is away, locked or full.
        """
        self._give_up_early()
        token = self._opened().token_in(self._position, self._name)
        self._move(self._opened().position(token, finished=True), lambda _: None)

    def break_off(self) -> None:
        """Let a call fail that waits for the database, in another thread."""
        connection = self._connection
        if connection is not None:
            with suppress(Exception):  # it may just have been let go of
                self._dialect.sever(connection.connection.driver_connection)

    def close(self) -> None:
        """Close the connection."""
        self._let_go()
        if self._engine is not None:
            self._engine.dispose()

    # --- rows that are sent before they are due ----------------------------------------------------

    def _send_early(self, copy: str, prepared: Any) -> None:
        try:
            if self._early is None:
                self._early = self._begin_early(copy)
            if self._early is not None:
                self._early.send(prepared)
        except BaseException as problem:
            self._let_go()
            if not isinstance(problem, self._dialect.errors.raised):
                raise
            # write() sends all, and says what is wrong.

    def _begin_early(self, copy: str) -> EarlyRows | None:
        if self._connection is None:
            self._connection = self._engine.connect()
        # In the order of all others: first the position, then rows.
        if self._read(self._connection, for_update=True) != self._position:
            self._connection.rollback()
            return None
        return EarlyRows(self._connection.connection.driver_connection, copy)

    def _end_early(self, due: Sequence[Any]) -> Sequence[Any]:
        """Give the rows that are not in the transaction yet: all of them, where it had to be rolled back."""
        if self._early is None:
            return due
        left = None
        try:
            left = self._early.end(due)
        except self._dialect.errors.raised as problem:
            # Where rows are there already, those that follow probably are, too.
            self._sends_early = self._dialect.errors.may_work_later(_cause(problem))
        finally:
            self._early = None
            if left is None:
                self._let_go()
        return due if left is None else left

    def _give_up_early(self) -> None:
        if self._early is not None:
            self._let_go()

    # --- transactions --------------------------------------------------------------------------

    def _opened(self) -> Source:
        assert self._source is not None, "open comes first"
        return self._source

    def _move(self, position: str, work: Callable[[Any], Any]) -> None:
        """
        Move the position, and do what belongs to it, in one transaction.

        The position comes first: where it isn't what we wrote last, somebody else has moved it, or our own
        transaction was committed and only the answer was lost.
        """
        with self._transaction() as connection:
            columns = self._positions.columns
            moved = connection.execute(
                self._positions.update()
                .where(columns.table_name == self._table_name, columns.position == self._position)
                .values(position=position)
            )
            if moved.rowcount == 1:
                work(connection.connection.driver_connection)
            elif self._read(connection) != position:
                raise SinkError(f"another process writes into {self._name}: end it, or name another table")
        self._position = position

    def _read(self, connection: Any, *, for_update: bool = False) -> str | None:
        columns = self._positions.columns
        query = self._sqlalchemy.select(columns.position).where(columns.table_name == self._table_name)
        if for_update:
            query = query.with_for_update()
        found: str | None = connection.execute(query).scalar()
        return found

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """Give a connection in a transaction, which is committed at the end; a broken one is let go of."""
        errors = self._dialect.errors
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            yield self._connection
            self._connection.commit()
        except SinkError:
            self._let_go()
            raise
        except errors.raised as problem:
            self._let_go()
            kind = SinkUnavailableError if errors.may_work_later(_cause(problem)) else SinkError
            raise kind(f"{self._name} can't be written: {_first_line(problem)}") from problem
        except BaseException:
            self._let_go()
            raise

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        self._early = None
        if connection is not None:
            with suppress(Exception):  # it is being thrown away
                connection.invalidate()
            with suppress(Exception):
                connection.close()


def _cause(problem: BaseException) -> BaseException:
    """Give what the driver raised, which SQLAlchemy wraps."""
    return getattr(problem, "orig", None) or problem


def _first_line(problem: BaseException) -> str:
    """Say what the driver says, without the statement that SQLAlchemy shows beside it."""
    cause = _cause(problem)
    return next(iter(str(cause).strip().splitlines()), type(cause).__name__)


def _parse(sa: Any, text: str) -> tuple[Any, dict[str, str]]:
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError) as problem:
        raise EventStreamerValidationError("the URL of the database can't be read") from problem
    ours = {name: str(value) for name, value in url.query.items() if name in ("table", "schema")}
    url = url.difference_update_query(ours)
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    kind, _, driver = url.drivername.partition("+")
    if kind in ("postgresql", "sqlite") and driver not in ("", "psycopg", "pysqlite"):
        raise EventStreamerValidationError(
            f"events don't go to {url.drivername}://: write postgresql://, for psycopg 3, or sqlite:///file.db"
        )
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise EventStreamerValidationError(
            "a database in memory is gone with the program: name a file, sqlite:///file.db"
        )
    return url, ours

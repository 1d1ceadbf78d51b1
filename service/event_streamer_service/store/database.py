"""
The database: a piece of work at a time in each of a few worker threads, off the event loop.

SQLite gets one worker, so that writers wait for each other in our queue and not at the file's lock;
PostgreSQL gets several. The queue is bounded: a database that is slower than what is asked of it makes
callers come again, and never does what nobody waits for any more. A database that falls silent fails after a
while, here and not when the kernel notices.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from attrs import define, field
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import StaticPool

from event_streamer_sdk._core.words import install_hint
from event_streamer_service.errors import StartupError, Unavailable, WrongArgument
from event_streamer_service.logs import fields
from event_streamer_service.store import files, postgres, rights
from event_streamer_service.store.files import SameFile, hindrance, keep_private, make_private
from event_streamer_service.store.migrations import is_unused, migrate

logger = logging.getLogger(__name__)

T = TypeVar("T")

_POSTGRES_NAMES = {"postgres", "postgresql", "postgresql+psycopg"}
_LAST_PATIENCE = 0.5
"""Seconds that work has once the database is to be closed."""
_RETRY_AFTER = (1.0, 5.0)
"""Seconds after which refused callers come again: spread, so that they don't come together."""


class ClientGone(Exception):  # noqa: N818 - reads as the state it reports
    """Whoever wanted a piece of work done is no longer there: it was not begun."""


@define(eq=False)
class _Job:
    """Work in a worker thread, which may be given up from outside."""

    is_wanted: Callable[[], bool]
    connection: Connection | None = None
    given_up: bool = False
    lock: threading.Lock = field(factory=threading.Lock)

    def holds(self, connection: Connection | None) -> None:
        with self.lock:
            self.connection = connection
            if connection is not None and self.given_up:
                postgres.sever(connection)

    def give_up(self) -> None:
        """Let the work fail now, whatever it waits for."""
        with self.lock:
            self.given_up = True
            if self.connection is not None:
                postgres.sever(self.connection)


class Database:
    """
    A database that was opened and brought to the newest schema.

    Args:
        url: `sqlite:///file`, `sqlite://` (memory) or `postgresql://user:password@host/name`.
        connections: Connections to PostgreSQL, at most.
        queue: Pieces of work that may wait, at most.
        timeout: Seconds that one may take, its wait included.
        must_exist: A service has used it before: it isn't made, nor are its tables.

    Raises:
        StartupError: The URL is wrong, the database can't be reached, or it is newer than this release.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 8,
        queue: int = 256,
        timeout: float = 10.0,
        must_exist: bool = False,
    ) -> None:
        parsed = _parse(url)
        self.name = parsed.render_as_string(hide_password=True)
        self.dialect = parsed.get_backend_name()
        self._is_sqlite = self.dialect == "sqlite"
        self._url = parsed
        self._connecting = postgres.Connecting(timeout)
        self._engine = _engine(parsed, connections, timeout, self._connecting)
        # Reads in autocommit cost one round trip and not three (BEGIN, SELECT, COMMIT).
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        file = sqlite_file(url)
        if file is not None and not must_exist:
            make_private(file)
        elif file is not None and not os.path.exists(file):
            raise StartupError(f"There is no database {file}: name the service's with --database.")
        try:
            self._open(must_exist=must_exist)
        except BaseException as problem:
            self._engine.dispose()
            if not isinstance(problem, SQLAlchemyError):
                raise
            why = reason_of(problem)
            why += rights.advice(problem) if file is None else hindrance(file)
            raise StartupError(f"Can't open the database {self.name}: {why}") from problem
        if file is not None:
            keep_private(file)
            self._watch(SameFile(file))
        self._workers = ThreadPoolExecutor(
            1 if self._is_sqlite else connections, thread_name_prefix="database"
        )
        self._most_waiting = queue
        self._timeout = timeout
        self._jobs: dict[_Job, Future[Any]] = {}
        self._closing = False
        self._outage = _Outage(self.name)

    def _open(self, *, must_exist: bool) -> None:
        with self._engine.begin() as connection:
            too_late = threading.Timer(postgres.MIGRATION_PATIENCE, postgres.sever, (connection,))
            too_late.daemon = True
            too_late.start()
            try:
                if not self._is_sqlite:
                    rights.check(connection)
                if must_exist and is_unused(connection):
                    raise StartupError(
                        f"No service has used the database {self.name}: name the service's with --database."
                    )
                migrate(connection)
            finally:
                too_late.cancel()

    def _watch(self, same: SameFile) -> None:
        """Do no more work on a file that is not at its place: what is written there nobody finds again."""

        def check(_: Connection) -> None:
            problem = same.problem()
            if problem is not None:
                raise OperationalError(None, None, FileNotFoundError(problem))

        event.listen(self._engine, "begin", check, insert=True)  # before SQLite begins

    async def run(self, work: Callable[[Connection], T], *, is_wanted: Callable[[], bool] | None = None) -> T:
        """
        Run `work` in a transaction of its own: committed when it returns, undone when it raises.

        Args:
            work: What is to be done.
            is_wanted: Asked before the work is begun, where somebody waits for it who may leave. Work that
                nobody in particular waits for is the service's own, and always finds room.

        Raises:
            Unavailable: The queue is full.
            ClientGone: It is no longer wanted.
            SQLAlchemyError: The database refused it, or gave no answer in time.
        """
        return await self._work(self._engine, work, is_wanted, writes=True)

    async def read(
        self, work: Callable[[Connection], T], *, is_wanted: Callable[[], bool] | None = None
    ) -> T:
        """Run `work`, which only reads, each statement by itself. Arguments and errors are those of `run`."""
        engine = self._engine if self._is_sqlite else self._reading
        return await self._work(engine, work, is_wanted, writes=False)

    async def _work(
        self,
        engine: Engine,
        work: Callable[[Connection], T],
        is_wanted: Callable[[], bool] | None,
        *,
        writes: bool,
    ) -> T:
        if is_wanted is not None and len(self._jobs) >= self._most_waiting and not self._drop_unwanted():
            raise Unavailable(
                "The service's database is slower than what is asked of it.",
                code="DATABASE_BUSY",
                retry_after=random.uniform(*_RETRY_AFTER),  # noqa: S311 - spreads callers, no secret
            )
        job = _Job(is_wanted or _always)
        future = self._workers.submit(self._do, engine, work, job)
        # Until the work has ended, and not until its caller has left: a stop has to find it.
        self._jobs[job] = future
        future.add_done_callback(lambda _: self._jobs.pop(job, None))
        try:
            return await self._result(job, future, wrote=writes)
        except asyncio.CancelledError:  # nobody waits for it now, and it must not keep a worker for ever
            asyncio.get_running_loop().call_later(self._timeout, self._give_up, job, future)
            raise

    async def _result(self, job: _Job, future: Future[T], *, wrote: bool) -> T:
        waiting = asyncio.wrap_future(future)
        waiting.add_done_callback(_forget_result)
        began = time.monotonic()
        while not waiting.done():
            patience = _LAST_PATIENCE if self._closing else self._timeout
            left = began + patience - time.monotonic()
            if left <= 0:
                self._give_up(job, future)
                problem = OperationalError(None, None, TimeoutError(f"no answer within {patience:g} s"))
                self._outage.note(problem)
                raise problem
            # Looked at once in a while: a stop of the service shortens the patience.
            await asyncio.wait({waiting}, timeout=min(left, 0.25))
        if waiting.cancelled() and not job.is_wanted():  # see `_drop_unwanted`
            raise ClientGone
        try:
            result = waiting.result()
        except SQLAlchemyError as problem:
            self._outage.note(problem)
            raise
        self._outage.over(wrote=wrote)
        return result

    def _drop_unwanted(self) -> bool:
        """Drop what waits in the queue for somebody who has gone. Returns whether there is room now."""
        for job, future in list(self._jobs.items()):
            if not job.is_wanted():
                future.cancel()
        return len(self._jobs) < self._most_waiting

    def _do(self, engine: Engine, work: Callable[[Connection], T], job: _Job) -> T:
        if not job.is_wanted() or job.given_up:
            raise ClientGone
        if self._closing and self._outage.is_on:  # no new connection is tried when the service stops
            raise OperationalError(None, None, TimeoutError("the database can't be used"))
        try:
            with engine.begin() as connection:
                job.holds(connection)
                return work(connection)
        finally:
            job.holds(None)

    def _give_up(self, job: _Job, future: Future[Any]) -> None:
        if not future.cancel():
            job.give_up()

    def run_now(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction, in the thread that calls."""
        with self._engine.begin() as connection:
            return work(connection)

    def connect_arguments(self) -> dict[str, Any]:
        """Return what psycopg connects with, for a connection of its own; PostgreSQL only."""
        return postgres.connect_arguments(self._url, self._timeout)

    async def check(self) -> None:
        """
        Ask the database for a sign of life, and whether it takes changes.

        Raises:
            SQLAlchemyError: It gives none, or takes none.
        """
        if not self._is_sqlite:
            await self.read(postgres.check_writable)
        elif self.takes_no_changes:
            await self.run(files.check_writable)
        else:
            await self.read(lambda connection: connection.execute(text("SELECT 1")))

    @property
    def takes_no_changes(self) -> bool:
        """Whether the last change failed since the server is read-only, or the disk is full."""
        return self._outage.is_of_changes

    def hurry(self) -> None:
        """From now on nothing may take long: the service stops."""
        self._closing = True

    def close(self) -> None:
        """End what is running, at once where it hangs, then close all connections."""
        self._closing = True
        self._workers.shutdown(wait=False, cancel_futures=True)
        running = dict(self._jobs)
        wait(running.values(), timeout=_LAST_PATIENCE)
        self._connecting.give_up()
        for job, future in running.items():
            self._give_up(job, future)
        self._workers.shutdown(wait=True)
        self._engine.dispose()


def _always() -> bool:
    return True


def _forget_result(future: asyncio.Future[Any]) -> None:
    """Take the outcome of work whose caller gave up, or was cancelled: else asyncio logs that nobody did."""
    if not future.cancelled():
        future.exception()


class _Outage:
    """
    Tells of an outage when it begins and when it is over: a line each, however many calls it strikes.

    Attributes:
        is_of_changes: Whether reads may work meanwhile.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._began: float | None = None
        self._failed = 0
        self.is_of_changes = False

    @property
    def is_on(self) -> bool:
        """Whether the last call failed."""
        return self._began is not None

    def note(self, problem: SQLAlchemyError) -> None:
        """Note a failure."""
        lost = isinstance(problem, OperationalError | InterfaceError) or (
            isinstance(problem, DBAPIError) and problem.connection_invalidated
        )
        if not lost:
            logger.error("The database refused what it was asked", exc_info=problem)
            return
        self._failed += 1
        cause = problem.__dict__.get("orig")
        if postgres.is_read_only(cause) or files.takes_no_changes(cause):
            self.is_of_changes = True
        if self._began is None:
            self._began = time.monotonic()
            logger.error(
                "The database can't be used", extra=fields(database=self._name, reason=reason_of(problem))
            )

    def over(self, *, wrote: bool) -> None:
        """Note a success; one that only read says nothing of a database that takes no changes."""
        if self._began is None or (self.is_of_changes and not wrote):
            return
        self.is_of_changes = False
        seconds, self._began = round(time.monotonic() - self._began, 1), None
        failed, self._failed = self._failed, 0
        logger.warning(
            "The database works again",
            extra=fields(database=self._name, seconds=seconds, failed_calls=failed),
        )


class DatabaseCheck:
    """
    Whether the database answers: asked at most once a second, however often somebody wants to know.

    Args:
        database: The database.
    """

    _GOOD_FOR = 1.0
    _PATIENCE = 5.0

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asking: asyncio.Task[str | None] | None = None
        self._asked_at = float("-inf")

    async def problem(self) -> str | None:
        """Return why it can't be used, `None` where it can."""
        now = time.monotonic()
        if self._asking is None or (self._asking.done() and now - self._asked_at >= self._GOOD_FOR):
            self._asked_at = now
            self._asking = asyncio.create_task(self._ask(), name="check database")
        return await asyncio.shield(self._asking)

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(self._PATIENCE):
                await self._database.check()
        except TimeoutError:
            return f"The database gives no answer within {self._PATIENCE:g} s."
        except SQLAlchemyError:
            if self._database.takes_no_changes:
                return "The database takes no changes."
            return "The database can't be reached."
        return None


def is_postgresql(url: str) -> bool:
    """
    Tell whether a database is a PostgreSQL.

    Raises:
        WrongArgument: The URL is wrong.
    """
    return _parse(url).get_backend_name() == "postgresql"


def sqlite_file(url: str) -> str | None:
    """
    Return the file of an SQLite database, `None` where it is in memory, or another database.

    Raises:
        WrongArgument: The URL is wrong.
    """
    parsed = _parse(url)
    file = parsed.database
    if not file or file == ":memory:" or parsed.get_backend_name() != "sqlite":
        return None
    return file.removeprefix("file:").partition("?")[0]


_SEVERAL_HOSTS = re.compile(r"(\w+(?:\+\w+)?://(?:[^/@]*@)?)([^/?@]+,[^/?@]+)(/[^?]*)?(?:\?(.*))?")
"""libpq's `postgresql://user@first:5432,second:5432/name`, for a server and its standbys."""


def _parse(url: str) -> URL:
    several = _SEVERAL_HOSTS.fullmatch(url)
    if several is not None:  # SQLAlchemy takes them one by one
        before, hosts, name, query = several.groups()
        each = [f"host={host}" for host in hosts.split(",")]
        url = f"{before}{name or ''}?{'&'.join([*each, *filter(None, [query])])}"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as problem:
        raise WrongArgument(
            "The database URL can't be read. Write sqlite:///file.db or postgresql://user:password@host/name."
        ) from problem
    if parsed.drivername in _POSTGRES_NAMES:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite":
        return parsed
    raise WrongArgument(
        f"The service keeps its state in SQLite or PostgreSQL, not in {parsed.drivername!r}: "
        "write sqlite:///file.db or postgresql://user:password@host/name."
    )


def _engine(url: URL, connections: int, timeout: float, connecting: postgres.Connecting) -> Engine:
    if url.get_backend_name() == "sqlite":
        in_memory = url.database in {None, "", ":memory:"}
        pool: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
        try:
            engine = create_engine(url, connect_args={"check_same_thread": False}, **pool)
        except FileNotFoundError as gone:  # from os.path.abspath, which asks the system for it
            raise StartupError(
                f"Can't open the database {url}: the folder in which the service was started is gone. "
                "Start it in another one, or name the whole path of the file."
            ) from gone
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return postgres.engine(url, connections=connections, timeout=timeout, connecting=connecting)
    except (NoSuchModuleError, ModuleNotFoundError) as problem:
        raise StartupError(f"PostgreSQL needs psycopg: {install_hint('service', 'postgres')}") from problem


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Set what SQLite needs on each connection (https://www.sqlite.org/wal.html)."""
    # By itself Python's driver begins a transaction late, and not at all for CREATE TABLE: a migration that
    # fails would stay half done. So it begins none, and `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # In WAL mode this loses nothing when the process dies; a power cut may lose the last
    # acknowledgements, whose batches then come again.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=3000")
    cursor.close()


def reason_of(problem: SQLAlchemyError) -> str:
    """One line of what the driver said, without SQLAlchemy's wrapping."""
    original = getattr(problem, "orig", None) or problem
    lines = str(original).strip().splitlines() or [type(original).__name__]
    return lines[0].rstrip(".") + "."

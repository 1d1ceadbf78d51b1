"""
Engines of SQLAlchemy, one for each database and process: all stores of a database share one small pool.

A thousand streams with a store each would otherwise hold a thousand connections, and PostgreSQL allows a
hundred. A child made by `fork` gets engines of its own: connections are the parent's.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import threading
import weakref
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any, TypeVar

from attrs import define, field, frozen

from event_streamer_api.errors import EventStreamerValidationError

from .._extras import needs
from ._sql_gathering import Gathering
from ._write_ahead import write_ahead

L = TypeVar("L")

POOL_SIZE = 5
"""Connections that one process holds to one database, at most (SQLite: one)."""
POOL_TIMEOUT = 30.0
"""How long a store waits for one of them, seconds."""
POSTGRESQL_ARGUMENTS = {
    "connect_timeout": 10,
    "application_name": "event-streamer",
    # A network that is cut in silence is noticed in seconds, and not after TCP's quarter of an hour.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""libpq's parameters, where a URL doesn't set them."""
DRIVERS = {
    "sqlite3": "sqlite",
    "psycopg": "postgresql+psycopg",
    "psycopg2": "postgresql+psycopg2",
    "pg8000": "postgresql+pg8000",
    "pymysql": "mysql+pymysql",
    "MySQLdb": "mysql+mysqldb",
    "mysql": "mysql+mysqlconnector",
    "mariadb": "mariadb+mariadbconnector",
    "oracledb": "oracle+oracledb",
    "pymssql": "mssql+pymssql",
}
"""A driver's module, as the first part of where its connections come from → its name in SQLAlchemy."""
PARAMSTYLES = frozenset({"qmark", "numeric", "named", "format", "pyformat"})
"""How drivers mark the parameters of a statement (PEP 249, `paramstyle`)."""

Connect = Callable[[], Any]
"""Makes a DB-API connection (PEP 249)."""

_LEFT_TO_PARENT: list[Any] = []
"""Engines of a parent process, kept so that nothing of them is closed when it is collected."""


@frozen
class DatabasePlace:
    """
    A database: how it is known, and how an engine for it is made.

    Attributes:
        key: The same for the same database and user.
        make: Makes an engine.
        make_async: Makes one for asyncio; `None` where the driver has none, and threads do the work.
        unused: A connection that was made to find out, until an engine takes it over.
        is_users: Whether the engine is the user's, to be disposed of by the user.
    """

    key: Hashable
    make: Callable[[], Any]
    make_async: Callable[[], Any] | None = None
    unused: list[Any] = field(factory=list, eq=False)
    is_users: bool = False

    def close_unused(self) -> None:
        """Close the connection that told where the place is, where the engine of another store is used."""
        while self.unused:
            with suppress(Exception):
                self.unused.pop().close()


@define(eq=False)
class Shared:
    """
    An engine that stores share.

    Attributes:
        engine: SQLAlchemy's engine.
        users: Who uses it.
        made: Names of the tables that are known to be there.
    """

    engine: Any
    users: weakref.WeakSet[Any] = field(factory=weakref.WeakSet)
    made: set[str] = field(factory=set)


class Engines:
    """The engines of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: dict[Hashable, Shared] = {}
        self._gatherings: weakref.WeakValueDictionary[Hashable, Gathering[Any]] = (
            weakref.WeakValueDictionary()
        )
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_to_parent)

    def take(self, key: Hashable, make: Callable[[], Any], user: object) -> Shared:
        """
        Give the engine of a database, made where nobody has it yet.

        Args:
            key: The database; with asyncio also the event loop.
            make: Makes an engine.
            user: Who will use it.

        Returns:
            The engine, and what is known of it.
        """
        with self._lock:
            shared = self._shared.get(key)
            if shared is None:
                shared = self._shared[key] = Shared(make())
            shared.users.add(user)
            return shared

    def give_back(self, shared: Shared, user: object) -> Any:
        """
        Say that somebody has no more use of an engine.

        Args:
            shared: What `take` gave.
            user: Who.

        Returns:
            The engine where this was the last user: it is to be disposed of. Else `None`.
        """
        with self._lock:
            shared.users.discard(user)
            if len(shared.users):
                return None
            self._shared = {key: other for key, other in self._shared.items() if other is not shared}
            return shared.engine

    def gathering(self, key: Hashable, make_lock: Callable[[], L]) -> Gathering[L]:
        """
        Give what waits to be stored in a table.

        Args:
            key: The database and the table; with asyncio also the event loop.
            make_lock: Makes the lock of whoever stores.

        Returns:
            The same for all who hold it at this moment.
        """
        with self._lock:
            found = self._gatherings.get(key)
            if found is None:
                found = self._gatherings[key] = Gathering(make_lock())
            return found

    def _leave_to_parent(self) -> None:
        _LEFT_TO_PARENT.append((self._shared, self._gatherings))
        self._shared = {}
        self._gatherings = weakref.WeakValueDictionary()
        self._lock = threading.Lock()


ENGINES = Engines()


def place_of(where: Any, dialect: str | None) -> DatabasePlace:
    """
    Find out which database is meant. Of a connect function that is told by a first connection.

    Args:
        where: A URL, a connection string of libpq, an engine of SQLAlchemy, a connect function, or a place.
        dialect: SQLAlchemy's name for the kind of database, for a connect function of an unknown driver.

    Returns:
        The place.

    Raises:
        EventStreamerValidationError: It can't be used. The message doesn't show it: it may hold a password.
        MissingExtraError: SQLAlchemy isn't installed.
    """
    if isinstance(where, DatabasePlace):
        return where
    sa = needs("sqlalchemy")
    if isinstance(where, sa.Engine):
        return DatabasePlace(("engine", id(where)), lambda: where, is_users=True)
    if isinstance(where, needs("sqlalchemy.ext.asyncio").AsyncEngine):
        return DatabasePlace(("engine", id(where)), _refuse_asyncio, lambda: where, is_users=True)
    if callable(where):
        return _place_of_function(where, dialect)
    return _place_of_url(sa, where)


def _refuse_asyncio() -> Any:
    raise EventStreamerValidationError("this is an engine for asyncio: use AsyncSQLCheckpoint for it")


# --- URLs ---------------------------------------------------------------------------------------


def _place_of_url(sa: Any, where: Any) -> DatabasePlace:
    try:
        url = _url(sa, where)
        url.get_dialect()
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, TypeError, ValueError):
        # A URL may hold a password, and so may the words of libpq; a file's name doesn't.
        named = isinstance(where, str) and not set("=@:") & set(where)
        raise EventStreamerValidationError(
            f"{repr(where) if named else 'this'} is not a database that can be used, such as "
            "postgresql://user@host/database or sqlite:///file.db"
        ) from None
    if url.get_backend_name() == "sqlite" and url.get_driver_name() == "pysqlite" and not url.query:
        return sqlite_place(url.database or ":memory:")
    options = _pool(POOL_SIZE)
    if url.get_backend_name() == "postgresql" and url.get_driver_name() == "psycopg":
        known = {name: value for name, value in POSTGRESQL_ARGUMENTS.items() if name not in url.query}
        options["connect_args"] = known
        needs("psycopg")
    make_async = None
    if url.get_dialect().is_async or url.get_driver_name() == "psycopg":

        def make_async() -> Any:
            return needs("sqlalchemy.ext.asyncio").create_async_engine(url, **options)

    return DatabasePlace(
        url.render_as_string(hide_password=False), lambda: sa.create_engine(url, **options), make_async
    )


def _url(sa: Any, where: Any) -> Any:
    if isinstance(where, str) and "://" not in where and "=" in where:
        return _from_libpq(sa, where)
    url = sa.make_url(where)
    if url.drivername in {"postgres", "postgresql"}:
        return url.set(drivername="postgresql+psycopg")
    return url


def _from_libpq(sa: Any, text: str) -> Any:
    """Read libpq's other form, `host=… dbname=…`, as psycopg takes it, too."""
    psycopg = needs("psycopg")
    try:
        given = dict(needs("psycopg.conninfo").conninfo_to_dict(text))
    except psycopg.Error:
        raise ValueError from None
    named = {"host": "host", "user": "username", "password": "password", "dbname": "database"}
    parts = {ours: given.pop(theirs) for theirs, ours in named.items() if theirs in given}
    port = given.pop("port", None)
    query = {name: str(value) for name, value in given.items()}
    return sa.URL.create("postgresql+psycopg", port=int(port) if port else None, query=query, **parts)


def _pool(size: int) -> dict[str, Any]:
    # hide_parameters: statements hold resume tokens, which no log and no error may show.
    return {"pool_size": size, "max_overflow": 0, "pool_timeout": POOL_TIMEOUT, "hide_parameters": True}


# --- SQLite -------------------------------------------------------------------------------------


def sqlite_place(path: str | os.PathLike[str]) -> DatabasePlace:
    """
    Name an SQLite file. All stores of a process share one connection to it: SQLite has one writer anyway.

    Args:
        path: The file; `:memory:` is one of its own for each store.

    Returns:
        The place.
    """
    in_memory = os.fspath(path) in {"", ":memory:"}
    key: Hashable = object() if in_memory else ("sqlite", os.path.realpath(path))
    return DatabasePlace(key, lambda: _engine("sqlite", lambda: connect_sqlite(path), size=1))


def connect_sqlite(path: str | os.PathLike[str]) -> sqlite3.Connection:
    """Open an SQLite file so that a commit survives a loss of power."""
    _make_private(path)
    # The pool lets one thread at a time use it.
    connection = sqlite3.connect(path, timeout=10.0, check_same_thread=False)
    try:
        write_ahead(connection)
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()  # the file may not be a database
        raise
    return connection


def _make_private(path: str | os.PathLike[str]) -> None:
    """Make a file that isn't there yet, for its owner alone: it will hold resume tokens and events."""
    if os.fspath(path) in {"", ":memory:"}:
        return
    # What stays in the way (it is there, its folder isn't) is sqlite3's to tell.
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


# --- connect functions --------------------------------------------------------------------------


def _engine(drivername: str, connect: Connect, *, size: int, paramstyle: str | None = None) -> Any:
    sa = needs("sqlalchemy")
    options = _pool(size) | ({"paramstyle": paramstyle} if paramstyle else {})
    # Named, since SQLAlchemy would choose others for a database in memory.
    return sa.create_engine(f"{drivername}://", creator=connect, poolclass=sa.pool.QueuePool, **options)


def _place_of_function(connect: Connect, dialect: str | None) -> DatabasePlace:
    """
    Ask a first connection where it leads to: functions that lead to the same database share an engine.

    Where the driver doesn't tell that, the function has one connection of its own.
    """
    first = _plain(connect())
    try:
        name = dialect or _drivername(first)
        key = _identity(first)
        style = paramstyle_of(first) if dialect else None
    except BaseException:
        with suppress(Exception):
            first.close()
        raise
    unused = [first]

    def make() -> Any:
        ready = unused.copy()  # the pool's first connection
        unused.clear()
        return _engine(
            name,
            lambda: ready.pop() if ready else _plain(connect()),
            size=1 if key is None else POOL_SIZE,
            paramstyle=style,
        )

    return DatabasePlace(key if key is not None else object(), make, unused=unused)


def _plain(connection: Any) -> Any:
    """Take the driver's own connection out of a pool's (SQLAlchemy's), and bring it into the usual state."""
    detach = getattr(connection, "detach", None)
    inner = getattr(connection, "dbapi_connection", None)
    if callable(detach) and inner is not None:
        detach()
        connection = inner
    if type(connection).__module__.partition(".")[0] == "psycopg":
        connection.autocommit = False
        connection.row_factory = needs("psycopg.rows").tuple_row
    return connection


def _identity(connection: Any) -> Hashable | None:
    """Tell which database a connection leads to, and as whom; `None` where the driver doesn't say."""
    if type(connection).__module__.partition(".")[0] == "psycopg":
        return ("psycopg", tuple(sorted(connection.info.get_parameters().items())))
    return None


def _drivername(connection: Any) -> str:
    for base in type(connection).__mro__:
        name = DRIVERS.get(base.__module__.partition(".")[0])
        if name is not None:
            return name
    raise EventStreamerValidationError(
        f"{type(connection).__module__}.{type(connection).__qualname__} is of a driver we don't know: name "
        "the kind of database, as SQLAlchemy does, with dialect='…' (such as 'mysql')"
    )


def paramstyle_of(connection: Any) -> str | None:
    """
    Tell how a connection's driver marks parameters: its module says so (PEP 249, `paramstyle`).

    Args:
        connection: A DB-API connection, or a wrapper that has the driver's one as `dbapi_connection`.

    Returns:
        One of `PARAMSTYLES`; `None` where no module of the connection's class says it.
    """
    inner = getattr(connection, "dbapi_connection", None)
    for found in (inner, connection):
        for base in type(found).__mro__:
            parts = base.__module__.split(".")
            for length in range(len(parts), 0, -1):  # the class may live in a part of the driver
                style = getattr(sys.modules.get(".".join(parts[:length])), "paramstyle", None)
                if isinstance(style, str) and style in PARAMSTYLES:
                    return style
    return None


def loop_key(key: Hashable) -> Hashable:
    """
    Name the engine of an event loop: connections of asyncio belong to the loop they were made in.

    Args:
        key: The database.

    Returns:
        The two together.
    """
    return ("asyncio", key, asyncio.get_running_loop())

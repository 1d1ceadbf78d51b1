"""
PostgreSQL: connections that don't wait for ever.

libpq has no time limit of its own for anything but connecting, and that of the server (`statement_timeout`)
is no help where the server is gone. So the kernel gives up on packets that nobody confirms
(`tcp_user_timeout`, https://www.postgresql.org/docs/current/libpq-connect.html), and a connection whose
server takes packets and says nothing is severed from outside.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, Dialect, ExceptionContext
from sqlalchemy.exc import DisconnectionError, OperationalError

CONNECT_TIMEOUT = 3
"""Seconds for a connection to be made; a stop of the service may have to wait for it."""
_READ_ONLY = "25006"
"""read_only_sql_transaction, https://www.postgresql.org/docs/current/errcodes-appendix.html."""
MIGRATION_PATIENCE = 600.0
"""Seconds for bringing an old database to the newest schema."""


class Connecting:
    """
    Makes connections, in threads of their own that are left behind where nobody can wait for them.

    What libpq does with a host's name has no time limit, several hosts have one each, and what a server that
    falls silent just then is asked first can't be severed from outside: nobody has the connection yet.

    Args:
        patience: Seconds for a connection, whatever it takes.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._given_up: Future[None] = Future()

    def give_up(self) -> None:
        """Let all that is connecting fail now, and whatever wants to later."""
        with contextlib.suppress(InvalidStateError):  # it was given up before
            self._given_up.set_result(None)

    def make(self, connect: Callable[[], Any]) -> Any:
        """
        Return what `connect` makes.

        Raises:
            OperationalError: It took too long, or was given up.
        """
        making: Future[Any] = Future()
        threading.Thread(
            target=_connect_for, args=(connect, making), name="database connecting", daemon=True
        ).start()
        wait({making, self._given_up}, timeout=self._patience, return_when=FIRST_COMPLETED)
        if making.cancel():
            raise OperationalError(None, None, TimeoutError("no connection was made in time"))
        return making.result()


def _connect_for(connect: Callable[[], Any], making: Future[Any]) -> None:
    try:
        connection = connect()
    except BaseException as problem:  # noqa: BLE001 - handed to the thread that waits
        with contextlib.suppress(InvalidStateError):
            making.set_exception(problem)
        return
    try:
        making.set_result(connection)
    except InvalidStateError:  # nobody waits for it any more
        connection.close()


def engine(url: URL, *, connections: int, timeout: float, connecting: Connecting) -> Engine:
    """
    Make an engine. Needs psycopg.

    Args:
        url: Where the database is; its query may set what libpq knows, over what is set here.
        connections: Connections, at most.
        timeout: Seconds for a statement, and for the kernel to get a packet across.
        connecting: Makes the connections.
    """
    milliseconds = max(1, int(timeout * 1000))
    given = _connect_arguments(url, timeout)
    made = create_engine(url, pool_size=connections, max_overflow=0, pool_timeout=timeout, connect_args=given)

    @event.listens_for(made, "do_connect")
    def connect(dialect: Dialect, _record: object, arguments: Any, named: dict[str, Any]) -> Any:
        return connecting.make(lambda: first_said(dialect.connect(*arguments, **named)))

    # By a statement and not as an option of the connection: PgBouncer refuses options that it doesn't know.
    def first_said(connection: Any) -> Any:
        connection.autocommit = True
        connection.execute(f"SET statement_timeout = {milliseconds}")
        connection.autocommit = False
        return connection

    @event.listens_for(made, "checkout")
    def replace_if_closed(connection: Any, _record: object, _proxy: object) -> None:
        # What a restarted server has left shows in the socket: no round trip is needed to find it.
        if _has_news(connection.fileno()):
            raise DisconnectionError("the server closed the connection")

    @event.listens_for(made, "handle_error")
    def leave_read_only(context: ExceptionContext) -> None:
        # After a fail-over the old primary serves on as a standby: its connections would never be left.
        if is_read_only(context.original_exception):
            context.is_disconnect = True

    return made


def is_read_only(problem: object) -> bool:
    """Tell whether a statement failed since the server takes no changes (SQLSTATE 25006)."""
    return getattr(problem, "sqlstate", None) == _READ_ONLY


def check_writable(connection: Connection) -> None:
    """
    Ask for a sign of life, and whether the server takes changes.

    Raises:
        OperationalError: It doesn't: it is a standby, or was made read-only.
    """
    from psycopg.errors import ReadOnlySqlTransaction

    if connection.execute(text("SHOW transaction_read_only")).scalar() == "on":
        raise OperationalError(None, None, ReadOnlySqlTransaction("the server is read-only"))


def connect_arguments(url: URL, timeout: float) -> dict[str, Any]:
    """Return what psycopg connects with, for a connection beside the engine's."""
    _, parts = url.get_dialect()().create_connect_args(url)
    return {**parts, **_connect_arguments(url, timeout)}


def _connect_arguments(url: URL, timeout: float) -> dict[str, Any]:
    given: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT,
        "tcp_user_timeout": max(1, int(timeout * 1000)),
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    return {name: value for name, value in given.items() if name not in url.query}


def lift_timeout(connection: Connection) -> None:
    """Let the statements of a transaction take as long as they need: migrations do."""
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def sever(connection: Connection) -> None:
    """
    Cut a connection's socket, from any thread: whoever waits for its server gets an error at once.

    Nothing happens to an SQLite connection.
    """
    with contextlib.suppress(Exception):  # it may be closing by itself in this moment
        descriptor = os.dup(connection.connection.dbapi_connection.fileno())  # type: ignore[union-attr]
        with socket.socket(fileno=descriptor) as raw:
            raw.shutdown(socket.SHUT_RDWR)


def _has_news(descriptor: int) -> bool:
    """Tell whether an idle connection's socket has something to read: the server's farewell."""
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))

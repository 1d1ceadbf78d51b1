"""
The one connection to PostgreSQL that a process keeps: it holds its place, and hears what others tell.

The place is an advisory lock: a lone service holds it for itself, replicas share it. It is the database's,
so no clock is asked, and it is free in the moment in which the process dies. The session waits in a thread of
its own: it is made anew where it is lost, and whoever listens is told, since news may have been missed
meanwhile. It needs a session of PostgreSQL: a pool that hands out another one for each transaction won't do
(PgBouncer's `transaction` mode).
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from event_streamer_service.errors import StartupError
from event_streamer_service.logs import fields

if TYPE_CHECKING:
    import psycopg

logger = logging.getLogger(__name__)

CHANNEL = "event_streamer"
_PLACE = 7_203_552
"""Number of the advisory lock; its second half is the schema, for there may be a service in each."""
_START_PATIENCE = 2.0
"""Seconds in which the server notices that a process that was just killed is gone."""
_CLOSE_PATIENCE = 1.0
"""Seconds for the thread to end; one that is just connecting to a silent server is left behind."""
_RETRY_EVERY = 0.5
_LOOK_EVERY = 5.0
"""Seconds between two signs of life that the server is asked for."""
_PATIENCE = 10.0
"""Seconds without one after which the connection counts as lost."""


class Session:
    """
    A connection that stays.

    Args:
        arguments: What psycopg connects with.
        name: Name of the process, which no other one has.
        database: The database's name, for messages.
        shared: Whether others may hold the place as well, if they share it too.
        on_place: Called when the place is lost (False), to another process or because a pooler hands the
            session to others, and when it is held again (True).
        on_news: Called with what another process tells; `None`: something may have been missed.
    """

    def __init__(
        self,
        arguments: dict[str, Any],
        *,
        name: str,
        database: str,
        shared: bool,
        on_place: Callable[[bool], None],
        on_news: Callable[[str | None], None],
    ) -> None:
        self._arguments = arguments | {"application_name": f"event-streamer {name}", "autocommit": True}
        self._database = database
        self._shared = shared
        self._on_place = on_place
        self._on_news = on_news
        self._stop = threading.Event()
        self._placed: Future[None] = Future()
        self._connection: psycopg.Connection[Any] | None = None
        self._thread = threading.Thread(target=self._run, name="database session", daemon=True)
        self._heard_at = time.monotonic()
        self._holds_place = False
        self._stands_by = False
        self._sign = f'{{"from":"{name}"}}'
        """What the process tells itself, to find out whether what others tell comes through."""
        self._is_deaf = False

    def start(self) -> Future[None]:
        """
        Take the place, in the session's own thread: a server that falls silent holds nobody else up.

        Returns:
            Done once the place is taken; fails with a `StartupError` where another process holds it, or the
            database can't be reached.
        """
        self._placed.set_running_or_notify_cancel()  # who waits may leave, but not take the place back
        self._thread.start()
        return self._placed

    def close(self) -> None:
        """Give the place up. Blocks for a moment."""
        self._stop.set()
        self._sever()
        self._thread.join(_CLOSE_PATIENCE)

    def address(self) -> str | None:
        """Return this machine's address on the way to the database; `None` where that is a file."""
        if self._connection is None:
            return None
        with socket.socket(fileno=os.dup(self._connection.fileno())) as raw:
            found = raw.getsockname()
        return found[0] if isinstance(found, tuple) else None

    def check(self) -> None:
        """Cut the connection where the server has been silent for too long; call it now and then."""
        if time.monotonic() - self._heard_at > _LOOK_EVERY + _PATIENCE:
            self._heard_at = time.monotonic()
            self._sever()

    # --- in the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._begin()
        except BaseException as problem:  # noqa: BLE001 - handed to the thread that waits
            self._placed.set_exception(problem)
        else:
            self._placed.set_result(None)
            self._stay()

    def _begin(self) -> None:
        import psycopg  # an extra: services on SQLite do without

        try:
            connection = self._connect()
            self._refuse_shared_session(connection)
            give_up_at = time.monotonic() + _START_PATIENCE
            while not self._take_place(connection):
                if self._stop.wait(0.1) or time.monotonic() > give_up_at:
                    raise StartupError(self._taken())
        except psycopg.Error as problem:
            said = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
            raise StartupError(f"Can't open the database {self._database}: {said}") from problem
        finally:
            if not self._holds_place and self._connection is not None:
                self._connection.close()

    def _stay(self) -> None:
        import psycopg

        connection, lost_at = self._connection, 0.0
        while not self._stop.is_set():
            try:
                if connection is None:
                    self._heard_at = time.monotonic()
                    connection = self._connect()
                    self._refuse_shared_session(connection)
                    self._hold_again(connection)
                    logger.info(
                        "The session with the database is there again",
                        extra=fields(seconds=round(time.monotonic() - lost_at, 1)),
                    )
                    self._on_news(None)
                self._listen(connection)
            except StartupError as problem:  # a pooler was put in between, or set up anew
                self._stand_by(str(problem))
                self._connection = None
                if connection is not None:
                    connection.close()
                connection = None
                self._stop.wait(_LOOK_EVERY)
            except (psycopg.Error, OSError) as problem:
                if self._stop.is_set():
                    break
                if connection is not None:
                    lost_at = time.monotonic()
                    logger.info(
                        "The session with the database is lost; it is made anew",
                        extra=fields(reason=(str(problem).strip().splitlines() or ["no answer"])[0]),
                    )
                self._connection = None
                if connection is not None:
                    connection.close()
                connection = None
                self._stop.wait(_RETRY_EVERY)
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                connection.close()

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg

        connection = psycopg.connect(**self._arguments)
        self._connection = connection  # from now on it can be cut from outside, should the server be silent
        try:
            if self._stop.is_set():  # it came too late to be cut
                raise psycopg.OperationalError("the session was closed meanwhile")
            # The server, too, has to notice soon that a machine is gone without a word.
            for setting, value in (("idle", 5), ("interval", 5), ("count", 2)):
                connection.execute(f"SET tcp_keepalives_{setting} = {value}")
            # An administrator's limits are for others: this session is idle while it holds the place.
            connection.execute(
                "SELECT set_config(name, '0', false) FROM pg_settings"
                " WHERE name IN ('idle_session_timeout', 'transaction_timeout', 'statement_timeout')"
            )
            # What is left of an earlier connection of ours would hold the place against us.
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = %s AND pid <> pg_backend_pid()",
                (self._arguments["application_name"],),
            )
            connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _refuse_shared_session(self, connection: psycopg.Connection[Any]) -> None:
        """
        Make sure that the connection is a session of the server's, and that nobody else gets to use it.

        Otherwise somebody else would hold the lock and get the news, and it would show as something else.

        Raises:
            StartupError: What is asked here is done by one server process now, by another one then.
        """
        import psycopg

        ours = _process_of(connection)
        if ours == connection.info.backend_pid:
            return  # no pooler: that would have told a number of its own
        shared = any(_process_of(connection) != ours for _ in range(3))  # as it hands them out in turn
        if not shared:
            with psycopg.connect(**self._arguments | {"autocommit": False}) as other:
                # Its transaction has begun: a session that was ours alone is another one than that.
                shared = _process_of(other) == ours or _process_of(connection) != ours
        if shared:
            raise StartupError(
                f"A pooler hands out sessions of {self._database} to others between two transactions "
                "(PgBouncer's `transaction` mode), so locks and LISTEN don't work. Use its `session` mode, "
                "or connect to PostgreSQL directly."
            )

    def _take_place(self, connection: psycopg.Connection[Any]) -> bool:
        how = "_shared" if self._shared else ""
        row = connection.execute(
            f"SELECT pg_try_advisory_lock{how}(%s, hashtext(current_schema()))", (_PLACE,)
        ).fetchone()
        self._holds_place = row is not None and bool(row[0])
        return self._holds_place

    def _hold_again(self, connection: psycopg.Connection[Any]) -> None:
        """Wait for the place, which another process may have taken while the session was lost."""
        while not self._take_place(connection):
            self._stand_by(self._taken())
            if self._stop.wait(_RETRY_EVERY):
                return
            self._heard_at = time.monotonic()
        if self._stands_by:
            self._stands_by = False
            self._on_place(True)

    def _stand_by(self, reason: str) -> None:
        """Say once why nothing is delivered here for now."""
        if not self._stands_by:
            self._stands_by = True
            logger.error("%s Nothing is delivered here until then.", reason)
            self._on_place(False)

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stop.is_set():
            connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, self._sign))
            self._heard_at = time.monotonic()
            heard_itself = False
            for heard in connection.notifies(timeout=_LOOK_EVERY):
                if heard.payload == self._sign:
                    heard_itself = True
                else:
                    self._on_news(heard.payload)
            if not self._stop.is_set():
                self._note_hearing(heard_itself)

    def _note_hearing(self, heard_itself: bool) -> None:
        """Let everything be read anew where something in between, as some poolers, drops notifications."""
        if not heard_itself:
            self._on_news(None)
        if self._is_deaf is heard_itself:
            self._is_deaf = not heard_itself
            if self._is_deaf:
                logger.warning(
                    "What other processes tell by NOTIFY does not arrive, so what they change is looked for "
                    "every %g s. Connect to PostgreSQL directly, or through a pooler in `session` mode.",
                    _LOOK_EVERY,
                )
            else:
                logger.info("What other processes tell by NOTIFY arrives again.")

    def _taken(self) -> str:
        if self._shared:
            return (
                f"A service without --replicas works on {self._database}: stop it, or start it with "
                "--replicas too."
            )
        return (
            f"Another service is using {self._database}: stop it, name another database with --database, "
            "or start both with --replicas."
        )

    def _sever(self) -> None:
        """Cut the socket, from any thread: whoever waits for the server gets an error at once."""
        with contextlib.suppress(Exception):  # it may be closing by itself in this moment
            connection = self._connection
            if connection is not None:
                with socket.socket(fileno=os.dup(connection.fileno())) as raw:
                    raw.shutdown(socket.SHUT_RDWR)


def _process_of(connection: psycopg.Connection[Any]) -> int:
    """Return the number of the server process that does what a connection asks for."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])

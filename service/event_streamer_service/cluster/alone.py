"""
A service in one process: nobody else knows what it doesn't, and nobody else may work on its database.

SQLite files are locked by `store.sqlite_lock`, before the service is made. In PostgreSQL the service holds a
place, for itself alone here; `replicas` shares it.
"""

# ruff: noqa: ARG002 - doing nothing needs no arguments

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Connection as DatabaseConnection
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from event_streamer_service.auth import Caller
from event_streamer_service.cluster.directory import OpenStream, Replica
from event_streamer_service.cluster.postgres_session import Session
from event_streamer_service.delivery.connection import Connection
from event_streamer_service.delivery.hub import Hub
from event_streamer_service.errors import Unavailable
from event_streamer_service.store.database import Database

_LOOK_EVERY = 2.0


def new_name() -> str:
    """Make a name for a process, unlike all others, and new with each start."""
    return f"r{secrets.token_hex(4)}"


class Alone:
    """
    The only process on its database.

    Args:
        database: The database.
        hub: The streams of this process.
        name: Name of this process; see `new_name`.
        on_place: Called when the place is lost (False), and when it is held again (True).
    """

    shares_database = False
    """Whether other processes may work on the database."""

    def __init__(self, database: Database, hub: Hub, *, name: str, on_place: Callable[[bool], None]) -> None:
        self.name = name
        self._database = database
        self._hub = hub
        self._on_place = on_place
        self._session: Session | None = None
        self._watching: asyncio.Task[None] | None = None
        self._lost = False

    async def start(self, url: str | None) -> None:
        """
        Take the place on the database.

        Args:
            url: Where this process listens.

        Raises:
            StartupError: Another process holds it.
        """
        if self._database.dialect != "postgresql":
            return
        loop = asyncio.get_running_loop()

        def in_loop(call: Callable[[], None]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(call)

        self._session = Session(
            self._database.connect_arguments(),
            name=self.name,
            database=self._database.name,
            shared=self.shares_database,
            on_place=lambda held: in_loop(lambda: self._place(held)),
            on_news=lambda text: in_loop(lambda: self._news(text)),
        )
        await asyncio.wrap_future(self._session.start())
        self._watching = asyncio.create_task(self._watch(), name="watch the database session")

    async def close(self) -> None:
        """Give the place up."""
        if self._watching is not None:
            self._watching.cancel()
        if self._session is not None:
            await asyncio.to_thread(self._session.close)

    def check(self) -> None:
        """Raise `Unavailable` while the place is lost."""
        if self._lost:
            raise Unavailable("This process has lost its place on the database.", retry_after=5)

    async def _watch(self) -> None:
        assert self._session is not None
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            self._session.check()

    def _place(self, held: bool) -> None:
        self._lost = not held
        self._on_place(held)

    def _news(self, text: str | None) -> None:
        """Hear what another process tells: alone there is none."""

    # --- what several processes have to do, and one needs not -----------------------------------

    async def opened(self, connection: Connection) -> None:
        """
        Count a new stream among those of all processes.

        Raises:
            TooManyRequests: It is one too many.
            Conflict: The subscription was changed meanwhile.
        """

    def closed(self, connection: Connection) -> None:
        """Note that a stream has ended."""

    async def open_streams(self, subscription_ids: Iterable[int]) -> Mapping[int, int]:
        """Return the number of open streams of each of these subscriptions, in all processes."""
        return {number: self._hub.open_streams(number) for number in subscription_ids}

    async def streams_elsewhere(self, subscriber_id: str | None) -> list[tuple[str, OpenStream]]:
        """Return the streams of other processes, each with its process, as far as they are a subscriber's."""
        return []

    @property
    def members(self) -> list[Replica]:
        """The processes that share the database; none where there is one."""
        return []

    async def hand_over(self, request: Request) -> Response | None:
        """Answer a call as the process says whose connection it is about; `None`: that is this one."""
        return None

    async def handed_over_by(
        self, scope: Scope, headers: Headers, receive: Receive
    ) -> tuple[Caller, Receive] | None:
        """Return who made a call that another process hands over, and its body; `None` for other calls."""
        return None

    def tell(self, connection: DatabaseConnection, **news: object) -> None:
        """Tell the other processes what a transaction changes, once it is committed."""

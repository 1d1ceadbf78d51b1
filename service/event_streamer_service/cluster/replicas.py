"""
One of several processes on a database: each with the streams that were opened with it, whoever's they are.

Each replica reads the chains that its own streams need. One that watched for all would spare the nodes a
question for the head every few seconds, and the logs are fetched by each one anyway; but its death would hold
everybody's head up, and who is wrong about a head would be so everywhere. What it costs is a poll a replica.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope

from event_streamer_service.auth import Caller
from event_streamer_service.cluster import directory
from event_streamer_service.cluster.alone import Alone
from event_streamer_service.cluster.directory import OpenStream, Replica
from event_streamer_service.cluster.handover import HEADER, HandOver, replica_secret
from event_streamer_service.cluster.postgres_session import CHANNEL
from event_streamer_service.cluster.review import Review
from event_streamer_service.delivery.connection import Connection
from event_streamer_service.delivery.hub import Hub
from event_streamer_service.errors import Conflict, TooManyRequests, no_such_connection
from event_streamer_service.logs import fields
from event_streamer_service.metrics import Metrics
from event_streamer_service.requests import read_body
from event_streamer_service.settings import Settings
from event_streamer_service.store.database import Database

logger = logging.getLogger(__name__)

_HANDED_OVER = "event_streamer.handed_over"
_MOST_SHOWN = 1000
"""Streams of others that an overview tells of."""
_MOST_CONNECTIONS = 32
"""Of a replica with the database, at most: the setting is 8 unless told otherwise."""
_LOOK_AGAIN = 0.5
"""Seconds between two looks for a replica that isn't known: it may have started just now."""


class Replicas(Alone):
    """
    This process, as one of several.

    Args:
        database: The database that they share, a PostgreSQL.
        hub: The streams of this process.
        on_place: Called when a service without replicas has the place (False), and when it is free (True).
        settings: How long a lease is, and how many streams there may be.
        metrics: Shows how many replicas there are, and what became of calls for others.
        review: Looks at what others change.
        heads: Returns the heads of the chains that are read here, by chain id.
        on_count: Called with the number of replicas.
    """

    shares_database = True

    def __init__(
        self,
        database: Database,
        hub: Hub,
        *,
        name: str,
        on_place: Callable[[bool], None],
        settings: Settings,
        metrics: Metrics,
        review: Review,
        heads: Callable[[], Mapping[int, int | None]],
        on_count: Callable[[int], None],
    ) -> None:
        super().__init__(database, hub, name=name, on_place=on_place)
        self._settings = settings
        self._metrics = metrics
        self._review = review
        self._heads = heads
        self._on_count = on_count
        self._url = ""
        self._known: dict[str, Replica] = {}
        self._read_at = float("-inf")
        self._clock_offset = 0.0
        """What the database's clock is ahead of this process's own, which only goes forward."""
        self._closed: list[str] = []
        self._hand_over: HandOver | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._cleaning: asyncio.Task[None] | None = None

    async def start(self, url: str | None) -> None:
        """Take a place beside the others, and let them know."""
        await super().start(url)
        self._url = self._settings.replica_url or self._reachable(url or "")
        secret = await self._database.run(replica_secret)
        self._hand_over = HandOver(secret, name=self.name, now=self._now)
        await self._renew()
        self._tasks = [
            asyncio.create_task(self._keep_lease(), name="keep the replica's lease"),
            asyncio.create_task(self._review.run(), name="review what others change"),
        ]
        logger.info("Replica", extra=fields(replica=self.name, url=self._url, replicas=len(self._live())))

    async def close(self) -> None:
        """Leave the others."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            with contextlib.suppress(SQLAlchemyError):
                await self._database.run(lambda connection: directory.leave(connection, self.name))
        if self._hand_over is not None:
            await self._hand_over.close()
        await super().close()

    def _reachable(self, url: str) -> str:
        """Return where others reach this process, be it at its address on the way to the database."""
        parts = urlsplit(url)
        if parts.hostname not in {"localhost", "0.0.0.0", "::", None}:  # noqa: S104 - compared, not bound
            return url
        host = (self._session.address() if self._session else None) or "127.0.0.1"
        return f"http://[{host}]:{parts.port}" if ":" in host else f"http://{host}:{parts.port}"

    # --- who is there ---------------------------------------------------------------------------

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(self._settings.replica_lease / 3)
            with contextlib.suppress(SQLAlchemyError):  # the database's own module tells of it
                await self._renew()

    async def _renew(self) -> None:
        itself = Replica(
            id=self.name,
            url=self._url,
            up_for=0.0,
            lease=self._settings.replica_lease,
            details={
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "streams": self._hub.open_count,
                "chains": {str(chain_id): head for chain_id, head in self._heads().items()},
            },
        )
        closed = self._take_closed()
        streams = [_stream_of(connection) for connection in self._hub.delivering()]

        def work(connection: DatabaseConnection) -> tuple[float, list[Replica]]:
            now = directory.renew(connection, itself, closed=closed, streams=streams)
            directory.forget_gone(connection)
            return now, directory.all_replicas(connection)

        try:
            now, found = await self._database.run(work)
        except BaseException:
            self._closed += closed
            raise
        self._clock_offset = now - time.monotonic()
        self._note(found)

    def _note(self, found: Iterable[Replica]) -> None:
        self._read_at = time.monotonic()
        self._known = {replica.id: replica for replica in found}
        self._on_count(len(self._live()))
        self._metrics.replicas.set(len(self._live()))

    def _live(self) -> list[Replica]:
        passed = time.monotonic() - self._read_at
        return [replica for replica in self._known.values() if replica.lease > passed]

    async def _find(self, name: str) -> Replica | None:
        """Return another replica that is there."""
        for _ in range(2):
            found = next((replica for replica in self._live() if replica.id == name), None)
            if found is not None or time.monotonic() - self._read_at < _LOOK_AGAIN:
                return found
            self._note(await self._database.read(directory.all_replicas))
        return None

    def _now(self) -> float:
        return time.monotonic() + self._clock_offset

    # --- streams of all -------------------------------------------------------------------------

    async def opened(self, connection: Connection) -> None:
        """Count a new stream among those of all replicas; see `Alone.opened`."""
        stream, version = _stream_of(connection), connection.subscription.version
        # What others are opening now doesn't count yet: one stream in each connection with the database.
        each = max(_MOST_CONNECTIONS, self._settings.database_connections)
        under_way = each * (len(self._live()) + 1)

        def work(database: DatabaseConnection) -> None:
            if directory.hold_still(database, stream.subscription_id) != version:
                raise Conflict(
                    "The subscription was changed just now. Connect again.", code="PROCESSING_STOPPED"
                )
            counts = directory.count_streams(database, stream.subscription_id, stream.subscriber_id)
            if counts.subscriber + under_way >= self._settings.max_streams:
                # Near the limit each waits for those before. Farther away that would only take time: streams
                # that come back after a restart are often one subscriber's.
                directory.hold_openings(database, stream.subscriber_id)
                counts = directory.count_streams(database, stream.subscription_id, stream.subscriber_id)
            if counts.subscriber >= self._settings.max_streams:
                raise TooManyRequests(
                    f"{counts.subscriber} streams of this subscriber are open, and no more are allowed. "
                    "Close one first.",
                    retry_after=self._settings.replica_lease,
                )
            directory.add_stream(database, self.name, stream)

        await self._database.run(work)

    def closed(self, connection: Connection) -> None:
        """Let the others know before long that a stream has ended."""
        self._closed.append(connection.id)
        if self._cleaning is None or self._cleaning.done():
            self._cleaning = asyncio.create_task(self._remove_closed(), name="remove closed streams")

    async def _remove_closed(self) -> None:
        closed = self._take_closed()
        try:
            await self._database.run(lambda connection: directory.remove_streams(connection, closed))
        except SQLAlchemyError:
            self._closed += closed  # with the next renewal

    def _take_closed(self) -> list[str]:
        closed, self._closed = self._closed, []
        return closed

    async def open_streams(self, subscription_ids: Iterable[int]) -> Mapping[int, int]:
        """Return the number of open streams of each of these subscriptions, in all replicas."""
        ids = list(subscription_ids)
        found = await self._database.read(lambda connection: directory.streams_of(connection, ids))
        return {number: found.get(number, 0) for number in ids}

    async def streams_elsewhere(self, subscriber_id: str | None) -> list[tuple[str, OpenStream]]:
        """Return the streams of the other replicas, as far as they are a subscriber's."""
        return await self._database.read(
            lambda connection: directory.streams_elsewhere(
                connection, self.name, subscriber_id, most=_MOST_SHOWN
            )
        )

    @property
    def members(self) -> list[Replica]:
        """The replicas that are there, this one too, as of the last look."""
        return self._live()

    # --- calls for connections of others --------------------------------------------------------

    async def hand_over(self, request: Request) -> Response | None:
        """Return the answer of the replica whose connection a call is about; see `Alone.hand_over`."""
        owner, dash, _ = request.path_params["connection_id"].removeprefix("conn_").partition("-")
        if not dash or owner == self.name or request.scope.get(_HANDED_OVER):
            return None
        replica = await self._find(owner)
        if replica is None:
            return None
        assert self._hand_over is not None, "calls come once the service has started"
        body = await read_body(request, limit=self._settings.max_body_bytes)
        caller: Caller = request.scope["event_streamer.caller"]
        try:
            answer = await self._hand_over.send(replica, request.url.path, body, caller)
        except BaseException:
            self._metrics.handed_over.labels("no_answer").inc()
            raise
        self._metrics.handed_over.labels("gone" if answer is None else "answered").inc()
        if answer is None:  # its lease may last a little longer, but its streams are gone with it
            raise no_such_connection()
        return answer

    async def handed_over_by(
        self, scope: Scope, headers: Headers, receive: Receive
    ) -> tuple[Caller, Receive] | None:
        """Return who made a call that another replica hands over; see `Alone.handed_over_by`."""
        signed = headers.get(HEADER)
        if signed is None or self._hand_over is None:
            return None
        body = await read_body(Request(scope, receive), limit=self._settings.max_body_bytes)
        caller = self._hand_over.caller_of(signed, scope["path"], body)
        scope[_HANDED_OVER] = True
        sent: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return sent.pop() if sent else await receive()

        return caller, again

    # --- news -----------------------------------------------------------------------------------

    def tell(self, connection: DatabaseConnection, **news: Any) -> None:
        """Tell the other replicas what a transaction changes, once it is committed."""
        text = orjson.dumps({"from": self.name, **news}).decode()
        connection.execute(select(func.pg_notify(CHANNEL, text)))

    def _news(self, text: str | None) -> None:
        self._review.hear(text, own_name=self.name)


def _stream_of(connection: Connection) -> OpenStream:
    subscription = connection.subscription
    return OpenStream(
        connection_id=connection.id,
        subscription_id=subscription.id,
        subscriber_id=subscription.subscriber_id,
    )

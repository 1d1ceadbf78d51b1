"""
All connections, and the acknowledgements that come back for them.

A connection stays known for a while after its stream has ended, since a client acknowledges what
it has handled also when the stream is gone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from attrs import frozen

from event_streamer_service.chains.types import Position
from event_streamer_service.clock import Ids
from event_streamer_service.delivery.connection import Connection, Ending
from event_streamer_service.delivery.ledger import Delivery, Ledger
from event_streamer_service.delivery.progress import ProgressBook
from event_streamer_service.errors import TooManyRequests
from event_streamer_service.metrics import Metrics
from event_streamer_service.settings import Settings
from event_streamer_service.store.subscriptions import Progress, Subscription


@frozen
class Acknowledgement:
    """
    What became of some batch ids.

    Attributes:
        accepted: Ids that are acknowledged now, in the order given, each with its number of events.
        failed: Ids that this connection doesn't know.
    """

    accepted: dict[str, int]
    failed: list[str]


class Hub:
    """
    The connections of a service.

    Args:
        settings: Limits.
        ids: Names connections.
        book: The progress that acknowledgements move.
        metrics: Counts streams and acknowledgements.
        prefix: What the names of its connections begin with, so that they tell whose they are.
    """

    def __init__(
        self, *, settings: Settings, ids: Ids, book: ProgressBook, metrics: Metrics, prefix: str = ""
    ) -> None:
        self._prefix = prefix
        self._settings = settings
        self._ids = ids
        self._book = book
        self._metrics = metrics
        self._connections: dict[str, Connection] = {}
        self._open_of: Counter[str] = Counter()
        """Subscriber → open streams."""
        self._by_subscription: dict[int, dict[str, Connection]] = {}
        self._watching: dict[str, Connection] = {}
        """Connections that only look on, apart from the others: nothing counts or is acknowledged there."""

    def open(
        self,
        subscription: Subscription,
        start: Progress,
        metadata: dict[str, Any],
        *,
        key: bytes | None = None,
        shows_nodes: bool = True,
        now: float = 0.0,
    ) -> Connection:
        """
        Take in a new connection; the arguments are the fields of `Connection`, and Unix time.

        Raises:
            TooManyRequests: Its subscriber has as many streams open as the settings allow.
        """
        owner = subscription.subscriber_id
        theirs = self._open_of[owner]
        if theirs >= self._settings.max_streams:
            raise TooManyRequests(
                f"{theirs} streams of this subscriber are open, and no more are allowed. Close one first.",
                retry_after=30,
            )
        name = self._ids.new(self._prefix)
        connection = Connection(
            id=f"conn_{name}",
            subscription=subscription,
            start=start.position,
            events=start.events_delivered,
            ledger=Ledger(name, self._settings.max_unacknowledged),
            last_seen=asyncio.get_running_loop().time(),
            metadata=metadata,
            key=key,
            shows_nodes=shows_nodes,
            opened_at=now,
        )
        self._connections[connection.id] = connection
        self._by_subscription.setdefault(subscription.id, {})[connection.id] = connection
        self._open_of[owner] += 1
        self._metrics.streams.labels(subscription.chain_id).inc()
        return connection

    def watch(
        self,
        subscription: Subscription,
        after: Position | None,
        *,
        key: bytes | None,
        shows_nodes: bool,
        now: float,
    ) -> Connection:
        """
        Take in a connection that only looks on.

        Args:
            subscription: What it looks at.
            after: Behind which block it begins.
            key: Digest of the API key that opened it.
            shows_nodes: Whether its reader may see the hosts of nodes.
            now: Unix time.

        Raises:
            TooManyRequests: Its subscriber has as many of them open as the settings allow.
        """
        owner = subscription.subscriber_id
        theirs = sum(each.subscription.subscriber_id == owner for each in self._watching.values())
        if theirs >= self._settings.max_watchers:
            raise TooManyRequests(
                f"{theirs} connections watch this subscriber's subscriptions, and no more are allowed. "
                "Close one first.",
                retry_after=30,
            )
        name = self._ids.new()
        connection = Connection(
            id=f"watch_{name}",
            subscription=subscription,
            start=after,
            events=0,
            # It remembers nothing: what was written there is never acknowledged.
            ledger=Ledger(name, 1),
            last_seen=float("inf"),
            key=key,
            shows_nodes=shows_nodes,
            watches=True,
            opened_at=now,
        )
        self._watching[connection.id] = connection
        return connection

    def unwatch(self, connection: Connection) -> None:
        """Note that a connection that only looked on has ended."""
        connection.is_open = False
        self._watching.pop(connection.id, None)

    def open_connections(self) -> list[Connection]:
        """Return the open connections, those that only look on behind the others."""
        return [c for c in self._connections.values() if c.is_open] + list(self._watching.values())

    def closed(self, connection: Connection, ending: Ending) -> None:
        """Note that a connection's stream has ended; late acknowledgements are still taken."""
        connection.is_open = False
        owner = connection.subscription.subscriber_id
        self._open_of[owner] -= 1
        if not self._open_of[owner]:
            del self._open_of[owner]
        self._metrics.streams.labels(connection.subscription.chain_id).dec()
        self._metrics.streams_closed.labels(ending.reason).inc()
        asyncio.get_running_loop().call_later(self._settings.late_ack_window, self._remove, connection)

    def find(self, connection_id: str) -> Connection | None:
        """Return a connection, also one that closed a short while ago."""
        return self._connections.get(connection_id)

    def open_streams(self, subscription_id: int) -> int:
        """Return the number of open streams of a subscription."""
        return sum(c.is_open for c in self._by_subscription.get(subscription_id, {}).values())

    async def acknowledge(self, connection: Connection, batch_ids: list[str]) -> Acknowledgement:
        """Take acknowledgements; returns when what they change is saved."""
        accepted: dict[str, int] = {}
        failed: list[str] = []
        for batch_id in batch_ids:
            events = connection.ledger.acknowledge(batch_id)
            if events is None:
                failed.append(batch_id)
            else:
                accepted[batch_id] = max(events, accepted.get(batch_id, 0))
        self.settle(connection)
        self._metrics.acknowledged.labels(connection.subscription.chain_id).inc(len(accepted))
        if accepted:
            await self._book.saved()
        return Acknowledgement(accepted, failed)

    def settle(self, connection: Connection) -> None:
        """Move the subscription's progress over what the connection has settled."""
        subscription = connection.subscription
        if connection.id not in self._connections:
            return  # the subscription was deleted or reset meanwhile: its old progress is void
        self._book.add(subscription, connection.ledger.settle())

    def note_done(self, subscription: Subscription, reached: Progress) -> None:
        """
        Take it from a client's token that it has all there is.

        Where blocks follow, the acknowledgement of one of them says the same. At the end none does, and one
        that was lost on its way would leave the subscription unfinished for ever.
        """
        assert reached.position is not None, "nothing is done before the first block"
        self._book.add(subscription, [Delivery(reached.position, reached.events_delivered)])

    @property
    def open_count(self) -> int:
        """Number of open streams."""
        return self._open_of.total()

    def drop_older(self, subscription_id: int, ending: Ending, *, version: int) -> None:
        """Do the same with the streams of other versions of a subscription than this one."""
        for connection in list(self._by_subscription.get(subscription_id, {}).values()):
            if connection.subscription.version != version:
                connection.end(ending)
                self._remove(connection)

    def delivering(self) -> list[Connection]:
        """Return the connections whose streams are open."""
        return [connection for connection in self._connections.values() if connection.is_open]

    def subscription_ids(self) -> set[int]:
        """Return the subscriptions that are delivered here, or were a short while ago."""
        return set(self._by_subscription)

    def drop(self, subscription_id: int, ending: Ending) -> None:
        """End all streams of a subscription and take no more acknowledgements for them."""
        for connection in list(self._by_subscription.get(subscription_id, {}).values()):
            connection.end(ending)
            self._remove(connection)
        for connection in self._watching.values():
            if connection.subscription.id == subscription_id:
                connection.end(ending)

    def end_all(self, ending: Ending) -> None:
        """Ask every stream to end."""
        for connection in self._all():
            connection.end(ending)

    def end_keys(self, is_good: Callable[[bytes | None], bool], ending: Ending) -> None:
        """Ask every stream to end whose key is no longer valid."""
        for connection in self._all():
            if not is_good(connection.key):
                connection.end(ending)

    def end_chain(self, chain_id: int, ending: Ending) -> None:
        """Ask every stream of a chain to end."""
        for connection in self._all():
            if connection.subscription.chain_id == chain_id:
                connection.end(ending)

    def _all(self) -> list[Connection]:
        return [*self._connections.values(), *self._watching.values()]

    def _remove(self, connection: Connection) -> None:
        self._connections.pop(connection.id, None)
        siblings = self._by_subscription.get(connection.subscription.id, {})
        siblings.pop(connection.id, None)
        if not siblings:
            self._by_subscription.pop(connection.subscription.id, None)
            self._book.release(connection.subscription)

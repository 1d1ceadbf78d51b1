"""An open stream as the rest of the service sees it: who reads it, what it has sent, how to end it."""

from __future__ import annotations

import asyncio
from typing import Any

from attrs import define, field, frozen

from event_streamer_service.chains.types import Position
from event_streamer_service.delivery.ledger import Ledger
from event_streamer_service.store.subscriptions import Subscription


@frozen
class Ending:
    """
    Why a stream ends, and what its client is told.

    Attributes:
        reason: Short word for metrics and logs.
        code: Error code of the last message; `None` sends none.
        message: Its sentence.
        recoverable: Connecting again makes sense.
    """

    reason: str
    code: str | None = None
    message: str = ""
    recoverable: bool = True


@define(eq=False)
class Connection:
    """
    One connection of a subscription.

    Attributes:
        id: As `X-Connection-Id` says.
        subscription: What it delivers.
        start: How far its reader had come when it connected; `None`: nowhere yet.
        events: Events up to there and of this connection, each counted once.
        ledger: What it has sent.
        metadata: What the client said about itself.
        key: Digest of the API key that opened it.
        shows_nodes: Whether its reader may see the hosts of nodes.
        last_seen: When its client last gave a sign, by the event loop's clock; of one that only watches none
            is asked for.
        watches: It only looks on: nothing is acknowledged on it, and it doesn't count as processing.
        opened_at: Unix time at which it was opened.
        position: How far it has written; `None`: nowhere yet.
        ending: Resolves when somebody wants the stream to end.
    """

    id: str
    subscription: Subscription
    start: Position | None
    events: int
    ledger: Ledger
    last_seen: float
    metadata: dict[str, Any] = field(factory=dict)
    key: bytes | None = field(default=None, repr=False)
    shows_nodes: bool = True
    watches: bool = False
    opened_at: float = 0.0
    position: Position | None = field(init=False)
    written: int = field(default=0, init=False)
    """Events that were written to it, repeated ones too."""
    ending: asyncio.Future[Ending] = field(init=False)
    is_open: bool = field(default=True, init=False)

    def __attrs_post_init__(self) -> None:
        self.position = self.start
        self.ending = asyncio.get_running_loop().create_future()

    def end(self, ending: Ending) -> None:
        """Ask the stream to end; the first to ask gives the reason."""
        if not self.ending.done():
            self.ending.set_result(ending)

    def seen(self) -> None:
        """Note a sign of life of the client."""
        self.last_seen = asyncio.get_running_loop().time()

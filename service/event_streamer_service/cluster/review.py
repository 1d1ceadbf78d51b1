"""
What changes elsewhere mean for this process.

News say what to look at, and the database says how it is now. So news may come twice, late, or for something
that is known already, and where some may have been missed everything is looked at.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import orjson
from attrs import define, field

from event_streamer_service.delivery.endings import CHANGED, DELETED, PAUSING
from event_streamer_service.delivery.hub import Hub
from event_streamer_service.delivery.progress import ProgressBook
from event_streamer_service.store import subscriptions
from event_streamer_service.store.database import Database

logger = logging.getLogger(__name__)

_AGAIN_AFTER = 1.0
"""Seconds after which a look is tried again that failed, most likely because the database is away."""


@define
class _ToLookAt:
    subscriptions: set[int] = field(factory=set)
    all_subscriptions: bool = False
    chains: bool = False
    keys: bool = False
    breakers: set[str | None] = field(factory=set)


@define(kw_only=True)
class Effects:
    """
    What a look leads to, beyond streams that end.

    Attributes:
        chains: Reads the chains' configurations anew.
        keys: Reads keys and secrets anew.
        breaker: Closes a circuit breaker; all of them with `None`.
    """

    chains: Callable[[], Awaitable[object]]
    keys: Callable[[], Awaitable[object]]
    breaker: Callable[[str | None], object]


class Review:
    """
    Looks at what others have changed.

    Args:
        database: Says how it is now.
        hub: The streams that may have to end.
        book: What is known here of their progress.
        effects: What else follows.
    """

    def __init__(self, database: Database, hub: Hub, book: ProgressBook, effects: Effects) -> None:
        self._database = database
        self._hub = hub
        self._book = book
        self._effects = effects
        self._next = _ToLookAt()
        self._asked = asyncio.Event()

    def hear(self, text: str | None, *, own_name: str) -> None:
        """
        Take news.

        Args:
            text: What was told; `None` where some may have been missed.
            own_name: Name of this process, whose own news it knows.
        """
        if text is None:
            self._next = _ToLookAt(all_subscriptions=True, chains=True, keys=True)
        else:
            try:
                news = orjson.loads(text)
                if news.get("from") == own_name:
                    return
                self._next.chains |= "chains" in news
                self._next.keys |= "keys" in news
                if "subscription" in news:
                    self._next.subscriptions.add(int(news["subscription"]))
                if "breaker" in news:
                    self._next.breakers.add(news["breaker"])
            except (ValueError, TypeError, AttributeError):
                logger.warning("A notification of the database is not one of ours; it is passed over")
                return
        self._asked.set()

    async def run(self) -> None:
        """Look whenever there are news, as long as the task lives."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            now, self._next = self._next, _ToLookAt()
            try:
                await self._look(now)
            except Exception as problem:  # noqa: BLE001 - whatever it is, the next look may find it gone
                logger.warning("What others have changed can't be read; it is tried again: %s", problem)
                # Whatever came meanwhile is a part of everything.
                self.hear(None, own_name="")
                await asyncio.sleep(_AGAIN_AFTER)

    async def _look(self, at: _ToLookAt) -> None:
        delivered = self._hub.subscription_ids()
        await self._look_at_subscriptions(delivered if at.all_subscriptions else delivered & at.subscriptions)
        if at.chains:
            await self._effects.chains()
        if at.keys:
            await self._effects.keys()
        for name in at.breakers:
            self._effects.breaker(name)

    async def _look_at_subscriptions(self, ids: set[int]) -> None:
        if not ids:
            return
        found = await self._database.read(lambda connection: subscriptions.versions(connection, ids))
        for number in ids:
            if number not in found:
                self._hub.drop(number, DELETED)
                self._book.forget(number)
            else:
                version, is_active = found[number]
                self._hub.drop_older(number, CHANGED if is_active else PAUSING, version=version)

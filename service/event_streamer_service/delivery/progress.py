"""
The newest progress of every subscription, and its way into the database.

Acknowledgements of many streams that arrive together are saved in one transaction, and each is
answered only when it is saved. What needs no answer (blocks without events) waits a moment to
ride along.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from sqlalchemy.exc import SQLAlchemyError

from event_streamer_service.clock import Clock
from event_streamer_service.logs import fields
from event_streamer_service.metrics import Metrics
from event_streamer_service.store import subscriptions
from event_streamer_service.store.database import Database
from event_streamer_service.store.subscriptions import Progress, Subscription

logger = logging.getLogger(__name__)

_LINGER = 0.5
"""Seconds that unhurried progress waits for company."""


class ProgressBook:
    """
    Progress in memory, newer than the database or equal to it.

    Args:
        database: Where it is saved.
        clock: Gives the rows their time.
        metrics: Counts the transactions.
    """

    def __init__(self, database: Database, *, clock: Clock, metrics: Metrics) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._current: dict[int, Progress] = {}
        self._unsaved: set[int] = set()
        self._saving: asyncio.Task[None] | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._told = False

    def current(self, subscription: Subscription) -> Progress:
        """Return the newest progress of a subscription that was read from the database."""
        return self._current.get(subscription.id, subscription.progress)

    def set(self, subscription_id: int, progress: Progress) -> None:
        """Take a new progress; it is saved before long."""
        if self._current.get(subscription_id) == progress:
            return
        self._current[subscription_id] = progress
        self._unsaved.add(subscription_id)
        if self._linger is None:
            self._linger = asyncio.get_running_loop().call_later(_LINGER, self._start_saving)

    async def saved(self) -> None:
        """
        Wait until all that was set up to now is in the database.

        Raises:
            SQLAlchemyError: It can't be saved now; it is kept, and tried again with the next save.
        """
        # A save that is on its way may have begun before our change: then the next one has it.
        for _ in range(1 if self._saving is None else 2):
            if self._unsaved or self._saving is not None:
                await asyncio.shield(self._start_saving())

    def forget(self, subscription_id: int) -> None:
        """Drop what is known of a subscription: it was deleted, or its progress was reset."""
        self._current.pop(subscription_id, None)
        self._unsaved.discard(subscription_id)

    async def close(self) -> None:
        """Save what is left."""
        if self._linger is not None:
            self._linger.cancel()
        with contextlib.suppress(SQLAlchemyError):
            await self.saved()

    def _start_saving(self) -> asyncio.Task[None]:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if self._saving is None:
            self._saving = asyncio.create_task(self._save(), name="save progress")
            self._saving.add_done_callback(self._done)
        return self._saving

    def _done(self, task: asyncio.Task[None]) -> None:
        self._saving = None
        problem = None if task.cancelled() else task.exception()
        if problem is not None and not self._told:  # once in an outage, however many acknowledgements come
            logger.error(
                "Progress can't be saved; it is kept and tried again",
                extra=fields(reason=str(getattr(problem, "orig", problem))),
            )
        self._told = problem is not None

    async def _save(self) -> None:
        ids, self._unsaved = self._unsaved, set()
        changes = [(number, self._current[number]) for number in sorted(ids)]
        now = self._clock.time()
        try:
            await self._database.run(
                lambda connection: subscriptions.save_progress(connection, changes, now=now)
            )
        except BaseException:
            self._unsaved |= ids & self._current.keys()
            raise
        self._metrics.progress_saves.inc()

"""
Acknowledged deliveries on their way into the database, and the progress that they lead to.

Acknowledgements of many streams that arrive together are saved in one transaction, and each is
answered only when it is saved. What needs no answer (blocks without events) waits a moment to
ride along. What is saved is where a delivery leads *from what is stored*: another process may have
stored more meanwhile, and nothing that is held here takes it back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from functools import partial

from attrs import define, field
from sqlalchemy.exc import SQLAlchemyError

from event_streamer_service.clock import Clock
from event_streamer_service.delivery.ledger import Delivery, applied, merged
from event_streamer_service.logs import fields
from event_streamer_service.metrics import Metrics
from event_streamer_service.store import subscriptions
from event_streamer_service.store.database import Database
from event_streamer_service.store.subscriptions import Progress, Step, Subscription

logger = logging.getLogger(__name__)

_LINGER = 0.5
"""Seconds that unhurried progress waits for company."""


@define
class _Page:
    """
    What is known of a subscription.

    Attributes:
        version: The version of the subscription that all of it belongs to.
        stored: Its progress in the database, as this process saw it last.
        unsaved: Deliveries that lead on from there.
        in_flight: Those of them that are being saved, before the others.
    """

    version: int
    stored: Progress
    unsaved: list[Delivery] = field(factory=list)
    in_flight: list[Delivery] = field(factory=list)

    @property
    def waiting(self) -> list[Delivery]:
        return [*self.in_flight, *self.unsaved]


class ProgressBook:
    """
    The progress of the subscriptions that are delivered here.

    Args:
        database: Where it is saved.
        clock: Gives the rows their time.
        metrics: Counts the transactions.
    """

    def __init__(self, database: Database, *, clock: Clock, metrics: Metrics) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._pages: dict[int, _Page] = {}
        self._unsaved: set[int] = set()
        self._saving: asyncio.Task[None] | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._told = False

    def with_unsaved(self, subscription: Subscription) -> Progress:
        """Return the progress of a subscription that was read just now, with what is not saved yet."""
        page = self._page_of(subscription)
        return subscription.progress if page is None else applied(page.waiting, subscription.progress)

    def current(self, subscription: Subscription) -> Progress:
        """Return the newest progress that is known here of a subscription that was read some time ago."""
        page = self._page_of(subscription)
        return subscription.progress if page is None else applied(page.waiting, page.stored)

    def add(self, subscription: Subscription, deliveries: Iterable[Delivery]) -> None:
        """Take acknowledged deliveries; they are saved before long."""
        deliveries = list(deliveries)
        before = self.current(subscription)
        known = self._pages.get(subscription.id)
        if applied(deliveries, before) == before or (known and known.version > subscription.version):
            return
        page = self._page_of(subscription)
        if page is None:
            page = self._pages[subscription.id] = _Page(subscription.version, subscription.progress)
        page.unsaved = merged([*page.unsaved, *deliveries])
        self._unsaved.add(subscription.id)
        if self._linger is None:
            self._linger = asyncio.get_running_loop().call_later(_LINGER, self._start_saving)

    async def saved(self) -> None:
        """
        Wait until all that was added up to now is in the database.

        Raises:
            SQLAlchemyError: It can't be saved now; it is kept, and tried again with the next save.
        """
        # A save that is on its way may have begun before our change: then the next one has it.
        for _ in range(1 if self._saving is None else 2):
            if self._unsaved or self._saving is not None:
                await asyncio.shield(self._start_saving())

    def forget(self, subscription_id: int) -> None:
        """Drop what is known of a subscription: it was deleted, changed, or is no longer delivered here."""
        self._pages.pop(subscription_id, None)
        self._unsaved.discard(subscription_id)

    def release(self, subscription: Subscription) -> None:
        """Forget a subscription that is no longer delivered here, once all of it is saved."""
        page = self._pages.get(subscription.id)
        if page is not None and not page.waiting:
            del self._pages[subscription.id]

    def _page_of(self, subscription: Subscription) -> _Page | None:
        page = self._pages.get(subscription.id)
        return page if page is not None and page.version == subscription.version else None

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
        ids, self._unsaved = sorted(self._unsaved), set()
        taken = {number: self._pages[number] for number in ids}
        steps: list[Step] = []
        for number, page in taken.items():
            page.in_flight, page.unsaved = page.unsaved, []
            steps.append(Step(number, page.version, partial(applied, page.in_flight)))
        now = self._clock.time()
        try:
            stored = await self._database.run(
                lambda connection: subscriptions.move_progress(connection, steps, now=now)
            )
        except BaseException:
            for number, page in taken.items():
                page.unsaved, page.in_flight = merged(page.waiting), []
                if self._pages.get(number) is page:
                    self._unsaved.add(number)
            raise
        self._metrics.progress_saves.inc()
        for number, page in taken.items():
            page.in_flight = []
            if number in stored:
                page.stored = stored[number]
            elif self._pages.get(number) is page:
                self.forget(number)  # it was deleted or changed: what was delivered before is void

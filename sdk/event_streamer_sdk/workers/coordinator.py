"""What a worker does beside its streams: take leases, renew them, balance, and hand over."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable, Collection
from typing import Any

from event_streamer_sdk._core.backoff import Backoff, Reconnect
from event_streamer_sdk._core.sharing import Peer, View, next_move
from event_streamer_sdk.checkpoints import CheckpointError, Overview, SharedStore
from event_streamer_sdk.exceptions import EventStreamerSDKError

from .held import Held, attend
from .lease import Lease, ticks
from .streams import Streams

logger: logging.Logger = logging.getLogger(__name__)

REFRESH_SECONDS = 3.0
"""How often the service is asked which subscriptions there are, seconds."""
PATIENCE_SECONDS = 1.0
"""How long a subscription that nobody has is left to the worker that it falls to, seconds."""
STOP_AGAIN_SECONDS = 0.2
"""How often a stream that has to stop is told so, seconds."""
RELEASE_SECONDS = 2.0
"""How long giving a lease back may take; after that it runs out by itself."""
LEAST_RELEASE_SECONDS = 1.0
"""The same where the worker ends: what its stream has taken for its own end counts."""
STORE_RETRY = Reconnect(initial=0.2, maximum=2.0)
"""Waits for a database that is away: short, since leases run out meanwhile."""


class Coordinator:
    """
    Keeps a worker's share of the subscriptions.

    Args:
        streams: Makes and runs streams.
        store: Keeps positions and leases; its owner's name is the worker's.
        subscriber_id: Whose subscriptions are meant; workers with the same one share them.
        subscriptions: Their ids; `None` for all that the service knows.
        capacity: How many are taken at most; `None` for any number.
        poll_seconds: How often the others are looked at, seconds.
        about: What else the worker says of itself.
    """

    def __init__(
        self,
        streams: Streams,
        store: SharedStore,
        subscriber_id: str,
        *,
        subscriptions: Collection[int] | None,
        capacity: int | None,
        poll_seconds: float,
        about: dict[str, Any],
    ) -> None:
        assert store.lease_seconds is not None, "leases are on"
        self.streams = streams
        self.store = store
        self.held: dict[str, Held] = {}
        self.healthy_at: float | None = None
        self._group = subscriber_id
        self._chosen = None if subscriptions is None else sorted(set(subscriptions))
        self._wanted: dict[str, int] = {self._key(each): each for each in self._chosen or ()}
        self._capacity = capacity
        self._poll_seconds = poll_seconds
        self._about = about
        self._lease_seconds = store.lease_seconds
        self._free_since: dict[str, float] = {}
        self._refreshed_at = float("-inf")
        self._refreshing: asyncio.Task[Any] | None = None
        self._announced_at = float("-inf")
        self._stopping = asyncio.Event()
        self._left_at: float | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def _key(self, subscription_id: int) -> str:
        return f"{self._group}:{subscription_id}"

    @property
    def is_healthy(self) -> bool:
        """Whether the database has answered within the time of a lease."""
        return self.healthy_at is not None and ticks() - self.healthy_at < self._lease_seconds

    @property
    def name(self) -> str:
        """The worker's name."""
        return self.store.owner

    # --- life ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until `stop`, then hand everything over."""
        renewing = asyncio.create_task(self._patiently(self._renew, self._lease_seconds / 4), name="renew")
        balancing = asyncio.create_task(self._patiently(self._balance, self._poll_seconds), name="balance")
        stopped = asyncio.create_task(self._stopping.wait(), name="stop")
        try:
            await asyncio.wait({renewing, balancing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            balancing.cancel()
            if self._refreshing is not None:
                self._refreshing.cancel()
            await self._hand_over()
            renewing.cancel()
            done = await asyncio.gather(renewing, balancing, stopped, return_exceptions=True)
        for task, result in ((renewing, done[0]), (balancing, None)):
            error = result or (None if task.cancelled() else task.exception())
            if isinstance(error, Exception):
                logger.error("worker %s: ended: %s", self.name, error)
                raise error

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()

    async def _patiently(self, turn: Callable[[], Any], seconds: float) -> None:
        """Repeat something; a database that is away is waited for, and told once."""
        backoff = Backoff(STORE_RETRY, random.random)
        while not self._stopping.is_set():
            try:
                await turn()
            except CheckpointError as problem:
                if problem.permanent:
                    raise
                if backoff.failures == 0:
                    logger.warning("worker %s: %s; still trying", self.name, problem)
                await asyncio.sleep(backoff.next_delay())
                continue
            backoff.reset()
            self.healthy_at = ticks()
            await asyncio.sleep(seconds * (0.8 + 0.4 * random.random()))  # noqa: S311 - spreads workers, no secret

    def _background(self, steps: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(steps)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- leases --------------------------------------------------------------------------------

    async def _renew(self) -> None:
        leases = {key: held.lease for key, held in self.held.items() if not held.lease.ended}
        began = ticks()
        kept = await self.streams.ask(self.store.renew_all, list(leases)) if leases else set()
        for key, lease in leases.items():
            if key in kept:
                lease.prolonged(began + self._lease_seconds)
            elif not lease.ended:
                self._lost(key)
        await self._announce(began)

    def _lost(self, key: str) -> None:
        held = self.held.get(key)
        if held is not None and not held.lost:
            logger.warning("worker %s: subscription %s was taken over", self.name, held.subscription_id)
            held.lost = True
            held.lease.end()
            self._background(self._let_go(held))

    async def _let_go(self, held: Held) -> None:
        """Stop a stream, and give its lease back where it is still ours."""
        if not held.leaving.is_set():
            held.leaving.set()
        while not held.task.done():
            # Again: a stream that was just about to start has nothing to stop yet.
            if held.stream is not None:
                await self.streams.stop(held.stream)
            await asyncio.wait({held.task}, timeout=STOP_AGAIN_SECONDS)

    async def _ended(self, held: Held) -> None:
        """Give the lease back behind the last step of a stream."""
        lease = held.lease
        lost, ended = held.lost, lease.ended
        lease.end()
        try:
            if not (lost or ended):
                release = self.streams.ask(self.store.release, held.key)
                left = RELEASE_SECONDS if self._left_at is None else self._left_at + RELEASE_SECONDS - ticks()
                await asyncio.wait_for(release, max(LEAST_RELEASE_SECONDS, left))
        except (CheckpointError, TimeoutError) as problem:
            logger.warning(
                "worker %s: %s; it runs out by itself",
                self.name,
                str(problem) or "the database doesn't answer",
            )
        finally:
            if self.held.get(held.key) is held:
                del self.held[held.key]

    async def _take(self, keys: list[str]) -> None:
        """Ask for leases, all in one go: one after the other takes minutes where the database is slow."""
        began = ticks()
        for key in await self.streams.ask(self.store.acquire_all, keys) if keys else ():
            self._took(key, began)

    def _took(self, key: str, began: float) -> None:
        fencing = self.store.fencing(key)
        assert fencing is not None, "it was just taken"
        lease = Lease(self._wanted[key], key, self.name, fencing, began + self._lease_seconds)
        held = Held(lease)
        self.held[key] = held
        held.task = self._background(attend(held, self.streams, self.store, self._ended))
        logger.info("worker %s: took subscription %s (fencing %s)", self.name, held.subscription_id, fencing)

    async def _hand_over(self) -> None:
        """Leave: others see that nobody has the subscriptions, and take them at once."""
        self._left_at = ticks()
        for held in list(self.held.values()):
            self._background(self._let_go(held))
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self.streams.ask(self.store.leave, self._group)
        except (CheckpointError, TimeoutError) as problem:
            logger.warning("worker %s: %s", self.name, str(problem) or "the database doesn't answer")
        while tasks := set(self._tasks):
            await asyncio.wait(tasks)

    # --- balance -------------------------------------------------------------------------------

    async def _balance(self) -> None:
        now = ticks()
        if self._chosen is None and now - self._refreshed_at >= REFRESH_SECONDS:
            self._refreshed_at = now
            if self._refreshing is None or self._refreshing.done():
                # Not awaited: a service that gives no answer must not keep us from taking over.
                self._refreshing = self._background(self._refresh())
        if now - self._announced_at >= self._lease_seconds / 2:
            await self._announce(now)
        seen: Overview = await self.streams.ask(self.store.overview, self._group, list(self._wanted))
        for key, held in list(self.held.items()):
            if key not in self._wanted and not held.leaving.is_set():
                self._background(self._let_go(held))
        move = next_move(self.name, self._view(seen), patience=PATIENCE_SECONDS)
        for key in move.give_up:
            if key in self.held and not self.held[key].leaving.is_set():
                logger.info("worker %s: hands over %s", self.name, key)
                self._background(self._let_go(self.held[key]))
        await self._take([key for key in move.take if key not in self.held])

    def _view(self, seen: Overview) -> View:
        now = ticks()
        owners: dict[str, str | None] = {}
        free_for: dict[str, float] = {}
        for key in self._wanted:
            row = seen.leases.get(key)
            owner = row.owner if row is not None and row.is_held else None
            owners[key] = self.name if key in self.held else (None if owner == self.name else owner)
            if owners[key] is not None:
                self._free_since.pop(key, None)
            elif row is not None and not row.is_held:  # the database knows since when
                free_for[key] = -row.seconds_left
            else:
                free_for[key] = now - self._free_since.setdefault(key, now)
        peers = {
            worker.name: Peer(worker.name, worker.report.get("capacity"))
            for worker in seen.workers
            # One that hasn't spoken for half a lease takes nothing: nothing is given up for it either.
            if worker.report.get("subscriptions") == self._chosen
            and worker.seconds_left > self._lease_seconds / 2
        }
        peers[self.name] = Peer(self.name, self._capacity)
        return View(peers=list(peers.values()), owners=owners, free_for=free_for)

    async def _refresh(self) -> None:
        """Ask which subscriptions there are; a service that is away leaves the old answer."""
        try:
            found = await self.streams.subscriptions()
        except EventStreamerSDKError as problem:
            logger.warning("worker %s: can't list the subscriptions: %s", self.name, problem)
            return
        self._wanted = {self._key(each): each for each in found}

    async def _announce(self, now: float) -> None:
        self._announced_at = now
        said = self._about | {
            "subscriptions": self._chosen,
            "capacity": self._capacity,
            "streams": {str(held.subscription_id): held.figures(now) for held in self.held.values()},
        }
        await self.streams.ask(self.store.announce, self._group, json.dumps(said))

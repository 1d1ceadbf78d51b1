"""A subscription that a worker has: its stream is made, run and made again until it is let go."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from event_streamer_sdk import EndReason
from event_streamer_sdk._core.backoff import Backoff, Reconnect
from event_streamer_sdk.checkpoints import SharedStore
from event_streamer_sdk.exceptions import LeaseLostError

from .lease import Lease, LeasedPositions, ticks
from .streams import Streams

logger: logging.Logger = logging.getLogger(__name__)

FAILING = Reconnect(initial=1.0, maximum=60.0)
"""Waits before a stream that has ended badly is made again: the others go on meanwhile."""
FINISHED_SECONDS = 60.0
"""How often a subscription that is done is looked at again: somebody may have moved its end."""


class Held:
    """
    A subscription that a worker has.

    Attributes:
        lease: The lease.
        state: `starting`, `streaming`, `standby` (the lease has run out, the database is away), `failing`,
            `finished` or `leaving`.
        error: What ended the stream last, where it was a bad end.
        stream: The streaming client of the moment.
        leaving: Set when it is to be let go.
        lost: Whether another worker has taken over.
        task: What attends to it.
    """

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.error: str | None = None
        self.stream: Any = None
        self.leaving: asyncio.Event = asyncio.Event()
        self.lost = False
        self.task: asyncio.Task[Any]
        self._state = "starting"
        self._events_before = 0
        self._counted = 0
        self._counted_at = ticks()

    @property
    def key(self) -> str:
        """The position's name."""
        return self.lease.key

    @property
    def subscription_id(self) -> int:
        """The subscription."""
        return self.lease.subscription_id

    @property
    def state(self) -> str:
        """What it is doing."""
        if self.leaving.is_set():
            return "leaving"
        return self._state if self.lease.holds else "standby"

    @property
    def events(self) -> int:
        """Events that were handled since it was taken."""
        return self._events_before + (self.stream.stats.events if self.stream is not None else 0)

    def figures(self, now: float) -> dict[str, Any]:
        """
        Sum up how it goes.

        Returns:
            JSON-like values; the rate is that since the last call.
        """
        events, seconds = self.events, max(now - self._counted_at, 0.001)
        rate = (events - self._counted) / seconds
        self._counted, self._counted_at = events, now
        stats = self.stream.stats if self.stream is not None else None
        return {
            "state": self.state,
            "events": events,
            "rate": round(rate, 1),
            "lag_blocks": stats.lag_blocks if stats is not None else None,
            "error": self.error,
        }

    async def rest(self, seconds: float, state: str) -> None:
        """Wait for some seconds, or until it is let go; `state` is shown meanwhile."""
        self._state = state
        with suppress(TimeoutError):
            await asyncio.wait_for(self.leaving.wait(), seconds)

    async def stream_once(self, streams: Streams, store: SharedStore) -> EndReason:
        """
        Make the stream, and run it to its end.

        Returns:
            Why it ended.

        Raises:
            BaseException: What ended it badly.
        """
        self.stream = await streams.make(self.lease, LeasedPositions(store, self.lease))
        self._state = "streaming"
        try:
            if self.leaving.is_set():
                return EndReason.STOPPED
            return (await streams.run(self.stream)).reason
        finally:
            stream, self.stream = self.stream, None
            self._events_before += stream.stats.events


async def attend(
    held: Held, streams: Streams, store: SharedStore, ended: Callable[[Held], Awaitable[None]]
) -> None:
    """Keep a subscription's stream going until it is let go, or lost."""
    backoff = Backoff(FAILING, random.random)
    try:
        while not held.leaving.is_set():
            handled = held.events
            try:
                reason = await held.stream_once(streams, store)
            except Exception as error:  # noqa: BLE001 - one subscription's trouble is told, and holds no other back
                if isinstance(error, LeaseLostError):
                    held.lost = True
                    return
                held.error = f"{type(error).__name__}: {error}"
                if held.events > handled:
                    backoff.reset()
                delay = 0.5 + backoff.next_delay()
                logger.error(
                    "subscription %s: %s; next try in %.1f s", held.subscription_id, held.error, delay
                )
                await held.rest(delay, "failing")
            else:
                held.error = None
                if reason is EndReason.FINISHED:
                    await held.rest(FINISHED_SECONDS, "finished")
                elif reason is EndReason.LEASE_LOST:
                    held.lost = True
                    return
                elif not held.leaving.is_set():
                    await held.rest(0.5, "starting")  # somebody has stopped it, and not this worker
    finally:
        await ended(held)

"""
How much is delivered, and how far behind: looked at every few seconds, and kept for some hours.

A point is a flat array of three numbers for each subscription that has an open stream, so that six hours
of a thousand of them take up some 15 MB. Nothing is asked of nodes or of the database for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from array import array
from collections import deque
from collections.abc import Callable, Iterator

from attrs import evolve, frozen

from event_streamer_service.chains.manager import ChainManager
from event_streamer_service.delivery.connection import Connection
from event_streamer_service.delivery.hub import Hub
from event_streamer_service.delivery.progress import ProgressBook
from event_streamer_service.notices import Notices
from event_streamer_service.store.subscriptions import Subscription

logger = logging.getLogger(__name__)

FINE_STEP = 5.0
"""Seconds between two looks."""
COARSE_STEP = 60.0
FINE_MINUTES = 20
_FINE_POINTS = int(FINE_MINUTES * 60 / FINE_STEP)
_COARSE_POINTS = 360
_AT_ONCE = 200
"""Subscriptions that are looked at in one turn of the event loop: some 2 ms."""
_MOST_SUBSCRIPTIONS = 1000
"""Subscriptions in one point; of more the first ones."""
_SMOOTHING = 0.3
"""Weight of the last look in what a subscription's pace is."""
_UNKNOWN = float("nan")


@frozen
class Point:
    """
    One look at all subscriptions that are delivered.

    Attributes:
        at: Unix time.
        seconds: The time that it covers.
        values: Three numbers each: the subscription's id, its events, and the blocks that it is behind (NaN
            where that isn't known).
    """

    at: float
    seconds: float
    values: array[float]


@frozen
class Pace:
    """
    How fast a subscription is.

    Attributes:
        events: Events written, per second.
        blocks: Blocks by which its progress moves, per second.
        block: Where its progress was at the last look.
    """

    events: float
    blocks: float
    block: int | None


@frozen
class Series:
    """Figures over time: Unix times, events per second, and blocks behind (`None` where not known)."""

    step: float
    times: list[float]
    events: list[float]
    behind: list[float | None]


class Activity:
    """
    Looks at the open streams, and remembers what it saw.

    Args:
        hub: Knows the streams.
        book: Knows how far they are.
        chains: Know how far they could be.
        notices: Is told of circuit breakers and reorganisations.
        now: Tells the Unix time.
    """

    def __init__(
        self,
        hub: Hub,
        book: ProgressBook,
        chains: ChainManager,
        *,
        notices: Notices,
        now: Callable[[], float],
    ) -> None:
        self._hub = hub
        self._book = book
        self._chains = chains
        self._notices = notices
        self._now = now
        self._fine: deque[Point] = deque(maxlen=_FINE_POINTS)
        self._coarse: deque[Point] = deque(maxlen=_COARSE_POINTS)
        self._minute: list[Point] = []
        self._written: dict[str, int] = {}
        """Connection → what it had written at the last look."""
        self._paces: dict[int, Pace] = {}
        self._states: dict[str, str] = {}
        self._reorgs: dict[int, int] = {}
        self._looked_at: float | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="activity")

    async def close(self) -> None:
        """Look no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                for _ in self._looking(loop.time()):
                    await asyncio.sleep(0)
            except Exception:  # what is only looked at must not end what is delivered
                logger.exception("The figures over time can't be taken")
            await asyncio.sleep(FINE_STEP)

    # --- looking --------------------------------------------------------------------------------

    def look(self, clock: float) -> None:
        """
        Take one point.

        Args:
            clock: Seconds on a clock that only goes forward.
        """
        for _ in self._looking(clock):
            pass

    def _looking(self, clock: float) -> Iterator[None]:
        """Take one point, in steps between which the event loop may do something else."""
        self._look_at_chains()
        before, self._looked_at = self._looked_at, clock
        written: dict[int, int] = {}
        subscriptions: dict[int, Subscription] = {}
        counts: dict[str, int] = {}
        for connection in self._hub.open_connections():
            if connection.watches:
                continue
            subscription = connection.subscription
            counts[connection.id] = connection.written
            fresh = connection.written - self._written.get(connection.id, 0)
            written[subscription.id] = written.get(subscription.id, 0) + fresh
            subscriptions[subscription.id] = subscription
        self._written = counts
        if before is None:
            return
        seconds = max(clock - before, 0.001)
        values = array("d")
        paces: dict[int, Pace] = {}
        for index, (number, subscription) in enumerate(subscriptions.items(), 1):
            if not index % _AT_ONCE:
                yield
            paces[number] = self._pace(subscription, written[number] / seconds, seconds)
            if len(values) < 3 * _MOST_SUBSCRIPTIONS:
                behind = self.blocks_behind(subscription)
                values.extend((number, written[number], _UNKNOWN if behind is None else behind))
        self._paces = paces
        now = self._now()
        if self._fine and now < self._fine[-1].at:
            self._shift(now - seconds - self._fine[-1].at)
        self._keep(Point(now, seconds, values))

    def _shift(self, seconds: float) -> None:
        """Move what was seen along with the clock, which was set back: else it lies in the future."""
        for points in (self._fine, self._coarse):
            moved = [evolve(point, at=point.at + seconds) for point in points]
            points.clear()
            points.extend(moved)
        self._minute = [evolve(point, at=point.at + seconds) for point in self._minute]

    def _pace(self, subscription: Subscription, events: float, seconds: float) -> Pace:
        block = subscription.processed_block(self._book.current(subscription))
        before = self._paces.get(subscription.id)
        if before is None:
            return Pace(events, 0.0, block)
        start = before.block if before.block is not None else subscription.start_block - 1
        moved = max(0, block - start) / seconds if block is not None else 0.0
        return Pace(
            before.events + _SMOOTHING * (events - before.events),
            before.blocks + _SMOOTHING * (moved - before.blocks) if before.blocks else moved,
            block,
        )

    def _keep(self, point: Point) -> None:
        self._fine.append(point)
        self._minute.append(point)
        if len(self._minute) * FINE_STEP < COARSE_STEP:
            return
        events: dict[float, float] = {}
        behind: dict[float, float] = {}
        for each in self._minute:
            for i in range(0, len(each.values), 3):
                number, count, lag = each.values[i : i + 3]
                events[number] = events.get(number, 0.0) + count
                behind[number] = (
                    max(lag, behind.get(number, -1.0)) if lag == lag else behind.get(number, _UNKNOWN)
                )
        values = array("d")
        for number, count in events.items():
            values.extend((number, count, behind[number]))
        self._coarse.append(Point(point.at, sum(each.seconds for each in self._minute), values))
        self._minute = []

    def _look_at_chains(self) -> None:
        for chain in self._chains.running():
            config, seen = chain.config, chain.tracker.reorgs
            before = self._reorgs.get(config.chain_id, 0)
            if seen > before:
                self._notices.note(
                    "REORG",
                    f"{config.name} was reorganised.",
                    severity="info",
                    chain_id=config.chain_id,
                )
            self._reorgs[config.chain_id] = seen
        states = {}
        for chain_id, breaker in self._chains.breakers_by_chain:
            states[breaker.name] = breaker.state
            if breaker.state == "open" and self._states.get(breaker.name, "closed") == "closed":
                why = f": {breaker.last_error}" if breaker.last_error else "."
                self._notices.note(
                    "CIRCUIT_BREAKER_OPEN",
                    f"The circuit breaker {breaker.name} opened{why}",
                    chain_id=chain_id,
                    shows_nodes=True,
                )
            elif breaker.state == "closed" and self._states.get(breaker.name, "closed") != "closed":
                self._notices.note(
                    "CIRCUIT_BREAKER_CLOSED",
                    f"The circuit breaker {breaker.name} is closed: its node answers again, or it was reset.",
                    severity="info",
                    chain_id=chain_id,
                    shows_nodes=True,
                )
        self._states = states

    # --- asking ---------------------------------------------------------------------------------

    def blocks_behind(self, subscription: Subscription) -> int | None:
        """Return the blocks between a subscription's progress and what there is for it, where known."""
        if not self._chains.is_active(subscription.chain_id):
            return None
        head = self._chains.get(subscription.chain_id).head_number
        if head is None:
            return None
        aim = head if subscription.end_block is None else min(head, subscription.end_block)
        done = subscription.processed_block(self._book.current(subscription))
        return max(0, aim - (done if done is not None else subscription.start_block - 1))

    def pace(self, subscription_id: int) -> Pace | None:
        """Return how fast a subscription is; `None` while it is not delivered, or before the first look."""
        return self._paces.get(subscription_id)

    def series(self, minutes: int, wanted: Callable[[int], bool]) -> Series:
        """
        Return figures over time.

        Args:
            minutes: How far to look back.
            wanted: Which subscriptions, by id, count.
        """
        fine = minutes <= FINE_MINUTES
        points = self._fine if fine else self._coarse
        since = self._now() - 60 * minutes
        times: list[float] = []
        events: list[float] = []
        behind: list[float | None] = []
        known: dict[float, bool] = {}
        for point in points:
            if point.at < since:
                continue
            total, worst = 0.0, -1.0
            values = point.values
            for i in range(0, len(values), 3):
                number = values[i]
                if number not in known:
                    known[number] = wanted(int(number))
                if known[number]:
                    total += values[i + 1]
                    worst = max(worst, values[i + 2]) if values[i + 2] == values[i + 2] else worst
            times.append(round(point.at, 3))
            events.append(round(total / point.seconds, 3))
            behind.append(worst if worst >= 0 else None)
        return Series(FINE_STEP if fine else COARSE_STEP, times, events, behind)


def client_of(connection: Connection) -> str | None:
    """Return what a connection's client said about itself, in a few words."""
    said = [connection.metadata.get(name) for name in ("client", "name", "sdk", "version")]
    words = [str(word) for word in said if isinstance(word, str | int | float)]
    return " ".join(words)[:80] or None

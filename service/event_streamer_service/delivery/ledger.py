"""
What one stream has sent and what of it was acknowledged. Pure bookkeeping, no I/O.

A stream's deliveries are numbered from 1. Acknowledgements may come in any order and more than
once; only the unbroken run of acknowledged deliveries counts, so that what lies behind it is
surely handled. A batch id is the connection's name and that number: of an old id can be told
whether it was acknowledged, without a memory of all of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from attrs import define, evolve, field, frozen

from event_streamer_service.chains.types import Position
from event_streamer_service.store.subscriptions import Progress


def position_key(position: Position) -> tuple[int, float]:
    """Return what positions sort by: block, then log index, a whole block last."""
    return position.block, float("inf") if position.log_index is None else position.log_index


@frozen
class Delivery:
    """
    Something that was sent and wants an acknowledgement: a batch, or the notice of a reorg.

    Attributes:
        end: Where a reader is who has handled it.
        total: Events from the subscription's start up to there, each counted once.
        events: Events in it; 0 for a reorg.
        last_event_id: `block:log_index` of its last event.
        reorg: Everything after `end` was taken back.
    """

    end: Position
    total: int
    events: int = 0
    last_event_id: str | None = None
    reorg: bool = False

    def applied_to(self, progress: Progress) -> Progress:
        """
        Return a subscription's progress with this delivery acknowledged.

        Several streams may deliver the same events: those that lie behind are counted already.
        """
        here = progress.position
        if here is not None and (position_key(self.end) > position_key(here)) is self.reorg:
            return progress
        if here is None and self.reorg:
            return progress
        return evolve(
            progress,
            position=self.end,
            events_delivered=max(progress.events_delivered, self.total),
            last_event_id=self.last_event_id or progress.last_event_id,
        )


def applied(deliveries: Iterable[Delivery], progress: Progress) -> Progress:
    """Return a progress with some deliveries acknowledged, one after the other."""
    for delivery in deliveries:
        progress = delivery.applied_to(progress)
    return progress


def merged(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Return fewer deliveries that lead any progress to the same place: two at most, between two reorgs."""
    few: list[Delivery] = []
    for delivery in deliveries:
        if few and not (delivery.reorg or few[-1].reorg) and not _beyond(delivery, few[-1]):
            continue
        while few and _covers(delivery, few[-1]):
            few.pop()
        few.append(delivery)
    return few


def _beyond(delivery: Delivery, other: Delivery) -> bool:
    return position_key(delivery.end) > position_key(other.end)


def _covers(delivery: Delivery, earlier: Delivery) -> bool:
    """Tell whether nothing of an earlier delivery shows once this one is applied."""
    return (
        not (delivery.reorg or earlier.reorg)
        and _beyond(delivery, earlier)
        and delivery.total >= earlier.total
        and (delivery.last_event_id is not None or earlier.last_event_id is None)
    )


@define
class _Entry:
    delivery: Delivery
    acknowledged: bool = False


@define
class Ledger:
    """
    The deliveries of one connection.

    Attributes:
        name: Unique name of the connection; part of its batch ids.
        limit: Unacknowledged deliveries that are remembered. Beyond it the oldest is forgotten and
            the run ends there for good: the stream goes on, its later acknowledgements no longer move
            the subscription, and a new connection delivers again.
    """

    name: str
    limit: int
    _waiting: deque[_Entry] = field(factory=deque, init=False)
    _first: int = field(default=1, init=False)
    """Number of the oldest delivery in `_waiting`."""
    _scanned: Delivery | None = field(default=None, init=False)
    _broken: bool = field(default=False, init=False)

    @property
    def unacknowledged(self) -> int:
        """Deliveries that wait for an acknowledgement, or for one before them."""
        return len(self._waiting)

    @property
    def broken(self) -> bool:
        """A delivery was forgotten: this connection moves the subscription no more."""
        return self._broken

    def next_id(self) -> str:
        """Return the id that the next delivery will have."""
        return self._id(self._first + len(self._waiting))

    def sent(self, delivery: Delivery) -> None:
        """Note a delivery; to be called before its bytes can reach the client."""
        self._scanned = None
        self._waiting.append(_Entry(delivery))
        if len(self._waiting) > self.limit:
            self._waiting.popleft()
            self._first += 1
            self._broken = True

    def scanned(self, position: Position, total: int) -> None:
        """Note that nothing is left to deliver up to `position`."""
        self._scanned = Delivery(position, total)

    def acknowledge(self, batch_id: str) -> int | None:
        """
        Note an acknowledgement.

        Returns:
            The number of events in it, 0 where it was acknowledged before; `None` for an id that this
            connection never gave, or that it has forgotten.
        """
        number = self._number(batch_id)
        if number is None or number >= self._first + len(self._waiting):
            return None
        if number < self._first:
            return None if self._broken else 0
        entry = self._waiting[number - self._first]
        if entry.acknowledged:
            return 0
        entry.acknowledged = True
        return entry.delivery.events

    def settle(self) -> list[Delivery]:
        """Return what was added to the unbroken run of acknowledged deliveries since the last call."""
        settled: list[Delivery] = []
        while self._waiting and self._waiting[0].acknowledged:
            settled.append(self._waiting.popleft().delivery)
            self._first += 1
        if not self._waiting and self._scanned is not None:
            settled.append(self._scanned)
            self._scanned = None
        return [] if self._broken else settled

    def _id(self, number: int) -> str:
        return f"batch_{self.name}_{number}"

    def _number(self, batch_id: str) -> int | None:
        start = f"batch_{self.name}_"
        digits = batch_id[len(start) :]
        if not batch_id.startswith(start) or not (digits.isascii() and digits.isdigit()):
            return None
        # Longer numbers were never given, and int() refuses those over 4,300 digits.
        return int(digits) if len(digits) < 20 and not digits.startswith("0") else None

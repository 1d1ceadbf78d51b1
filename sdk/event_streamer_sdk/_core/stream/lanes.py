"""Builds the lanes of one run, here and nowhere else, and tells what can be read off them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import TypeVar

from .acknowledging import AckBuffer, Acknowledger
from .commands import Lane, Steps
from .committing import Committer, Progress
from .dedupe import Deduplicator
from .delivering import Deliverer
from .handlers import HandlerRegistry
from .in_hand import InHand
from .lease import RunLease
from .messages import Batch, BatchOwner
from .observing import Observer
from .options import CheckedOptions
from .queue import ReadQueue
from .reading import Reader
from .reports import Counters, Gauges
from .session import Session
from .watching import Watcher

T = TypeVar("T")


class Lanes:
    """The lanes of one run."""

    def __init__(
        self,
        *,
        settings: CheckedOptions,
        registry: HandlerRegistry,
        progress: Progress,
        counters: Counters,
        dedupe: Deduplicator | None,
        subscription_id: int,
        clock: Callable[[], float],
        utc_now: Callable[[], datetime],
        random: Callable[[], float],
        iterating: bool = False,
        batch_class: type[Batch] = Batch,
        owner: BatchOwner | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        session = self.session = Session(
            settings=settings,
            registry=registry,
            counters=counters,
            subscription_id=subscription_id,
            clock=clock,
            utc_now=utc_now,
            random=random,
        )
        self._observers = [each for observer in observers if (each := observer.run(self)) is not None]
        made = (queue for each in self._observers if (queue := each.queue_class) is not None)
        self.queue = next(made, ReadQueue)(
            settings.queue_batches, settings.queue_bytes, lambda: session.effects.wake(Lane.READ)
        )
        self.acks = AckBuffer(
            limit=settings.ack_buffer,
            chunk=settings.ack_chunk,
            attempts=settings.ack_attempts,
            on_due=lambda: session.effects.wake(Lane.ACKNOWLEDGE),
            on_given_up=lambda: counters.add("ack_failures"),
        )
        self.lease = RunLease(session)
        self.in_hand = InHand(session, batch_class, owner)
        self.committer = Committer(session, progress, self.acks, dedupe)
        self.deliverer = Deliverer(
            session, self.queue, self.committer, self.in_hand, dedupe, iterating=iterating
        )
        self.reader = Reader(session, self.queue, progress, self.acks, self.deliverer, self.lease)
        self.acknowledger = Acknowledger(session, self.acks, self.in_hand, self.lease)
        self.watcher = Watcher(session, self.in_hand, self.lease)

    def steps(self, lane: Lane) -> Steps[None]:
        """Give the generator of a lane."""
        lanes: dict[Lane, Callable[[], Steps[None]]] = {
            Lane.READ: self.reader.steps,
            Lane.DELIVER: self.deliverer.steps,
            Lane.ACKNOWLEDGE: self.acknowledger.steps,
            Lane.WATCH: self.watcher.steps,
        }
        return self.watched(lanes[lane]())

    def watched(self, steps: Steps[T]) -> Steps[T]:
        """
        Let those who look at the run see a part of a lane, too.

        Returns:
            The steps; the generator itself where nobody looks.
        """
        for observer in self._observers:
            steps = observer.watch(steps)
        return steps

    def settling(self, batch_ids: Sequence[str]) -> ExitStack:
        """Let those who look at the run see a call of the user's that acknowledges batches."""
        contexts = ExitStack()
        for observer in self._observers:
            contexts.enter_context(observer.settling(batch_ids))
        return contexts

    @property
    def gauges(self) -> Gauges:
        """What the run holds just now."""
        return Gauges(
            pending_acks=len(self.acks),
            queued_batches=self.queue.batches,
            queued_bytes=self.queue.bytes,
            held_batches=self.deliverer.held_batches,
            last_byte_at=self.session.link.last_byte_at,
        )

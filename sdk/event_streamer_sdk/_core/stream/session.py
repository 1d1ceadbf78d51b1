"""
One run of a streaming client: what its lanes share, and how it stops.

A run has four lanes, each an object that owns its state, whose generator yields commands (`commands.py`) and
gets their outcomes:

    Reader (reading.py)               connect → read → queue; after a loss wait, back off, connect again
    Deliverer (delivering.py)         queue → messages → handlers → checkpoint → acks
    Acknowledger (acknowledging.py)   acks → service, in chunks, with back-off
    Watcher (watching.py)             heartbeats, silence, time limits, the lease

`lanes.py` builds them. The lanes hold all decisions. A shell runs them on threads, on an event loop or in
virtual time, and after each step carries out `effects.take()`: which lanes to wake, and whether to break off
the connection under way. With threads it runs every step under one lock, so that a lane never sees another
one's half-done change. Nobody writes what another one owns: a lane that wants something of another one asks.

Stopping, from the point of view of the lanes: `stop()` → the deliver lane ends behind the batch in hand → the
acknowledge lane sends what is left → the connection is broken off → all lanes end. The connection stays open
until the acks are out, since a service forgets a connection whose reader is gone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from attrs import define

from .commands import Lane, Steps, Wait
from .handlers import HandlerRegistry
from .link import Link
from .notices import Notices
from .options import CheckedOptions
from .reports import Counters, EndReason, Report

logger = logging.getLogger(__name__)

SLICE = 1.0
"""Longest piece of a rest, seconds."""


@define
class End:
    """How a run ends: its reason, and the error where it is a bad end."""

    reason: EndReason
    error: BaseException | None = None


class Effects:
    """What the last steps mean for other lanes, until the shell takes it."""

    def __init__(self) -> None:
        self.pending = False
        """Whether `take` would tell anything."""
        self._wake: set[Lane] = set()
        self._break_off = False

    def wake(self, *lanes: Lane) -> None:
        """Have lanes look again, should they wait."""
        self._wake.update(lanes)
        self.pending = True

    def break_off(self) -> None:
        """Have the shell break off a connect or a read that is under way."""
        self._break_off = True
        self.wake(Lane.READ)

    def take(self) -> tuple[set[Lane], bool]:
        """
        Tell what the last steps mean for other lanes.

        Returns:
            The lanes to wake, and whether the connection under way (connect or read) must be broken off.
        """
        wake, self._wake = self._wake, set()
        break_off, self._break_off = self._break_off, False
        self.pending = False
        return wake, break_off


class Session:
    """
    What the lanes of one run share: its surroundings, the connection, and how it ends.

    Args:
        settings: The options.
        registry: The handlers.
        counters: The figures, carried from run to run.
        subscription_id: The subscription.
        clock: Gives monotonic seconds.
        utc_now: Gives the time of day, for messages only.
        random: Gives numbers from 0 to 1.
    """

    def __init__(
        self,
        *,
        settings: CheckedOptions,
        registry: HandlerRegistry,
        counters: Counters,
        subscription_id: int,
        clock: Callable[[], float],
        utc_now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.registry = registry
        self.counters = counters
        self.subscription_id = subscription_id
        self.clock = clock
        self.utc_now = utc_now
        self.random = random

        self.effects = Effects()
        self.link = Link(self.effects, clock)
        self.notices = Notices(
            registry, counters, self.effects, self.link, subscription_id, utc_now, settings.handler_timeout
        )
        self.stopping = False
        self.is_raised = False
        """Whether somebody waits for the run, and is given what ends it."""
        self.end: End | None = None
        self.delivered = False
        """Whether the deliver lane has ended: nothing more is handled."""
        self.flushed = False
        """Whether the acknowledge lane has ended: nothing more is sent."""
        self._before = counters.copy()

    @property
    def over(self) -> bool:
        """Whether no further batch will be delivered."""
        return self.stopping or self.end is not None

    @property
    def gives_way(self) -> bool:
        """Whether the run ends since its lease was lost, and is followed by one that stands by for it."""
        lost = self.end is not None and self.end.reason is EndReason.LEASE_LOST
        return lost and self.settings.has_lease and not self.stopping

    def stop(self, reason: EndReason = EndReason.STOPPED) -> None:
        """Stop: the batch in hand is finished, committed and acknowledged, nothing else."""
        if self.end is None:
            self.end = End(reason)
        self.stopping = True
        self.effects.wake(*Lane)

    def will_raise(self) -> None:
        """Note that whoever waits for the run is given what ends it: it isn't logged as well."""
        self.is_raised = True

    def conclude(self, reason: EndReason, error: BaseException | None = None) -> None:
        """End the run by itself. The first conclusion counts, but an error is never lost to a good end."""
        if self.end is None or (self.end.error is None and error is not None):
            self.end = End(reason, error)
            if self.gives_way:
                logger.warning("subscription %s: %s; this one stands by", self.subscription_id, error)
            elif error is not None:
                # With the traceback of what is the user's own: in the background nobody else shows it.
                logger.log(
                    logging.INFO if self.is_raised else logging.ERROR,
                    "subscription %s: the stream ended (%s): %s: %s",
                    self.subscription_id,
                    reason,
                    type(error).__name__,
                    error,
                    exc_info=error if reason is EndReason.HANDLER_FAILED and not self.is_raised else None,
                )
            else:
                logger.info("subscription %s: ended (%s)", self.subscription_id, reason)
        self.effects.wake(*Lane)

    def delivery_has_ended(self) -> None:
        """Note that nothing more is handled: what is committed by now can be acknowledged for good."""
        self.delivered = True
        self.effects.wake(*Lane)

    def flush_has_ended(self) -> None:
        """Note that nothing more is sent: the connection can go."""
        self.flushed = True
        self.effects.break_off()
        self.effects.wake(*Lane)

    def give_up(self) -> None:
        """Have all lanes end without the batch in hand, and without the acknowledgements that wait."""
        self.delivery_has_ended()
        self.flush_has_ended()

    def report(self, signal: int | None = None) -> Report:
        """Sum the run up."""
        end = self.end or End(EndReason.STOPPED)
        now, before = self.counters, self._before
        return Report(
            reason=end.reason,
            events=now.events - before.events,
            batches=now.batches - before.batches,
            acks=now.acks - before.acks,
            reconnects=now.reconnects.total() - before.reconnects.total(),
            error=end.error,
            signal=signal,
        )

    def rest(self, seconds: float, *, hearing: bool = False) -> Steps[None]:
        """
        Let the lane that runs this rest for so long, or until the run is over.

        Args:
            seconds: How long.
            hearing: Whether to call the handlers of notices meanwhile (the deliver lane).
        """
        until = self.clock() + seconds
        while not self.over:
            if hearing:
                yield from self.notices.call_waiting()
            left = until - self.clock()
            if left <= 0:
                return
            # In slices, since not every strand that rests is a lane that `stop` wakes.
            yield Wait(min(left, SLICE))

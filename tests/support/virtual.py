"""One lane of the core in virtual time: for what takes minutes in truth."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from event_streamer_sdk._core.stream import commands as do
from event_streamer_sdk._core.stream.committing import Progress
from event_streamer_sdk._core.stream.handlers import HandlerRegistry
from event_streamer_sdk._core.stream.lanes import Lanes
from event_streamer_sdk._core.stream.options import CheckedOptions
from event_streamer_sdk._core.stream.reports import Counters


class Clock:
    """Says what it was set to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def lanes_for(**settings: Any) -> tuple[Lanes, Clock]:
    """Make the lanes of a run with a clock that stands still, and every wait drawn at its upper bound."""
    clock = Clock()
    lanes = Lanes(
        settings=CheckedOptions(**settings),
        registry=HandlerRegistry(),
        progress=Progress(),
        counters=Counters(),
        dedupe=None,
        subscription_id=1,
        clock=clock,
        utc_now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        random=lambda: 1.0,
    )
    return lanes, clock


def lane_in_virtual_time(
    steps: Any,
    clock: Clock,
    answer: Callable[[Any], Any],
    *,
    until: float,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """
    Run a lane; waiting takes no time.

    Args:
        steps: The lane.
        clock: Its clock, which waits move on.
        answer: Gives the outcome of every command but `Wait`.
        until: When to stop, seconds.
        meanwhile: Called at each wait.
    """
    outcome: Any = None
    while clock.now < until:
        command = steps.send(outcome)
        outcome = None
        if isinstance(command, do.Wait):
            meanwhile()
            clock.now += 1.0 if command.seconds is None else max(command.seconds, 0.001)
        else:
            outcome = answer(command)

"""How long handlers take: read off the commands of a run's lanes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from ._core.stream import commands as do
from ._core.stream.observing import Run
from ._core.stream.queue import ReadQueue

T = TypeVar("T")


class HandlerTimer:
    """Times the handlers of all streams of a client."""

    def __init__(self) -> None:
        self.took: dict[int, tuple[int, float]] = {}
        """Subscription → how many calls there were, and their seconds altogether."""

    def run(self, lanes: Run) -> RunTimer:
        """Begin to time a run."""
        return RunTimer(self, lanes.session.subscription_id)

    def headers(self) -> dict[str, str]:
        """Add no header."""
        return {}

    def note(self, subscription_id: int, seconds: float) -> None:
        """Count a call."""
        calls, before = self.took.get(subscription_id, (0, 0.0))
        self.took[subscription_id] = calls + 1, before + seconds


class RunTimer:
    """Times the handlers of one run."""

    queue_class: type[ReadQueue] | None = None

    def __init__(self, timer: HandlerTimer, subscription_id: int) -> None:
        self._timer = timer
        self._subscription_id = subscription_id

    def watch(self, steps: do.Steps[T]) -> do.Steps[T]:
        """Time the calls of a lane."""
        clock, note, number = time.perf_counter, self._timer.note, self._subscription_id
        outcome: Any = None
        try:
            while True:
                try:
                    command = steps.send(outcome)
                except StopIteration as end:
                    ended: T = end.value
                    return ended
                # Events come as lists and dicts; what else handlers get is notices.
                if type(command) is do.HandOver or (
                    type(command) is do.Call and isinstance(command.argument, list | dict)
                ):
                    began = clock()
                    outcome = yield command
                    note(number, clock() - began)
                else:
                    outcome = yield command
        finally:
            steps.close()

    def settling(self, batch_ids: Sequence[str]) -> AbstractContextManager[None]:
        """Look away: acknowledging is no handler's work."""
        del batch_ids
        return nullcontext()

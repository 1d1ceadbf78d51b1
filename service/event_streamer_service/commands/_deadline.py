"""The last resort of a stop: a process that was told to end ends, whatever still hangs in it."""

from __future__ import annotations

import logging
import os
import threading
import time
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from event_streamer_sdk.cli import _streams
from event_streamer_service.logs import fields

logger = logging.getLogger(__name__)


class Deadline:
    """
    Ends the process where a stop takes too long; does nothing before `set`, nor after the `with` block.

    What is ours ends in time by itself. Others' code may wait for longer than a stop may take: a look-up of
    a host's name has no time limit, and Python waits for the threads of its executors.
    """

    def __init__(self) -> None:
        # One of the few things that a signal handler may use, whatever it interrupts.
        self._told: SimpleQueue[tuple[float, int] | None] = SimpleQueue()

    def set(self, seconds: float, *, code: int) -> None:
        """
        Give the rest of the process so much time; a later call takes the place of an earlier one.

        Args:
            seconds: From now.
            code: The exit code where that is not enough. Unless it is 0, a line says what was waited for.
        """
        self._told.put((time.monotonic() + seconds, code))

    def __enter__(self) -> Self:
        """Be ready."""
        threading.Thread(target=self._watch, name="deadline of the stop", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the process end by itself."""
        self._told.put(None)

    def _watch(self) -> None:
        told = self._told.get()
        while told is not None:
            at, code = told
            try:
                told = self._told.get(timeout=max(0.0, at - time.monotonic()))
            except Empty:
                _end(code)


def _end(code: int) -> None:
    if code:
        running = sorted(each.name for each in threading.enumerate() if not each.daemon)
        logger.error(
            "Stopping takes too long; the process ends now", extra=fields(threads=", ".join(running))
        )
    _streams.settle()
    os._exit(code)

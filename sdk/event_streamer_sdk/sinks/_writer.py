"""
Calls of a sink: again while its place is away, and a write beside what comes next.

Whoever commits over a network waits for answers for much of a write. A sink whose `prepares_while_writing` is
true is written to in a thread, so that the next rows are made meanwhile. There is one such write at a time,
and whatever else is asked of the sink waits for it. So all things happen in the same order as without the
thread, and at most one batch more is in memory.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from .protocol import SinkBatch, SinkUnavailableError

__all__ = ["Writer"]

logger = logging.getLogger(__name__)

PATIENCE = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two tries, doubling from first to longest."""
SLOW_SECONDS = 10.0
"""After so long it is said that a call waits."""
STOP_SECONDS = 3.0
"""How long a call may go on once the stream is to stop; then it is broken off, where the sink can do that."""
LOOK = 0.1
"""How often it is looked whether the stream is to stop, seconds."""


class Writer:
    """
    Calls a sink, in the order in which it is asked to.

    Args:
        sink: The sink.
        subscription_id: For messages.
        is_stopping: Says whether the stream is to stop: then a place that is away isn't waited for.
    """

    def __init__(self, sink: Any, subscription_id: int, is_stopping: Callable[[], bool]) -> None:
        self._sink = sink
        self._subscription_id = subscription_id
        self._is_stopping = is_stopping
        self._patience: float = getattr(sink, "patience", PATIENCE)
        self._in_a_thread: bool = getattr(sink, "prepares_while_writing", False)
        self._thread: ThreadPoolExecutor | None = None
        self._is_closing = False
        self._is_broken_off = False
        self._batch: SinkBatch | None = None
        """What was taken, and isn't known to be stored."""
        self._outcome: Future[None] | None = None
        """How its write went or will go; `None` when that was told already."""

    def write(self, batch: SinkBatch) -> None:
        """
        Take a batch, behind all before it. After `settle` it is stored.

        Args:
            batch: The batch.

        Raises:
            BaseException: What the sink has raised; the batch isn't taken.
        """
        self.settle()
        if self._in_a_thread:
            self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="sink-write")
            self._batch = batch
            self._outcome = self._thread.submit(self.patiently, self._sink.write, batch)
        else:
            self.patiently(self._sink.write, batch)

    def settle(self) -> None:
        """
        Wait until the batch that was taken is stored.

        Raises:
            BaseException: What the sink has raised. Asked again, it makes the same write again.
        """
        if self._batch is None:
            return
        outcome = self._outcome
        if outcome is None:  # it has failed, which was told
            self.patiently(self._sink.write, self._batch)
        else:
            error = outcome.exception()
            self._outcome = None
            if error is not None:
                raise error
        self._batch = None

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call something else of the sink, behind the batch that was taken."""
        self.settle()
        self.patiently(function, *arguments)

    def patiently(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Call the sink at once, and again while its place is away and it has patience left."""
        since, pause = time.monotonic(), FIRST_PAUSE
        while True:
            if self._is_broken_off:
                raise SinkUnavailableError("the place doesn't answer, and the stream is to stop")
            try:
                with self.told_when_slow():
                    call(*arguments)
                return
            except SinkUnavailableError as problem:
                left = self._patience - (time.monotonic() - since)
                if left <= 0 or self._gives_up():
                    raise
                logger.warning(
                    "subscription %s: %s; trying again in %.1f s",
                    self._subscription_id, problem, min(pause, left),
                )  # fmt: skip
                self._rest(min(pause, left))
                pause = min(pause * 2, LONGEST_PAUSE)

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._gives_up() and (left := until - time.monotonic()) > 0:
            time.sleep(min(LOOK, left))

    @contextmanager
    def told_when_slow(self) -> Iterator[None]:
        """Say so, again and again, while a call of the sink waits for its place; break it off at a stop."""
        done = threading.Event()

        def watch() -> None:
            began = time.monotonic()
            told, stop_by = SLOW_SECONDS, None
            while not done.wait(LOOK):
                now = time.monotonic()
                if now - began >= told:
                    logger.warning(
                        "subscription %s: a write has been waiting for its place for %.0f s",
                        self._subscription_id, told,
                    )  # fmt: skip
                    told += SLOW_SECONDS
                if self._gives_up():
                    stop_by = stop_by or now + STOP_SECONDS
                    if now >= stop_by and not self._is_broken_off:
                        self._break_off()

        watcher = threading.Thread(target=watch, name="slow-sink", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def _break_off(self) -> None:
        break_off = getattr(self._sink, "break_off", None)
        if break_off is None:
            return
        self._is_broken_off = True
        logger.warning(
            "subscription %s: the place doesn't answer, and the write is broken off; its events come again",
            self._subscription_id,
        )  # fmt: skip
        break_off()

    def _gives_up(self) -> bool:
        return self._is_closing or self._is_stopping()

    def close(self) -> None:
        """Wait for the write that is under way, and forget what isn't stored: it comes again."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._is_closing = True
            thread.shutdown()
            self._is_closing = False
        if self._outcome is not None and (error := self._outcome.exception()) is not None:
            logger.warning(
                "subscription %s: the write under way failed, and its events will come again: %s",
                self._subscription_id, error,
            )  # fmt: skip
        self._batch = self._outcome = None

"""
SIGINT and SIGTERM while something is in `run()`.

The first one stops all runs of the process in good order, the second one ends the program at once. A program
that has handlers of its own keeps them, unless `handle_signals=True` says that `run()` is to listen as well:
then its handlers are called, too, and put back afterwards. Only the main thread can take signals (that is
Python's rule); a run in another thread is stopped by a signal that a run in the main thread takes.
"""

from __future__ import annotations

import _thread
import asyncio
import functools
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from attrs import define

from event_streamer_api.errors import EventStreamerValidationError

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class BrokenOff(BaseException):
    """Raised within a handler that still runs when the time to stop is over."""


@define(eq=False)
class Caught:
    """
    A run that a signal is to stop.

    Attributes:
        stop: Stops it; called in a thread of its own.
        number: The signal that came, `None` before one did.
    """

    stop: Callable[[], None]
    number: int | None = None

    def tell(self, number: int) -> None:
        """Have the run stop for a signal."""
        self.number = number
        # Not in this thread, which may hold a lock that stopping needs; and not by threading.Thread, whose
        # start() takes a lock that the interrupted code may hold.
        _thread.start_new_thread(self.stop, ())


class Signals:
    """What the runs of this process share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Replaced, and never changed in place: a signal can come between any two steps.
        self._runs: tuple[Caught, ...] = ()
        self._in_main: frozenset[Caught] = frozenset()
        self._before: dict[int, Any] = {}
        self._number: int | None = None
        self._breaks_off: Callable[[], bool] | None = None

    def enter(self, caught: Caught, wanted: bool | None) -> None:
        """Let signals stop a run."""
        main = threading.current_thread() is threading.main_thread()
        with self._lock:
            if not self._runs:
                self._number = None
            self._runs = (*self._runs, caught)
            if main:
                self._in_main |= {caught}
                for number in SIGNALS:
                    before = signal.getsignal(number)
                    free = is_pythons(before) or (wanted and before is not None)
                    if free and number not in self._before:
                        self._before[number] = before
                        signal.signal(number, self._on_signal)
            # One that begins while the others are being stopped is stopped as well.
            caught.number = self._number

    def leave(self, caught: Caught) -> None:
        """Let signals alone again, with the last run in the main thread."""
        with self._lock:
            self._runs = tuple(run for run in self._runs if run is not caught)
            if caught in self._in_main:
                self._in_main -= {caught}
                if not self._in_main:
                    for number, before in self._before.items():
                        if signal.getsignal(number) == self._on_signal:  # else somebody else has it now
                            signal.signal(number, before)
                    self._before = {}

    @property
    def can_break_off(self) -> bool:
        """Whether `break_off` would do something."""
        return any(signal.getsignal(number) == self._on_signal for number in SIGNALS)

    def break_off(self, is_within: Callable[[], bool]) -> None:
        """
        Raise `BrokenOff` in the main thread.

        Args:
            is_within: Asked in that thread whether it is within a handler just then; else nothing is raised.
        """
        number = next((number for number in SIGNALS if signal.getsignal(number) == self._on_signal), None)
        if number is None:
            return
        self._breaks_off = is_within
        if hasattr(signal, "pthread_kill"):
            # A real signal, which also wakes a system call that blocks.
            signal.pthread_kill(threading.main_thread().ident or 0, number)
        else:
            _thread.interrupt_main(number)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        is_within, self._breaks_off = self._breaks_off, None
        if is_within is not None:
            if is_within():
                raise BrokenOff
            return
        first, self._number = self._number is None, number
        before = self._before.get(number)
        if first:
            for run in self._runs:
                run.tell(number)
        if not is_pythons(before) and callable(before):
            before(number, frame)
        elif not first:
            raise KeyboardInterrupt


def is_pythons(handler: object) -> bool:
    """
    Tell whether a signal's handler is Python's or asyncio's own, and none of the program's.

    A signal that is ignored stays so: that is how a shell's script starts what Ctrl-C shall not end.
    """
    if isinstance(handler, functools.partial):  # what asyncio.run puts in the place of default_int_handler
        return getattr(handler.func, "__module__", None) == asyncio.runners.__name__
    return handler in (signal.SIG_DFL, signal.default_int_handler)


SHARED = Signals()
"""The signals of this process."""


@contextmanager
def stopping(stop: Callable[[], None], wanted: bool | None) -> Iterator[Caught]:
    """
    Have signals stop a run, for as long as the block lasts.

    Args:
        stop: Stops the run; called in a thread of its own.
        wanted: As `handle_signals` of `run()`.

    Yields:
        Which signal came.

    Raises:
        EventStreamerValidationError: Signals are wanted in a thread that can't have them.
    """
    if wanted not in (True, False, None):
        raise EventStreamerValidationError(f"handle_signals must be True, False or None, not {wanted!r}")
    caught = Caught(stop)
    if wanted is False:
        yield caught
        return
    if wanted and threading.current_thread() is not threading.main_thread():
        raise EventStreamerValidationError(
            "handle_signals=True works in the main thread only: Python gives signals to no other"
        )
    SHARED.enter(caught, wanted)
    try:
        yield caught
    finally:
        SHARED.leave(caught)

"""SIGINT and SIGTERM while in `run()`: the first stops in good order, the second ends at once."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from attrs import define

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@define
class Caught:
    """The signal that came, `None` before one did."""

    number: int | None = None


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[Caught]:
    """
    Have signals stop a run, for as long as the block lasts.

    Only the main thread can take signals; elsewhere this does nothing.

    Args:
        stop: Asks the run to stop. Called in a thread of its own: a signal may strike while this very thread
            holds a lock that stopping needs.

    Yields:
        Which signal came.
    """
    caught = Caught()
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return

    def on_signal(number: int, _: FrameType | None) -> None:
        if caught.number is not None:
            raise KeyboardInterrupt
        caught.number = number
        # Not threading.Thread: its start() takes a lock that the interrupted code may hold.
        _thread.start_new_thread(stop, ())

    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            # None: a handler that was not set from Python, which can't be put back from Python either.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

"""How long an attack goes on, and with how many threads."""

import threading
import time
from collections.abc import Callable

_seconds = 8.0


def seconds() -> float:
    """Seconds for which an attack goes on."""
    return _seconds


def until_end() -> Callable[[], bool]:
    """Return what tells whether an attack that begins now still goes on."""
    end = time.monotonic() + _seconds
    return lambda: time.monotonic() < end


def in_threads(count: int, work: Callable[[], None]) -> None:
    """Do the same in many threads at once."""
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_seconds * 4)

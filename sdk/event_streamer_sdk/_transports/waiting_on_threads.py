"""
How the shells wait in threads, and how httpx is held to the time for the whole: nothing more is begun.

A read of httpx's that blocks can't be broken off, so a call ends at the first piece of its body that comes
after its time, and a head that dribbles in is limited by the time-out of each read alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from .limits import TimeLimits


@contextmanager
def within(limits: TimeLimits) -> Iterator[None]:
    """
    Begin the block only while there is time left for the whole.

    Raises:
        TransportTimeoutError: If it is over.
    """
    if limits.over:
        raise limits.exceeded("read")
    yield


def sleep(seconds: float) -> None:
    """Wait for some seconds."""
    time.sleep(seconds)

"""
Time and identity, handed to whoever needs them, so that a test can decide both.

`SystemClock` and random ids serve a real service; `ManualClock` and seeded ids make every
message of a test the same from run to run. Only what is written into messages, tokens and
rows comes from here: time-outs and heartbeats wait on the event loop's own clock.
"""

from __future__ import annotations

import random
import time
import uuid
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time of day."""

    def time(self) -> float:
        """Seconds since the Unix epoch."""


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time()


class ManualClock:
    """
    A clock that stands still until it is told to go on.

    Args:
        start: Seconds since the Unix epoch; 2024-05-23T10:30:00Z unless told otherwise.

    Example:
        >>> clock = ManualClock(0)
        >>> clock.advance(60)
        >>> clock.time()
        60.0
    """

    def __init__(self, start: float = 1_716_460_200.0) -> None:
        self._now = float(start)

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += seconds


def isoformat(seconds: float) -> str:
    """
    Write a time as the wire does.

    Example:
        >>> isoformat(1716460200.25)
        '2024-05-23T10:30:00.250Z'
    """
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Ids:
    """
    Makes identifiers.

    Args:
        seed: With a seed the same ids come in the same order on every run; without, random UUIDs.
    """

    def __init__(self, seed: int | str | None = None) -> None:
        # Not for secrets: ids name things, tokens are signed.
        self._random = None if seed is None else random.Random(f"ids:{seed}")  # noqa: S311

    def new(self, prefix: str = "") -> str:
        """Return a new UUID, as text, after `prefix`."""
        if self._random is None:
            return prefix + str(uuid.uuid4())
        return prefix + str(uuid.UUID(int=self._random.getrandbits(128), version=4))

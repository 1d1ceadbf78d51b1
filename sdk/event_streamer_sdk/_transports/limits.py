"""
How long a request may take: each of its steps, and all of them together.

A peer that sends a byte now and then never exceeds the time-out of a read, so the whole has an end, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

GRACE = 0.1
"""Seconds that httpx's own time-outs get beyond the whole: they know whether the request was sent."""

EARLY = 0.001
"""Seconds that a timer may fire before its time, by rounding."""


class Limits:
    """
    The limits of one request. Its clock runs from here on.

    Args:
        steps: Time-outs by httpx's names (`connect`, `read`, `write`), seconds; None for no limit.
        whole: Seconds from now on for everything, up to the last byte that is waited for; None for no limit.

    Attributes:
        steps: As given.
        whole: As given.
    """

    __slots__ = ("_ends", "steps", "whole")

    def __init__(self, steps: Mapping[str, float | None], whole: float | None = None) -> None:
        self.steps = steps
        self.whole = whole
        self._ends = None if whole is None else time.monotonic() + whole

    def seconds(self, step: str) -> float | None:
        """
        Say how long a step may take that begins now.

        Args:
            step: `connect`, `read` or `write`.

        Returns:
            Seconds, more than 0; None for no limit.

        Raises:
            httpx.TimeoutException: The one of this step, if no time is left.
        """
        own = self.steps.get(step)
        if self._ends is None:
            return own
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self._exceeded(step)
        return left if own is None or left < own else own

    def check(self) -> None:
        """
        Stop where the time for the whole is over, between reads that can't be broken off.

        Raises:
            httpx.ReadTimeout: If it is.
        """
        if self.over:
            raise self._exceeded("read")

    @property
    def over(self) -> bool:
        """Whether the time for the whole has been used up."""
        return self._ends is not None and time.monotonic() >= self._ends - EARLY

    def lift(self) -> None:
        """Let the rest take its time: from here on each step counts by itself."""
        self.whole = self._ends = None

    @asynccontextmanager
    async def enforced(self) -> AsyncIterator[None]:
        """
        Break the block off when the time for the whole is over, whoever waits in it for what.

        Raises:
            httpx.ReadTimeout: If it was broken off.
        """
        left = None if self._ends is None else self._ends - time.monotonic() + GRACE
        limit = asyncio.timeout(left)
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise self._exceeded("read") from error

    def _exceeded(self, step: str) -> httpx.TimeoutException:
        import httpx

        kinds = {"connect": httpx.ConnectTimeout, "write": httpx.WriteTimeout}
        return kinds.get(step, httpx.ReadTimeout)(f"it took longer than {self.whole:g} s")


def limits_of(timeout: float | httpx.Timeout | None) -> Limits:
    """
    Start the clock of an attempt of a call.

    Args:
        timeout: The client's option: seconds for the whole attempt; an httpx.Timeout's four values limit a
            step each, and together the whole.

    Returns:
        The limits.
    """
    if timeout is None or isinstance(timeout, int | float):
        return Limits({"connect": timeout, "read": timeout, "write": timeout}, timeout)
    steps: dict[str, float | None] = timeout.as_dict()
    known = [seconds for seconds in steps.values() if seconds is not None]
    return Limits(steps, sum(known) if len(known) == len(steps) else None)

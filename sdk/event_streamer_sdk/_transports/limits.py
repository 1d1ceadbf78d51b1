"""
How long a request may take: each of its steps, and all of them together.

A peer that sends a byte now and then never exceeds the time-out of a read, so the whole has an end, too.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .errors import TransportTimeoutError

if TYPE_CHECKING:
    import httpx

HEAD_SECONDS = 30.0
"""Longest wait for the head of a stream's response, seconds."""

SILENCE_SECONDS = 910.0
"""
Seconds after which a silent read of a stream gives up by itself.

The stream itself notices silence long before (three heartbeat intervals, at most 15 minutes); this is for a
transport whose blocked read can't be broken off, so that its thread ends some day.
"""

EARLY = 0.001
"""Seconds that a timer may fire before its time, by rounding."""


class TimeLimits:
    """
    The limits of one request. Its clock runs from here on.

    Args:
        steps: Time-outs by httpx's names (`connect`, `read`, `write`, `pool`), seconds; None for no limit.
        whole: Seconds from now on for everything, up to the last byte that is waited for; None for no limit.

    Attributes:
        steps: As given, or as `only_silence` has left them.
        whole: As given, likewise.
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
            TransportTimeoutError: If no time is left.
        """
        own = self.steps.get(step)
        if self._ends is None:
            return own
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self.exceeded(step)
        return left if own is None or left < own else own

    def left(self) -> float | None:
        """Say how many seconds the whole may still take; less than 0 where it is over, None for no limit."""
        return None if self._ends is None else self._ends - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time for the whole has been used up."""
        return self._ends is not None and time.monotonic() >= self._ends - EARLY

    def only_silence(self, seconds: float | None) -> None:
        """Let the rest take its time, as the body of a stream does: from here on only silence is limited."""
        self.steps = {**self.steps, "read": seconds}
        self.whole = self._ends = None

    def exceeded(self, step: str) -> TransportTimeoutError:
        """Make the error for a whole that took too long."""
        return TransportTimeoutError(f"it took longer than {self.whole:g} s", step)


def limits_of(timeout: float | httpx.Timeout | None) -> TimeLimits:
    """
    Start the clock of an attempt of a call.

    Args:
        timeout: The client's option: seconds for the whole attempt; an httpx.Timeout's four values limit a
            step each, and together the whole.
    """
    if timeout is None or isinstance(timeout, int | float):
        return TimeLimits({"connect": timeout, "read": timeout, "write": timeout, "pool": timeout}, timeout)
    steps: dict[str, float | None] = timeout.as_dict()
    known = [seconds for seconds in steps.values() if seconds is not None]
    return TimeLimits(steps, sum(known) if len(known) == len(steps) else None)


def limits_of_head(timeout: float | httpx.Timeout | None, seconds: float | None) -> TimeLimits:
    """
    Start the clock of opening a stream.

    Args:
        timeout: The client's option: it limits connecting and sending.
        seconds: How long the response's head may be waited for, all steps together; None for no limit.

    Returns:
        The limits, up to the head; see `only_silence` for what follows it.
    """
    return TimeLimits({**limits_of(timeout).steps, "read": seconds}, seconds)

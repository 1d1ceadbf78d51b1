"""How the shells wait with asyncio, and how httpx is held to the time for the whole: it is broken off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .limits import TimeLimits

GRACE = 0.1
"""Seconds that httpx's own time-outs get beyond the whole: they know whether the request was sent."""


@asynccontextmanager
async def within(limits: TimeLimits) -> AsyncIterator[None]:
    """
    Break the block off when the time for the whole is over, whoever waits in it for what.

    Raises:
        TransportTimeoutError: If it was broken off.
    """
    left = limits.left()
    limit = asyncio.timeout(None if left is None else left + GRACE)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise limits.exceeded("read") from error


async def sleep(seconds: float) -> None:
    """Wait for some seconds."""
    await asyncio.sleep(seconds)

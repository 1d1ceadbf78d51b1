"""News that many wait for at once: a new block, which every stream of a chain reads."""

from __future__ import annotations

import asyncio

AT_ONCE = 10
"""
Who is woken in one turn of the event loop.

A stream that is woken reads, encodes and writes in some of the next turns, half a millisecond of work in all.
A thousand of them in one turn would let everything else wait for as long as all of it takes.
"""


class News:
    """Lets tasks wait for the next news, and wakes them in groups, those first who have waited longest."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], None] = {}

    async def wait(self) -> None:
        """Wait until the next news is told."""
        told = asyncio.get_running_loop().create_future()
        self._waiting[told] = None
        try:
            await told
        finally:
            self._waiting.pop(told, None)

    def tell(self) -> None:
        """Wake all who wait now."""
        waiting, self._waiting = list(self._waiting), {}
        self._wake(waiting, 0)

    def _wake(self, waiting: list[asyncio.Future[None]], first: int) -> None:
        rest = first + AT_ONCE
        for told in waiting[first:rest]:
            if not told.done():  # else its task was cancelled
                told.set_result(None)
        if rest < len(waiting):
            asyncio.get_running_loop().call_soon(self._wake, waiting, rest)

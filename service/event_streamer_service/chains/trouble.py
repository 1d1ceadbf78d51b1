"""What holds a chain's head up, and when that is told: most failures are over before anybody need know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .errors import ChainError, ChainUnavailable
from .types import Block

TELL_AFTER = 2.0
"""Seconds that a failure may last before it is told."""
_TELL_BEHIND_AFTER = 10.0
"""Seconds that the newest block may be an older one than before: nodes behind one URL lag a little."""


class Trouble:
    """
    Keeps what is told of a chain's head: failed questions, a silent node, a chain that got shorter.

    Args:
        announce: Called when what is told has changed.
        newest: Gives the newest block of the chain as it is known; `None` before the first.
    """

    def __init__(self, announce: Callable[[], None], newest: Callable[[], Block | None]) -> None:
        self._announce = announce
        self._newest = newest
        self.problem: ChainError | None = None
        """What holds the head up at present, told after some seconds; `None` while all is well."""
        self.error: ChainError | None = None
        """Why the connection to the head counts as lost; `None` while all is well."""
        self._failing_since: float | None = None
        self._silence: ChainError | None = None
        self._behind: asyncio.TimerHandle | None = None

    @property
    def told(self) -> tuple[ChainError | None, ChainError | None]:
        """All of it, to be compared with what it was."""
        return self.problem, self.error

    async def failed(self, problem: ChainError, *, lost: bool, delay: float) -> None:
        """
        Wait after a failure, and tell of it once it has lasted some seconds.

        Args:
            problem: What went wrong.
            lost: The connection counts as lost; that is told at once.
            delay: Seconds to wait.
        """
        now = asyncio.get_running_loop().time()
        self._failing_since = now if self._failing_since is None else self._failing_since
        quiet = 0.0 if lost else max(0.0, self._failing_since + TELL_AFTER - now)
        if quiet > delay:
            await asyncio.sleep(delay)
            return
        await asyncio.sleep(quiet)
        self.problem = problem
        if lost:
            self.error = problem
        self._announce()
        await asyncio.sleep(delay - quiet)

    def recovered(self) -> None:
        """Take the head as read again."""
        self._failing_since = None
        self.error = None
        if self._behind is None:
            self.problem = None

    def silence(self, silence: ChainError | None) -> None:
        """Tell of a node that hasn't answered for a while, or, with `None`, that it has."""
        if self.problem is not self._silence:
            return  # what is told already weighs more
        self.problem = self._silence = silence
        self._announce()

    def seen(self, head: Block) -> None:
        """Tell of a chain that has become shorter, once that has lasted some seconds."""
        self.close()
        known = self._newest()
        if known is not None and head.number < known.number:
            loop = asyncio.get_running_loop()
            self._behind = loop.call_later(_TELL_BEHIND_AFTER, self._tell_behind, head)

    def _tell_behind(self, head: Block) -> None:
        known = self._newest()
        if known is not None and head.number < known.number:
            self.problem = ChainUnavailable(
                f"the newest block of the node is {head.number} now, and was {known.number}: "
                "it lags behind, or its chain was set back"
            )
            self._announce()

    def close(self) -> None:
        """Tell of nothing later on."""
        if self._behind is not None:
            self._behind.cancel()
            self._behind = None

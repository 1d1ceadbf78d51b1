"""
What happens on the development chain, for those who ask for it again and again or have it announced.

A `Follower` remembers the newest blocks that it has told of. So it can tell those that a reorg has taken, and
the new ones, whatever lay between two questions. On it rest filters, which are polled, and subscriptions.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from event_streamer_service.chains.types import Block

from .chain import DevChain
from .objects import LogObject, Objects
from .queries import LogQuery
from .refusals import SERVER_ERROR, Refusal

__all__ = ["BlockFollower", "Filters", "LogFollower"]

_REMEMBERED = 256
"""Blocks that a reorg can take and still be told of."""
_KEPT_SECONDS = 300.0
"""How long a filter is kept that nobody asks; so it is with geth."""


class BlockFollower:
    """
    Tells of the blocks that have come and gone since it was asked last.

    Args:
        chain: The chain; its present head is not news.
    """

    def __init__(self, chain: DevChain) -> None:
        self._chain = chain
        with chain.still():
            first = max(chain.first_block, chain.head_number - _REMEMBERED + 1)
            self._told = deque(chain.span(first, chain.head_number), _REMEMBERED)

    def news(self) -> tuple[list[Block], list[Block]]:
        """Return the blocks that are gone, newest first, and those that have come, oldest first."""
        gone: list[Block] = []
        with self._chain.still():
            while self._told and not self._is_there(self._told[-1]):
                gone.append(self._told.pop())
            newest = self._told[-1].number if self._told else gone[-1].number - 1
            come = self._chain.span(newest + 1, self._chain.head_number)
        self._told.extend(come)
        return gone, come

    def _is_there(self, block: Block) -> bool:
        return self._chain.block_by_hash(block.hash, near=block.number) is not None


class LogFollower:
    """
    Tells of the logs that have come and gone since it was asked last.

    Args:
        chain: The chain.
        objects: Writes the logs.
        query: Which logs count. Of its blocks only those count that come from now on.
    """

    def __init__(self, chain: DevChain, objects: Objects, query: LogQuery) -> None:
        self._chain = chain
        self._objects = objects
        self._query = query
        self._blocks = BlockFollower(chain)
        self._told: deque[list[LogObject]] = deque(maxlen=_REMEMBERED)

    async def news(self) -> list[LogObject]:
        """Return the logs that a reorg took, each with `removed`, and then the new ones."""
        with self._chain.still():
            gone, come = self._blocks.news()
            made = self._chain.logs_of(come, self._query.log_filter)
        hashes = {block.hash for block in gone}
        taken: list[LogObject] = []
        while self._told and self._told[-1][0].block_hash in hashes:
            taken += [msgspec.structs.replace(log, removed=True) for log in reversed(self._told.pop())]
        added: list[LogObject] = []
        for block, logs in zip(come, made, strict=True):
            if not self._counts(block):
                continue
            written = [self._objects.log(log) for log in logs if self._query.matches_further(log)]
            if written:
                self._told.append(written)
                added += written
        return taken + added

    def _counts(self, block: Block) -> bool:
        first, last = self._query.from_block, self._query.to_block
        return (first is None or block.number >= first) and (last is None or block.number <= last)


class _Filter:
    """A filter: how it tells its news, and what it asks for."""

    def __init__(self, changes: Callable[[], Any], query: LogQuery | None) -> None:
        self.changes = changes
        self.query = query
        self.asked = time.monotonic()


class Filters:
    """
    The filters of `eth_newFilter` and `eth_newBlockFilter`.

    They belong to the chain and not to a connection. One that nobody asks for five minutes is gone.
    """

    def __init__(self, chain: DevChain, objects: Objects) -> None:
        self._chain = chain
        self._objects = objects
        self._filters: dict[str, _Filter] = {}
        self._numbers = itertools.count(1)

    def add_log_filter(self, query: LogQuery) -> str:
        """Make a filter of logs, and return its id."""
        return self._add(_Filter(LogFollower(self._chain, self._objects, query).news, query))

    def add_block_filter(self) -> str:
        """Make a filter of new blocks, and return its id."""
        follower = BlockFollower(self._chain)

        async def hashes() -> Sequence[str]:
            return [block.hash for block in follower.news()[1]]

        return self._add(_Filter(hashes, None))

    async def changes(self, identity: Any) -> Any:
        """
        Return what is new since the filter was asked last.

        Raises:
            Refusal: There is no such filter.
        """
        return await self._get(identity).changes()

    def query(self, identity: Any) -> LogQuery:
        """
        Return what a filter of logs asks for.

        Raises:
            Refusal: There is no such filter, or it is one of blocks.
        """
        query = self._get(identity).query
        if query is None:
            raise Refusal(SERVER_ERROR, f"the filter {identity} is one of blocks, which has no logs")
        return query

    def remove(self, identity: Any) -> bool:
        """Take a filter away; False where there is none."""
        return isinstance(identity, str) and self._filters.pop(identity.lower(), None) is not None

    def _add(self, made: _Filter) -> str:
        oldest = time.monotonic() - _KEPT_SECONDS
        self._filters = {key: each for key, each in self._filters.items() if each.asked >= oldest}
        identity = hex(next(self._numbers))
        self._filters[identity] = made
        return identity

    def _get(self, identity: Any) -> _Filter:
        found = self._filters.get(identity.lower()) if isinstance(identity, str) else None
        if found is None:
            raise Refusal(SERVER_ERROR, "filter not found")
        found.asked = time.monotonic()
        return found

"""
`confirmations=N`: batches are held back until their last block lies N blocks under the chain's head.

A reorg message waits in the same line: its token lies behind the batches before it, and committing it first
would pass over them.
"""

from __future__ import annotations

from collections import deque

from event_streamer_api.models import StreamingReorg

from .messages import Batch


class ConfirmationBuffer:
    """
    Batches that wait for their confirmations, in the order of arrival.

    Args:
        depth: Blocks that must lie above a batch's last block.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._held: deque[Batch | StreamingReorg] = deque()
        self._head: int | None = None
        self.head_is_told = False

    def __len__(self) -> int:
        return len(self._held)

    def head_told(self, block: int) -> None:
        """Note how far the chain is, as the service says it."""
        self._saw_head(block)
        self.head_is_told = True

    def hold(self, item: Batch | StreamingReorg) -> None:
        """
        Put a batch or a reorg message at the end of the line.

        Args:
            item: One that doesn't say its blocks is never held longer than those before it. A reorg takes
                the events of its removed blocks out of what is held: they were never delivered.
        """
        if isinstance(item, Batch):
            self._saw_head(item.last_block)
        else:
            self._reorganised(item.common_ancestor)
        self._held.append(item)

    def ready(self) -> Batch | StreamingReorg | None:
        """Give out the oldest item if it is deep enough."""
        if not self._held:
            return None
        first = self._held[0]
        last = first.last_block if isinstance(first, Batch) else None
        if last is None or (self._head is not None and last + self._depth <= self._head):
            return self._held.popleft()
        return None

    def release_all(self) -> None:
        """Hold nothing any more: the stream is done, and the service never said where the head is."""
        self._depth = 0

    def _saw_head(self, block: int | None) -> None:
        if block is not None and (self._head is None or block > self._head):
            self._head = block

    def _reorganised(self, common_ancestor: int) -> None:
        self._head = common_ancestor
        for batch in self._held:
            if isinstance(batch, Batch):
                batch.forget_above(common_ancestor)

    def drop(self) -> None:
        """Forget all: they come again on the next connection."""
        self._held.clear()
        self._head = None

"""Acknowledgements on their way: bound to a connection, in chunks, bounded in number and in tries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import islice


class AckBuffer:
    """
    Batch ids that are committed and not yet acknowledged.

    They belong to the connection that delivered the batches: on a new one the old ones are dropped, since the
    resume token covers them.

    Args:
        limit: Most ids that wait; beyond it the oldest is given up (the service may send its batch again).
        chunk: Most ids in one request.
        attempts: How often an id is sent before it is given up.
    """

    def __init__(self, *, limit: int, chunk: int, attempts: int) -> None:
        self.limit = limit
        self.chunk = chunk
        self._attempts = attempts
        # id → failed tries, in the order of commitment. No dict: finding its first key takes as long as there
        # were keys before it.
        self._waiting: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, batch_id: str) -> int:
        """
        Let a committed batch wait for its acknowledgement.

        Args:
            batch_id: Its id; one that waits already is not added twice.

        Returns:
            How many wait now; where they are more than the limit, `give_up_oldest` is to follow.
        """
        self._waiting[batch_id] = 0
        return len(self._waiting)

    def give_up_oldest(self) -> None:
        """Forget the id that has waited longest."""
        self._waiting.popitem(last=False)

    def clear(self) -> None:
        """Drop all: a new connection has begun."""
        self._waiting.clear()

    def next_chunk(self) -> list[str]:
        """
        Say what to send now.

        Returns:
            The oldest ids, at most one chunk; they stay until `sent` or `failed` tells what came of them.
        """
        return list(islice(self._waiting, self.chunk))

    def sent(self, batch_ids: Sequence[str]) -> None:
        """
        Forget ids that the service took.

        Args:
            batch_ids: The ids.
        """
        for batch_id in batch_ids:
            self._waiting.pop(batch_id, None)

    def failed(self, batch_ids: Sequence[str]) -> list[str]:
        """
        Count a failed try of single ids, which the service named.

        Args:
            batch_ids: The ids; they go to the end of the line, so that one bad id doesn't hold up others.

        Returns:
            The ids that are given up now.
        """
        given_up = []
        for batch_id in batch_ids:
            failures = self._waiting.pop(batch_id, None)
            if failures is None:
                continue
            if failures + 1 >= self._attempts:
                given_up.append(batch_id)
            else:
                self._waiting[batch_id] = failures + 1
        return given_up

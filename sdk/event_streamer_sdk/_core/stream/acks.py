"""Acknowledgements on their way: bound to a connection, in chunks, bounded in number and in tries."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence


class AckBuffer:
    """
    Batch ids that are committed and not yet acknowledged.

    They belong to the connection that delivered the batches: on a new one the old ones are dropped, since the
    resume token covers them.

    Args:
        limit: Most ids that wait or are on their way; beyond it the one that has waited longest is given up
            (the service may send its batch again).
        chunk: Most ids in one request.
        attempts: How often an id is sent before it is given up.
        on_due: Called when the first id waits, and when a chunk is full.
        on_given_up: Called when an id is given up because too many wait.
    """

    def __init__(
        self,
        *,
        limit: int,
        chunk: int,
        attempts: int,
        on_due: Callable[[], None],
        on_given_up: Callable[[], None],
    ) -> None:
        self.chunk = chunk
        self._limit = limit
        self._attempts = attempts
        self._on_due = on_due
        self._on_given_up = on_given_up
        self._waiting: deque[str] = deque()
        self._sending: list[str] = []
        self._failures: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._sending) + len(self._waiting)

    def add(self, batch_id: str) -> None:
        """
        Let a committed batch wait for its acknowledgement.

        Args:
            batch_id: Its id.
        """
        self._waiting.append(batch_id)
        waiting = len(self._waiting)
        if waiting + len(self._sending) > self._limit:
            self._failures.pop(self._waiting.popleft(), None)
            self._on_given_up()
        elif waiting == 1 or waiting == self.chunk:
            self._on_due()

    def clear(self) -> None:
        """Drop all: a new connection has begun."""
        self._waiting.clear()
        self._sending.clear()
        self._failures.clear()

    def next_chunk(self) -> list[str]:
        """
        Say what to send now.

        Returns:
            The oldest ids, at most one chunk, each of them once; the same ones again until `sent` or `failed`
            tells what came of them.
        """
        if not self._sending:
            oldest = [self._waiting.popleft() for _ in range(min(self.chunk, len(self._waiting)))]
            self._sending = list(dict.fromkeys(oldest))
        return list(self._sending)

    def sent(self, batch_ids: Sequence[str]) -> None:
        """
        Forget ids that the service took.

        Args:
            batch_ids: Ids out of the chunk.
        """
        self._settle(batch_ids)
        if self._failures:
            for batch_id in batch_ids:
                self._failures.pop(batch_id, None)

    def failed(self, batch_ids: Sequence[str]) -> list[str]:
        """
        Count a failed try of single ids, which the service named.

        Args:
            batch_ids: Ids out of the chunk; they go to the end of the line, so that one bad id doesn't hold
                up others.

        Returns:
            The ids that are given up now.
        """
        given_up = []
        for batch_id in self._settle(batch_ids):
            failures = self._failures.pop(batch_id, 0) + 1
            if failures >= self._attempts:
                given_up.append(batch_id)
            else:
                self._failures[batch_id] = failures
                self._waiting.append(batch_id)
        return given_up

    def _settle(self, batch_ids: Sequence[str]) -> list[str]:
        """Take ids out of the chunk; give those that were in it, for it may have been dropped meanwhile."""
        if list(batch_ids) == self._sending:
            settled, self._sending = self._sending, []
            return settled
        wanted = set(batch_ids)
        settled = [batch_id for batch_id in self._sending if batch_id in wanted]
        self._sending = [batch_id for batch_id in self._sending if batch_id not in wanted]
        return settled

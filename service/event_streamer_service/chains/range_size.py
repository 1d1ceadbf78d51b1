"""
How many blocks to ask for at a time. Pure.

Nodes limit `eth_getLogs` by blocks, by logs, by bytes or by time, and each in its own way, so the right size
is found by trying: large steps up while nothing was refused; after a refusal back to the largest size that
was answered, or half, then half-way towards the refused size. Some answers later the refusal is forgotten,
and a larger size is tried again. Beside it the size follows the density of the logs towards `target_logs` an
answer, which bounds memory and the time to the first event where a node would send any amount.
"""

from __future__ import annotations

FIRST_SIZE = 20
"""Blocks of the first range: few enough for dense blocks and for nearly every node; growth is quick."""
TARGET_LOGS = 5_000
"""Logs of an answer aimed at: some 3 MB of JSON; half of the limit that most nodes set."""
_FIRST_GROWTH = 4.0
_LATER_GROWTH = 1.25
"""Once something was refused, so that a try that is too bold costs one question and no new search."""
_PATIENCE = 16
"""Answers after which a refused size may be tried again."""
_CLOSE = 3
"""A refused size that is larger by less than this fraction of the present one is not approached further."""


class AdaptiveSize:
    """
    Chooses the size of the next question: blocks of a range, requests of a batch, parts of a filter.

    Args:
        largest: Never more blocks than this, 1 or more.
        first: Blocks to begin with.
        target_logs: Logs of an answer to aim at, 1 or more.
    """

    def __init__(self, largest: int, *, first: int = FIRST_SIZE, target_logs: int = TARGET_LOGS) -> None:
        self._largest = largest
        self.target_logs = target_logs
        """Logs of an answer to aim at; a change counts from the next answer on."""
        self._size = min(first, largest)
        self._growth = _FIRST_GROWTH
        self._answered_size = 0
        self._refused_size: int | None = None
        self._answers_since = 0

    @property
    def size(self) -> int:
        """Blocks to ask for next, 1 to `largest`."""
        return self._size

    @property
    def largest(self) -> int:
        """Most blocks that are asked for; less than configured where the node named its limit."""
        return self._largest

    def answered(self, blocks: int, logs: int) -> None:
        """Note an answer: `blocks` were asked for, `logs` came."""
        self._answers_since += 1
        if self._answers_since >= _PATIENCE:
            self._refused_size = None
        wanted = self._size
        if blocks >= self._size:
            self._answered_size = blocks
            wanted = self._larger(blocks)
        if logs:
            wanted = min(wanted, max(1, blocks * self.target_logs // logs))
        self._size = min(wanted, self._largest)

    def refused(self, blocks: int, *, suggested: int | None = None, limit: int | None = None) -> None:
        """
        Note a refusal of a range of `blocks`.

        Args:
            blocks: The number of blocks that was refused.
            suggested: Blocks that the node says would work this time.
            limit: The node's fixed limit of blocks, kept from now on.
        """
        if limit is not None and 1 <= limit < blocks:
            self._largest = min(self._largest, limit)
            self._size = min(self._size, limit)
            return
        if suggested is not None and 1 <= suggested < blocks:
            smaller = suggested
        elif 0 < self._answered_size < blocks:
            smaller = self._answered_size
        else:
            smaller = max(1, blocks // 2)
            self._answered_size = 0
        self._size = min(self._size, smaller)
        self._refused_size = min(blocks, self._refused_size or blocks)
        self._answers_since = 0
        self._growth = _LATER_GROWTH

    def _larger(self, blocks: int) -> int:
        if self._refused_size is None:
            return int(blocks * self._growth) + 1
        distance = self._refused_size - blocks
        return blocks + distance // 2 if distance > blocks // _CLOSE else blocks

    def split(self, from_block: int, to_block: int) -> list[tuple[int, int]]:
        """Cut a refused range into ranges of the present size, at least two unless it is one block."""
        blocks = to_block - from_block + 1
        size = max(1, min(self._size, (blocks + 1) // 2))
        return [(first, min(first + size - 1, to_block)) for first in range(from_block, to_block + 1, size)]

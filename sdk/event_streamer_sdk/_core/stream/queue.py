"""
What is read and not handled yet: bounded in batches and in bytes, with hysteresis.

At the high mark the reader stops, and TCP makes the service wait. It goes on at half of it, so that a queue
at its limit doesn't switch for every batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import frozen

from .commands import Failed
from .lines import Block, LongLine


@frozen
class Tail:
    """
    What came after the last line end when the response ended well: a message, or a part of one.

    Attributes:
        data: The bytes.
    """

    data: bytes


@frozen
class Lost:
    """
    The end of a connection, behind all that it has delivered.

    Attributes:
        epoch: Which connection.
        cause: Why.
        reason: The same in a few words.
    """

    epoch: int
    cause: Failed
    reason: str


Item = Block | LongLine | Tail | Lost


class ReadQueue:
    """
    First in, first out, between the reader and the handlers.

    Args:
        batches: High mark, lines.
        size: High mark, bytes.
        on_room: Called when a full queue has come down to half.
    """

    def __init__(self, batches: int, size: int, on_room: Callable[[], None]) -> None:
        self._max_batches = batches
        self._max_bytes = size
        self._on_room = on_room
        self._items: deque[tuple[int, Item]] = deque()
        self.batches = 0
        self.bytes = 0
        self.full = False

    def put(self, epoch: int, item: Item) -> None:
        """
        Add what was read.

        Args:
            epoch: The connection it was read from.
            item: What was read. Never refused: the reader looks at `full` before it reads on.
        """
        self._items.append((epoch, item))
        if type(item) is Block:
            self.batches += item.lines
            self.bytes += item.size
            self.full = self.batches >= self._max_batches or self.bytes >= self._max_bytes

    def take(self) -> tuple[int, Item] | None:
        """
        Take the oldest item. A block still counts until `done`.

        Returns:
            The connection's epoch and the item; `None` when empty.
        """
        return self._items.popleft() if self._items else None

    def done(self, item: Item) -> None:
        """Count a taken item as handled."""
        if type(item) is not Block:
            return
        self.batches -= item.lines
        self.bytes -= item.size
        if self.full and 2 * self.batches <= self._max_batches and 2 * self.bytes <= self._max_bytes:
            self.full = False
            self._on_room()

    def __len__(self) -> int:
        return len(self._items)

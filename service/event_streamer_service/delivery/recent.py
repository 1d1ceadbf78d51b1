"""
Events of recent blocks as they were encoded, for all streams of a process that want the same. Pure, no I/O.

At the head every stream gets the same blocks in the same moment. What an event definition makes of a log is
worked out once, for the first stream that comes to it; a stream adds ids and token.
"""

from __future__ import annotations

_MOST_BYTES = 32 * 1024 * 1024
_OVERHEAD = 200
"""Bytes that an entry takes up beside what it holds."""

Key = tuple[str, str, int]
"""An event definition, and the log: its block's hash and its index there."""


class RecentEvents:
    """
    What the newest logs were made into; the oldest are forgotten first.

    Args:
        most_bytes: How much of them is kept.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._kept: dict[Key, bytes | str] = {}
        self._most_bytes = most_bytes
        self.size = 0
        """Bytes that are kept."""
        self.get = self._kept.get
        """Return the event's JSON, or why the log is not such an event; `None` where that isn't known."""

    def keep(self, key: Key, made: bytes | str) -> None:
        """Keep what a log was made into."""
        if key not in self._kept:
            self._kept[key] = made
            self.size += len(made) + _OVERHEAD
        while self.size > self._most_bytes:
            oldest = next(iter(self._kept))
            self.size -= len(self._kept.pop(oldest)) + _OVERHEAD

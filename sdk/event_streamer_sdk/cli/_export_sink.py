"""What an export counts while a sink is fed: rows, bytes and blocks that are stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from event_streamer_sdk.models.streaming import StreamingReorg
from event_streamer_sdk.sinks import SinkBatch, Source


class Counted:
    """
    A sink that tells how far it is.

    Args:
        sink: The sink that stores.
        changed: Called when something has been stored.

    Attributes:
        events: Events that are stored.
        came: Events that came: more, where a condition leaves some out.
        bytes: What they take in the sink's form, where it tells.
        block: The last block that is stored.
        token: The token that was there when the sink was opened.
        is_complete: Whether no further events are wanted, although some may come.
    """

    def __init__(self, sink: Any, changed: Callable[[], None]) -> None:
        self._sink = sink
        self._changed = changed
        self.events = 0
        self.came = 0
        self.bytes = 0
        self.block: int | None = None
        self.token: str | None = None
        self.is_complete = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)

    def open(self, source: Source) -> str | None:
        """Open the sink."""
        self.token = self._sink.open(source)
        return self.token

    @property
    def is_begun(self) -> bool:
        """Whether the place holds a position, from which the same command goes on."""
        return self.token is not None or self.block is not None

    def write(self, batch: SinkBatch) -> None:
        """Write a batch, and count it."""
        self._sink.write(batch)
        self.events += batch.rows
        self.came += batch.size
        self.bytes += sum(map(_size, batch.prepared))
        self.block = batch.last_block if batch.last_block is not None else self.block
        self._changed()

    def undo(self, reorg: StreamingReorg) -> None:
        """Take blocks back, and go back with them."""
        self._sink.undo(reorg)
        self.block = reorg.common_ancestor
        self._changed()

    def close(self) -> None:
        """Close the sink; where all that is wanted is there, it is finished first."""
        try:
            if self.is_complete:
                self.is_complete = False
                self._sink.finish()
        finally:
            self._sink.close()


def _size(prepared: Any) -> int:
    """Measure what a sink has made of some events."""
    size = getattr(prepared, "nbytes", None)
    if isinstance(size, int):
        return size
    if isinstance(prepared, bytes | str):
        return len(prepared)
    if isinstance(prepared, dict):
        return sum(_size(name) + _size(value) for name, value in prepared.items())
    return sum(map(_size, prepared)) if isinstance(prepared, list | tuple) else _NUMBER


_NUMBER = 8
"""Bytes that a number counts as."""

"""
The journal: what clients did, kept for tests that want to see it.

It holds resume tokens as they were sent, so it exists only where `Settings.testing` is on, and
never becomes part of a log.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from attrs import asdict, field, frozen

from event_streamer_service.clock import Clock


@frozen(kw_only=True)
class Entry:
    """
    One thing that happened.

    Attributes:
        number: Counts from 1.
        time: Seconds since the Unix epoch.
        kind: `connect`, `batch`, `reorg`, `end`, `error`, `heartbeat_sent`, `heartbeat`, `acknowledge`,
            `disconnect`, `fault` or `request`.
        subscription_id: The subscription, where one is meant.
        connection_id: The connection, where one is meant.
        detail: More, by kind: `batch_id`, `resume_token`, `events`, `acknowledged`, `reason`, …
    """

    number: int
    time: float
    kind: str
    subscription_id: int | None = None
    connection_id: str | None = None
    detail: dict[str, Any] = field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as JSON has it."""
        return asdict(self)


class Journal:
    """
    The last entries, oldest first. May be read from any thread.

    Args:
        clock: Gives the entries their time.
        limit: Entries that are kept.
    """

    def __init__(self, clock: Clock, *, limit: int = 100_000) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._count = 0
        self._lock = threading.Lock()

    def add(
        self,
        kind: str,
        /,
        *,
        subscription_id: int | None = None,
        connection_id: str | None = None,
        **detail: Any,
    ) -> None:
        """Note that something happened."""
        with self._lock:
            self._count += 1
            self._entries.append(
                Entry(
                    number=self._count,
                    time=self._clock.time(),
                    kind=kind,
                    subscription_id=subscription_id,
                    connection_id=connection_id,
                    detail=detail,
                )
            )

    def entries(
        self, kind: str | None = None, *, subscription_id: int | None = None, after: int = 0
    ) -> list[Entry]:
        """
        Return what happened, oldest first.

        Args:
            kind: Only entries of this kind.
            subscription_id: Only entries of this subscription.
            after: Only entries with a greater number.
        """
        with self._lock:
            return [
                entry
                for entry in self._entries
                if entry.number > after
                and kind in (None, entry.kind)
                and subscription_id in (None, entry.subscription_id)
            ]

    def acknowledged(self, subscription_id: int | None = None) -> list[str]:
        """Return the ids of acknowledged batches, in the order of their acknowledgement."""
        entries = self.entries("acknowledge", subscription_id=subscription_id)
        return [entry.detail["batch_id"] for entry in entries if entry.detail["acknowledged"]]

    def tokens(self, subscription_id: int | None = None) -> list[str | None]:
        """Return the resume tokens that clients connected with, `None` where one had none."""
        entries = self.entries("connect", subscription_id=subscription_id)
        return [entry.detail["resume_token"] for entry in entries]

    def clear(self) -> None:
        """Forget all entries; numbers go on."""
        with self._lock:
            self._entries.clear()

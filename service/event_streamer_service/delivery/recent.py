"""
What was made of recent blocks, for all streams of a process that want the same. Pure, no I/O.

At the head every stream gets the same blocks in the same moment. What an event definition makes of a log is
worked out once, for the first stream that comes to it; and streams that ask for the same logs share whole
batches. A stream adds ids and token.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

from event_streamer_service.chains.types import Log
from event_streamer_service.delivery.batch import Batch

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


Undecodable = Callable[[Log, str, int], None]
"""Told of logs that are not delivered: the newest, why, and how many they are."""


class _PassedOver:
    """
    Keeps the newest log that isn't delivered, why, and how many they are.

    Apart from the run, which it doesn't refer to: the run refers to what tells this. In a circle they and all
    the batches would stay until Python looks for such.
    """

    def __init__(self) -> None:
        self.since: tuple[Log, str, int] | None = None

    def note(self, log: Log, reason: str, count: int) -> None:
        """Be told of logs."""
        before = 0 if self.since is None else self.since[2]
        self.since = log, reason, before + count

    def take(self) -> tuple[Log, str, int] | None:
        """Return what was noted since the last time."""
        since, self.since = self.since, None
        return since


class SharedRun:
    """
    The batches of some blocks, each made when the first stream comes to it.

    Args:
        make: Makes them, and tells of logs that are not delivered.
    """

    def __init__(self, make: Callable[[Undecodable], Iterator[Batch]]) -> None:
        self._passed_over = _PassedOver()
        self._rest = make(self._passed_over.note)
        self._made: list[tuple[Batch | None, tuple[Log, str, int] | None]] = []
        """Each batch, and what was passed over before it; no batch behind the last one."""
        self.size = 0
        """Bytes that are kept."""
        self.problem: Exception | None = None
        """What went wrong when a batch was made: nobody may take the batches before it for all of them."""

    def batches(self, undecodable: Undecodable) -> Iterator[Batch]:
        """
        Give the batches to one stream.

        Args:
            undecodable: Told of logs that are not delivered.

        Yields:
            The batches, in order.
        """
        place = 0
        while True:
            if place == len(self._made):
                if self.problem is not None:
                    raise self.problem
                try:
                    batch = next(self._rest, None)
                except Exception as problem:
                    self.problem = problem
                    raise
                self._made.append((batch, self._passed_over.take()))
                self.size += _OVERHEAD + (0 if batch is None else len(batch.events))
            batch, passed_over = self._made[place]
            if passed_over is not None:
                undecodable(*passed_over)
            if batch is None:
                return
            yield batch
            place += 1


class RecentRuns:
    """
    The runs that streams share; the oldest are forgotten first. Who reads one keeps it as long as that takes.

    Args:
        most_bytes: How much of them is kept.
        most_runs: How many are kept.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES, most_runs: int = 256) -> None:
        self._most_bytes = most_bytes
        self._most_runs = most_runs
        self._kept: dict[Hashable, SharedRun] = {}

    def run(self, key: Hashable, make: Callable[[Undecodable], Iterator[Batch]]) -> SharedRun:
        """
        Give a run.

        Args:
            key: Says what the batches are made of, all of it.
            make: As for `SharedRun`, where nobody has asked for it yet.
        """
        found = self._kept.get(key)
        if found is None or found.problem is not None:
            self._kept.pop(key, None)
            size = sum(run.size for run in self._kept.values())
            while self._kept and (len(self._kept) >= self._most_runs or size > self._most_bytes):
                size -= self._kept.pop(next(iter(self._kept))).size
            found = self._kept[key] = SharedRun(make)
        return found

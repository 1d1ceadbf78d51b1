"""The lease under which a handler runs, and the store that a stream writes to under it."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from contextvars import ContextVar
from inspect import isawaitable
from typing import Any

from event_streamer_sdk.checkpoints import Checkpoint, SharedStore
from event_streamer_sdk.exceptions import LeaseLostError


def ticks() -> float:
    """
    Tell the time on a clock that goes on while the machine sleeps, where the system has one.

    Returns:
        Seconds.
    """
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Lease:
    """
    A worker's right to handle a subscription, for the time being.

    Handlers are called only while it holds. One that writes to a database of its own can have that checked
    there, too: a fencing number rises with each worker that takes over, so
    `UPDATE … WHERE fencing <= :number` refuses who comes too late.

    Attributes:
        subscription_id: The subscription.
        key: Its position's name in the store.
        owner: The worker's name.
        fencing: The fencing number.
    """

    def __init__(self, subscription_id: int, key: str, owner: str, fencing: int, until: float) -> None:
        self.subscription_id = subscription_id
        self.key = key
        self.owner = owner
        self.fencing = fencing
        self._until = until
        self._ended = False

    @property
    def seconds_left(self) -> float:
        """Until it runs out if it is not renewed; by 0 or less it has run out, by this machine's clock."""
        return self._until - ticks()

    @property
    def holds(self) -> bool:
        """Whether it still holds, as far as can be told without asking the database."""
        return not self._ended and self.seconds_left > 0

    def check(self) -> None:
        """
        Make sure that it holds, before something that only its owner may do.

        Raises:
            LeaseLostError: It does not hold any more.
        """
        if not self.holds:
            raise LeaseLostError(f"the lease of {self.key!r} has run out: another worker may have taken over")

    def prolonged(self, until: float) -> None:
        """
        Note that the database has prolonged it.

        Args:
            until: When it runs out now, on the clock of `ticks`.
        """
        self._until = max(self._until, until)

    @property
    def ended(self) -> bool:
        """Whether it was given back or lost, and will not hold again."""
        return self._ended

    def end(self) -> None:
        """Note that it was given back or lost."""
        self._ended = True


_current: ContextVar[Lease | None] = ContextVar("event_streamer_lease", default=None)


def current_lease() -> Lease:
    """
    Give the lease of the handler that is running.

    Returns:
        The lease.

    Raises:
        LookupError: No worker has called this handler.

    Example:
        >>> async def handle(events):
        ...     lease = current_lease()
        ...     await rows.insert(events, fencing=lease.fencing)
    """
    lease = _current.get()
    if lease is None:
        raise LookupError("current_lease() is for handlers that a worker calls")
    return lease


def enter(lease: Lease) -> None:
    """Let `current_lease()` give a lease, in this task or thread."""
    _current.set(lease)


class LeasedPositions:
    """
    The store of one stream: what it writes is fenced with the number of the worker's lease.

    The worker takes, renews and gives back the lease, so the stream sees a store without any.
    """

    lease_seconds = None

    def __init__(self, store: SharedStore, lease: Lease) -> None:
        self._store = store
        self._lease = lease
        self.asynchronous: bool = store.asynchronous
        self.blocking: bool = not store.asynchronous

    def load(self, key: str) -> Any:
        """Read the position."""
        return self._store.load(key)

    def save(self, key: str, checkpoint: Checkpoint) -> Any:
        """
        Store the position, if the lease is still ours.

        Raises:
            LeaseLostError: Another worker has taken over.
            CheckpointError: It could not be stored.
        """
        began = ticks()
        answer = self._store.save(key, checkpoint, fencing=self._lease.fencing)
        if isawaitable(answer):
            return self._saved_later(answer, began)
        return self._saved(began)

    async def _saved_later(self, answer: Awaitable[None], began: float) -> None:
        await answer
        self._saved(began)

    def _saved(self, began: float) -> None:
        self._lease.prolonged(began + (self._store.lease_seconds or 0))

    def close(self) -> None:
        """Do nothing: the store is the worker's."""

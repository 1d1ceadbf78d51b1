"""What a store for several workers does, in whichever database: positions, leases, and who is at work."""

from __future__ import annotations

import abc
import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, Protocol

from attrs import field, frozen

from event_streamer_api.errors import EventStreamerValidationError

from .._core.stream.checkpoint import Checkpoint
from ..exceptions import LeaseLostError

__all__ = ["LeaseInfo", "Overview", "SharedStore", "WorkerInfo"]

SAVING = "storing a checkpoint"
LONGEST_OWNER = 64
"""Characters of an owner's name."""


@frozen(kw_only=True)
class LeaseInfo:
    """
    A position, and who has it.

    Attributes:
        owner: The worker that has it, or had it last; `None` where it was given back.
        fencing: How often it was taken.
        seconds_left: Until its lease runs out, by the database's clock; below 0: so long ago.
        block: The last block that is handled, where known.
        saved_at: When the position was stored, by the clock of the worker that did it.
    """

    owner: str | None
    fencing: int
    seconds_left: float
    block: int | None = None
    saved_at: datetime | None = None

    @property
    def is_held(self) -> bool:
        """Whether somebody has it."""
        return self.owner is not None and self.seconds_left > 0


@frozen(kw_only=True)
class WorkerInfo:
    """
    A worker that has lately said that it is there.

    Attributes:
        name: Its name, the owner of its leases.
        seconds_left: Until it counts as gone, by the database's clock.
        age: Seconds since it came.
        report: What it says of itself.
    """

    name: str
    seconds_left: float
    age: float
    report: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Overview:
    """
    Who is there, and who has what, at one moment.

    Attributes:
        workers: The workers of a group that are there.
        leases: The positions that exist, by key.
    """

    workers: tuple[WorkerInfo, ...]
    leases: Mapping[str, LeaseInfo]


class Questions(Protocol):
    """What is asked of one kind of database; each method gives what its store's `_do` carries out."""

    def load(self, key: str) -> Any:
        """Ask for a position: its columns as a tuple, or `None`."""

    def save(self, key: str, values: tuple[Any, ...], lease: float | None, fencing: int) -> Any:
        """Store a position: whether the fencing number was the right one."""

    def acquire(self, keys: Collection[str], owner: str, lease: float) -> Any:
        """Take leases: the fencing number of each that was free."""

    def renew(self, numbers: Mapping[str, int], lease: float) -> Any:
        """Prolong leases: the keys of those that are still held."""

    def release(self, key: str, fencing: int) -> Any:
        """Give a lease back."""

    def announce(self, group: str, worker: str, lease: float, report: str) -> Any:
        """Say that a worker is there."""

    def leave(self, group: str, worker: str) -> Any:
        """Say that a worker is gone."""

    def overview(self, group: str, keys: Collection[str]) -> Any:
        """Ask who is there and who has what: an `Overview`."""


def checkpoint_of(row: tuple[Any, ...] | None) -> Checkpoint | None:
    """Make a position of its columns."""
    if row is None or not row[0]:
        return None
    token, batch_id, block, chain_id, saved_at = row
    return Checkpoint(
        resume_token=token,
        batch_id=batch_id or None,
        block=None if block in (None, "") else int(block),
        chain_id=None if chain_id in (None, "") else int(chain_id),
        saved_at=moment(saved_at),
    )


def moment(text: str | None) -> datetime | None:
    """Read a stored time."""
    return datetime.fromisoformat(text) if text else None


class SharedStore(abc.ABC):
    """
    Keeps positions that several workers share, each of them under a lease.

    With `lease_seconds` one worker at a time has a subscription: the others wait (`standby`), and take over
    when it stops or its lease runs out. Each takeover raises a fencing number, which the database checks with
    every write, so a worker that was paused and comes back too late can't overwrite its successor's position.
    The database's clock alone decides when a lease has run out: those of the workers may differ.

    The stores for asyncio have the same methods, and each gives an awaitable of its result.

    Args:
        lease_seconds: How long a lease lasts that is not renewed; `None` has no leases.
        owner: The name under which leases are taken; by default a random one.
    """

    def __init__(self, questions: Questions, lease_seconds: float | None, owner: str | None) -> None:
        if lease_seconds is not None and not lease_seconds > 0:
            raise EventStreamerValidationError(f"lease_seconds must be above 0, not {lease_seconds!r}")
        if owner is not None and not 0 < len(owner) <= LONGEST_OWNER:
            raise EventStreamerValidationError(
                f"owner must have 1 to {LONGEST_OWNER} characters, not {len(owner)}"
            )
        self.asynchronous: bool = iscoroutinefunction(self._do)
        self.blocking: bool = not self.asynchronous
        self.lease_seconds = lease_seconds
        self.owner: str = owner or secrets.token_hex(16)
        self._questions = questions
        self._fencing: dict[str, int] = {}

    @abc.abstractmethod
    def _do(self, question: Any, what: str, then: Callable[[Any], Any]) -> Any:
        """Have the database answer a question; gives what `then` makes of the answer."""

    @abc.abstractmethod
    def close(self) -> Any:
        """Close what is open. A further call opens it again."""

    # --- positions -----------------------------------------------------------------------------

    def load(self, key: str) -> Any:
        """
        Read a position.

        Args:
            key: Its name.

        Returns:
            The `Checkpoint`, `None` where there is none yet.

        Raises:
            CheckpointError: The database can't be read.
        """
        return self._do(self._questions.load(key), "reading a checkpoint", checkpoint_of)

    def save(self, key: str, checkpoint: Checkpoint, *, fencing: int | None = None) -> Any:
        """
        Store a position; when this returns the database has committed it. With leases it renews ours.

        Args:
            key: Its name.
            checkpoint: The position.
            fencing: The number of the lease under which it was reached; by default that of our last one.

        Raises:
            LeaseLostError: Another worker has taken over.
            CheckpointError: It could not be stored; the old one is still there.
        """
        values = (
            checkpoint.resume_token,
            checkpoint.batch_id,
            checkpoint.block,
            checkpoint.chain_id,
            datetime.now(UTC).isoformat(),
        )
        return self._save(key, values, self._fencing.get(key, -1) if fencing is None else fencing)

    def _save(self, key: str, values: tuple[Any, ...], fencing: int) -> Any:
        question = self._questions.save(key, values, self.lease_seconds, fencing)
        return self._do(question, SAVING, partial(held, key))

    # --- leases --------------------------------------------------------------------------------

    def fencing(self, key: str) -> int | None:
        """
        Tell the fencing number of a lease of ours, for checks in a database of your own.

        Args:
            key: The position's name.

        Returns:
            The number, `None` where we don't have the lease. It is not asked of the database.
        """
        return self._fencing.get(key)

    def acquire(self, key: str) -> Any:
        """
        Take the lease, with a fencing number higher than every one before.

        Args:
            key: The position's name.

        Returns:
            Whether we have it now.

        Raises:
            CheckpointError: The database can't be reached.
        """
        question = self._questions.acquire([key], self.owner, self._lease)
        return self._do(question, "taking a lease", lambda numbers: key in self._took(numbers))

    def acquire_all(self, keys: Collection[str]) -> Any:
        """
        Take several leases in one go, as far as they are free.

        Args:
            keys: The positions' names.

        Returns:
            The names of those that we have now, a set.

        Raises:
            CheckpointError: The database can't be reached.
        """
        return self._do(self._questions.acquire(keys, self.owner, self._lease), "taking leases", self._took)

    def _took(self, numbers: Mapping[str, int]) -> set[str]:
        self._fencing.update(numbers)
        return set(numbers)

    def renew(self, key: str) -> Any:
        """
        Prolong the lease.

        Args:
            key: The position's name.

        Raises:
            LeaseLostError: Somebody else has it.
            CheckpointError: The database can't be reached.
        """
        question = self._questions.renew({key: self._fencing.get(key, -1)}, self._lease)
        return self._do(question, "renewing a lease", lambda kept: held(key, key in kept))

    def renew_all(self, keys: Collection[str]) -> Any:
        """
        Prolong several leases in one transaction.

        Args:
            keys: The positions' names.

        Returns:
            The names of those that are still ours, a set.

        Raises:
            CheckpointError: The database can't be reached.
        """
        numbers = {key: self._fencing.get(key, -1) for key in keys}
        return self._do(self._questions.renew(numbers, self._lease), "renewing leases", set)

    def release(self, key: str) -> Any:
        """
        Give the lease back, if it is ours.

        Args:
            key: The position's name.

        Raises:
            CheckpointError: The database can't be reached; the lease runs out by itself.
        """
        question = self._questions.release(key, self._fencing.pop(key, -1))
        return self._do(question, "giving a lease back", _nothing)

    # --- workers -------------------------------------------------------------------------------

    def announce(self, group: str, report: str) -> Any:
        """
        Say that the worker of this store is there, for as long as a lease lasts.

        Args:
            group: Those who share the same subscriptions.
            report: What it says of itself, a JSON object.

        Raises:
            CheckpointError: The database can't be reached.
        """
        question = self._questions.announce(group, self.owner, self._lease, report)
        return self._do(question, "announcing a worker", _nothing)

    def leave(self, group: str) -> Any:
        """
        Say that the worker of this store is gone.

        Args:
            group: As for `announce`.

        Raises:
            CheckpointError: The database can't be reached; it counts as gone when a lease has passed.
        """
        return self._do(self._questions.leave(group, self.owner), "leaving", _nothing)

    def overview(self, group: str, keys: Collection[str]) -> Any:
        """
        Ask who is there, and who has what.

        Args:
            group: As for `announce`.
            keys: The positions' names.

        Returns:
            An `Overview`.

        Raises:
            CheckpointError: The database can't be reached.
        """
        return self._do(self._questions.overview(group, keys), "asking who has what", _same)

    @property
    def _lease(self) -> float:
        if self.lease_seconds is None:
            raise EventStreamerValidationError("leases are off: give the store lease_seconds")
        return self.lease_seconds


def held(key: str, is_held: bool) -> None:
    """Raise where a position is no longer ours."""
    if not is_held:
        raise LeaseLostError(f"another worker has taken over {key!r}; nothing of this one is stored any more")


def _nothing(_: object) -> None:
    return None


def _same(answer: Any) -> Any:
    return answer

"""What is written down: positions, and what could not be handled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from attrs import field, frozen


@frozen(kw_only=True)
class Checkpoint:
    """
    A position in a subscription: everything up to here is handled.

    Attributes:
        resume_token: The service's token for it. Opaque; as good as a password, so never logged.
        batch_id: The last batch that is part of it.
        block: The last block that is part of it, where known.
        chain_id: That block's chain, where known.
        saved_at: When it was stored; the store fills it in.
    """

    resume_token: str = field(repr=False)
    batch_id: str | None = None
    block: int | None = None
    chain_id: int | None = None
    saved_at: datetime | None = None


@frozen(kw_only=True)
class DeadLetterRecord:
    """
    A batch or a line that could not be handled, with all that is needed to look into it later.

    Attributes:
        time: When it was given up.
        kind: `batch` (handlers failed) or `line` (it could not be read).
        subscription_id: Where it came from.
        reason: One sentence.
        batch_id: The batch's id, where known.
        message: The message as it came, without its resume token; `None` for an unreadable line.
        raw: The bytes of an unreadable line, as far as they were kept.
        handlers: Names of the handlers that failed.
    """

    time: datetime
    kind: Literal["batch", "line"]
    subscription_id: int
    reason: str
    batch_id: str | None = None
    message: Mapping[str, Any] | None = None
    raw: bytes | None = None
    handlers: tuple[str, ...] = ()


@runtime_checkable
class CheckpointStore(Protocol):
    """
    Where committed positions live. The methods may be coroutine functions in the async client.

    A plain store is called in a thread by the async client; set `blocking = False` on one that never waits.
    """

    def load(self, key: str) -> Checkpoint | None:
        """
        Read a position.

        Args:
            key: Its name.

        Returns:
            The position, `None` where there is none yet.

        Raises:
            CheckpointError: The store can't be read.
        """

    def save(self, key: str, checkpoint: Checkpoint) -> None:
        """
        Store a position; when this returns it survives a loss of power.

        Args:
            key: Its name.
            checkpoint: The position.

        Raises:
            CheckpointError: It could not be stored; the old one is still readable.
        """

    def close(self) -> None:
        """Let go of files and connections. May be called more than once."""


@runtime_checkable
class LeasingStore(CheckpointStore, Protocol):
    """
    A store that lets one worker at a time have a subscription.

    Attributes:
        lease_seconds: How long a lease lasts that is not renewed; `None` turns leases off.
    """

    lease_seconds: float | None

    def acquire(self, key: str) -> bool:
        """
        Take the lease, with a fencing number higher than every one before.

        Args:
            key: The position's name.

        Returns:
            Whether we have it now.
        """

    def renew(self, key: str) -> None:
        """
        Prolong the lease.

        Args:
            key: The position's name.

        Raises:
            LeaseLostError: Somebody else has it.
        """

    def release(self, key: str) -> None:
        """
        Give the lease back, if it is ours.

        Args:
            key: The position's name.
        """


@runtime_checkable
class DeadLetters(Protocol):
    """Where batches and lines go that could not be handled. The method may be a coroutine function."""

    def write(self, record: DeadLetterRecord) -> None:
        """
        Write a record; when this returns it survives a loss of power.

        Args:
            record: What could not be handled.

        Raises:
            DeadLetterError: It could not be written.
        """

    def close(self) -> None:
        """Let go of files and connections. May be called more than once."""

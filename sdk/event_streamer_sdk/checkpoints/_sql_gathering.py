"""
Positions of many streams that wait for the database, and are stored together.

Whoever has something to store lets it wait, and takes its turn. In its turn it stores all that waits, its own
and that of others; who comes to its turn and finds its own stored already is done. So nobody waits for
company: what arrives while the database is busy goes with the next statement, the more the busier it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from attrs import define, field

from ..exceptions import StoreError

T = TypeVar("T")

MOST_AT_ONCE = 500
"""Positions in one statement."""


@define(eq=False)
class Position:
    """
    A position that is to be stored.

    Attributes:
        key: Its name.
        values: Token, batch, block, chain and time.
        lease: For how long it renews the lease, seconds; `None` has no leases.
        fencing: The number of the lease under which it was reached.
        stored: Whether it is stored, or another worker has taken over; `None` while it waits.
        error: Why it couldn't be stored.
    """

    key: str
    values: tuple[Any, ...]
    lease: float | None
    fencing: int
    stored: bool | None = None
    error: StoreError | None = None

    @property
    def waits(self) -> bool:
        """Whether nothing is known of it yet."""
        return self.stored is None and self.error is None

    def result(self) -> bool:
        """
        Tell what came of it.

        Returns:
            Whether it is stored; else another worker has taken over.

        Raises:
            StoreError: It couldn't be stored.
        """
        if self.error is not None:
            raise self.error
        return bool(self.stored)


@define(eq=False)
class Gathering(Generic[T]):
    """
    What waits to be stored in one table.

    Attributes:
        turn: The lock of whoever stores, of threads or of asyncio.
    """

    turn: T
    _waiting: dict[Position, None] = field(factory=dict, init=False)

    @contextmanager
    def waiting(self, position: Position) -> Iterator[None]:
        """Let a position wait; no longer than its stream does, lest it be stored behind a later one."""
        self._waiting[position] = None
        try:
            yield
        finally:
            self._waiting.pop(position, None)

    @contextmanager
    def taken(self) -> Iterator[Sequence[Position]]:
        """Give what is to be stored now; what is not settled then waits again. To be called in turn."""
        part: dict[str, Position] = {}
        for position in list(self._waiting):  # other threads add to it
            if len(part) < MOST_AT_ONCE:
                part.setdefault(position.key, position)  # of two of one name the second has to wait
        for position in part.values():
            self._waiting.pop(position, None)
        try:
            # In one order everywhere, lest two processes wait for each other's rows.
            yield sorted(part.values(), key=lambda position: position.key)
        finally:
            # Whoever took them was broken off.
            self._waiting.update((position, None) for position in part.values() if position.waits)


def settle(part: Collection[Position], stored: Collection[str]) -> None:
    """Note what the database says: it has stored these; of the others it knows another owner."""
    for position in part:
        position.stored = position.key in stored


def to_try_alone(part: Collection[Position], error: StoreError) -> Collection[Position]:
    """
    Give what is to be tried one by one, since one of several may be what the database doesn't take.

    Where that is of no use, note that nothing of it could be stored; each gets an error of its own, as
    several threads raise it.
    """
    if error.permanent and len(part) > 1:
        return part
    for position in part:
        position.error = type(error)(str(error), permanent=error.permanent)
        position.error.__cause__ = error.__cause__
    return ()

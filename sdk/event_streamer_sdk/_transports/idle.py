"""The connections that wait for another request."""

from __future__ import annotations

import threading
from typing import Generic, Protocol, TypeVar

from .http11 import Origin


class Reusable(Protocol):
    """What the pool asks of a connection."""

    origin: Origin

    def usable(self) -> bool:
        """Say whether it is still open and silent."""

    def discard(self) -> None:
        """Close it at once."""


C = TypeVar("C", bound=Reusable)


class IdleConnections(Generic[C]):
    """
    Connections that wait for another request. Threads may share it.

    Args:
        limit: Most that are kept; None keeps all.
        seconds: How long one is kept; None keeps it until the peer closes it.
    """

    def __init__(self, limit: int | None, seconds: float | None) -> None:
        self._limit = limit
        self._seconds = seconds
        self._kept: list[tuple[float, C]] = []
        self._closed = False
        self._lock = threading.Lock()

    def take(self, origin: Origin, now: float) -> C | None:
        """Give out a connection to an origin, the one that was used last; drop those that are too old."""
        found = None
        kept: list[tuple[float, C]] = []
        with self._lock:
            while self._kept:
                since, connection = self._kept.pop()
                if self._seconds is not None and now - since > self._seconds:
                    connection.discard()
                elif found is None and connection.origin == origin:
                    if connection.usable():
                        found = connection
                    else:
                        connection.discard()
                else:
                    kept.append((since, connection))
            self._kept = kept[::-1]
        return found

    def put(self, connection: C, now: float) -> None:
        """Keep a connection whose response was read to its end."""
        with self._lock:
            if self._closed:  # a call that was still under way when its client was closed
                connection.discard()
                return
            self._kept.append((now, connection))
            if self._limit is not None and len(self._kept) > self._limit:
                self._kept.pop(0)[1].discard()

    def discard_all(self) -> None:
        """Close them all."""
        with self._lock:
            self._closed = True
            while self._kept:
                self._kept.pop()[1].discard()

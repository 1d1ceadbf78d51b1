"""
Where tests look into a service and make it fail: an observer that does nothing, unless it is theirs.

`testing.observer` holds the one that keeps a journal and lets faults strike.
"""

# ruff: noqa: ARG002 - doing nothing needs no arguments

from __future__ import annotations

from typing import Protocol

from starlette.types import ASGIApp

from event_streamer_service.delivery.writer import Writer


class Damage(Protocol):
    """What a test has asked to happen to a batch."""

    @property
    def kinds(self) -> list[str]:
        """The faults, by name."""

    async def write(self, writer: Writer, line: bytes) -> bool:
        """Write a batch's line as its faults have it; tells whether the stream is over."""


class Observer:
    """Sees what happens, and changes nothing."""

    def note(
        self,
        kind: str,
        /,
        *,
        subscription_id: int | None = None,
        connection_id: str | None = None,
        **detail: object,
    ) -> None:
        """Hear that something happened."""

    def on_request(self, path: str) -> ASGIApp | None:
        """Return what answers a request in the service's place."""
        return None

    def on_token(self, subscription_id: int) -> bool:
        """Tell whether a resume token is to count as expired."""
        return False

    def on_batch(self, subscription_id: int) -> Damage | None:
        """Return what happens to the next batch of a stream."""
        return None

    def on_heartbeat(self, subscription_id: int) -> bool:
        """Tell whether a heartbeat is to be left out."""
        return False

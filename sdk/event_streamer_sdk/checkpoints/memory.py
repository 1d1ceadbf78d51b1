"""Positions in memory: for tests, and to carry a position from one client to the next."""

from __future__ import annotations

from .._core.stream.checkpoint import Checkpoint


class MemoryCheckpoint:
    """Keeps positions as long as the process lives."""

    blocking = False

    def __init__(self) -> None:
        self.positions: dict[str, Checkpoint] = {}

    def load(self, key: str) -> Checkpoint | None:
        """
        Read a position.

        Args:
            key: Its name.

        Returns:
            The position, `None` where there is none yet.
        """
        return self.positions.get(key)

    def save(self, key: str, checkpoint: Checkpoint) -> None:
        """
        Keep a position.

        Args:
            key: Its name.
            checkpoint: The position.
        """
        self.positions[key] = checkpoint

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

"""What is counted through all runs of a client."""

from __future__ import annotations

from collections import Counter
from typing import Any

from attrs import define, field


@define
class Counters:
    """Counts since the client was made; they outlive a run. Meanings as in `Stats`."""

    events: int = 0
    batches: int = 0
    acks: int = 0
    ack_failures: int = 0
    reconnects: Counter[str] = field(factory=Counter)
    handler_errors: int = 0
    skipped: int = 0
    dead_letters: int = 0
    duplicates: int = 0
    unknown: int = 0
    heartbeats: int = 0
    head_block: int | None = None
    handled_block: int | None = None
    newest: Any = None

    @property
    def handled_time(self) -> Any:
        """The time of the newest event that was handled."""
        return self.newest.get("timestamp") if type(self.newest) is dict else None

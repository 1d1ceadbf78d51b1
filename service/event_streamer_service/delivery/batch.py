"""What a batch is: some events of a run of blocks, as JSON."""

from __future__ import annotations

from attrs import frozen

from event_streamer_service.chains.types import Position


@frozen
class Batch:
    """
    Some events, ready to be written.

    Attributes:
        events: The JSON objects, joined by commas.
        size: Number of events.
        end: Where a reader is who has handled it.
        last_event_id: `block:log_index` of its last event.
        first_block: First block that it covers.
        head: Newest block of the chain when it was read.
    """

    events: bytes
    size: int
    end: Position
    last_event_id: str
    first_block: int
    head: int

"""ABI models under the import path of releases 0.4 and 0.5."""

from event_streamer_api.models import (
    ABIEvent,
    ABIInput,
)

__all__ = [
    "ABIEvent",
    "ABIInput",
]

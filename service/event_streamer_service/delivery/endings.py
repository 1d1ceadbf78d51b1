"""Why the service ends streams, and what their clients are told."""

from __future__ import annotations

from event_streamer_service.delivery.connection import Ending

STOPPING = Ending(
    "shutdown",
    "PROCESSING_STOPPED",
    "The service is stopping. Connect again with the last resume token.",
)
STANDING_BY = Ending(
    "standby",
    "PROCESSING_STOPPED",
    "This process has lost its place on the database. Connect again with the last resume token.",
)
KEY_REVOKED = Ending(
    "key_revoked", "UNAUTHORIZED", "The API key of this stream is no longer valid.", recoverable=False
)
CHANGED = Ending(
    "subscription_changed",
    "PROCESSING_STOPPED",
    "The subscription was changed. Connect again to get its events as it is now.",
)
PAUSING = Ending(
    "subscription_paused",
    "PROCESSING_STOPPED",
    "The subscription was paused. It delivers when it is active again.",
)
DELETED = Ending(
    "subscription_deleted", "SUBSCRIPTION_NOT_FOUND", "The subscription was deleted.", recoverable=False
)

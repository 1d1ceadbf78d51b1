"""Confirmation models under the import path of releases 0.4 and 0.5."""

from event_streamer_api.models import (
    ConfirmationRequest,
    ConfirmationResponse,
)

__all__ = [
    "ConfirmationRequest",
    "ConfirmationResponse",
]

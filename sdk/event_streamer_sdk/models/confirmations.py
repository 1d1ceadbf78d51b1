"""The confirmations of releases before 0.3, kept for the programs that import them."""

from event_streamer_api.models import (
    ConfirmationRequest,
    ConfirmationResponse,
)

__all__ = [
    "ConfirmationRequest",
    "ConfirmationResponse",
]

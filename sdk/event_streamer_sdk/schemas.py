"""Models under the third import path of releases 0.4 and 0.5, the same as in `event_streamer_sdk.models`."""

from event_streamer_api.models import (
    ABIEvent,
    ABIInput,
    ConfirmationRequest,
    ConfirmationResponse,
    SubscriptionCreate,
    SubscriptionListResponse,
    SubscriptionResponse,
    SubscriptionUpdate,
)

__all__ = [
    "ABIEvent",
    "ABIInput",
    "ConfirmationRequest",
    "ConfirmationResponse",
    "SubscriptionCreate",
    "SubscriptionListResponse",
    "SubscriptionResponse",
    "SubscriptionUpdate",
]

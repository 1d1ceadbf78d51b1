"""Chain models."""

from event_streamer_api.models import (
    ChainConfigRequest,
    ChainConfigResponse,
    ChainInfo,
    ChainListResponse,
    ChainStatsResponse,
)

__all__ = [
    "ChainConfigRequest",
    "ChainConfigResponse",
    "ChainInfo",
    "ChainListResponse",
    "ChainStatsResponse",
]

"""Chain models."""

from event_streamer_api.models import (
    BlockResponse,
    ChainConfigRequest,
    ChainConfigResponse,
    ChainInfo,
    ChainListResponse,
    ChainStatsResponse,
)

__all__ = [
    "BlockResponse",
    "ChainConfigRequest",
    "ChainConfigResponse",
    "ChainInfo",
    "ChainListResponse",
    "ChainStatsResponse",
]

"""Models of errors, health and chains under the import path of releases 0.4 and 0.5."""

from event_streamer_api.models import (
    ChainConfigRequest,
    ChainConfigResponse,
    ChainInfo,
    ChainListResponse,
    ChainStatsResponse,
    ErrorResponse,
    HealthResponse,
)

__all__ = [
    "ChainConfigRequest",
    "ChainConfigResponse",
    "ChainInfo",
    "ChainListResponse",
    "ChainStatsResponse",
    "ErrorResponse",
    "HealthResponse",
]

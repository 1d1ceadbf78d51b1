"""Streaming models under the import path of releases 0.4 and 0.5."""

from event_streamer_api.models import (
    BatchAcknowledgmentRequest,
    BatchAcknowledgmentResponse,
    BulkBatchAcknowledgmentRequest,
    BulkBatchAcknowledgmentResponse,
    ClientHeartbeatRequest,
    ClientHeartbeatResponse,
    ProcessingStatusResponse,
    StreamingError,
    StreamingEventBatch,
    StreamingHeartbeat,
)

__all__ = [
    "BatchAcknowledgmentRequest",
    "BatchAcknowledgmentResponse",
    "BulkBatchAcknowledgmentRequest",
    "BulkBatchAcknowledgmentResponse",
    "ClientHeartbeatRequest",
    "ClientHeartbeatResponse",
    "ProcessingStatusResponse",
    "StreamingError",
    "StreamingEventBatch",
    "StreamingHeartbeat",
]

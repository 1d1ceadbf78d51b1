"""Models of the stream under the names they had in release 0.4; a new one is found in `models` by itself."""

from event_streamer_api.models import (
    BatchAcknowledgmentRequest,
    BatchAcknowledgmentResponse,
    BlockReference,
    BulkBatchAcknowledgmentRequest,
    BulkBatchAcknowledgmentResponse,
    ClientHeartbeatRequest,
    ClientHeartbeatResponse,
    ProcessingStatusResponse,
    StreamingEnd,
    StreamingError,
    StreamingEventBatch,
    StreamingHeartbeat,
    StreamingReorg,
)

__all__ = [
    "BatchAcknowledgmentRequest",
    "BatchAcknowledgmentResponse",
    "BlockReference",
    "BulkBatchAcknowledgmentRequest",
    "BulkBatchAcknowledgmentResponse",
    "ClientHeartbeatRequest",
    "ClientHeartbeatResponse",
    "ProcessingStatusResponse",
    "StreamingEnd",
    "StreamingError",
    "StreamingEventBatch",
    "StreamingHeartbeat",
    "StreamingReorg",
]

"""The messages of the stream and the answers to what clients send about it; newer ones are in `models`."""

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

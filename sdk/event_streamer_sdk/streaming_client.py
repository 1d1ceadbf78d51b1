"""
The streaming clients: `StreamingClient` for asyncio and its blocking twin `SyncStreamingClient`.

What they promise is decided in `_core` (see `_core/stream`); how it is carried out on an event loop and
on threads is in `_runs`.
"""

from __future__ import annotations

from ._async.streaming import AsyncBatch, StreamingClient
from ._core.backoff import Reconnect
from ._core.stream.handlers import current_batch
from ._core.stream.messages import Batch
from ._core.stream.options import StreamOptions
from ._core.stream.reports import EndReason, Gap, GapKind, Report, Stats, Status, StatusKind
from ._sync.streaming import SyncBatch, SyncStreamingClient
from .exceptions import (
    CheckpointError,
    DeadLetterError,
    HandlerTimeoutError,
    LeaseLostError,
    StreamEndedError,
    StreamLineError,
)

AsyncStreamingClient = StreamingClient


def get_current_batch_id() -> str:
    """
    Give the id of the batch that is being handled in this thread or task, to acknowledge it by hand.

    Returns:
        The id.

    Raises:
        LookupError: Called outside of a handler.
    """
    batch = current_batch()
    if batch is None:
        raise LookupError("no batch is being handled here: call this in a handler of events")
    return batch.batch_id


__all__ = [
    "AsyncBatch",
    "AsyncStreamingClient",
    "Batch",
    "CheckpointError",
    "DeadLetterError",
    "EndReason",
    "Gap",
    "GapKind",
    "HandlerTimeoutError",
    "LeaseLostError",
    "Reconnect",
    "Report",
    "Stats",
    "Status",
    "StatusKind",
    "StreamEndedError",
    "StreamLineError",
    "StreamOptions",
    "StreamingClient",
    "SyncBatch",
    "SyncStreamingClient",
    "current_batch",
    "get_current_batch_id",
]

"""The clients of the service's calls: `EventStreamer` for asyncio, and the blocking `SyncEventStreamer`."""

from __future__ import annotations

from event_streamer_api.types import CallOptions

from ._async.client import EventStreamer
from ._sync.client import SyncEventStreamer

__all__ = ["CallOptions", "EventStreamer", "SyncEventStreamer"]

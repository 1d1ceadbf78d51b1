"""
Python client for the Event Streamer service, blocking and asyncio.

    from event_streamer_sdk import EventStreamer            # asyncio
    from event_streamer_sdk import SyncEventStreamer        # blocking, the same methods without await

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from ._core.version import __version__

# Type checkers take it for typing's own, which takes longer to import than the rest of this file.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from .client import CallOptions, EventStreamer, SyncEventStreamer
    from .exceptions import (
        EventStreamerAuthError,
        EventStreamerConnectionError,
        EventStreamerSDKError,
        EventStreamerSubscriptionError,
        EventStreamerTimeoutError,
        EventStreamerValidationError,
    )
    from .streaming_client import (
        Batch,
        EndReason,
        Gap,
        Reconnect,
        Report,
        Stats,
        Status,
        StreamingClient,
        StreamOptions,
        SyncStreamingClient,
        get_current_batch_id,
    )

    AsyncEventStreamer = EventStreamer
    AsyncStreamingClient = StreamingClient

# Where each name comes from, and what it is called there.
_ORIGINS = {
    "AsyncEventStreamer": (".client", "EventStreamer"),
    "AsyncStreamingClient": (".streaming_client", "StreamingClient"),
    "EventStreamer": (".client", "EventStreamer"),
    "EventStreamerAuthError": (".exceptions", "EventStreamerAuthError"),
    "EventStreamerConnectionError": (".exceptions", "EventStreamerConnectionError"),
    "EventStreamerSDKError": (".exceptions", "EventStreamerSDKError"),
    "EventStreamerSubscriptionError": (".exceptions", "EventStreamerSubscriptionError"),
    "EventStreamerTimeoutError": (".exceptions", "EventStreamerTimeoutError"),
    "EventStreamerValidationError": (".exceptions", "EventStreamerValidationError"),
    "StreamingClient": (".streaming_client", "StreamingClient"),
    "SyncEventStreamer": (".client", "SyncEventStreamer"),
    "SyncStreamingClient": (".streaming_client", "SyncStreamingClient"),
    "CallOptions": (".client", "CallOptions"),
    "Batch": (".streaming_client", "Batch"),
    "EndReason": (".streaming_client", "EndReason"),
    "Gap": (".streaming_client", "Gap"),
    "Reconnect": (".streaming_client", "Reconnect"),
    "Report": (".streaming_client", "Report"),
    "Stats": (".streaming_client", "Stats"),
    "Status": (".streaming_client", "Status"),
    "StreamOptions": (".streaming_client", "StreamOptions"),
    "get_current_batch_id": (".streaming_client", "get_current_batch_id"),
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    origin = _ORIGINS.get(name)
    if origin is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(origin[0], __name__), origin[1])
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "AsyncEventStreamer",
    "AsyncStreamingClient",
    "Batch",
    "CallOptions",
    "EndReason",
    "EventStreamer",
    "EventStreamerAuthError",
    "EventStreamerConnectionError",
    "EventStreamerSDKError",
    "EventStreamerSubscriptionError",
    "EventStreamerTimeoutError",
    "EventStreamerValidationError",
    "Gap",
    "Reconnect",
    "Report",
    "Stats",
    "Status",
    "StreamOptions",
    "StreamingClient",
    "SyncEventStreamer",
    "SyncStreamingClient",
    "__version__",
    "get_current_batch_id",
]

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

_ORIGINS = {
    ".client": ("CallOptions", "EventStreamer", "SyncEventStreamer"),
    ".exceptions": (
        *("EventStreamerAuthError", "EventStreamerConnectionError", "EventStreamerSDKError"),
        *("EventStreamerSubscriptionError", "EventStreamerTimeoutError", "EventStreamerValidationError"),
    ),
    ".streaming_client": (
        *("Batch", "EndReason", "Gap", "Reconnect", "Report", "Stats", "Status", "StreamOptions"),
        *("StreamingClient", "SyncStreamingClient", "get_current_batch_id"),
    ),
}
"""Where each name comes from."""
_ALIASES = {"AsyncEventStreamer": "EventStreamer", "AsyncStreamingClient": "StreamingClient"}


def __getattr__(name: str) -> object:
    from importlib import import_module

    original = _ALIASES.get(name, name)
    for module, names in _ORIGINS.items():
        if original in names:
            value: object = getattr(import_module(module, __name__), original)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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

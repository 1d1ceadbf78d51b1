"""
Python client for the Event Streamer service, blocking and asyncio.

    from event_streamer_sdk import EventStreamer            # asyncio
    from event_streamer_sdk import SyncEventStreamer        # blocking, the same methods without await

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ._core.version import __version__

if TYPE_CHECKING:
    from .client import EventStreamer, SyncEventStreamer
    from .exceptions import (
        EventStreamerAuthError,
        EventStreamerConnectionError,
        EventStreamerSDKError,
        EventStreamerSubscriptionError,
        EventStreamerTimeoutError,
        EventStreamerValidationError,
    )
    from .streaming_client import StreamingClient, SyncStreamingClient

    AsyncEventStreamer = EventStreamer
    AsyncStreamingClient = StreamingClient

logging.getLogger(__name__).addHandler(logging.NullHandler())

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
    "EventStreamer",
    "EventStreamerAuthError",
    "EventStreamerConnectionError",
    "EventStreamerSDKError",
    "EventStreamerSubscriptionError",
    "EventStreamerTimeoutError",
    "EventStreamerValidationError",
    "StreamingClient",
    "SyncEventStreamer",
    "SyncStreamingClient",
    "__version__",
]

"""
The local and self-hosted Event Streamer service.

    from event_streamer_service import LocalService

    with LocalService() as service:
        print(service.url)

`event-streamer serve` runs it as a process; `create_app` gives the application to another ASGI
server. It needs the extra `event-streamer-sdk[service]`.
"""

from __future__ import annotations

from importlib import import_module

from event_streamer_service.extra import needed_for

TYPE_CHECKING = False  # type checkers take it for typing's own, which takes a while to import
if TYPE_CHECKING:
    from typing import Any

    from event_streamer_service.app import create_app
    from event_streamer_service.chains.config import ChainConfig
    from event_streamer_service.clock import ManualClock
    from event_streamer_service.devchain.chain import DevChain
    from event_streamer_service.errors import StartupError
    from event_streamer_service.service import Service
    from event_streamer_service.settings import Settings
    from event_streamer_service.testing.local import LocalService

__all__ = [
    "ChainConfig",
    "DevChain",
    "LocalService",
    "ManualClock",
    "Service",
    "Settings",
    "StartupError",
    "create_app",
]

# Imported when they are asked for: pytest loads this package for its plugin in every run, and the
# plugin must not fail where the extra isn't installed.
_HOMES = {
    "ChainConfig": "chains.config",
    "DevChain": "devchain.chain",
    "LocalService": "testing.local",
    "ManualClock": "clock",
    "Service": "service",
    "Settings": "settings",
    "StartupError": "errors",
    "create_app": "app",
}


def __getattr__(name: str) -> Any:
    """Import a public name."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needed_for(f"{__name__}.{name}"):
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""
Running the service on uvicorn: sockets bound first, streams that end before the server stops.

What a connection may cost is limited in `connections`; another ASGI server has limits of its own.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn

from event_streamer_service.app import create_app
from event_streamer_service.connections import (
    ConnectionLimits,
    Connections,
    LimitedProtocol,
    QuietAccept,
    descriptor_limit,
)
from event_streamer_service.listening import Listener
from event_streamer_service.service import Service


async def serve(
    service: Service,
    listener: Listener,
    *,
    started: Callable[[ServiceServer], None],
    stopping: Callable[[], None] | None = None,
    node_patience: float | None = None,
) -> None:
    """
    Run a service on bound sockets until its server is told to exit.

    Args:
        service: The service, which is started and closed here.
        listener: Where it listens.
        started: Called with the server once requests are answered; `should_exit = True` stops it.
        stopping: Called when it begins to stop, from a signal handler or from the event loop.
        node_patience: Seconds in which each node chain that was given must answer first; `None` asks none.

    Raises:
        StartupError: A chain can't be configured, or none of them answers.
    """
    try:
        await service.start(listener.url)
        if node_patience is not None:
            await service.check_given_chains(node_patience)
        server = ServiceServer(service, started=started, stopping=stopping)
        await server.serve(sockets=list(listener.sockets))
    finally:
        listener.close()
        await service.close()


class ServiceServer(uvicorn.Server):
    """
    A uvicorn server that asks the streams to end before it waits for them.

    Args:
        service: Whose calls it serves.
        started: Called once it listens.
        stopping: Called when it begins to stop, from a signal handler or from the event loop.
    """

    def __init__(
        self,
        service: Service,
        *,
        started: Callable[[ServiceServer], None],
        stopping: Callable[[], None] | None = None,
    ) -> None:
        settings = service.settings
        self.connections = Connections(ConnectionLimits.of(settings, descriptors=descriptor_limit()))
        service.metrics.watch_refusals(self.connections.refused)
        super().__init__(
            uvicorn.Config(
                create_app(service),
                http=cast("Any", partial(LimitedProtocol, self.connections)),
                ws="none",
                loop="asyncio",
                lifespan="off",  # `serve` starts and closes the service, where its errors can be caught
                log_config=None,
                access_log=False,
                # Whoever calls must not choose the address that it is counted by: proxies alone are believed.
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=sorted(settings.trusted_proxies),
                server_header=False,
                timeout_keep_alive=max(1, int(settings.idle_timeout)),
                timeout_graceful_shutdown=max(1, int(settings.shutdown_timeout)),
            )
        )
        self._service = service
        self._tell_started = started
        self._tell_stopping = stopping or _nothing

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and tell so."""
        asyncio.get_running_loop().set_exception_handler(QuietAccept())
        await super().startup(sockets)
        self._tell_started(self)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop as uvicorn does."""
        self._tell_stopping()
        self._service.end_streams()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at SIGINT or SIGTERM; a second SIGINT stops at once."""
        self._tell_stopping()  # here already: the event loop may be stuck
        super().handle_exit(sig, frame)
        # uvicorn would raise the signal again afterwards; a service that stopped as it was told exits with 0.
        self._captured_signals.clear()


def _nothing() -> None:
    pass

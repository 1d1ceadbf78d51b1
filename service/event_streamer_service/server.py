"""
Running the service on uvicorn: a socket bound first, streams that end before the server stops.

What a connection may cost is limited in `connections`; another ASGI server has limits of its own.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn

from event_streamer_service.app import create_app
from event_streamer_service.configuration import check_port
from event_streamer_service.connections import (
    ConnectionLimits,
    Connections,
    LimitedProtocol,
    QuietAccept,
    descriptor_limit,
)
from event_streamer_service.errors import StartupError, WrongArgument
from event_streamer_service.origins import is_loopback
from event_streamer_service.service import Service
from event_streamer_service.settings import Settings

_BACKLOG = 2048
_FIRST_OPEN_PORT = 1024


def check_exposure(host: str, settings: Settings) -> None:
    """
    Refuse to serve everybody on the network.

    Raises:
        WrongArgument: `host` is not loopback and there are no API keys.
    """
    if settings.has_keys or is_loopback(host):
        return
    raise WrongArgument(
        f"{host or 'Every interface'} can be reached from other machines: set API keys "
        "(--api-key SUBSCRIBER=KEY), or listen on 127.0.0.1."
    )


def bind(host: str, port: int) -> socket.socket:
    """
    Bind a listening socket.

    Args:
        host: Name or address of an interface of this machine.
        port: TCP port; 0 takes a free one.

    Raises:
        StartupError: The address can't be used; the sentence says why.
        WrongArgument: There is no such port.
    """
    check_port(port)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as problem:  # UnicodeError: no name of a host (RFC 5891)
        raise StartupError(f"Can't listen on {_place(host, port)}: {_why_not(problem, port)}") from problem
    return listener


def _why_not(problem: OSError | UnicodeError, port: int) -> str:
    said = f"{getattr(problem, 'strerror', None) or problem}."
    if not isinstance(problem, OSError):
        return said
    if problem.errno == errno.EADDRINUSE:
        return f"{said} Choose another port, or a free one with --port 0."
    if problem.errno == errno.EACCES and port < _FIRST_OPEN_PORT:
        return f"{said} Ports below {_FIRST_OPEN_PORT} are for root: choose a higher one."
    return said


def url_of(listener: socket.socket) -> str:
    """Return the URL under which a bound socket is reached."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"http://{_place(host, port)}"


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def serve(
    service: Service,
    listener: socket.socket,
    *,
    started: Callable[[ServiceServer], None],
    node_patience: float | None = None,
) -> None:
    """
    Run a service on a bound socket until its server is told to exit.

    Args:
        service: The service, which is started and closed here.
        listener: Where it listens.
        started: Called with the server once requests are answered; `should_exit = True` stops it.
        node_patience: Seconds in which each node chain that was given must answer first; `None` asks none.

    Raises:
        StartupError: A chain can't be configured, or none of them answers.
    """
    try:
        await service.start(url_of(listener))
        if node_patience is not None:
            await service.check_given_chains(node_patience)
        server = ServiceServer(service, started=started)
        await server.serve(sockets=[listener])
    finally:
        listener.close()
        await service.close()


class ServiceServer(uvicorn.Server):
    """
    A uvicorn server that asks the streams to end before it waits for them.

    Args:
        service: Whose calls it serves.
        started: Called once it listens.
    """

    def __init__(self, service: Service, *, started: Callable[[ServiceServer], None]) -> None:
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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and tell so."""
        asyncio.get_running_loop().set_exception_handler(QuietAccept())
        await super().startup(sockets)
        self._tell_started(self)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop as uvicorn does."""
        self._service.end_streams()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at SIGINT or SIGTERM; a second SIGINT stops at once."""
        super().handle_exit(sig, frame)
        # uvicorn would raise the signal again afterwards; a service that stopped as it was told exits with 0.
        self._captured_signals.clear()

"""Where the service listens: on every address that its host's name has, on one port."""

from __future__ import annotations

import errno
import logging
import socket
from typing import Any

from attrs import frozen

from event_streamer_service import logs
from event_streamer_service.configuration import check_port
from event_streamer_service.errors import StartupError, WrongArgument
from event_streamer_service.origins import is_loopback
from event_streamer_service.settings import Settings

logger = logging.getLogger(__name__)

_BACKLOG = 2048
_FIRST_OPEN_PORT = 1024
_TRIES_FOR_A_FREE_PORT = 20
_NOT_ON_THIS_MACHINE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}

_Address = tuple[socket.AddressFamily, tuple[Any, ...]]


@frozen
class Listener:
    """
    The bound sockets of a service, all on one port.

    Attributes:
        sockets: One for each address; at least one.
    """

    sockets: tuple[socket.socket, ...]

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """The URL under which the service is reached on this machine."""
        host = str(self.sockets[0].getsockname()[0])
        if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
            host = "localhost"
        return f"http://{_place(host, self.port)}"

    @property
    def places(self) -> list[str]:
        """Addresses and port, as text."""
        return [_place(*each.getsockname()[:2]) for each in self.sockets]

    def close(self) -> None:
        """Close all sockets."""
        for each in self.sockets:
            each.close()


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


def bind(host: str, port: int) -> Listener:
    """
    Bind a listening socket for each address of a host.

    `localhost` is often `::1` and `127.0.0.1`, and which of them comes first differs between machines and
    clients: a service on one of them alone isn't found by some. An address that this machine doesn't have
    (IPv6 is off, and /etc/hosts still names `::1`) is passed over as long as another one is left, as
    PostgreSQL does. A port that another program has on one of them is an error: clients would meet now this
    program, now that one.

    Args:
        host: Name or address of an interface of this machine.
        port: TCP port; 0 takes one that is free on all addresses.

    Raises:
        StartupError: The address can't be used; the sentence says why.
        WrongArgument: There is no such port.
    """
    check_port(port)
    try:
        addresses = _addresses(host, port)
        for left in reversed(range(_TRIES_FOR_A_FREE_PORT)):
            try:
                return Listener(_bound(host, addresses))
            except OSError as problem:
                if port != 0 or problem.errno != errno.EADDRINUSE or not left:
                    raise
    except (OSError, UnicodeError) as problem:  # UnicodeError: not a name of a host (RFC 5891)
        raise StartupError(f"Can't listen on {_place(host, port)}: {_why_not(problem, port)}") from problem
    raise AssertionError("the last try returned or raised")


def _addresses(host: str, port: int) -> list[_Address]:
    """
    Look a host up.

    Raises:
        StartupError: A name that must mean loopback (RFC 6761, section 6.3) means something else as well.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses: list[_Address] = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
    outside = [str(address[0]) for _, address in addresses if not is_loopback(str(address[0]))]
    if is_loopback(host) and outside:
        raise StartupError(
            f"{host} should be loopback, but on this machine it is {', '.join(outside)} (see /etc/hosts): "
            "listen on 127.0.0.1, or on that address."
        )
    return addresses


def _bound(host: str, addresses: list[_Address]) -> tuple[socket.socket, ...]:
    bound: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, (address, port, *more) in addresses:
            port_of_all = bound[0].getsockname()[1] if bound else port
            try:
                bound.append(_listening(family, (address, port_of_all, *more), alone=len(addresses) == 1))
            except OSError as problem:
                if problem.errno not in _NOT_ON_THIS_MACHINE:
                    raise
                missing = problem
                reason = {"host": host, "address": address, "reason": problem.strerror}
                logger.debug("An address of the host isn't on this machine", extra=logs.fields(**reason))
        if missing is not None and not bound:
            raise missing
    except BaseException:
        for each in bound:
            each.close()
        raise
    return tuple(bound)


def _listening(family: socket.AddressFamily, address: tuple[Any, ...], *, alone: bool) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and not alone:  # `::` would take the port of `0.0.0.0` too
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
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


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

"""
The transports that httpx gets from us, and which one when.

httpx is the interface of this SDK, and its transport is pluggable. Its own one costs some 10 µs for every
chunk of a response, which is most of what a stream of small batches costs. Ours serves plain connections,
with and without TLS; whatever else is asked for (a proxy, a limit on connections) is left to httpx's own.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import httpx

    from .direct import DirectTransport
    from .direct_async import AsyncDirectTransport

T = TypeVar("T")


def default_transport(tls: ssl.SSLContext | None, limits: httpx.Limits) -> DirectTransport | None:
    """
    Make the transport of a blocking client.

    Args:
        tls: The TLS context, for an https address.
        limits: How many connections may be open, and kept.

    Returns:
        The transport, `None` where httpx's own is to be used.
    """
    from .direct import DirectTransport

    return _made(DirectTransport, tls, limits)


def default_async_transport(tls: ssl.SSLContext | None, limits: httpx.Limits) -> AsyncDirectTransport | None:
    """
    Make the transport of an asyncio client.

    Args:
        tls: The TLS context, for an https address.
        limits: How many connections may be open, and kept.

    Returns:
        The transport, `None` where httpx's own is to be used.
    """
    from .direct_async import AsyncDirectTransport

    return _made(AsyncDirectTransport, tls, limits)


def _made(transport: Callable[..., T], tls: ssl.SSLContext | None, limits: httpx.Limits) -> T | None:
    if limits.max_connections is not None:
        return None  # a call may have to wait for its turn: httpx's own pool does that
    return transport(tls, keep=limits.max_keepalive_connections, keep_seconds=limits.keepalive_expiry)

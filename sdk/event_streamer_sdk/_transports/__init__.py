"""
The transports that httpx gets from us, and which one when.

httpx is the interface of this SDK, and its transport is pluggable. Its own one costs some 10 µs for every
chunk of a response, which is most of what a stream of small batches costs. Ours serves plain connections,
with and without TLS; whatever else is asked for (a proxy, a limit on connections) is left to httpx's own.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import httpx

    from .direct import DirectTransport
    from .direct_async import AsyncDirectTransport

T = TypeVar("T")


def default_transport(**options: Any) -> DirectTransport | None:
    """
    Make the transport of a blocking client.

    Args:
        **options: As `httpx.HTTPTransport` takes them: `verify`, `cert`, `trust_env` and `limits`.

    Returns:
        The transport, `None` where httpx's own is to be used.
    """
    from .direct import DirectTransport

    return _made(DirectTransport, **options)


def default_async_transport(**options: Any) -> AsyncDirectTransport | None:
    """
    Make the transport of an asyncio client.

    Args:
        **options: As `httpx.AsyncHTTPTransport` takes them: `verify`, `cert`, `trust_env` and `limits`.

    Returns:
        The transport, `None` where httpx's own is to be used.
    """
    from .direct_async import AsyncDirectTransport

    return _made(AsyncDirectTransport, **options)


def _made(
    transport: Callable[..., T],
    *,
    limits: httpx.Limits | None = None,
    verify: ssl.SSLContext | str | bool = True,
    cert: Any = None,
    trust_env: bool = True,
) -> T | None:
    import httpx

    limits = limits or httpx.Limits(max_keepalive_connections=20)
    if limits.max_connections is not None:
        return None  # a call may have to wait for its turn: httpx's own pool does that
    return transport(
        lambda: httpx.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env),
        keep=limits.max_keepalive_connections,
        keep_seconds=limits.keepalive_expiry,
    )

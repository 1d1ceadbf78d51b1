"""How a service is reached: time-outs, repetition, proxies, TLS, the user's own httpx client or transport."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from attrs import frozen

from . import exceptions as errors
from ._core.call.hooks import Hooks
from ._transports.proxies import Proxy, proxy_of
from ._transports.tls import tls_context

if TYPE_CHECKING:
    import httpx


IDLE_SECONDS = 4.0
"""
How long an idle connection is kept: shorter than servers keep theirs.

uvicorn closes one after 5 s, as much as httpx keeps it; a request that leaves at that moment is lost, and one
that is not safe to repeat stays lost.
"""


MAX_RESPONSE_BYTES = 64 * 1024 * 1024
"""
Largest answer to a call, bytes, where the user has not said otherwise.

A thousand subscriptions are less than 1 MiB; what is larger than this comes from something broken or hostile.
"""


@frozen(kw_only=True)
class HTTPOptions:
    """
    How to reach a service; named as in httpx.

    Attributes:
        timeout: Seconds for one attempt of a call, from connecting to the end of the answer; an httpx.Timeout
            limits each step by itself, and an attempt to the sum of them. A stream has limits of its own once
            it is connected.
        max_retries: How often a call that is safe to repeat is repeated.
        http_client: The user's own client, which stays the user's to close.
        transport: A transport for a client of ours.
        proxy: A proxy's URL or httpx.Proxy.
        verify: Whether the service's certificate is checked, or the SSL context to check it with.
        cert: A client certificate: its file, or a tuple of certificate, key and password.
        trust_env: Whether the environment's proxies and certificates count.
        limits: How many connections may be open.
        max_response_bytes: Most bytes that the answer to a call may have, before and after it is inflated;
            a stream has limits of its own.
        hooks: What is called for each request and each response.
    """

    timeout: float | httpx.Timeout | None = 30.0
    max_retries: int = 2
    http_client: Any = None
    transport: Any = None
    proxy: Any = None
    verify: ssl.SSLContext | str | bool = True
    cert: Any = None
    trust_env: bool = True
    limits: Any = None
    max_response_bytes: int = MAX_RESPONSE_BYTES
    hooks: Hooks | None = None

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.max_retries, int) or self.max_retries < 0:
            raise errors.EventStreamerValidationError(
                f"max_retries must be an integer, 0 or more, got {self.max_retries!r}"
            )
        if not isinstance(self.max_response_bytes, int) or self.max_response_bytes < 1:
            raise errors.EventStreamerValidationError(
                f"max_response_bytes must be an integer, 1 or more, got {self.max_response_bytes!r}"
            )
        # An httpx.Timeout is told by what it can do: to look at its type would load httpx.
        seconds = self.timeout if isinstance(self.timeout, int | float) else None
        is_timeout = hasattr(self.timeout, "as_dict")
        if not (self.timeout is None or is_timeout or (seconds is not None and seconds > 0)):
            raise errors.EventStreamerValidationError(
                "timeout must be seconds above 0, an httpx.Timeout, or None for no limit, "
                f"got {self.timeout!r}"
            )
        if self.http_client is not None and self._sets_connections():
            raise errors.EventStreamerValidationError(
                "http_client brings its own transport, proxy, TLS settings and limits: set them there"
            )

    def _sets_connections(self) -> bool:
        given = (self.transport, self.proxy, self.cert, self.limits)
        return any(value is not None for value in given) or self.verify is not True

    def way_to(self, url: str) -> Way:
        """
        Say how a service is reached, where no client or transport of the user's knows it.

        Raises:
            EventStreamerValidationError: If an option, or a variable of the environment, can't be used.
        """
        import httpx

        proxy = proxy_of(url, self.proxy, self.trust_env)
        limits = self.limits or httpx.Limits(
            max_connections=None, max_keepalive_connections=20, keepalive_expiry=IDLE_SECONDS
        )
        needs_tls = url.startswith("https:") or (proxy is not None and proxy.proxy.url.scheme == "https")
        # Without https there is nothing to check, and reading the certificates takes 20 ms.
        tls = tls_context(self.verify, self.cert, self.trust_env) if needs_tls else None
        return Way(proxy=proxy, tls=tls, limits=limits)


@frozen(kw_only=True)
class Way:
    """How a service is reached."""

    proxy: Proxy | None
    tls: ssl.SSLContext | None
    limits: httpx.Limits

    @property
    def httpx_proxy(self) -> httpx.Proxy | None:
        """The proxy as httpx's transports take it."""
        return None if self.proxy is None else self.proxy.with_tls(self.tls)

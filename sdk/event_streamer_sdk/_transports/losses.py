"""What a request that got no answer means, and the words for it."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Any

from attrs import frozen

from .. import exceptions as errors
from .._core.call.body import BodyError
from .._core.call.outcome import NoResponse
from .._core.redaction import redacted
from .limits import Limits
from .proxies import Proxy
from .tls import advice, refusal

if TYPE_CHECKING:
    from event_streamer_api.types import Operation

    from .._core.call.service import Service


@frozen
class Surroundings:
    """
    What lies between a call and its service.

    Attributes:
        service: The service.
        proxy: The proxy on the way there.
        trust_variable: Which variable names the certificates that are trusted.
    """

    service: Service
    proxy: Proxy | None
    trust_variable: str | None


def lost(operation: Operation[Any], error: Exception, limits: Limits, around: Surroundings) -> NoResponse:
    """
    Turn an exception of httpx, or of a transport below it, into what the core decides on.

    Args:
        operation: The call.
        error: What was raised.
        limits: How long it could take.
        around: What lies on the way.

    Returns:
        The loss, with the error to raise if the call is not repeated.
    """
    import httpx

    details: dict[str, Any] = {"method": operation.method, "path": operation.path}
    call = f"{operation.operation_id} failed"
    where = f"({operation.method} {around.service.url}{operation.path})"
    reason = redacted(str(error) or type(error).__name__, around.service.secrets)
    if isinstance(error, BodyError):
        unreadable = errors.EventStreamerResponseError(f"{call}: {reason} {where}", **details)
        return NoResponse(unreadable, sent=True, hopeless=error.hopeless)
    if isinstance(error, httpx.TimeoutException):
        sent = not isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
        missing = "answer" if sent else "connection"
        after = f" ({limits.whole:g} s)" if limits.whole is not None and limits.over else ""
        text = f"{call}: no {missing} in time{after}; a larger timeout= waits longer {where}"
        return NoResponse(errors.EventStreamerTimeoutError(text, **details), sent)
    sent = not isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol)
    refused = refusal(error, connecting=not sent or isinstance(error, ssl.SSLError))
    if refused is not None:
        help_ = advice(refused, around.trust_variable)
        text = f"{call}: no trusted connection: {reason}; {help_} {where}"
        return NoResponse(errors.EventStreamerTLSError(text, **details), sent=False, hopeless=True)
    text = f"{call}: the connection broke: {reason} {where}"
    if not sent and around.proxy is not None:
        way = f"the proxy {around.proxy.shown} of {around.proxy.name}"
        text = f"{call}: cannot connect by way of {way}: {reason} {where}"
        refusal_of_proxy = re.match(r"[1-5]\d\d\b", str(error))  # how httpx tells of an answer to CONNECT
        details["status_code"] = int(refusal_of_proxy[0]) if refusal_of_proxy else None
    elif not sent:
        text = f"{call}: cannot connect: {reason}; is the service running there? {where}"
    refused_by_proxy = 400 <= (details.get("status_code") or 0) < 500
    hopeless = refused_by_proxy or isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL)
    return NoResponse(errors.EventStreamerConnectionError(text, **details), sent, hopeless)


def network_errors() -> tuple[type[Exception], ...]:
    """
    Say what is raised when a request does not go through.

    Returns:
        httpx's exceptions, what it lets pass from below, and the refusal of a body.
    """
    import httpx

    return httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, BodyError


def unreadable() -> tuple[type[Exception], ...]:
    """
    Say what makes a body useless, without being a matter of time: then a status of 300 and more says enough.

    Returns:
        The exceptions.
    """
    import httpx

    return httpx.NetworkError, httpx.ProtocolError, BodyError

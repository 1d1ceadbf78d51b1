"""What a request that got no answer means, and the words for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from .. import exceptions as errors
from .._core.call.body import BodyError
from .._core.call.outcome import NoResponse
from .._core.redaction import redacted
from .errors import CannotConnectError, NotSendableError, TransportTimeoutError
from .limits import TimeLimits
from .proxies import Proxy
from .tls import advice, refusal

if TYPE_CHECKING:
    from event_streamer_api.types import Operation

    from .._core.call.service import Service


@frozen
class Surroundings:
    """What lies between a call and its service."""

    service: Service
    proxy: Proxy | None
    trust_variable: str | None


def lost(operation: Operation[Any], error: Exception, limits: TimeLimits, around: Surroundings) -> NoResponse:
    """Turn what a transport or a body has raised into what the core decides on."""
    details: dict[str, Any] = {"method": operation.method, "path": operation.path}
    call = f"{operation.operation_id} failed"
    where = f"({operation.method} {around.service.url}{operation.path})"
    reason = redacted(str(error) or type(error).__name__, around.service.secrets)
    if isinstance(error, BodyError):
        unreadable = errors.EventStreamerResponseError(f"{call}: {reason} {where}", **details)
        return NoResponse(unreadable, sent=True, hopeless=error.hopeless)
    sent = getattr(error, "sent", True)
    if isinstance(error, TransportTimeoutError):
        missing = "answer" if sent else "connection"
        after = f" ({limits.whole:g} s)" if limits.whole is not None and limits.over else ""
        text = f"{call}: no {missing} in time{after}; a larger timeout= waits longer {where}"
        return NoResponse(errors.EventStreamerTimeoutError(text, **details), sent)
    refused = refusal(error, connecting=not sent)
    if refused is not None:
        help_ = advice(refused, around.trust_variable)
        text = f"{call}: no trusted connection: {reason}; {help_} {where}"
        return NoResponse(errors.EventStreamerTLSError(text, **details), sent=False, hopeless=True)
    hopeless = isinstance(error, NotSendableError)
    if hopeless:
        text = f"{call}: the request can't be sent: {reason} {where}"
    elif not isinstance(error, CannotConnectError):
        text = f"{call}: the connection broke: {reason} {where}"
    elif around.proxy is not None:
        way = f"the proxy {around.proxy.shown} of {around.proxy.name}"
        text = f"{call}: cannot connect through {way}: {reason} {where}"
        details["status_code"] = error.status
        hopeless = error.status is not None and 400 <= error.status < 500
    else:
        text = f"{call}: cannot connect: {reason}; is the service running there? {where}"
    return NoResponse(errors.EventStreamerConnectionError(text, **details), sent, hopeless)

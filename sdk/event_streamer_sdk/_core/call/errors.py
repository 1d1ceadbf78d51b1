"""An answer other than 2xx → the exception that the caller gets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from event_streamer_api.types import Operation

from ... import exceptions as errors
from ..redaction import redacted
from .outcome import Response
from .redirects import about_redirect
from .service import Service

_SHOWN_BODY = 500
_KEPT_BODY = 4096
# An acknowledgement's 404 is about its connection; every other one below this path is about the subscription.
_SUBSCRIPTION_PATH = re.compile(r"/subscriptions/[^/]+(?!.*/ack/)")


def error_of(service: Service, operation: Operation[Any], response: Response) -> errors.EventStreamerSDKError:
    """
    Turn an answer other than 2xx into the exception for it.

    Args:
        service: Where the call went.
        operation: The call.
        response: Its response.

    Returns:
        The exception, to be raised.
    """
    details = details_of(operation, response)
    body = details["body"]
    reason = _reason(service, response, body)
    request_id = f", request id {details['request_id']}" if details["request_id"] else ""
    if response.status == 401 and not service.secrets:
        reason = "; ".join(filter(None, [reason.rstrip("."), "give the client an api_key"]))
    where = operation.path
    if response.status == 404 and _names_nothing(body):
        reason, where = "nothing is served at this path: is service_url right?", service.url + operation.path
    message = (
        f"{operation.operation_id} failed: {response.status} {_phrase(response.status)}"
        f"{f': {reason}' if reason else ''} ({operation.method} {where}{request_id})"
    )
    return _class_of(operation, response.status)(redacted(message, service.secrets), **details)


def details_of(operation: Operation[Any], response: Response) -> dict[str, Any]:
    """Gather what an exception keeps of a response."""
    body = _error_body(response.body)
    code = body.get("error_code") or body.get("code") if isinstance(body, dict) else None
    return {
        "status_code": response.status,
        "method": operation.method,
        "path": operation.path,
        "body": body,
        "request_id": response.headers.get("x-request-id"),
        "retry_after": retry_after_of(response.headers),
        "error_code": code if isinstance(code, str) else None,
    }


def _error_body(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body[:_KEPT_BODY].decode("utf-8", "replace")


def _reason(service: Service, response: Response, body: Any) -> str:
    """What a service says of an error, whichever of the three shapes it uses."""
    if 300 <= response.status < 400:
        return about_redirect(service, response.headers.get("location"))
    if isinstance(body, dict):
        said = [_text(body.get("error")), _text(body.get("detail")) or _text(body.get("message"))]
        shown = ": ".join(part for part in said if part)
    else:
        shown = "" if _is_page(body) else _text(body)
    return shown if len(shown) <= _SHOWN_BODY else f"{shown[:_SHOWN_BODY]}…"


def _text(said: Any) -> str:
    if isinstance(said, list):
        return "; ".join(_fault(item) for item in said)
    return "" if said is None else " ".join(str(said).split())


def _fault(item: Any) -> str:
    """One item of FastAPI's list of faults: where, and what."""
    if not isinstance(item, dict):
        return str(item)
    where = item.get("loc")
    path = ".".join(str(part) for part in where) if isinstance(where, list | tuple) else ""
    return f"{path}: {item.get('msg', 'is wrong')}" if path else str(item.get("msg", item))


def _names_nothing(body: Any) -> bool:
    """Tell whether a 404 is a router's or a proxy's, which doesn't say what there is none of."""
    if isinstance(body, dict):
        body = body.get("detail") or body.get("error") or body.get("message")
    return body in ("Not Found", "", None) or _is_page(body)


def _is_page(body: Any) -> bool:
    """A proxy's HTML says nothing that its status does not."""
    return isinstance(body, str) and body.lstrip()[:1] == "<"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def _class_of(operation: Operation[Any], status: int) -> Callable[..., errors.EventStreamerSDKError]:
    of_subscription = _SUBSCRIPTION_PATH.match(operation.path) is not None
    match status:
        case 401 | 403:
            return errors.EventStreamerAuthError
        case 404:
            return errors.SubscriptionNotFoundError if of_subscription else errors.EventStreamerNotFoundError
        case 409:
            return errors.SubscriptionConflictError if of_subscription else errors.EventStreamerConflictError
        case 410:
            return errors.SubscriptionGoneError if of_subscription else errors.EventStreamerGoneError
        case 400 | 413 | 415 | 422:
            return errors.EventStreamerRequestError
        case 429:
            return errors.EventStreamerRateLimitError
        case _ if status >= 500:
            return errors.EventStreamerServerError
    return errors.EventStreamerConnectionError


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """
    Read `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.

    A date is measured from the answer's own `Date`, since the clocks of two machines may differ by a day.

    Returns:
        Seconds, 0 or more, or None where nothing readable came.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    from email.utils import parsedate_to_datetime  # seldom needed, and slow to import

    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())

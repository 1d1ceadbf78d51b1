"""
How a call is made, decided without making it: request, repetition, redirects, errors.

`exchange` is a generator. It yields what is to be done (`Send`, `Pause`) and is sent what came of it
(`Answer`, `Lost`); the two shells in `_http.py` carry the steps out, one blocking, one with asyncio. So
whatever is decided here is decided once for both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from attrs import evolve, frozen

from event_streamer_api.types import Operation

from .. import exceptions as errors
from .backoff import Backoff
from .dialects import normalised
from .redaction import redacted
from .service import Service

T = TypeVar("T")

REPEATABLE_STATUS = frozenset({429, 500, 502, 503, 504})
"""After these a call that is safe to repeat may go better the next time."""

MAX_REDIRECTS = 5
"""A service behind a proxy redirects once or twice; more is a loop."""

_EMPTY_OR_DOTS = frozenset({"", ".", ".."})
_SHOWN_BODY = 500
_KEPT_BODY = 4096
# An acknowledgement's 404 is about its connection; every other one below this path is about the subscription.
_SUBSCRIPTION_PATH = re.compile(r"/subscriptions/[^/]+(?!.*/ack/)")


@frozen(kw_only=True)
class Send:
    """Send this request; answer with an `Answer` or a `Lost`."""

    method: str
    url: str
    params: Mapping[str, Any]
    content: bytes | None
    headers: Mapping[str, str]


@frozen
class Pause:
    """Wait so many seconds; answer with None."""

    seconds: float


@frozen(kw_only=True)
class Answer:
    """
    The service answered.

    Attributes:
        status: The HTTP status.
        headers: Its headers, looked up in lower case.
        body: Its body, decompressed; empty where a stream is read elsewhere.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


@frozen
class Lost:
    """
    No answer came.

    Attributes:
        error: What is to be raised if the call is not repeated.
        sent: Whether the request may have reached the service all the same.
        hopeless: Whether the next attempt would fail in the same way, as with an untrusted certificate.
    """

    error: errors.EventStreamerSDKError
    sent: bool
    hopeless: bool = False


def exchange(
    service: Service, operation: Operation[T], backoff: Backoff, retries: int
) -> Generator[Send | Pause, Answer | Lost | None, T]:
    """
    Make one call, with its repetitions.

    Args:
        service: Where it goes, and with which headers.
        operation: The call.
        backoff: How long to wait between attempts.
        retries: How many attempts may follow the first one.

    Yields:
        What the shell has to do next.

    Returns:
        The call's result.

    Raises:
        EventStreamerSDKError: The error of the last attempt.
    """
    request = request_of(service, operation)
    redirects = 0
    while True:
        outcome = yield request
        if isinstance(outcome, Lost):
            error: errors.EventStreamerSDKError = outcome.error
            again = not outcome.hopeless and (operation.safe or not outcome.sent)
        else:
            assert outcome is not None, "the shell answers a Send with what came of it"
            target = _redirect(request, outcome)
            if target is not None and redirects < MAX_REDIRECTS:
                redirects += 1
                request = evolve(request, url=target, params={})
                continue
            if 200 <= outcome.status < 300:
                return result_of(operation, outcome)
            error = error_of(service, operation, outcome)
            again = operation.safe and outcome.status in REPEATABLE_STATUS
        if not again or retries <= 0:
            raise error
        retries -= 1
        yield Pause(backoff.next_delay(getattr(error, "retry_after", None)))


def request_of(service: Service, operation: Operation[Any]) -> Send:
    """
    Write a call as a request.

    Args:
        service: Where it goes, and with which headers.
        operation: The call.

    Returns:
        The request.

    Raises:
        EventStreamerValidationError: If the body holds what JSON cannot, or an argument of the path would
            make it another path.
    """
    path = operation.path
    if ("//" in path or "/." in path or path[-1] == "/") and not _EMPTY_OR_DOTS.isdisjoint(
        path.split("/")[1:]
    ):
        # They would be taken out of the path on the way (RFC 3986, section 5.2.4), percent-encoded or not.
        raise errors.EventStreamerValidationError(
            f"{operation.operation_id}: an argument is empty, '.' or '..': {path} would ask for "
            "another resource"
        )
    content, headers = operation.content, {**service.headers, **operation.headers}
    if operation.json is not None:
        try:
            content = json.dumps(
                operation.json, ensure_ascii=False, allow_nan=False, separators=(",", ":")
            ).encode()
        except (ValueError, TypeError) as error:
            raise errors.EventStreamerValidationError(
                f"{operation.operation_id}: the body cannot be written as JSON: {error}"
            ) from None
        headers.setdefault("Content-Type", "application/json")
    return Send(
        method=operation.method,
        url=f"{service.url}{operation.path}",
        params=operation.params,
        content=content,
        headers=headers,
    )


def result_of(operation: Operation[T], answer: Answer) -> T:
    """
    Read a successful answer.

    Args:
        operation: The call.
        answer: Its answer, with a status of 2xx.

    Returns:
        The call's result.

    Raises:
        EventStreamerResponseError: If the answer is not what the API promises; names the call and the field.
    """
    kind = operation.read_as(answer.status)
    if kind != "json":
        return operation.parse(answer.status, answer.body if kind == "bytes" else _text_of(answer))
    try:
        body = json.loads(answer.body) if answer.body else None
    except (ValueError, RecursionError):
        told = answer.headers.get("content-type", "no content type")
        raise errors.EventStreamerResponseError(
            f"{operation.operation_id}: the answer ({answer.status}, {told}) is not JSON",
            **_details(operation, answer),
        ) from None
    try:
        return operation.parse(answer.status, normalised(operation.operation_id, body))
    except errors.EventStreamerValidationError as error:
        raise errors.EventStreamerResponseError(
            f"{operation.operation_id}: the answer ({answer.status}) is not what the API promises: {error}",
            **{**_details(operation, answer), "body": body},
        ) from error


def _text_of(answer: Answer) -> str:
    """Read a body as text: in the charset that the answer names, where Python knows it, else in UTF-8."""
    kind = Message()
    kind["Content-Type"] = answer.headers.get("content-type", "text/plain")
    try:
        return answer.body.decode(kind.get_content_charset("utf-8"), "replace")
    except LookupError:
        return answer.body.decode("utf-8", "replace")


def error_of(service: Service, operation: Operation[Any], answer: Answer) -> errors.EventStreamerSDKError:
    """
    Turn an answer other than 2xx into the exception for it.

    Args:
        service: Where the call went.
        operation: The call.
        answer: Its answer.

    Returns:
        The exception, to be raised.
    """
    details = _details(operation, answer)
    body = details["body"]
    reason = _reason(service, answer, body)
    request_id = f", request id {details['request_id']}" if details["request_id"] else ""
    if answer.status == 401 and not service.secrets:
        reason = "; ".join(filter(None, [reason.rstrip("."), "give the client an api_key"]))
    message = (
        f"{operation.operation_id} failed: {answer.status} {_phrase(answer.status)}"
        f"{f': {reason}' if reason else ''} ({operation.method} {operation.path}{request_id})"
    )
    return _class_of(operation, answer.status)(redacted(message, service.secrets), **details)


def _details(operation: Operation[Any], answer: Answer) -> dict[str, Any]:
    body = _error_body(answer.body)
    code = body.get("error_code") or body.get("code") if isinstance(body, dict) else None
    return {
        "status_code": answer.status,
        "method": operation.method,
        "path": operation.path,
        "body": body,
        "request_id": answer.headers.get("x-request-id"),
        "retry_after": retry_after_of(answer.headers),
        "error_code": code if isinstance(code, str) else None,
    }


def _error_body(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body[:_KEPT_BODY].decode("utf-8", "replace")


def _reason(service: Service, answer: Answer, body: Any) -> str:
    """What a service says of an error, whichever of the three shapes it uses."""
    if 300 <= answer.status < 400:
        return _about_redirect(service, answer.headers.get("location"))
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

    Args:
        headers: The answer's headers.

    Returns:
        Seconds, 0 or more, or None where nothing readable came.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())


def _redirect(request: Send, answer: Answer) -> str | None:
    """Where to go instead, if that is the same origin: no other one shall see credentials."""
    location = answer.headers.get("location")
    keeps_method = answer.status in (307, 308) or (
        answer.status in (301, 302, 303) and request.method == "GET"
    )
    if location is None or not keeps_method:
        return None
    try:
        target = urljoin(request.url, location)
        same = _origin(request.url) == _origin(target)
    except ValueError:
        return None
    return target if same else None


def _about_redirect(service: Service, location: str | None) -> str:
    """Say why a redirect is not followed."""
    if not location:
        return "the service redirects and does not say where to"
    try:
        same = _origin(service.url) == _origin(urljoin(service.url, location))
    except ValueError:
        return "the service redirects to something that is not an address"
    if same:
        return "the service redirects in a circle, or in a way that would change the call; check service_url"
    return "the service redirects to another origin; credentials are not sent there, so set service_url to it"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port: what has to be equal for a credential to follow (RFC 6454, section 4)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)

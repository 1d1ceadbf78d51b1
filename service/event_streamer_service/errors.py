"""
Refusals: what a caller did that can't be done, with the status and the body that say so.

ServiceError                      the answer to a request, with status, title, detail and code
├── BadRequest         400        the request can't be read
├── Unauthorized       401        no key, or an unknown one
├── Forbidden          403        a key that may not do this
├── NotFound           404        no such thing, or not the caller's
├── Conflict           409        the thing is in another state
├── TokenRefused       410        a resume token that expired, was forged or belongs elsewhere
├── BodyTooLarge       413        over the limit for bodies
├── UnsupportedMediaType 415      a body that is not JSON
├── MisdirectedRequest 421        a Host that is not the service's
├── Unprocessable      422        understood, and wrong
├── TooManyRequests    429        with Retry-After
└── Unavailable        503        with Retry-After

StartupError                      the service can't start; one sentence for whoever started it
└── WrongArgument                 because of what was asked of it: another command line may start
"""

# ruff: noqa: N818 - the classes are named after the HTTP statuses that they become

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class StartupError(Exception):
    """The service can't start: `str()` is one sentence that says what is wrong and what to do."""


class WrongArgument(StartupError):
    """An argument can't be what it is, whatever the machine looks like: `serve` ends with 2, not with 1."""


STATUS_TITLES = {
    400: "Bad request",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    429: "Rate limited",
    431: "Request header fields too large",
    503: "Unavailable",
    505: "HTTP version not supported",
}
"""Titles of refusals that are given before the application has the request, or by its router."""


class ServiceError(Exception):
    """
    A request that is refused.

    Args:
        detail: One sentence: what is wrong and what to do.
        code: Upper-case word for programs; each class has its own.
        title: Short name of the refusal.
        retry_after: Seconds after which the same request may work.
    """

    status: ClassVar[int] = 500
    default_title: ClassVar[str] = "Internal error"
    default_code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        title: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.title = title or self.default_title
        self.retry_after = retry_after

    def headers(self) -> Mapping[str, str]:
        """HTTP headers that belong to the refusal (RFC 9110, section 10.2.3)."""
        if self.retry_after is None:
            return {}
        return {"retry-after": str(max(1, round(self.retry_after)))}

    def body(self, *, timestamp: str, request_id: str | None) -> dict[str, Any]:
        """Return the error body of the wire."""
        return error_body(
            self.status, self.title, self.detail, self.code, timestamp=timestamp, request_id=request_id
        )


def error_body(
    status: int, title: str, detail: str, code: str, *, timestamp: str, request_id: str | None
) -> dict[str, Any]:
    """
    Build the body that every refused request is answered with.

    It holds the status as well: published clients look for "404" in the body's text and nowhere else.
    """
    body: dict[str, Any] = {
        "error": title,
        "detail": detail,
        "error_code": code,
        "status": status,
        "timestamp": timestamp,
    }
    if request_id is not None:
        body["request_id"] = request_id
    return body


class BadRequest(ServiceError):
    """The request can't be read."""

    status = 400
    default_title = "Bad request"
    default_code = "BAD_REQUEST"


class Unauthorized(ServiceError):
    """No API key, or one that nobody has."""

    status = 401
    default_title = "Not authenticated"
    default_code = "UNAUTHORIZED"

    def headers(self) -> Mapping[str, str]:
        """Name the way to authenticate (RFC 9110, section 11.6.1)."""
        return {"www-authenticate": 'Bearer realm="event-streamer"'}


class Forbidden(ServiceError):
    """The key may not do this."""

    status = 403
    default_title = "Not allowed"
    default_code = "FORBIDDEN"


class NotFound(ServiceError):
    """There is no such thing, or it isn't the caller's."""

    status = 404
    default_title = "Not found"
    default_code = "NOT_FOUND"


def no_such_connection() -> NotFound:
    """Return the refusal of calls for a connection that nobody has, upon which clients resume."""
    return NotFound(
        "There is no such connection (any more). Connect again: unacknowledged batches are delivered again.",
        title="Connection not found",
        code="CONNECTION_NOT_FOUND",
    )


class Conflict(ServiceError):
    """The thing is in a state that doesn't allow this."""

    status = 409
    default_title = "Conflict"
    default_code = "CONFLICT"


class TokenRefused(ServiceError):
    """The resume token expired, was changed, or belongs to another subscription."""

    status = 410
    default_title = "Resume token refused"
    default_code = "INVALID_RESUME_TOKEN"


class BodyTooLarge(ServiceError):
    """The request's body is over the limit."""

    status = 413
    default_title = "Request body too large"
    default_code = "BODY_TOO_LARGE"


class UnsupportedMediaType(ServiceError):
    """The request's body says that it is not JSON."""

    status = 415
    default_title = "Unsupported media type"
    default_code = "UNSUPPORTED_MEDIA_TYPE"


class MisdirectedRequest(ServiceError):
    """The request names a host that this service is not (RFC 9110, section 15.5.20)."""

    status = 421
    default_title = "Misdirected request"
    default_code = "MISDIRECTED_REQUEST"


class Unprocessable(ServiceError):
    """The request is understood, and wrong."""

    status = 422
    default_title = "Validation failed"
    default_code = "VALIDATION_ERROR"


class TooManyRequests(ServiceError):
    """The caller is over a limit of rate or number."""

    status = 429
    default_title = "Rate limited"
    default_code = "RATE_LIMITED"


class Unavailable(ServiceError):
    """The service, or what it depends on, can't answer now."""

    status = 503
    default_title = "Unavailable"
    default_code = "UNAVAILABLE"

"""
Everything the SDK raises on purpose.

    EventStreamerSDKError
    ├── EventStreamerConnectionError (ConnectionError)   the service cannot be reached, or fails
    │   ├── EventStreamerNotFoundError                    404
    │   ├── EventStreamerConflictError                    409
    │   ├── EventStreamerGoneError                        410: the resume token has expired
    │   ├── EventStreamerRateLimitError                   429
    │   ├── EventStreamerServerError                      5xx
    │   ├── EventStreamerTLSError                         the service's certificate is not trusted
    │   └── EventStreamerResponseError                    an answer that is not what the API promises
    ├── EventStreamerAuthError                           401, 403
    ├── EventStreamerTimeoutError (TimeoutError)         no answer in time
    ├── EventStreamerValidationError (ValueError)        a value breaks a rule; nothing was sent
    │   ├── EventStreamerRequestError                     400, 413, 415, 422: the service refuses the values
    │   ├── ABIParsingError                               see event_streamer_sdk.abi
    │   ├── LogDecodeError                                see event_streamer_sdk.abi
    │   └── StreamLineError                               a line of a stream can't be read
    ├── StreamEndedError                                 the service ended a stream for good
    ├── ClientClosedError (RuntimeError)                 the client was closed before
    ├── HandlerTimeoutError (TimeoutError)               a handler took longer than it may
    ├── MissingExtraError (ImportError)                  a library is missing that an extra brings
    ├── SinkError                                        a sink can't take events
    │   ├── SinkUnavailableError                          its place is away, full or slow, just now
    │   ├── SinkFinishedError                             all events are in its place already
    │   └── FrameTooLargeError                            more events than a frame may have
    ├── StoreError                                       a store of positions or of dead letters fails
    │   ├── CheckpointError                               a position can't be stored or read
    │   │   └── LeaseLostError                             another worker has taken over
    │   └── DeadLetterError                               what can't be handled can't be written down either
    └── EventStreamerSubscriptionError                   a subscription is gone, or in the wrong state
        ├── SubscriptionNotFoundError                     404, also an EventStreamerNotFoundError
        ├── SubscriptionConflictError                     409, also an EventStreamerConflictError
        └── SubscriptionGoneError                         410, also an EventStreamerGoneError

The exceptions of a failed request carry what is known of it: see `RequestDetails`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from event_streamer_api.errors import EventStreamerSDKError, EventStreamerValidationError

if TYPE_CHECKING:
    from .abi._errors import ABIParsingError, LogDecodeError


# Tracebacks and the reference show where users import them from, and not where generated code keeps them.
for _shared in (EventStreamerSDKError, EventStreamerValidationError):
    _shared.__module__ = __name__


class RequestDetails(Exception):  # noqa: N818  # what the errors have in common; never raised itself
    """
    What is known of a request that failed.

    Attributes:
        status_code: The HTTP status, or None where no answer came.
        method: The HTTP method.
        path: The path of the request, without the query.
        body: The answer's body: decoded JSON, or the beginning of its text.
        request_id: The service's name for the request (`X-Request-Id`), for its log.
        retry_after: Seconds the service asks to wait before the next attempt.
        error_code: The error's name for programs, where the service gives one.
    """

    status_code: int | None
    method: str | None
    path: str | None
    body: Any
    request_id: str | None
    retry_after: float | None
    error_code: str | None

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int | None = None,
        method: str | None = None,
        path: str | None = None,
        body: Any = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        error_code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.method = method
        self.path = path
        self.body = body
        self.request_id = request_id
        self.retry_after = retry_after
        self.error_code = error_code


class EventStreamerConnectionError(RequestDetails, EventStreamerSDKError, ConnectionError):
    """The service cannot be reached, or answers that it failed."""


class EventStreamerNotFoundError(EventStreamerConnectionError):
    """What the call is about does not exist (404)."""


class EventStreamerConflictError(EventStreamerConnectionError):
    """It exists already, or its state forbids the call (409)."""


class EventStreamerGoneError(EventStreamerConnectionError):
    """It is gone (410); on a stream, the resume token has expired."""


class EventStreamerRateLimitError(EventStreamerConnectionError):
    """Too many requests (429); `retry_after` says how long to wait."""


class EventStreamerServerError(EventStreamerConnectionError):
    """The service is in trouble (5xx)."""


class EventStreamerTLSError(EventStreamerConnectionError):
    """There is no trusted connection to the service: its certificate is wrong, or ours. Nothing was sent."""


class EventStreamerResponseError(EventStreamerConnectionError):
    """The service's answer is not what the API promises; the message names the call and the field."""


class EventStreamerAuthError(RequestDetails, EventStreamerSDKError):
    """The service does not accept the credentials (401), or not for this call (403)."""


class EventStreamerTimeoutError(RequestDetails, EventStreamerSDKError, TimeoutError):
    """No answer came in time."""


class EventStreamerRequestError(RequestDetails, EventStreamerValidationError):
    """The service refuses the values of the request (400, 413, 415, 422)."""

    field: str | None = None


class EventStreamerSubscriptionError(RequestDetails, EventStreamerSDKError):
    """A subscription is not there, or is not in a state for the call."""


class SubscriptionNotFoundError(EventStreamerSubscriptionError, EventStreamerNotFoundError):
    """There is no such subscription, or it belongs to somebody else (404)."""


class SubscriptionConflictError(EventStreamerSubscriptionError, EventStreamerConflictError):
    """The state of the subscription forbids the call (409)."""


class SubscriptionGoneError(EventStreamerSubscriptionError, EventStreamerGoneError):
    """The resume token of the subscription has expired (410)."""


class StreamLineError(EventStreamerValidationError):
    """
    A line of the stream can't be read: bad JSON, bad UTF-8, too long, or it contradicts itself.

    Attributes:
        raw: The line's bytes, where they are known (the first 4 KiB of a line over the limit).
    """

    def __init__(self, message: str = "", raw: bytes = b"") -> None:
        super().__init__(message)
        self.raw = raw


class HandlerTimeoutError(EventStreamerSDKError, TimeoutError):
    """
    A handler took longer than `handler_timeout`.

    Attributes:
        abandoned: Whether it is still running (a thread can't be stopped): it must not be called again.
    """

    def __init__(self, message: str = "", *, abandoned: bool = False) -> None:
        super().__init__(message)
        self.abandoned = abandoned


class StoreError(EventStreamerSDKError):
    """
    What a store of positions or of dead letters could not do.

    Attributes:
        permanent: Whether trying again can't help, as with a disk that is full or a table that is missing. A
            stream waits for a store whose error may pass, as it waits for the service.
    """

    def __init__(self, message: str = "", *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class CheckpointError(StoreError):
    """A position could not be stored or read. Nothing was acknowledged that was not stored."""


class LeaseLostError(CheckpointError):
    """Another worker has taken over the subscription: its fencing number is higher than ours."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message, permanent=True)


class DeadLetterError(StoreError):
    """What could not be handled could not be written down either, so it does not count as handled."""


class ClientClosedError(EventStreamerSDKError, RuntimeError):
    """
    The client was closed, by `close()` or at the end of its `with` block, and is used all the same.

    Another `with` block opens it again.

    Example:
        >>> with SyncEventStreamer("http://localhost:8000", "me") as client:
        ...     client.get_health()
        >>> client.get_health()
        Traceback (most recent call last):
        ClientClosedError: this client is closed; make another one, or make the call before it is closed
    """


class StreamEndedError(EventStreamerSDKError):
    """
    The service ended the stream for good (`recoverable: false`).

    Attributes:
        error_code: The service's code.
    """

    def __init__(self, message: str = "", error_code: str = "") -> None:
        super().__init__(message)
        self.error_code = error_code


class MissingExtraError(EventStreamerSDKError, ImportError):
    """A library is missing that an extra of this package brings; the message says which."""


class SinkError(EventStreamerSDKError):
    """A sink can't take events: what it is told to do is wrong, or its place refuses."""

    permanent = True
    """A stream doesn't wait for it as for a store that is away, since a sink has a patience of its own."""


class SinkUnavailableError(SinkError):
    """The place can't be reached, is full or is too slow, just now: the same write is tried again."""


class SinkFinishedError(SinkError):
    """All events of the subscription are in the place already, written for a subscription like this one."""


class FrameTooLargeError(SinkError):
    """More events came than a frame may have (`max_events`)."""


_FROM_ABI = ("ABIParsingError", "LogDecodeError")


def __getattr__(name: str) -> object:
    # The ABI part is loaded when it is first used; its exceptions are no reason to load it.
    if name in _FROM_ABI:
        from .abi import _errors

        return getattr(_errors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "ABIParsingError",
    "CheckpointError",
    "ClientClosedError",
    "DeadLetterError",
    "EventStreamerAuthError",
    "EventStreamerConflictError",
    "EventStreamerConnectionError",
    "EventStreamerGoneError",
    "EventStreamerNotFoundError",
    "EventStreamerRateLimitError",
    "EventStreamerRequestError",
    "EventStreamerResponseError",
    "EventStreamerSDKError",
    "EventStreamerServerError",
    "EventStreamerSubscriptionError",
    "EventStreamerTLSError",
    "EventStreamerTimeoutError",
    "EventStreamerValidationError",
    "FrameTooLargeError",
    "HandlerTimeoutError",
    "LeaseLostError",
    "LogDecodeError",
    "MissingExtraError",
    "RequestDetails",
    "SinkError",
    "SinkFinishedError",
    "SinkUnavailableError",
    "StoreError",
    "StreamEndedError",
    "StreamLineError",
    "SubscriptionConflictError",
    "SubscriptionGoneError",
    "SubscriptionNotFoundError",
]

"""What can go wrong with a stream, beside the errors of a call (see `event_streamer_sdk.exceptions`)."""

from __future__ import annotations

from event_streamer_api.errors import EventStreamerSDKError, EventStreamerValidationError


class StreamLineError(EventStreamerValidationError):
    """
    A line of the stream can't be read: bad JSON, bad UTF-8, too long, or it contradicts itself.

    Attributes:
        raw: The line's bytes, where they are known (the first 4 KiB of a line over the limit).
    """

    def __init__(self, message: str, raw: bytes = b"") -> None:
        super().__init__(message)
        self.raw = raw


class HandlerTimeoutError(EventStreamerSDKError, TimeoutError):
    """
    A handler took longer than `handler_timeout`.

    Attributes:
        abandoned: Whether it is still running (a thread can't be stopped): it must not be called again.
    """

    def __init__(self, message: str, *, abandoned: bool = False) -> None:
        super().__init__(message)
        self.abandoned = abandoned


class CheckpointError(EventStreamerSDKError):
    """A position could not be stored or read. Nothing was acknowledged that was not stored."""


class LeaseLostError(CheckpointError):
    """Another worker has taken over the subscription: its fencing number is higher than ours."""


class DeadLetterError(EventStreamerSDKError):
    """What could not be handled could not be written down either, so it does not count as handled."""


class StreamEndedError(EventStreamerSDKError):
    """
    The service ended the stream for good (`recoverable: false`).

    Attributes:
        error_code: The service's code.
    """

    def __init__(self, message: str, error_code: str = "") -> None:
        super().__init__(message)
        self.error_code = error_code

"""What can go wrong with a stream, beside the errors of a call (see `event_streamer_sdk.exceptions`)."""

from __future__ import annotations

from event_streamer_api.errors import EventStreamerSDKError, EventStreamerValidationError


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


class StreamEndedError(EventStreamerSDKError):
    """
    The service ended the stream for good (`recoverable: false`).

    Attributes:
        error_code: The service's code.
    """

    def __init__(self, message: str = "", error_code: str = "") -> None:
        super().__init__(message)
        self.error_code = error_code

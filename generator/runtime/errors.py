"""The two exceptions that generated code raises. `event_streamer_sdk.exceptions` holds the whole tree."""

from __future__ import annotations


class EventStreamerSDKError(Exception):
    """The root of everything the SDK raises on purpose."""


class EventStreamerValidationError(EventStreamerSDKError, ValueError):
    """
    A value breaks a rule of the API.

    Raised when a model or a request is built, before anything is sent.

    Attributes:
        field: Where the value is, such as `SubscriptionCreate.addresses[2]`, where it is a model's field.
    """

    field: str | None

    def __init__(self, message: str = "", *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


def invalid(field: str, problem: str) -> EventStreamerValidationError:
    """
    Make the error of one field.

    Args:
        field: Where the value is.
        problem: The rule and the value that breaks it, as the rest of a sentence.

    Returns:
        The error, to be raised.
    """
    return EventStreamerValidationError(f"{field} {problem}", field=field)


def within(outer: str, error: EventStreamerValidationError) -> EventStreamerValidationError:
    """
    Say of an error in a nested value where the nested value is.

    Args:
        outer: The field that holds the nested value.
        error: The error, whose field begins with the nested model's name or an index.

    Returns:
        The same error with the whole path.
    """
    inner = error.field or ""
    problem = str(error)[len(inner) :].strip()
    if inner.startswith("["):
        return invalid(outer + inner, problem)
    _, dot, rest = inner.partition(".")
    return invalid(outer + dot + rest, problem)


__all__ = ["EventStreamerSDKError", "EventStreamerValidationError", "invalid", "within"]

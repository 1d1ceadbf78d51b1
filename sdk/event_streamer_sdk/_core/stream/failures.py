"""What a failed connection means: try again, ask anew, or give up. By status, never by text."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_sdk.exceptions import ClientClosedError, StreamLineError

from .commands import Failed


class Action(Enum):
    """What to do about a failure."""

    RETRY = "retry"
    """It may pass: connect again after the back-off."""
    CONFLICT = "conflict"
    """Another connection is in the way: the same, but not for ever."""
    TOKEN_LOST = "token_lost"  # noqa: S105 - a decision, no secret
    """The resume token is expired or invalid."""
    GIVE_UP = "give_up"
    """Trying again would not help."""


@frozen
class Verdict:
    """
    A failure, judged.

    Attributes:
        action: What to do.
        reason: The failure in a word or two, as counted in the statistics.
        retry_after: Seconds the service asked to wait, where it did.
    """

    action: Action
    reason: str
    retry_after: float | None = None


RETRIED_CLIENT_ERRORS = frozenset({408, 425, 429})
"""The 4xx that speak of the moment: timeout, too early, too many (RFC 9110, 8470, 6585)."""


def classify(failure: Failed) -> Verdict:
    """Decide what a failure to connect or to read means."""
    error = failure.error
    status = getattr(error, "status_code", None)
    code = getattr(error, "error_code", None)
    if status == 410 or code == "INVALID_RESUME_TOKEN":
        return Verdict(Action.TOKEN_LOST, "token lost")
    if status == 409:
        return Verdict(Action.CONFLICT, "conflict", getattr(error, "retry_after", None))
    if isinstance(error, ClientClosedError):
        return Verdict(Action.GIVE_UP, "client closed")
    if failure.certificate:
        return Verdict(Action.GIVE_UP, "certificate refused")
    if not isinstance(status, int):
        if isinstance(error, EventStreamerValidationError) and not isinstance(error, StreamLineError):
            return Verdict(Action.GIVE_UP, "invalid request")
        return Verdict(Action.RETRY, "connection lost")
    retry_after = getattr(error, "retry_after", None)
    if status == 429:
        return Verdict(Action.RETRY, "rate limited", retry_after)
    if status in RETRIED_CLIENT_ERRORS or status >= 500:
        return Verdict(Action.RETRY, f"status {status}", retry_after)
    return Verdict(Action.GIVE_UP, f"status {status}")


def connection_gone(error: BaseException) -> bool:
    """Tell whether an answer to an acknowledgement or a heartbeat says that the connection is no more."""
    return getattr(error, "status_code", None) in {404, 410}


MISTAKES = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError),
    *(NotImplementedError, RecursionError, SyntaxError, TypeError, ValueError),
)
"""What Python raises for a mistake in a program; a store that raises one would do so again."""
DRIVER_MISTAKES = frozenset({"DataError", "IntegrityError", "NotSupportedError", "ProgrammingError"})
"""The errors of database drivers (PEP 249) that speak of the statement, and not of the connection."""
SQLITE_PASSING = frozenset({5, 6, 15})
"""SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: a file is not away, it can only be locked for a while."""


def store_may_come_back(error: BaseException) -> bool:
    """
    Tell whether a store that failed may do better later: its database is away, and nothing is wrong with it.

    Args:
        error: What it raised; an exception of a database driver counts as PEP 249 says.

    Returns:
        Whether to wait for it. An error that nobody knows counts as one that may pass: it is told to
        `on_error`, and ending the stream would not help anybody.
    """
    permanent = getattr(error, "permanent", None)
    if isinstance(permanent, bool):  # a StoreError, or an error of the same make
        return not permanent
    sqlite_code = getattr(error, "sqlite_errorcode", None)
    if isinstance(sqlite_code, int):
        return sqlite_code & 0xFF in SQLITE_PASSING
    if any(base.__name__ in DRIVER_MISTAKES for base in type(error).__mro__):
        return False
    return isinstance(error, OSError) or not isinstance(error, MISTAKES)

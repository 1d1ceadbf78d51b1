"""
What a transport raises, whichever library it stands on.

    TransportError
    ├── NotSendableError        the request itself is wrong; nothing was sent
    ├── CannotConnectError      no connection came about; nothing was sent
    ├── TransportTimeoutError   a step, or all of them together, took too long
    └── ConnectionBrokenError   the connection broke, or what came over it is not HTTP

`losses` puts them into the words of the SDK's exceptions. Their `__cause__` is what the library raised.
"""

from __future__ import annotations


class TransportError(Exception):
    """
    A request that got no response, or not the whole of it.

    Attributes:
        sent: Whether the request may have reached the service all the same.
    """

    sent = True


class NotSendableError(TransportError):
    """A request that would not arrive as it was meant."""

    sent = False


class CannotConnectError(TransportError):
    """No connection came about."""

    sent = False

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class TransportTimeoutError(TransportError):
    """
    It took too long.

    Args:
        reason: What did.
        step: The step that the time was over in: `connect`, `pool`, `write` or `read`.
    """

    def __init__(self, reason: str, step: str) -> None:
        super().__init__(reason)
        self.sent = step not in ("connect", "pool")


class ConnectionBrokenError(TransportError):
    """The connection broke, or what came over it is not HTTP."""

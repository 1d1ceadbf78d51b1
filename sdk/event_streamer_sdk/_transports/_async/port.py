"""
The port, for asyncio: what sends a request, and what it gives back.

Two adapters fit it: `llhttp`, ours, for plain connections, and `httpx`, where a proxy, a limit on connections
or the user's own client is asked for. Nothing above knows which one is there, and a call means the same with
both: `tests/rest/test_two_adapters.py` drives them with the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..._core.call.request import Request
from ..limits import TimeLimits


class AsyncOpenResponse(Protocol):
    """A response whose head is there, and whose body is still to come."""

    @property
    def status(self) -> int:
        """Its status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, looked up in lower case, as the body is meant that `chunk` gives out."""

    async def chunk(self) -> bytes:
        """
        Wait for the next piece of the body.

        Returns:
            At least one byte, still compressed if the header `content-encoding` says so; none at the end.

        Raises:
            TransportError: If the connection breaks, or the limits of the request are exceeded.
        """

    def break_off(self) -> None:
        """Make a `chunk` that waits fail at once. May be called from another thread."""

    async def close(self) -> None:
        """Give the connection back, or close it if it can't be used again. Closing twice does nothing."""


class AsyncTransport(Protocol):
    """Sends requests."""

    async def open(self, request: Request, limits: TimeLimits) -> AsyncOpenResponse:
        """
        Send a request, follow no redirect, and wait for the head of its response.

        Args:
            request: The request.
            limits: How long it may take; they hold for the body, too, as they are when it is read.

        Returns:
            The response, to be closed.

        Raises:
            TransportError: If there is none.
        """

    async def close(self) -> None:
        """Close the connections."""

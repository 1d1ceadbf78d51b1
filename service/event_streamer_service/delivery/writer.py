"""
The way out of a stream: a response whose reader may be slow, stalled or gone.

The transport below the response is used, where the server shows it, to cut a reader off at once
and for the faults that tests ask for.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from starlette.types import Scope, Send

TRANSPORT = "event_streamer.transport"
"""Key in a request's state under which our server shows the connection below it."""

_LAST_PATIENCE = 1.0
"""Seconds without a byte taken that a reader has once its stream is to end."""
_LINGER_ZERO = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 seconds: closing sends RST and drops what is unsent (RFC 9293, section 3.6)."""


def transport_of(scope: Scope) -> asyncio.Transport | None:
    """Return the connection below a request, where the server shows it."""
    transport: asyncio.Transport | None = scope.get("state", {}).get(TRANSPORT)
    return transport


class ReaderStalled(Exception):  # noqa: N818 - reads as the state it reports
    """The reader has taken no byte for the whole write time-out."""


class Writer:
    """
    Writes a response's body.

    Args:
        send: ASGI's `send`.
        transport: The connection below, where it is known.
        timeout: Seconds without a byte taken after which the reader counts as stalled.
        ending: Done once the stream is to end: a reader that stands still then holds up nobody's stop.

    Attributes:
        broke_off: The connection was closed, or is being closed, before the end of the response.
    """

    def __init__(
        self,
        send: Send,
        transport: asyncio.Transport | None,
        *,
        timeout: float,
        ending: asyncio.Future[Any],
    ) -> None:
        self.broke_off = False
        self._send = send
        self._transport = transport
        self._timeout = timeout
        self._ending = ending

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send status and headers."""
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        """
        Send a part of the body, and wait until the reader has taken most of it.

        Raises:
            ReaderStalled: It took nothing for too long.
        """
        message = {"type": "http.response.body", "body": data, "more_body": True}
        if self._transport is not None and not self._unsent():
            # The server waits for what was written before, never for this: a task and a timer for it would
            # cost a live stream as much as all else of a batch.
            await self._send(message)
            return
        sending = asyncio.ensure_future(self._send(message))
        try:
            left = self._unsent()
            while not sending.done():
                waiting: set[asyncio.Future[Any]] = {sending}
                timeout = _LAST_PATIENCE
                if not self._ending.done():
                    waiting.add(self._ending)
                    timeout = self._timeout
                done, _ = await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    still_left = self._unsent()
                    if still_left >= left:
                        raise ReaderStalled
                    left = still_left
        finally:
            if not sending.done():
                sending.cancel()
        await sending

    async def finish(self) -> None:
        """End the response as it should end."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def abort(self) -> None:
        """Close the connection at once; what is unsent is lost."""
        if self._transport is not None:
            self.broke_off = True
            self._transport.abort()

    def close(self) -> None:
        """Close the connection without an end of the response, after what is unsent."""
        if self._transport is not None:
            self.broke_off = True
            self._transport.close()

    def reset(self) -> None:
        """Close the connection with RST."""
        if self._transport is None:
            return
        raw: socket.socket | None = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.abort()

    def _unsent(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

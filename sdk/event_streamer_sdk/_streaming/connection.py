"""What both shells do with a response: its headers, its failures, its socket."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from event_streamer_sdk.exceptions import EventStreamerTLSError

from .._core.commands import Connected, Failed, NoContent

READ_LIMIT = 910.0
"""
Seconds after which a silent read gives up by itself.

The watch lane notices silence long before (three heartbeat intervals, at most 15 minutes); this is for a
transport whose blocked read can't be broken off, so that its thread ends some day.
"""
HEADERS_LIMIT = 30.0
"""Longest wait for the response's headers, seconds."""


def opened(response: Any) -> Connected | NoContent:
    """
    Read the headers of a stream.

    Args:
        response: An httpx response of status 2xx.

    Returns:
        What the core wants to know of it.
    """
    if response.status_code == 204:
        return NoContent()
    headers = response.headers
    encoding = headers.get("content-encoding", "").strip().lower()
    return Connected(
        connection_id=headers.get("x-connection-id") or None,
        heartbeat_interval=_seconds(headers.get("x-heartbeat-interval")),
        encoding=encoding if encoding not in {"", "identity"} else None,
    )


def failed(error: BaseException) -> Failed:
    """
    Report an exception, noting whether the two sides will never come to terms on TLS.

    Args:
        error: What was raised.

    Returns:
        The outcome.
    """
    return Failed(error, certificate=isinstance(error, EventStreamerTLSError))


def shut_down(response: Any) -> None:
    """
    Wake a thread that is blocked in reading a response: closing from another thread would not.

    Args:
        response: An httpx response.
    """
    stream = response.extensions.get("network_stream")
    found = stream.get_extra_info("socket") if stream is not None else None
    if isinstance(found, socket.socket):
        with contextlib.suppress(OSError):
            # The method of the plain class, since that of an SSL socket would take its SSL object away
            # from under the reader.
            socket.socket.shutdown(found, socket.SHUT_RDWR)


def relax_read_timeout(response: Any) -> None:
    """
    Let reads of the body wait longer than the headers were waited for.

    httpx hands the time-outs on as a dict that its transports look at again when the body is read.

    Args:
        response: An httpx response.
    """
    timeouts = response.request.extensions.get("timeout")
    if isinstance(timeouts, dict):
        timeouts["read"] = READ_LIMIT


def _seconds(value: str | None) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None

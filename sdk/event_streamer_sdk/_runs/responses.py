"""What both shells do with a response: its headers, its failures, its socket."""

from __future__ import annotations

import contextlib
import inspect
import socket
from typing import Any, TypeVar

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_sdk.exceptions import EventStreamerTLSError

from .._core.stream.commands import Connected, Failed, NoContent

T = TypeVar("T")

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


def is_coroutine_function(function: Any) -> bool:
    """
    Tell whether calling a function gives a coroutine, also where an object with `__call__` stands for one.

    Args:
        function: Anything that can be called.

    Returns:
        Whether it does, as far as that can be told without a call.
    """
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - not whether it can be called, but how
    )


def plain(answer: T, function: object) -> T:
    """
    Refuse an answer that has to be awaited, in the blocking client: it would count as done and never be.

    Args:
        answer: What a user's function gave.
        function: The function.

    Returns:
        The answer.

    Raises:
        EventStreamerValidationError: It has to be awaited.
    """
    if answer is None or not inspect.isawaitable(answer):
        return answer
    if inspect.iscoroutine(answer):
        answer.close()
    name = getattr(function, "__qualname__", None) or repr(function)
    raise EventStreamerValidationError(f"{name} returned a coroutine: use EventStreamer, or a plain function")


def _seconds(value: str | None) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None

"""What both runs do with what they get: a response, a failure, an answer of the user's functions."""

from __future__ import annotations

import inspect
from typing import Any

from event_streamer_sdk.exceptions import EventStreamerTLSError

from .._core.stream.commands import Connected, Failed, NoContent


def opened(response: Any) -> Connected | NoContent:
    """Read the headers of a stream."""
    if response.status == 204:
        return NoContent()
    headers = response.headers
    encoding = headers.get("content-encoding", "").strip().lower()
    return Connected(
        connection_id=headers.get("x-connection-id") or None,
        heartbeat_interval=_seconds(headers.get("x-heartbeat-interval")),
        encoding=encoding if encoding not in {"", "identity"} else None,
    )


def failed(error: BaseException) -> Failed:
    """Report an exception, noting whether the two sides will never come to terms on TLS."""
    return Failed(error, certificate=isinstance(error, EventStreamerTLSError))


def is_coroutine_function(function: Any) -> bool:
    """Tell whether calling a function, or an object with `__call__`, gives a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - not whether it can be called, but how
    )


def _seconds(value: str | None) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None

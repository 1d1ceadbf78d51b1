"""What users' functions give to the blocking client: refused where it has to be awaited."""

from __future__ import annotations

import inspect
from typing import TypeVar

from event_streamer_api.errors import EventStreamerValidationError

T = TypeVar("T")


def settled(answer: T, function: object) -> T:
    """
    Refuse an answer that has to be awaited, in the blocking client: it would count as done and never be.

    Raises:
        EventStreamerValidationError: It has to be awaited.
    """
    if answer is None or not inspect.isawaitable(answer):
        return answer
    if inspect.iscoroutine(answer):
        answer.close()
    name = getattr(function, "__qualname__", None) or repr(function)
    raise EventStreamerValidationError(f"{name} returned a coroutine: use EventStreamer, or a plain function")

"""The current span in a user's loop, which may never tell that it was left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.trace import Span


def _of_the_moment(name: str) -> Callable[..., Any]:
    """Make a method that the span of the moment carries out."""

    def method(self: WhileOpen, *arguments: Any, **options: Any) -> Any:
        return getattr(self._now, name)(*arguments, **options)

    return method


class WhileOpen(Span):
    """
    A span as long as its batch is in hand; afterwards the one that was the current one before.

    `async for` closes what it loops over in a task of its own, some time after a `break`, and nobody can
    change the context of the loop's task from there. So what is left in that context has to know by itself
    that it is over: else all further spans of the task would become children of a batch that is long done.

    Args:
        span: The batch's span.
        before: The span that was the current one.
    """

    def __init__(self, span: Span, before: Span) -> None:
        self._span = span
        self._before = before
        self._open = True

    def close(self) -> None:
        """Stand for the span of before."""
        self._open = False

    @property
    def _now(self) -> Span:
        return self._span if self._open else self._before

    end = _of_the_moment("end")
    get_span_context = _of_the_moment("get_span_context")
    set_attributes = _of_the_moment("set_attributes")
    set_attribute = _of_the_moment("set_attribute")
    add_event = _of_the_moment("add_event")
    add_link = _of_the_moment("add_link")
    update_name = _of_the_moment("update_name")
    is_recording = _of_the_moment("is_recording")
    set_status = _of_the_moment("set_status")
    record_exception = _of_the_moment("record_exception")

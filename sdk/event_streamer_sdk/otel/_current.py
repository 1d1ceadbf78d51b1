"""The current span in a user's loop, which may never tell that it was left."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.trace import Span, SpanContext, Status, StatusCode
from opentelemetry.util.types import Attributes, AttributeValue


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

    def end(self, end_time: int | None = None) -> None:
        """End it, as every other method as the span of the moment does."""
        self._now.end(end_time)

    def get_span_context(self) -> SpanContext:
        """Give the context, whose child a new span becomes."""
        return self._now.get_span_context()

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set several attributes."""
        self._now.set_attributes(attributes)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Set an attribute."""
        self._now.set_attribute(key, value)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event."""
        self._now.add_event(name, attributes, timestamp)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link."""
        self._now.add_link(context, attributes)

    def update_name(self, name: str) -> None:
        """Change the name."""
        self._now.update_name(name)

    def is_recording(self) -> bool:
        """Tell whether it is recorded."""
        return self._now.is_recording()

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status."""
        self._now.set_status(status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Record an exception."""
        self._now.record_exception(exception, attributes, timestamp, escaped)

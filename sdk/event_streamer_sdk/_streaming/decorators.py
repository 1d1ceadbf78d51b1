"""The decorators that register handlers with a streaming client."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from event_streamer_api.errors import EventStreamerValidationError

from .._core.stream.handlers import HandlerRegistry
from .typed import Values, name_of_event, taking_instances

if TYPE_CHECKING:
    from event_streamer_sdk.abi.codegen import EventClass

F = TypeVar("F", bound=Callable[..., Any])
"""A handler: decorators give back the very function they were put on."""


class HandlerDecorators(abc.ABC):
    """
    Registers handlers.

    Args:
        typed: Whether handlers get `typed` values instead of those of the wire.
    """

    def __init__(self, *, typed: bool) -> None:
        self._registry = HandlerRegistry()
        self._values = Values() if typed else None

    def on_event(self, event_name: str | type[EventClass]) -> Callable[[F], F]:
        """
        Register a handler for one kind of event. Several may be registered; they are called in order.

        Args:
            event_name: The event's name, such as `Transfer`, or a class that `abi.codegen` wrote for it.

        Returns:
            A decorator that gives the function back. The function gets the list of events: dicts, or
            instances of the class.

        Raises:
            EventStreamerValidationError: It is neither a name nor such a class.

        Example:
            >>> @streaming_client.on_event("Transfer")
            ... def handle(events):
            ...     for event in events:
            ...         print(event["from"], event["to"], event["value"])
        """
        name = name_of_event(event_name)

        def register(handler: F) -> F:
            checked = self._handling(handler)
            if not isinstance(event_name, str):
                self._registry.add_event(name, taking_instances(event_name, checked))
            elif self._values is not None:
                self._registry.add_event(name, self._taking_values(checked, self._values.of_group))
            else:
                self._registry.add_event(name, checked)
            return handler

        return register

    def on_all_events(self, handler: F) -> F:
        """
        Register a handler for whole batches; it also sees events that have a handler of their own.

        Args:
            handler: Gets event name → list of events.

        Returns:
            The function itself.
        """
        checked = self._handling(handler)
        if self._values is not None:
            self._registry.add_all_events(self._taking_values(checked, self._values.of_batch))
        else:
            self._registry.add_all_events(checked)
        return handler

    def on_heartbeat(self, handler: F) -> F:
        """
        Register a handler for the service's signs of life.

        Args:
            handler: Gets a `StreamingHeartbeat`.

        Returns:
            The function itself.
        """
        return self._notice("heartbeat", handler)

    def on_error(self, handler: F) -> F:
        """
        Register a handler for errors, the service's and the client's own (such as CONNECTION_LOST).

        Args:
            handler: Gets a `StreamingError`.

        Returns:
            The function itself.
        """
        return self._notice("error", handler)

    def on_reorg(self, handler: F) -> F:
        """
        Register a handler for blocks that are no longer part of the chain.

        It is retried like a handler of events, and committed and acknowledged like a batch.

        Args:
            handler: Gets a `StreamingReorg`.

        Returns:
            The function itself.
        """
        self._registry.add_notice("reorg", self._handling(handler))
        return handler

    def on_gap(self, handler: F) -> F:
        """
        Register a handler for possible gaps or reordering: block numbers that go back, a lost token.

        Args:
            handler: Gets a `Gap`.

        Returns:
            The function itself.
        """
        return self._notice("gap", handler)

    def on_status(self, handler: F) -> F:
        """
        Register a handler for what happens to the stream: connected, reconnecting, resumed, ended.

        Args:
            handler: Gets a `Status`.

        Returns:
            The function itself.
        """
        return self._notice("status", handler)

    def on_unknown(self, handler: F) -> F:
        """
        Register a handler for messages of a type that this version doesn't know.

        Args:
            handler: Gets the message as it came, a dict.

        Returns:
            The function itself.
        """
        return self._notice("unknown", handler)

    def _notice(self, kind: str, handler: F) -> F:
        self._registry.add_notice(kind, self._checked(handler))
        return handler

    def _handling(self, handler: F) -> F:
        """Give what is called in place of a handler of events: a worker's streams put a lease around it."""
        return self._checked(handler)

    def _checked(self, handler: F) -> F:
        if not callable(handler):
            raise EventStreamerValidationError(f"a handler must be a function, not {handler!r}")
        try:
            called = inspect.signature(handler)
        except (TypeError, ValueError):  # some functions written in C don't say what they take
            return handler
        try:
            called.bind(None)
        except TypeError:
            name = getattr(handler, "__qualname__", None) or repr(handler)
            raise EventStreamerValidationError(
                f"{name}{called} can't be called with one argument, as a handler is"
            ) from None
        return handler

    @abc.abstractmethod
    def _taking_values(
        self, handler: Callable[..., Any], convert: Callable[[Any], Any]
    ) -> Callable[[Any], Any]:
        """Let a handler have what `convert` makes of events; the shell asks for their definition first."""

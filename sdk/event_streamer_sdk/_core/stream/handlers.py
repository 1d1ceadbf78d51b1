"""Which functions are called for what, and what is at hand while one runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from .commands import Call
from .messages import MODELS, Batch, Events

Handler = Callable[[Any], Any]
"""A function of one argument; in the async client a coroutine function works, too."""

current_batch_var: ContextVar[Batch | dict[str, Any] | None] = ContextVar(
    "event_streamer_current_batch", default=None
)
"""The batch that is being handled in this thread or task: as it came, until somebody asks for it."""

batch_maker_var: ContextVar[Callable[[dict[str, Any]], Batch]] = ContextVar("event_streamer_batch_maker")
"""Makes a batch of what came."""


def current_batch() -> Batch | None:
    """
    Give the batch that is being handled in this thread or task.

    Returns:
        The batch, `None` outside of a handler.
    """
    found = current_batch_var.get()
    if isinstance(found, dict):
        found = batch_maker_var.get()(found)
        current_batch_var.set(found)
    return found


NOTICES = (*(kind for kind in MODELS if kind != "end"), "gap", "status", "unknown")
"""
What handlers can be registered for besides events: the types of messages, and what the client says itself.

How a run has ended is a `status`, whether the service said so or not.
"""


class HandlerRegistry:
    """Handlers in the order of their registration; a name may have several."""

    def __init__(self) -> None:
        self._by_event: dict[str, list[Handler]] = {}
        self._all_events: list[Handler] = []
        self._notices: dict[str, list[Handler]] = {name: [] for name in NOTICES}
        self.only: dict[str, Handler] = {}
        """Event name → the one handler that hears of it; none where several do."""
        self._unhandled: set[str] = set()
        self._unchecked: set[str] = set()
        self.event_name: str | None = None
        """What the subscription's event is called, once that is known."""

    def add_event(self, name: str, handler: Handler) -> None:
        """Register a handler for one kind of event."""
        self._by_event.setdefault(name, []).append(handler)
        self._unhandled.discard(name)
        self._unchecked.add(name)
        self._find_only()

    def add_all_events(self, handler: Handler) -> None:
        """Register a handler for whole batches."""
        self._all_events.append(handler)
        self._find_only()

    def _find_only(self) -> None:
        self.only.clear()
        if not self._all_events:
            self.only.update((name, found[0]) for name, found in self._by_event.items() if len(found) == 1)

    def add_notice(self, kind: str, handler: Handler) -> None:
        """Register a handler for one of `NOTICES`."""
        self._notices[kind].append(handler)

    def remove(self, handler: Handler) -> None:
        """Take a handler out, wherever it is registered."""
        for handlers in (*self._by_event.values(), self._all_events, *self._notices.values()):
            handlers[:] = [each for each in handlers if each is not handler]
        self._by_event = {name: handlers for name, handlers in self._by_event.items() if handlers}
        self._find_only()

    def notice(self, kind: str) -> list[Handler]:
        """Give the handlers of one of `NOTICES`."""
        return self._notices[kind]

    @property
    def has_unchecked_names(self) -> bool:
        """Whether there are names that have not been compared with the subscription's."""
        return bool(self._unchecked)

    def learn_event_name(self, name: str) -> None:
        """Note what the subscription's event is called."""
        self.event_name = name

    def take_unchecked_names(self) -> set[str]:
        """Give the names that have not been compared with the subscription's, and count them as checked."""
        names, self._unchecked = self._unchecked, set()
        return names

    @property
    def hears_events(self) -> bool:
        """Whether some handler gets events, of whatever name."""
        return bool(self._all_events or self._by_event)

    def hears(self, name: str) -> bool:
        """Tell whether some handler gets the events of a name."""
        return bool(self._all_events) or name in self._by_event

    def calls(self, events: Events, timeout: float | None) -> list[Call]:
        """
        List the calls that a batch needs.

        Args:
            events: Event name → events.
            timeout: Seconds that one call may take.

        Returns:
            The calls, handlers of one kind before those of whole batches.
        """
        out = []
        for name, group in events.items():
            handlers = self._by_event.get(name)
            if handlers is not None:
                for handler in handlers:
                    out.append(Call(handler, group, timeout))  # noqa: PERF401 - mostly one, so no comprehension
        for handler in self._all_events:
            out.append(Call(handler, events, timeout))  # noqa: PERF401 - as above
        return out

    def unheard(self, events: Events) -> Iterator[str]:
        """Find events that nobody listens to, each name once."""
        for name in events:
            if name not in self._by_event and name not in self._unhandled:
                self._unhandled.add(name)
                yield name

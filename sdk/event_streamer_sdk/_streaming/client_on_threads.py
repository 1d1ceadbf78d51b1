"""What only the blocking streaming client does: its lock, its signals, no coroutine functions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from attrs import evolve

from event_streamer_api.errors import EventStreamerValidationError

from .._core.stream.commands import OutputClosedError
from .._core.stream.reports import EndReason, Report
from .._runs.output import end_quietly
from .._runs.responses import is_coroutine_function
from .._runs.signals import SHARED, stopping
from .base import StreamingBase
from .decorators import F


class SyncStreaming(StreamingBase):
    """The part of `SyncStreamingClient` that has no half for asyncio."""

    # What it uses of the other part.
    wait: Callable[[], Report]
    _stop: Callable[[EndReason], None]

    def _new_lock(self) -> threading.Lock:
        return threading.Lock()

    def _run_to_the_end(self, handle_signals: bool | None) -> Report:
        """Stream until the subscription is done or a signal comes; `stop` is called in a thread then."""

        def stop() -> None:
            if self._run is not None:
                self._stop(EndReason.SIGNAL)

        with stopping(stop, handle_signals) as caught:
            self._refuse_unheard()
            # A handler in the main thread can be broken off.
            here = threading.current_thread() is threading.main_thread() and SHARED.can_break_off
            with self._succession:
                run = None if self.is_running else self._begin(iterating=False, deliver=not here, raises=True)
            if caught.number is not None:
                caught.tell(caught.number)  # the signal came before there was something to stop
            try:
                while run is not None and here:
                    run.deliver_here()
                    run.finished()
                    run = run.successor
                return evolve(self.wait(), signal=caught.number)
            except OutputClosedError as closed:
                end_quietly(closed)
            except BaseException:
                if self._run is not None:
                    self._run.request_stop(EndReason.SIGNAL)
                raise

    def _checked(self, handler: F) -> F:
        function: Callable[..., Any] = super()._checked(handler)
        if is_coroutine_function(function):
            name = getattr(function, "__qualname__", None) or repr(function)
            raise EventStreamerValidationError(
                f"{name} is a coroutine function: use EventStreamer, or a plain function"
            )
        return handler

    def _check_store(self, store: object) -> None:
        for name in ("load", "save", "acquire", "renew", "release", "write"):
            asynchronous = name == "load" and getattr(store, "asynchronous", False)
            if asynchronous or is_coroutine_function(getattr(store, name, None)):
                raise EventStreamerValidationError(
                    f"{type(store).__name__}.{name} is a coroutine function: use EventStreamer for it"
                )

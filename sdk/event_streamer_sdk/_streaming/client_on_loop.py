"""What only the streaming client for asyncio does: its lock, its signals, handlers that are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from attrs import evolve

from .._core.stream.commands import OutputClosedError
from .._core.stream.reports import EndReason, Report
from .._runs.output import end_quietly
from .._runs.signals import stopping
from .base import StreamingBase


class AsyncStreaming(StreamingBase):
    """The part of `StreamingClient` that has no blocking half."""

    # What it uses of the other parts.
    start_streaming: Callable[[], Awaitable[None]]
    wait: Callable[[], Awaitable[Report]]
    disconnect: Callable[[], Awaitable[None]]
    _stop: Callable[[EndReason], Coroutine[Any, Any, None]]

    def _new_lock(self) -> asyncio.Lock:
        return asyncio.Lock()

    async def _run_to_the_end(self, handle_signals: bool | None) -> Report:
        """Stream until the subscription is done or a signal comes; `stop` is called in a thread then."""
        self._refuse_unheard()
        loop = asyncio.get_running_loop()
        tasks: list[asyncio.Task[None]] = []

        def stop_here() -> None:
            if self._run is not None:
                tasks.append(loop.create_task(self._stop(EndReason.SIGNAL)))

        def stop() -> None:
            with suppress(RuntimeError):  # the loop is closed: there is nothing left to stop
                loop.call_soon_threadsafe(stop_here)

        with stopping(stop, handle_signals) as caught:
            await self.start_streaming()
            if self._run is not None:
                self._run.session.will_raise()
            if caught.number is not None:
                stop_here()  # the signal came before there was something to stop
            try:
                return evolve(await self.wait(), signal=caught.number)
            except OutputClosedError as closed:
                end_quietly(closed)
            finally:
                await self.disconnect()
                await asyncio.gather(*tasks)

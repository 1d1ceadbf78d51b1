"""
The streams of a worker: streaming clients whose handlers run under a lease, and only while it holds.

Where a lease has run out, a handler waits: until it is renewed (the database was away, and nobody has taken
over), or until the worker, to which the database says that it is lost, stops the stream. It doesn't raise:
the policies `skip` and `dead_letter` would pass over a batch that another worker is about to handle.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from inspect import isawaitable
from typing import Any, Protocol

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_sdk import (
    EventStreamer,
    Report,
    StreamingClient,
    SyncEventStreamer,
    SyncStreamingClient,
)
from event_streamer_sdk._runs.aside import call_aside
from event_streamer_sdk._runs.responses import is_coroutine_function
from event_streamer_sdk._runs.waits import call_in_time
from event_streamer_sdk.exceptions import CheckpointError

from .lease import Lease, LeasedPositions, enter

ASKED_AT_ONCE = 16
"""Calls of a blocking store, or of the app, at once: a worker may have a thousand subscriptions."""
PAUSE = 0.05
"""How often a handler looks whether its lease holds again, seconds."""

App = Callable[[Any], Any]
"""Registers handlers with the streaming client that it gets; for asyncio it may be a coroutine function."""


class Streams(Protocol):
    """How a worker handles its streams, with or without asyncio."""

    async def subscriptions(self) -> list[int]:
        """Ask the service for the ids of all subscriptions of the subscriber."""

    async def make(self, lease: Lease, store: LeasedPositions) -> Any:
        """Make the streaming client of a subscription, and have the app register its handlers."""

    async def run(self, stream: Any) -> Report:
        """Stream until the end; raises what ended it badly."""

    async def stop(self, stream: Any) -> None:
        """Stop in good order, within `stop_timeout`."""

    async def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a method of the store."""

    def close(self) -> None:
        """Let go of threads."""


# --- asyncio ------------------------------------------------------------------------------------


class LeasedStream(StreamingClient):
    """
    A streaming client whose handlers run under a lease.

    Plain functions are called in threads, so that one that takes long holds no other subscription back.
    """

    _lease: Lease
    _slots: asyncio.Semaphore | None = None
    _seconds: float | None = None

    def _handling(self, handler: Any) -> Any:
        super()._handling(handler)
        lease, slots = self._lease, self._slots
        called = handler if is_coroutine_function(handler) else functools.partial(_threaded, handler)

        @functools.wraps(handler)
        async def handle(argument: Any) -> None:
            async with slots or nullcontext():
                while not lease.holds:
                    if lease.ended:
                        lease.check()
                    await asyncio.sleep(PAUSE)
                enter(lease)
                await call_in_time(called, argument, self._seconds)

        return handle


async def _threaded(handler: Callable[[Any], Any], argument: Any) -> None:
    """Call a plain handler in a thread of its own."""
    answer = await call_aside(handler, argument)
    if isawaitable(answer):
        await answer


class AsyncStreams:
    """Streams of the asyncio client."""

    def __init__(
        self, client: EventStreamer, app: App, concurrency: int | None, options: dict[str, Any]
    ) -> None:
        self._client = client
        self._app = app
        self._options = dict(options)
        self._seconds = self._options.pop("handler_timeout", None)
        self._slots = None if concurrency is None else asyncio.Semaphore(concurrency)

    async def subscriptions(self) -> list[int]:
        """Ask the service for the ids of all subscriptions of the subscriber."""
        return [each.id async for each in self._client.iter_subscriptions()]

    async def make(self, lease: Lease, store: LeasedPositions) -> LeasedStream:
        """Make the streaming client of a subscription, and have the app register its handlers."""
        options = self._options | {"checkpoint": store, "checkpoint_key": lease.key}
        stream = LeasedStream(self._client, lease.subscription_id, **options)
        stream._lease, stream._slots, stream._seconds = lease, self._slots, self._seconds
        answer = self._app(stream)
        if isawaitable(answer):
            await answer
        return stream

    async def run(self, stream: LeasedStream) -> Report:
        """Stream until the end; raises what ended it badly."""
        await stream.start_streaming()
        return await stream.wait()

    async def stop(self, stream: LeasedStream) -> None:
        """Stop in good order, within `stop_timeout`."""
        await stream.disconnect()

    async def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a method of the store."""
        if not getattr(function.__self__, "asynchronous", False):  # type: ignore[attr-defined] # a method
            return await call_aside(function, *arguments)
        return await function(*arguments)

    def close(self) -> None:
        """Do nothing: there are no threads of our own."""


# --- threads ------------------------------------------------------------------------------------


class LeasedSyncStream(SyncStreamingClient):
    """A blocking streaming client whose handlers run under a lease."""

    _lease: Lease
    _slots: threading.BoundedSemaphore | None = None

    def _handling(self, handler: Any) -> Any:
        if is_coroutine_function(handler):
            raise EventStreamerValidationError("this handler is a coroutine function: use Worker for it")
        super()._handling(handler)
        lease, slots = self._lease, self._slots

        @functools.wraps(handler)
        def handle(argument: Any) -> Any:
            with slots or nullcontext():
                while not lease.holds:
                    if lease.ended:
                        lease.check()
                    time.sleep(PAUSE)
                enter(lease)
                return handler(argument)

        return handle


class ThreadedStreams:
    """Streams of the blocking client, each in threads of its own."""

    def __init__(
        self, client: SyncEventStreamer, app: App, concurrency: int | None, options: dict[str, Any]
    ) -> None:
        self._client = client
        self._app = app
        self._options = dict(options)
        self._slots = None if concurrency is None else threading.BoundedSemaphore(concurrency)
        self._asking = asyncio.Semaphore(ASKED_AT_ONCE)
        self._closed = False

    async def _in_turn(self, function: Callable[..., Any], *arguments: Any) -> Any:
        async with self._asking:
            return await call_aside(function, *arguments)

    async def subscriptions(self) -> list[int]:
        """Ask the service for the ids of all subscriptions of the subscriber."""

        def ask() -> list[int]:
            return [each.id for each in self._client.iter_subscriptions()]

        ids: list[int] = await self._in_turn(ask)
        return ids

    async def make(self, lease: Lease, store: LeasedPositions) -> LeasedSyncStream:
        """Make the streaming client of a subscription, and have the app register its handlers."""
        options = self._options | {"checkpoint": store, "checkpoint_key": lease.key}
        stream = LeasedSyncStream(self._client, lease.subscription_id, **options)
        stream._lease, stream._slots = lease, self._slots
        await self._in_turn(self._app, stream)
        return stream

    async def run(self, stream: LeasedSyncStream) -> Report:
        """Stream until the end; raises what ended it badly."""

        def run() -> Report:
            stream.start_streaming()
            return stream.wait()

        report: Report = await call_aside(run)
        return report

    async def stop(self, stream: LeasedSyncStream) -> None:
        """Stop in good order, within `stop_timeout`."""
        await call_aside(stream.disconnect)

    async def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a method of the store."""
        if self._closed:  # a second Ctrl-C, while the first one's hand-over goes on
            raise CheckpointError("the worker ended before it could hand over", permanent=True)
        return await self._in_turn(function, *arguments)

    def close(self) -> None:
        """Ask the store nothing more; a thread that waits for it, or for a handler, is left behind."""
        self._closed = True

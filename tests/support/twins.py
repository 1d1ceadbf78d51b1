"""Both clients behind one blocking face, so that one test holds the twins to the same."""

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from event_streamer_sdk import EventStreamer, SyncEventStreamer

KINDS = ("async", "sync")


class Twin:
    """One of the two clients. Its methods are called by name; coroutines are run to their end."""

    def __init__(self, kind: str, client: Any, runner: asyncio.Runner) -> None:
        self.kind = kind
        self.client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.client, name)
        if not callable(attribute):
            return attribute
        return lambda *args, **kwargs: self.run(attribute(*args, **kwargs))

    def run(self, result: Any) -> Any:
        """Wait for what a method gave: a coroutine, an async iterator, or the value itself."""
        if inspect.isasyncgen(result):
            return self._runner.run(_gathered(result))
        if inspect.isgenerator(result):
            return list(result)
        return self._runner.run(_awaited(result)) if inspect.isawaitable(result) else result


async def _awaited(result: Any) -> Any:
    return await result


async def _gathered(items: Any) -> list[Any]:
    return [item async for item in items]


@contextmanager
def twin(
    kind: str,
    url: str,
    subscriber_id: str | None = "tester",
    *,
    runner: asyncio.Runner | None = None,
    **options: Any,
) -> Iterator[Twin]:
    """
    Make one of the clients, and close it in the end.

    Args:
        kind: `async` or `sync`.
        url: Where the service is.
        subscriber_id: Who asks.
        runner: The event loop to run coroutines in; by default one of its own.
        **options: Options of the client.
    """
    with asyncio.Runner() if runner is None else nullcontext(runner) as loop:
        make = EventStreamer if kind == "async" else SyncEventStreamer
        made = Twin(kind, make(url, subscriber_id, **options), loop)
        try:
            yield made
        finally:
            made.close()

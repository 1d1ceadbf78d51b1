"""Positions in Redis, with leases for several workers, for asyncio."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..._extras import needs
from .._redis_questions import Command, RedisQuestions, answered, client_of, failed
from ..shared import SharedStore


class AsyncRedisCheckpoint(SharedStore):
    """
    Keeps positions in Redis, each in a hash of its own, for asyncio; see `SharedStore` for leases.

    A position is as durable as Redis is set to be: with `appendonly yes` and `appendfsync always` it
    survives a loss of power, with other settings the last ones may be forgotten, and those batches come
    again. It needs the extra `[redis]`.

    Args:
        url: `redis://user:password@host:6379/0`, `rediss://…` or `unix://…`.
        lease_seconds: How long a lease lasts that is not renewed; `None` has no leases.
        prefix: What all keys begin with.
        owner: The name under which leases are taken; by default a random one.

    Raises:
        EventStreamerValidationError: An argument can't be used.
        MissingExtraError: redis-py isn't installed.

    Example:
        >>> store = AsyncRedisCheckpoint("redis://localhost", lease_seconds=30)
        >>> async for batch in client.create_streaming_client(1, checkpoint=store):
        ...     print(batch.events)
        >>> await store.close()
    """

    def __init__(
        self,
        url: str,
        *,
        lease_seconds: float | None = None,
        prefix: str = "event-streamer",
        owner: str | None = None,
    ) -> None:
        super().__init__(RedisQuestions(prefix), lease_seconds, owner)
        self._client = client_of(needs("redis.asyncio"), url)

    async def _do(self, question: Command, what: str, then: Callable[[Any], Any]) -> Any:
        try:
            pipeline = self._client.pipeline(transaction=False)
            for call in question.calls:
                pipeline.execute_command(*call)
            answers = answered(await pipeline.execute(raise_on_error=False))
        except Exception as error:
            raise failed(what, error) from error
        return then(question.read(answers))

    async def close(self) -> None:
        """Close the connections. A further call opens others."""
        with suppress(Exception):
            await self._client.aclose()

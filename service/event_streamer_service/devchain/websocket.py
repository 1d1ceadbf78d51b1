"""One WebSocket to the development chain: calls, and announcements of new heads and logs."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from event_streamer_service.chains.errors import BlockGone

from .chain import DevChain
from .methods import ChainMethods
from .news import BlockFollower, LogFollower
from .queries import parse_query
from .refusals import INVALID_PARAMS, Refusal
from .rpc import answer

__all__ = ["Session"]

_MOST_HEADS = 256
"""Heads that are announced when many blocks come at once: the newest."""


class Session:
    """
    Serves one WebSocket.

    Args:
        chain: The chain.
        methods: The methods that it shares with HTTP.
        socket: The accepted connection.
    """

    def __init__(self, chain: DevChain, methods: ChainMethods, socket: WebSocket) -> None:
        self._chain = chain
        self._objects = methods.objects
        self._socket = socket
        self._table = {
            **methods.table(),
            "eth_subscribe": self._subscribe,
            "eth_unsubscribe": self._unsubscribe,
        }
        self._subscriptions: dict[str, asyncio.Task[None]] = {}
        self._starting: list[tuple[str, AsyncGenerator[Any, None]]] = []
        self._numbers = itertools.count(1)

    async def serve(self) -> None:
        """Answer messages until the connection ends. A message may be a frame of text or of bytes."""
        try:
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                body = message.get("text")
                answered = await answer(self._table, message["bytes"] if body is None else body)
                if answered is not None:
                    await self._socket.send_text(answered.decode())
                self._start_announcing()
        except WebSocketDisconnect:
            pass
        finally:
            for task in self._subscriptions.values():
                task.cancel()
            await asyncio.gather(*self._subscriptions.values(), return_exceptions=True)

    async def _subscribe(self, kind: Any, wanted: Any = None) -> str:
        identity = hex(next(self._numbers))
        if kind == "newHeads":
            announcements = self._new_heads(BlockFollower(self._chain))
        elif kind == "logs":
            query = parse_query(self._chain, {} if wanted is None else wanted)
            announcements = self._logs(LogFollower(self._chain, self._objects, query))
        else:
            raise Refusal(
                INVALID_PARAMS,
                f"newHeads and logs can be subscribed to, not {str(kind)[:50]!r}: "
                "the development chain has no pending transactions and nothing to sync",
            )
        self._starting.append((identity, announcements))
        return identity

    def _start_announcing(self) -> None:
        """Begin with what was just subscribed to: not before the subscription's id has been answered."""
        for identity, announcements in self._starting:
            self._subscriptions[identity] = asyncio.create_task(self._announce(identity, announcements))
        self._starting.clear()

    async def _unsubscribe(self, identity: Any) -> bool:
        self._start_announcing()
        task = self._subscriptions.pop(identity, None) if isinstance(identity, str) else None
        if task is not None:
            task.cancel()
        return task is not None

    async def _new_heads(self, blocks: BlockFollower) -> AsyncGenerator[Any, None]:
        async with contextlib.aclosing(self._chain.new_heads()) as heads:
            async for _ in heads:
                for block in blocks.news()[1][-_MOST_HEADS:]:
                    with contextlib.suppress(BlockGone):  # a reorg has taken it, and its successor follows
                        yield await self._objects.header(block)

    async def _logs(self, logs: LogFollower) -> AsyncGenerator[Any, None]:
        async with contextlib.aclosing(self._chain.new_heads()) as heads:
            async for _ in heads:
                for log in await logs.news():
                    yield log

    async def _announce(self, identity: str, announcements: AsyncGenerator[Any, None]) -> None:
        async with contextlib.aclosing(announcements):
            async for result in announcements:
                params = {"subscription": identity, "result": result}
                message = {"jsonrpc": "2.0", "method": "eth_subscription", "params": params}
                await self._socket.send_text(msgspec.json.encode(message).decode())

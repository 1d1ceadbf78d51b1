"""Nodes whose answers a test chooses, and a manager over them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from event_streamer_service.chains import Block, BreakerSettings, ChainConfig, ChainManager, Log, LogFilter
from event_streamer_service.devchain import DevChain
from event_streamer_service.devchain.logs import TOKEN, TRANSFER
from support.chains import Reader

SETTINGS = BreakerSettings(failure_threshold=3, recovery_timeout=0.1, success_threshold=1, timeout=0.2)
TOKENS = LogFilter(TRANSFER, frozenset({TOKEN.address}))
A, B, H = "https://a.example/key", "https://b.example/key", "https://h.example/key"


class Scripted(DevChain):
    """A node whose answers a test chooses: `failure` is raised, `silent` never answers."""

    def __init__(self, chain_id: int = 1, **options: Any) -> None:
        super().__init__(chain_id, **{"blocks": 200, **options})
        self.failure: Exception | None = None
        self.silent = False
        self.asked = 0
        self.closed = False

    async def _answer(self) -> None:
        self.asked += 1
        if self.silent:
            await asyncio.sleep(3600)
        if self.failure is not None:
            raise self.failure

    async def head(self) -> Block:
        await self._answer()
        return await super().head()

    async def blocks(self, numbers: Sequence[int]) -> list[Block | None]:
        await self._answer()
        return await super().blocks(numbers)

    async def logs(self, from_block: int, to_block: int, log_filter: LogFilter) -> list[Log]:
        await self._answer()
        return await super().logs(from_block, to_block, log_filter)

    async def block_logs(self, blocks: Sequence[Block], log_filter: LogFilter) -> list[list[Log]]:
        await self._answer()
        return await super().block_logs(blocks, log_filter)

    async def new_heads(self) -> AsyncGenerator[Block, None]:
        await self._answer()
        async for head in super().new_heads():
            yield head

    async def close(self) -> None:
        self.closed = True
        await super().close()


def config(*urls: str, **fields: Any) -> ChainConfig:
    quick = {"live_retry_delay": 0.01, "live_reconnect_delay": 0.02, "live_block_check_interval": 0.05}
    return ChainConfig(**{"chain_id": 1, "name": "Ethereum Mainnet", "rpc_urls": urls, **quick, **fields})


@asynccontextmanager
async def managed(
    nodes: dict[str, Scripted], *configs: ChainConfig, settings: BreakerSettings = SETTINGS
) -> AsyncIterator[ChainManager]:
    manager = ChainManager(
        configs or [config(*nodes)], breaker_settings=settings, open_source=lambda url, _: nodes[url]
    )
    try:
        yield manager
    finally:
        await manager.close()


async def read_all(manager: ChainManager, chain_id: int = 1, end: int = 199) -> list[Log]:
    reader = Reader(TOKENS, start_block=0, end_block=end)
    await reader.read(manager.get(chain_id))
    return reader.logs

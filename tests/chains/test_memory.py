"""Readers of history that stand still hold little, however many they are."""

import asyncio
from contextlib import AsyncExitStack, aclosing

from event_streamer_service.chains import ChainConfig, LogFilter
from event_streamer_service.chains.history import _LOGS_AHEAD, _LOGS_AT_HAND, HistoryReader
from event_streamer_service.chains.range_size import TARGET_LOGS
from event_streamer_service.devchain import DevChain
from support.chains import run

READERS = 100
BLOCKS = 20_000


def test_many_readers_that_stand_still_share_what_may_be_held() -> None:
    async def main() -> None:
        config = ChainConfig(chain_id=1, name="x", rpc_urls=["http://127.0.0.1:9"])
        history = HistoryReader(config, DevChain(1, blocks=BLOCKS))
        async with AsyncExitStack() as stack:
            readers = [
                await stack.enter_async_context(
                    aclosing(history.read(LogFilter(None), 0, BLOCKS - 1, head=BLOCKS - 1))
                )
                for _ in range(READERS)
            ]
            held = 0
            for _ in range(6):  # sizes have grown as far as they will
                held = sum([len((await anext(reader)).logs) for reader in readers])
            for _ in range(200):
                await asyncio.sleep(0)
            assert held <= 2 * _LOGS_AT_HAND
            assert history._ahead <= _LOGS_AHEAD + config.historical_max_concurrent * TARGET_LOGS
            alone = readers.pop()
            for reader in readers:
                await reader.aclose()
            most = 0
            async for piece in alone:
                most = max(most, len(piece.logs))
            assert most > TARGET_LOGS // 2, "one reader alone gets large ranges again"
        assert history._ahead == 0

    run(main())

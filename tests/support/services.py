"""What several tests of the service share."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from event_streamer_service import DevChain, LocalService
from event_streamer_service.chains.types import LogFilter
from support.raw_client import TRANSFER_TOPIC

StartService = Callable[..., LocalService]
"""Starts a service that is stopped at the end of the test; takes what `LocalService` takes."""

_ERC20_TOPICS = 3
"""Topics of an ERC-20 Transfer: its signature, from and to."""


def expected_transfers(chain: DevChain, first: int, last: int) -> list[tuple[int, int]]:
    """Where the chain has ERC-20 Transfers, asked of the chain itself."""
    logs = asyncio.run(chain.logs(first, last, LogFilter(TRANSFER_TOPIC)))
    return [(log.block_number, log.log_index) for log in logs if len(log.topics) == _ERC20_TOPICS]


def wait_until(true: Callable[[], Any], *, seconds: float = 10) -> None:
    """Wait for something that happens soon, but not at once."""
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.02)

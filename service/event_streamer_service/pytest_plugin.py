"""
Fixtures for a user's own tests, installed with the package.

`event_streamer_service` is a running service on a development chain, `event_streamer_chain` that
chain. Override `event_streamer_chain` to get another one:

    @pytest.fixture
    def event_streamer_chain():
        return DevChain(chain_id=1, first_block=19_000_000)

    def test_transfers(event_streamer_service, event_streamer_chain):
        with SyncEventStreamer(event_streamer_service.url, "tests") as client:
            event_streamer_chain.mine()
            ...
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    # pytest imports this module in every run: what it needs is imported when a fixture is used.
    from event_streamer_service.devchain.chain import DevChain
    from event_streamer_service.testing.local import LocalService


@pytest.fixture
def event_streamer_chain() -> DevChain:
    """A development chain of its own for each test: it mines when it is told to."""
    from event_streamer_service import DevChain

    return DevChain()


@pytest.fixture
def event_streamer_service(event_streamer_chain: DevChain) -> Iterator[LocalService]:
    """A service of its own for each test, on `event_streamer_chain`, with the same ids in every run."""
    from event_streamer_service import LocalService

    with LocalService(event_streamer_chain, seed=1) as service:
        yield service

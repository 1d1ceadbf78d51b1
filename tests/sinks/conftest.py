"""A service of the tests' own on a development chain."""

import socket
from collections.abc import Iterator

import pytest

from event_streamer_service import DevChain, LocalService
from support.sinks import small_chain


@pytest.fixture
def chain() -> DevChain:
    return small_chain()


@pytest.fixture
def service(chain: DevChain) -> Iterator[LocalService]:
    with LocalService(chain, heartbeat_interval=1) as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port

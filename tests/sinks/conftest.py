"""A service of the tests' own on a development chain."""

from collections.abc import Iterator

import pytest

from event_streamer_service import DevChain, LocalService
from support import postgres
from support.ports import refusing_port
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
def free_port() -> Iterator[int]:
    with refusing_port() as port:
        yield port


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    try:
        with postgres.cluster() as url:
            yield url
    except postgres.Missing as missing:
        pytest.skip(str(missing))

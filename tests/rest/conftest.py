"""A scripted server, and both clients of it."""

from collections.abc import Iterator

import pytest

from support.scripted_server import ScriptedServer, scripted_server
from support.twins import KINDS, Twin, twin


@pytest.fixture(scope="module")
def running_server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def server(running_server: ScriptedServer) -> ScriptedServer:
    running_server.script(running_server.stays)
    return running_server


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(kind: str, server: ScriptedServer) -> Iterator[Twin]:
    with twin(kind, server.url, "my-app") as made:
        yield made

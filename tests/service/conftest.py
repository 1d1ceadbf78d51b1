"""Fixtures of the service's tests: databases of both kinds, services and clients."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from event_streamer_service import DevChain, LocalService
from support import postgres
from support.raw_client import RawClient
from support.services import StartService


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    try:
        with postgres.cluster() as url:
            yield url
    except postgres.Missing as missing:
        pytest.skip(str(missing))


def execute(url: str, *statements: str) -> None:
    """Run statements on a PostgreSQL database, each by itself."""
    engine = create_engine(url.replace("postgresql", "postgresql+psycopg", 1), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def postgres_database(postgres_server: str) -> str:
    """The URL of an empty database: emptying one is much quicker than making one."""
    url = f"{postgres_server}/postgres"
    execute(url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    return url


@pytest.fixture
def sqlite_database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'service.db'}"


KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; a test that asks for it runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_database")
    return url


@pytest.fixture
def chain() -> DevChain:
    """A short development chain: 200 blocks of 8 logs, some of which are ERC-20 Transfers."""
    return DevChain(blocks=200)


@pytest.fixture
def start(database: str) -> Iterator[StartService]:
    """Starts services on the test's database, and stops what is still running at the end."""
    started: list[LocalService] = []

    def start_one(chain: Any = None, **options: Any) -> LocalService:
        service = LocalService(chain, **{"database": database, **options})
        started.append(service)
        return service.start()

    yield start_one
    for service in started:
        service.stop()


@pytest.fixture
def service(start: StartService, chain: DevChain) -> LocalService:
    """A service on the short chain, once for each kind of database."""
    return start(chain)


@pytest.fixture
def client(service: LocalService) -> Iterator[RawClient]:
    with RawClient(service.url) as client:
        yield client


@pytest.fixture(scope="module", params=KINDS)
def shared_client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RawClient]:
    """A client of one service for many tests that leave nothing behind, such as those of refusals."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('shared') / 'service.db'}"
    else:  # a database of its own, since the tests in between empty the other one
        server = request.getfixturevalue("postgres_server")
        execute(f"{server}/postgres", "DROP DATABASE IF EXISTS shared", "CREATE DATABASE shared")
        url = f"{server}/shared"
    with LocalService(DevChain(blocks=10), database=url) as service, RawClient(service.url) as client:
        yield client

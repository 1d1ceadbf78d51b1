"""Fixtures of the service's tests: databases of both kinds, services and clients."""

import uuid
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


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The URL of a new, empty database."""
    name = f"test_{uuid.uuid4().hex}"
    admin = create_engine(
        f"{postgres_server.replace('postgresql', 'postgresql+psycopg')}/postgres",
        isolation_level="AUTOCOMMIT",
    )
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield f"{postgres_server}/{name}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def sqlite_database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'service.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; a test that asks for it runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_database")
    return url


@pytest.fixture
def chain() -> DevChain:
    """A short development chain: 200 blocks of 8 logs, some of which are ERC-20 Transfers."""
    return DevChain(blocks=200)


@pytest.fixture
def start() -> Iterator[StartService]:
    """Starts services, and stops what is still running at the end."""
    started: list[LocalService] = []

    def start_one(chain: Any = None, **options: Any) -> LocalService:
        service = LocalService(chain, **options)
        started.append(service)
        return service.start()

    yield start_one
    for service in started:
        service.stop()


@pytest.fixture
def service(start: StartService, chain: DevChain, database: str) -> LocalService:
    """A service on the short chain, once for each kind of database."""
    return start(chain, database=database)


@pytest.fixture
def client(service: LocalService) -> Iterator[RawClient]:
    with RawClient(service.url) as client:
        yield client

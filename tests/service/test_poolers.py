"""A pooler of connections between the service and PostgreSQL: what works with it, and what is refused."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from event_streamer_service import LocalService
from event_streamer_service.errors import StartupError
from support import pgbouncer
from support.raw_client import RawClient

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not pgbouncer.is_here(), reason="pgbouncer is not installed"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user may go into, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="event-streamer-pgbouncer-") as folder:
        yield Path(folder)


@pytest.mark.parametrize(
    "settings",
    [{}, {"server_round_robin": 1}, {"default_pool_size": 1}],
    ids=["the last one first", "one after the other", "a single one"],
)
def test_a_pool_of_transactions_is_refused(
    postgres_database: str, folder: Path, settings: dict[str, int]
) -> None:
    """Locks and news belong to a session, and there each statement may come from another one."""
    with (
        pgbouncer.pgbouncer(folder, postgres_database, pool_mode="transaction", **settings) as database,
        pytest.raises(StartupError, match="`session` mode"),
        LocalService(database=database, replicas=True),
    ):
        pass


def test_a_pool_of_sessions_is_served_by(postgres_database: str, folder: Path) -> None:
    with (
        pgbouncer.pgbouncer(folder, postgres_database, pool_mode="session") as database,
        LocalService(database=database, replicas=True) as first,
        LocalService(database=database, replicas=True) as second,
        RawClient(first.url) as one,
        RawClient(second.url) as other,
    ):
        number = one.subscribe()
        assert other.subscription(number)["id"] == number
        one.call("DELETE", f"/subscriptions/{number}", 204)
        other.get(f"/subscriptions/{number}", 404)

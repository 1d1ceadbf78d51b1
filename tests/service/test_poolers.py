"""A pooler of connections between the service and PostgreSQL: what works with it, and what is refused."""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from event_streamer_service import LocalService
from event_streamer_service.cluster import postgres_session
from event_streamer_service.errors import StartupError
from support import pgbouncer
from support.deaf_link import deaf_link_to
from support.ports import own_port
from support.raw_client import RawClient
from support.services import wait_until

pytestmark = pytest.mark.postgres
needs_pgbouncer = pytest.mark.skipif(not pgbouncer.is_here(), reason="pgbouncer is not installed")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user may go into, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="event-streamer-pgbouncer-") as folder:
        yield Path(folder)


@needs_pgbouncer
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


@needs_pgbouncer
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


@needs_pgbouncer
def test_a_pool_that_becomes_one_of_transactions_is_told_and_waited_for(
    postgres_database: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """News would go to sessions that nobody listens to: what is deleted elsewhere would go on here."""
    port = own_port()

    def pooler(pool_mode: str) -> AbstractContextManager[str]:
        return pgbouncer.pgbouncer(folder, postgres_database, pool_mode=pool_mode, port=port)

    with ExitStack() as services:
        with pooler("session") as database:
            service = services.enter_context(LocalService(database=database, replicas=True))
            client = services.enter_context(RawClient(service.url))
            number = client.subscribe()

        def opened() -> int:
            with client.http.stream("GET", f"/subscriptions/{number}/stream") as response:
                return response.status_code

        with pooler("transaction"):
            wait_until(lambda: "Use its `session` mode" in caplog.text, seconds=60)
            wait_until(lambda: opened() == 503, seconds=60)
        with pooler("session"), LocalService(database=postgres_database, replicas=True) as other:
            wait_until(lambda: opened() == 200, seconds=60)
            with RawClient(other.url) as elsewhere:
                elsewhere.call("DELETE", f"/subscriptions/{number}", 204)
            wait_until(lambda: opened() == 404, seconds=60)
        assert caplog.text.count("Use its `session` mode") == 1, "once is enough"


def test_what_others_change_is_seen_where_notifications_do_not_come_through(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The session stays, and the lock with it, so nothing but the silence shows that news are missed."""
    monkeypatch.setattr(postgres_session, "_LOOK_EVERY", 0.2)
    caplog.set_level("INFO", logger=postgres_session.__name__)
    address = urlsplit(postgres_database)
    assert address.port is not None
    with (
        deaf_link_to(address.port) as link,
        LocalService(
            database=postgres_database.replace(f":{address.port}", f":{link.url_port}") + "?sslmode=disable",
            replicas=True,
        ) as here,
        LocalService(database=postgres_database, replicas=True) as there,
        RawClient(here.url) as client,
        RawClient(there.url) as other,
    ):
        number = client.subscribe()
        link.deaf = True
        with client.stream(number) as stream:
            other.call("DELETE", f"/subscriptions/{number}", 204)
            [last] = [message for message in stream.messages() if message["type"] == "error"]
            assert last["error_code"] == "SUBSCRIPTION_NOT_FOUND"
        assert link.dropped
        wait_until(lambda: "by NOTIFY does not arrive" in caplog.text)
        link.deaf = False
        wait_until(lambda: "by NOTIFY arrives again" in caplog.text)
        assert caplog.text.count("by NOTIFY does not arrive") == 1, "once is enough"

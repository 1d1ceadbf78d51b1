"""LocalService and the pytest plugin, as a user's own tests use them."""

import asyncio
import socket
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import httpx
import pytest

import event_streamer_service
from event_streamer_service import DevChain, LocalService, StartupError
from support.raw_client import RawClient, definition
from support.services import StartService

pytest_plugins = ["pytester"]


@pytest.mark.quick
def test_it_runs_without_any_argument() -> None:
    with LocalService() as service:
        assert service.is_running
        assert service.url.startswith("http://127.0.0.1:")
        with RawClient(service.url) as client:
            number = client.subscribe()
            with client.stream(number) as stream:
                assert stream.next("event_batch")["first_block"] == 0
            head = service.chain.head_number
            service.chain.mine(3)
            assert service.chain.head_number == head + 3
    assert not service.is_running
    with pytest.raises(httpx.ConnectError):
        httpx.get(service.url + "/health")


def test_it_runs_inside_a_running_loop() -> None:
    async def main() -> None:
        async with LocalService(DevChain(blocks=5)) as service, httpx.AsyncClient() as client:
            assert (await client.get(service.url + "/health")).status_code == 200
            with LocalService(DevChain(blocks=5)) as other:
                assert (await client.get(other.url + "/health")).status_code == 200

    asyncio.run(main())


def test_many_run_side_by_side() -> None:
    with LocalService(DevChain(blocks=5)) as one, LocalService(DevChain(blocks=5)) as two:
        assert one.url != two.url
        with RawClient(one.url) as first, RawClient(two.url) as second:
            first.subscribe()
            assert second.get("/subscriptions")["total"] == 0


def test_a_stop_ends_streams_cleanly_and_soon(start: StartService, chain: DevChain) -> None:
    service = start(chain)
    with RawClient(service.url) as client:
        number = client.subscribe()
        with client.stream(number) as stream:
            stream.batches_to(199)
            stopper = threading.Thread(target=service.stop)
            stopper.start()
            assert stream.next("error")["error_code"] == "PROCESSING_STOPPED"
            assert list(stream.messages()) == []
            stopper.join(5)
            assert not stopper.is_alive()


def test_a_stop_does_not_wait_for_a_reader_that_stalls(start: StartService) -> None:
    service = start(DevChain(blocks=5000), shutdown_timeout=1)
    with RawClient(service.url) as client:
        number = client.subscribe()
        with client.stream(number) as stream:
            stream.next("event_batch")
            stopper = threading.Thread(target=service.stop)
            stopper.start()
            stopper.join(5)
            assert not stopper.is_alive()


def test_several_chains_of_ones_own() -> None:
    with LocalService(sources=[DevChain(chain_id=1, blocks=5), DevChain(chain_id=10, blocks=5)]) as service:
        assert httpx.get(service.url + "/api/chains/stats").json()["supported_chain_ids"] == [1, 10]
    with pytest.raises(StartupError, match="started with chain 1 twice"):
        LocalService(sources=[DevChain(1, blocks=5), DevChain(1, blocks=5)]).start()


def test_what_can_not_start_says_why(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartupError, match=f"Can't listen on 127.0.0.1:{port}: Address already in use"):
            LocalService(port=port).start()
    with pytest.raises(StartupError, match="Can't open the database"):
        LocalService(database=f"sqlite:///{tmp_path}/nowhere/x.db").start()
    with pytest.raises(StartupError, match="set API keys"):
        LocalService(host="0.0.0.0").start()
    with pytest.raises(StartupError, match="heartbeat_interval must be more than 0"):
        LocalService(heartbeat_interval=0)


@pytest.mark.parametrize(
    "config", ['{"chain_id": 7}', '{"chain_id": 7, "name": "", "rpc_urls": []}', "[1]", '"text"']
)
def test_a_stored_chain_that_can_not_be_read_is_told_and_the_others_are_served(
    config: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path}/service.db"
    with LocalService(DevChain(chain_id=1, blocks=5), database=url):
        pass
    with closing(sqlite3.connect(tmp_path / "service.db")) as database, database:
        database.execute(
            "INSERT INTO chains (chain_id, config, active, created_at, updated_at) VALUES (7, ?, 1, 0, 0)",
            [config],
        )
    with LocalService(DevChain(chain_id=1, blocks=5), database=url) as service:
        assert httpx.get(service.url + "/api/chains/stats").json()["supported_chain_ids"] == [1]
        assert httpx.get(service.url + "/api/chains/7").status_code == 404
    told = [record.getMessage() for record in caplog.records if "stored configuration" in record.getMessage()]
    assert len(told) == 1
    assert told[0].startswith("The stored configuration of chain 7 can't be used: ")


def test_off_loopback_with_keys() -> None:
    with LocalService(host="0.0.0.0", api_keys={"k": "me"}) as service:
        assert service.url.startswith("http://localhost:")
        with RawClient(service.url, key="k") as client:
            client.post("/subscriptions", definition(subscriber_id="me"), 201)


def test_misuse_is_told() -> None:
    service = LocalService()
    for name in ("url", "journal", "service"):
        with pytest.raises(RuntimeError):
            getattr(service, name)
    service.stop()
    with service, pytest.raises(RuntimeError, match="already running"):
        service.start()


def test_public_names_are_there() -> None:
    for name in event_streamer_service.__all__:
        assert getattr(event_streamer_service, name).__doc__
    with pytest.raises(AttributeError, match="nothing"):
        _ = event_streamer_service.nothing  # type: ignore[attr-defined]


USERS_TESTS = """
    import httpx
    import pytest
    from event_streamer_service import DevChain

    def test_fixtures(event_streamer_service, event_streamer_chain):
        event_streamer_chain.mine()
        assert event_streamer_service.chain is event_streamer_chain
        assert httpx.get(event_streamer_service.url + "/health").json()["status"] == "healthy"

    class TestAnotherChain:
        @pytest.fixture
        def event_streamer_chain(self):
            return DevChain(chain_id=1, first_block=19_000_000, blocks=10)

        def test_it_is_used(self, event_streamer_service):
            chains = httpx.get(event_streamer_service.url + "/api/chains").json()["chains"]
            assert [chain["chain_id"] for chain in chains] == [1]
"""


def test_the_pytest_plugin_gives_a_service(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USERS_TESTS)
    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)


def test_the_plugin_costs_others_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing_of_it_is_loaded():
            assert "event_streamer_service.pytest_plugin" in sys.modules
            for heavy in ("starlette", "sqlalchemy", "uvicorn", "httpx", "event_streamer_sdk"):
                assert heavy not in sys.modules, heavy
        """
    )
    # Of the other plugins that this environment has, respx loads httpx.
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:respx").assert_outcomes(passed=1)

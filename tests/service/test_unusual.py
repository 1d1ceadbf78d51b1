"""Streams off the beaten track: odd events, clients that never acknowledge, mistakes, lost connections."""

import pytest
from sqlalchemy import create_engine, text

from event_streamer_service import ChainConfig, DevChain
from event_streamer_service.devchain.server import DevChainServer
from support.raw_client import RawClient, events_of, places
from support.services import StartService, expected_transfers


def test_anonymous_events_and_names_that_are_taken(start: StartService, database: str) -> None:
    chain = DevChain(blocks=1, logs_per_block=0)
    contract, word = "0x" + "ab" * 20, "0x" + "00" * 31 + "07"
    event = {
        "type": "event",
        "name": "Odd",
        "anonymous": True,
        "inputs": [
            {"name": "block_number", "type": "uint256", "indexed": True},
            {"name": "", "type": "uint8"},
            {"name": "address", "type": "int256"},
        ],
    }
    chain.emit(contract, [word], word + "f" * 64)
    chain.emit(contract, [word, word], word)  # not such an event
    chain.emit("0x" + "cd" * 20, [word], word + "f" * 64, mine=True)
    service = start(chain, database=database)
    with RawClient(service.url) as client:
        number = client.subscribe(event_signature=event, addresses=[contract], end_block=1)
        with client.stream(number) as stream:
            (batch,) = stream.batches_to_end()
    (odd,) = batch["events"]["Odd"]
    assert (odd["block_number_"], odd["arg1"], odd["address_"]) == ("7", "7", "-1")
    assert (odd["block_number"], odd["address"]) == (1, contract)


def test_a_client_that_never_acknowledges_costs_little_and_loses_nothing(
    start: StartService, chain: DevChain, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    service = start(chain, database=database, max_batch_events=10, max_unacknowledged=5)
    with RawClient(service.url) as client:
        number = client.subscribe(end_block=199)
        with client.stream(number) as stream:
            batches = stream.batches_to_end()
            assert stream.acknowledge(*batches[:3])["failed_batches"] == 3
            assert stream.acknowledge(*batches[-3:])["failed_batches"] == 0
        assert client.subscription(number)["events_delivered"] == 0
        assert sum("acknowledges too little" in record.message for record in caplog.records) == 1
        with client.stream(number) as stream:
            assert places(events_of(stream.batches_to_end())) == places(events_of(batches))


def test_a_mistake_of_ours_ends_one_stream_with_a_message(
    start: StartService, chain: DevChain, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = start(chain, database=database)
    with RawClient(service.url) as client:
        number = client.subscribe()
        with monkeypatch.context() as patch:
            patch.setattr("event_streamer_service.delivery.stream.cut", lambda *_, **__: 1 / 0)
            with client.stream(number) as stream:
                error = stream.next("error")
                assert (error["error_code"], error["recoverable"]) == ("STREAM_ERROR", True)
                assert "division" not in error["error_message"]
                assert list(stream.messages()) == []
        with client.stream(number) as stream:
            assert places(stream.events_to(199)) == expected_transfers(chain, 0, 199)


def test_an_outage_of_the_node_is_told_once_and_survived(start: StartService, database: str) -> None:
    chain = DevChain(blocks=20)
    node = DevChainServer(chain).start()
    config = ChainConfig(
        chain_id=31_337,
        name="Node",
        rpc_urls=[node.url],
        average_block_time=0.1,
        live_retry_delay=0.1,
        live_reconnect_delay=0.2,
    )
    service = start(chains=[config], database=database, heartbeat_interval=0.2)
    try:
        with RawClient(service.url) as client:
            number = client.subscribe()
            with client.stream(number) as stream:
                events = stream.events_to(19)
                node.stop()
                error = stream.next("error")
                assert error["error_code"] in {"STREAM_ERROR", "CIRCUIT_BREAKER_OPEN"}
                assert error["recoverable"] is True
                for _ in range(5):
                    stream.next("heartbeat")  # and no second error among them
                chain.mine(3)
                client.post("/api/circuit-breakers/reset")
                node.start()
                events += stream.events_to(22)
        assert places(events) == expected_transfers(chain, 0, 22)
    finally:
        node.stop()


@pytest.mark.postgres
def test_connections_that_postgresql_drops_are_made_anew(
    start: StartService, chain: DevChain, postgres_database: str
) -> None:
    service = start(chain, database=postgres_database)
    with RawClient(service.url) as client:
        number = client.subscribe()
        with client.stream(number) as stream:
            batches = stream.batches_to(199)
            end_backends(postgres_database)
            stream.acknowledge(*batches, batches[0])
            end_backends(postgres_database)
            assert client.subscription(number)["last_processed_block"] == 199


def end_backends(url: str) -> None:
    """
    End every other connection of the database, as a restart of the server does.

    It waits until they are gone: one that is only told to end is still open, and what it is asked meanwhile
    fails, as it should.
    """
    engine = create_engine(url.replace("postgresql", "postgresql+psycopg", 1))
    with engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
            )
        )
    engine.dispose()

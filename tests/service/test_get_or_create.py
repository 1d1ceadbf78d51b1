"""PUT /subscriptions: the same subscriber, event, chain, contracts and blocks are the same subscription."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.abi import extract_abi_event
from event_streamer_service import DevChain, LocalService
from event_streamer_service.store.database import Database
from event_streamer_service.store.migrations import MIGRATIONS
from support.raw_client import RawClient, definition, transfer
from support.services import StartService

ONE = "0xA0b86a33E6417b3c4555ba476F04245600306D5D"
OTHER = "0x" + "ab" * 20
EVENT = "event Transfer(address indexed from, address indexed to, uint256 value)"


RELEASE_BEFORE = (
    "CREATE TABLE event_streamer_settings (name VARCHAR(64) PRIMARY KEY, value VARCHAR NOT NULL)",
    "INSERT INTO event_streamer_settings VALUES ('schema_version', '1')",
    "CREATE TABLE subscriptions (id SERIAL, subscriber_id VARCHAR NOT NULL, chain_id BIGINT NOT NULL, "
    "topic0 VARCHAR(66) NOT NULL, event_signature JSON NOT NULL, addresses JSON NOT NULL, "
    "start_block BIGINT NOT NULL, end_block BIGINT, is_streaming BOOLEAN NOT NULL, position_block BIGINT, "
    "position_log_index BIGINT, position_hash VARCHAR(66), events_delivered BIGINT NOT NULL, "
    "last_event_id VARCHAR, created_at FLOAT NOT NULL, updated_at FLOAT NOT NULL)",
    "CREATE TABLE chains (chain_id BIGINT PRIMARY KEY, config JSON NOT NULL, active BOOLEAN NOT NULL, "
    "created_at FLOAT NOT NULL, updated_at FLOAT NOT NULL)",
    "CREATE TABLE block_headers (chain_id BIGINT, hash VARCHAR(66), number BIGINT NOT NULL, "
    "parent_hash VARCHAR(66) NOT NULL, timestamp BIGINT NOT NULL, PRIMARY KEY (chain_id, hash))",
)
"""The schema of version 1."""


def put(client: RawClient, **changes: Any) -> tuple[int, int]:
    """The status of a get-or-create, and the subscription's id."""
    answer = client.http.put("/subscriptions", json=definition(**changes))
    return answer.status_code, answer.json().get("id")


@pytest.mark.quick
def test_the_same_definition_is_the_same_subscription(client: RawClient) -> None:
    status, number = put(client, addresses=[ONE, OTHER])
    assert status == 201
    assert put(client, addresses=[ONE, OTHER]) == (200, number)
    assert put(client, addresses=[OTHER.upper().replace("0X", "0x"), ONE.lower(), ONE]) == (200, number)
    spelled = transfer()
    spelled["inputs"][2] |= {"type": "uint", "internalType": "uint256"}
    assert put(client, addresses=[ONE, OTHER], event_signature=spelled | {"note": 1}) == (200, number)
    assert client.get("/subscriptions")["total"] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"subscriber_id": "somebody-else"},
        {"addresses": [ONE]},
        {"start_block": 1},
        {"end_block": 99},
        {"event_signature": transfer(nft=True)},
        {"event_signature": transfer() | {"inputs": [each | {"name": "x"} for each in transfer()["inputs"]]}},
    ],
)
def test_whatever_differs_makes_another_one(shared_client: RawClient, changes: dict[str, Any]) -> None:
    _, plain = put(shared_client)
    status, number = put(shared_client, **changes)
    assert status == 201
    assert number != plain
    assert put(shared_client, **changes) == (200, number)


def test_one_that_was_created_otherwise_is_found_the_oldest_first(client: RawClient) -> None:
    first, second = client.subscribe(), client.subscribe()
    assert first != second, "a plain create makes a new one each time"
    assert put(client) == (200, first)
    client.call("DELETE", f"/subscriptions/{first}", 204)
    assert put(client) == (200, second)
    client.call("DELETE", f"/subscriptions/{second}", 204)
    status, third = put(client)
    assert status == 201
    assert third > second


def test_a_subscription_that_is_changed_is_another_one(client: RawClient) -> None:
    _, number = put(client)
    client.call("PUT", f"/subscriptions/{number}", 200, json={"end_block": 7})
    assert put(client, end_block=7) == (200, number)
    status, new = put(client)
    assert status == 201
    assert new != number
    client.call("PUT", f"/subscriptions/{new}", 200, json={"end_block": 7})
    assert put(client, end_block=7) == (200, number), "of two equal ones the older"


@pytest.mark.parametrize("changes", [{"topic0": "0x12"}, {"subscriber_id": None}, {"chain_id": 5}])
def test_it_refuses_what_a_plain_create_refuses(shared_client: RawClient, changes: dict[str, Any]) -> None:
    assert put(shared_client, **changes)[0] == 422


def test_a_full_subscriber_still_gets_what_it_has(start: StartService) -> None:
    service = start(DevChain(blocks=3), max_subscriptions=1)
    with RawClient(service.url) as client:
        _, number = put(client)
        assert put(client) == (200, number)
        assert put(client, start_block=1)[0] == 429


def test_its_progress_comes_with_it(client: RawClient) -> None:
    _, number = put(client, end_block=20)
    with client.stream(number) as stream:
        stream.acknowledge(*stream.batches_to_end())
    again = client.call("PUT", "/subscriptions", 200, json=definition(end_block=20))
    assert again["last_processed_block"] == 20
    assert again["streaming_status"] == "finished"


@pytest.fixture
def two_services(request: pytest.FixtureRequest, database: str) -> Iterator[list[LocalService]]:
    """Two services on one PostgreSQL; SQLite has one, whose requests come at once all the same."""
    count = 2 if database.startswith("postgresql") else 1
    options = {"database": database, "replicas": count > 1}
    services = [LocalService(DevChain(blocks=3), **options) for _ in range(count)]
    for service in services:
        service.start()
    yield services
    for service in services:
        service.stop()


def ask_at_once(services: list[LocalService], count: int, **changes: Any) -> list[tuple[int, int]]:
    barrier = threading.Barrier(count)
    answers: list[tuple[int, int]] = []

    def ask(url: str) -> None:
        with RawClient(url) as client:
            client.get("/health")  # the connection is there before the race begins
            barrier.wait(10)
            answers.append(put(client, **changes))

    urls = [services[number % len(services)].url for number in range(count)]
    threads = [threading.Thread(target=ask, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return answers


def test_however_many_ask_at_once_one_is_made(two_services: list[LocalService]) -> None:
    for start_block in range(5):
        answers = ask_at_once(two_services, 8, start_block=start_block)
        assert len({number for _, number in answers}) == 1, answers
        assert sorted(status for status, _ in answers) == [200] * 7 + [201], answers


def test_two_workers_of_one_program_share_a_subscription(service: LocalService) -> None:
    """The guide's example of a lease: each worker runs the same lines."""
    numbers = []
    for _ in range(2):
        with SyncEventStreamer(service.url, "my-app") as client:
            numbers.append(client.subscribe(EVENT, chain_id=31337, start_block=0, end_block=20).id)
    with SyncEventStreamer(service.url, "my-app") as client:
        own = client.subscribe(EVENT, chain_id=31337, start_block=0, end_block=20, new=True).id
    assert numbers[0] == numbers[1]
    assert own not in numbers


def test_a_database_of_the_release_before_is_brought_here(database: str) -> None:
    """Its subscriptions are found by what they ask for, as new ones are."""
    engine = create_engine(database.replace("postgresql", "postgresql+psycopg", 1))
    serial = "INTEGER PRIMARY KEY AUTOINCREMENT" if "sqlite" in database else "BIGSERIAL PRIMARY KEY"
    with engine.begin() as connection:
        for statement in RELEASE_BEFORE:
            connection.execute(text(statement.replace("SERIAL", serial)))
        for event in (extract_abi_event(EVENT, "Transfer").to_dict(), {"type": "event", "name": "no name"}):
            row = definition(event_signature=event)
            connection.execute(
                text(
                    "INSERT INTO subscriptions (subscriber_id, chain_id, topic0, event_signature, addresses, "
                    "start_block, is_streaming, events_delivered, created_at, updated_at) "
                    "VALUES ('tests', 31337, :topic0, :event, '[]', 0, :yes, 0, 1, 1)"
                ),
                {"topic0": row["topic0"], "event": json.dumps(event), "yes": True},
            )
    engine.dispose()
    with LocalService(DevChain(blocks=3), database=database) as service, RawClient(service.url) as client:
        assert put(client) == (200, 1)
        assert client.subscription(2)["event_signature"]["name"] == "no name", "what can't be read is kept"
    again = Database(database)
    assert max(MIGRATIONS) >= 2
    again.close()

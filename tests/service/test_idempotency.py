"""`Idempotency-Key`: a create that is sent again creates nothing again, and is answered as before."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from event_streamer_service import DevChain, LocalService
from event_streamer_service.clock import ManualClock
from event_streamer_service.store import idempotency
from support.raw_client import RawClient, definition
from support.services import StartService

KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"
CHAIN = {"chain_id": 5, "name": "Five", "rpc_urls": ["http://127.0.0.1:1"]}


def post(client: RawClient, path: str, body: object, key: str) -> Any:
    return client.http.post(path, json=body, headers={"Idempotency-Key": key})


def create(client: RawClient, key: str = KEY, **changes: Any) -> Any:
    return post(client, "/subscriptions", definition(**changes), key)


def total(client: RawClient) -> int:
    found: int = client.get("/subscriptions")["total"]
    return found


@pytest.mark.quick
def test_the_same_request_is_answered_as_before_and_nothing_is_made(client: RawClient) -> None:
    first, again = create(client), create(client)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert total(client) == 1
    assert create(client, "another key").json()["id"] != first.json()["id"]
    client.subscribe()  # without a key each is a new one
    assert total(client) == 3


@pytest.mark.quick
def test_another_body_under_the_key_is_refused(client: RawClient) -> None:
    create(client)
    refusal = create(client, end_block=9)
    assert refusal.status_code == 409
    assert refusal.json()["error_code"] == "IDEMPOTENCY_KEY_REUSED"
    assert "used for another request" in refusal.json()["detail"]
    assert post(client, "/api/chains", CHAIN, KEY).status_code == 201, "another call's keys are its own"
    assert total(client) == 1


def test_the_order_of_a_bodys_fields_makes_no_other_body(client: RawClient) -> None:
    first = create(client).json()
    turned = dict(reversed(definition().items()))
    assert post(client, "/subscriptions", turned, KEY).json() == first


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ('"a"', "a", True),
        (r'"a\"b\\c"', 'a"b\\c', True),
        ('""', '"', False),
        ("x" * 255, '"' + "x" * 253 + '"', False),
    ],
)
def test_a_key_may_be_written_in_quotes(
    shared_client: RawClient, one: str, other: str, is_same: bool
) -> None:
    """As the draft has it (a string of RFC 9651), or without, as most clients do."""
    first, second = create(shared_client, one), create(shared_client, other)
    assert (first.json()["id"] == second.json()["id"]) is is_same


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ä".encode()])
def test_what_is_not_a_key_is_refused(shared_client: RawClient, key: Any) -> None:
    before = total(shared_client)
    refusal = create(shared_client, key)
    assert refusal.status_code == 422
    assert "Idempotency-Key must be" in refusal.json()["detail"]
    twice = shared_client.http.post(
        "/subscriptions", json=definition(), headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    )
    assert twice.status_code == 422
    assert total(shared_client) == before


def test_subscribers_have_keys_of_their_own(start: StartService) -> None:
    keys = {"a-key-that-is-alices": "alice", "a-key-that-belongs-to-bob": "bob"}
    service = start(DevChain(blocks=3), api_keys=keys)
    made = []
    for key, name in keys.items():
        with RawClient(service.url, key=key) as client:
            made.append(create(client, subscriber_id=name))
            assert total(client) == 1
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json()["id"] != made[1].json()["id"]


@pytest.mark.quick
def test_what_failed_may_be_tried_again_under_the_key(start: StartService) -> None:
    service = start(DevChain(blocks=3), max_subscriptions=1)
    with RawClient(service.url) as client:
        full = client.subscribe()
        assert create(client).status_code == 429
        assert create(client, topic0="0x12").status_code == 422
        client.call("DELETE", f"/subscriptions/{full}", 204)
        first = create(client)
        assert first.status_code == 201
        assert create(client).json() == first.json(), "a full subscriber still gets its answer"


def test_the_answer_outlives_the_service(database: str) -> None:
    answers = []
    for _ in range(2):
        with LocalService(DevChain(blocks=3), database=database) as service, RawClient(service.url) as client:
            answers.append(create(client))
            assert total(client) == 1
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"


def test_keys_are_forgotten_after_a_day(start: StartService) -> None:
    clock = ManualClock()
    service = start(DevChain(blocks=3), clock=clock)
    with RawClient(service.url) as client:
        first = create(client).json()["id"]
        clock.advance(idempotency.LIFETIME - 1)
        assert create(client).json()["id"] == first
        clock.advance(2)
        second = create(client, end_block=3).json()["id"]
        assert second != first
        assert create(client, end_block=3).json()["id"] == second


def test_a_subscribers_oldest_keys_make_room(start: StartService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "MOST_OF_ONE_OWNER", 3)
    clock = ManualClock()
    service = start(DevChain(blocks=3), clock=clock)
    with RawClient(service.url) as client:
        create(client, "theirs", subscriber_id="other")
        numbers = []
        for key in "abcd":
            clock.advance(1)
            numbers.append(create(client, key).json()["id"])
        assert [create(client, key).json()["id"] for key in "bcd"] == numbers[1:]
        assert create(client, "a").json()["id"] not in numbers
        theirs = create(client, "theirs", subscriber_id="other")
        assert theirs.headers["idempotent-replayed"] == "true", "others' keys don't count"


@pytest.fixture
def two_services(database: str) -> Iterator[list[LocalService]]:
    """Two replicas on one PostgreSQL; SQLite has one service, whose requests come at once all the same."""
    count = 2 if database.startswith("postgresql") else 1
    services = [LocalService(DevChain(blocks=3), database=database, replicas=count > 1) for _ in range(count)]
    for service in services:
        service.start()
    yield services
    for service in services:
        service.stop()


def test_of_many_at_once_one_creates_and_all_get_its_answer(two_services: list[LocalService]) -> None:
    barrier = threading.Barrier(8)
    answers: list[Any] = []

    def ask(url: str) -> None:
        with RawClient(url) as client:
            client.get("/health")  # the connection is there before the race begins
            for key in "abc":
                barrier.wait(10)
                answers.append((key, create(client, key)))

    urls = [two_services[number % len(two_services)].url for number in range(8)]
    threads = [threading.Thread(target=ask, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(answers) == 24
    for key in "abc":
        mine = [answer for name, answer in answers if name == key]
        assert {answer.status_code for answer in mine} == {201}
        assert len({answer.text for answer in mine}) == 1
        assert sum("idempotent-replayed" in answer.headers for answer in mine) == 7
    with RawClient(urls[0]) as client:
        assert total(client) == 3


def test_a_chain_is_added_once(client: RawClient) -> None:
    first, again = (post(client, "/api/chains", CHAIN, KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert post(client, "/api/chains", CHAIN | {"name": "Cinq"}, KEY).json()["error_code"] == (
        "IDEMPOTENCY_KEY_REUSED"
    )
    assert post(client, "/api/chains", CHAIN, "another").json()["error_code"] == "CHAIN_EXISTS"
    assert client.http.post("/api/chains", json=CHAIN).status_code == 409


def test_health_says_that_keys_are_heeded(shared_client: RawClient) -> None:
    assert "idempotency-key" in shared_client.get("/health")["features"]

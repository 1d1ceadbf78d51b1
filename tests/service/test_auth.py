"""API keys: without one nothing goes, and with one only what is one's own exists."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from event_streamer_service import DevChain, LocalService
from support.raw_client import RawClient, definition
from support.services import StartService

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"alice-key": "alice", "bob-key": "bob"}
ADMIN = "admin-key"
OPEN = {("GET", "/health"), ("GET", "/ready")}
NODE = {"chain_id": 137, "name": "Polygon", "rpc_urls": ["http://127.0.0.1:9"]}


def documented_calls() -> list[tuple[str, str]]:
    """Every call of the specification, and those beside it."""
    spec = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
    methods = {"get", "post", "put", "delete", "patch"}
    calls = [
        (method.upper(), path) for path, item in spec["paths"].items() for method in item if method in methods
    ]
    beside = [
        ("GET", "/metrics"),
        ("GET", "/admin/faults"),
        ("POST", "/admin/faults"),
        ("DELETE", "/admin/faults"),
    ]
    return [*calls, *beside, ("GET", "/admin/journal"), ("DELETE", "/admin/journal"), ("GET", "/ready")]


CALLS = documented_calls()
# What a call of another subscriber's thing is answered with; what is not here belongs to all.
THEIRS: dict[tuple[str, str], int] = {
    ("POST", "/subscriptions"): 403,
    ("PUT", "/subscriptions"): 403,
    ("GET", "/subscriptions"): 403,
    ("GET", "/subscriptions/{subscription_id}"): 404,
    ("PUT", "/subscriptions/{subscription_id}"): 404,
    ("DELETE", "/subscriptions/{subscription_id}"): 404,
    ("GET", "/subscriptions/{subscription_id}/stream"): 404,
    ("GET", "/subscriptions/{subscription_id}/watch"): 404,
    ("POST", "/subscriptions/{subscription_id}/stream/{connection_id}/ack/batch"): 404,
    ("POST", "/subscriptions/{subscription_id}/stream/{connection_id}/ack/batch/bulk"): 404,
    ("POST", "/stream/{connection_id}/heartbeat"): 404,
    ("GET", "/subscriptions/{subscription_id}/processing-status"): 404,
    ("GET", "/subscriptions/{subscription_id}/last-processed-block"): 404,
}
SHARED_READS = {
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/api/circuit-breakers/status"),
    ("GET", "/api/circuit-breakers/health"),
    ("GET", "/api/circuit-breakers/config"),
    ("GET", "/api/circuit-breakers/{name}/metrics"),
    ("GET", "/api/chains"),
    ("GET", "/api/chains/stats"),
    ("GET", "/api/chains/{chain_id}/blocks/{block_number}"),
    ("GET", "/api/chains/{chain_id}"),
    ("GET", "/api/overview"),
    ("GET", "/api/activity"),
    ("POST", "/api/abi/events"),
}


@pytest.fixture
def guarded(start: StartService, chain: DevChain) -> LocalService:
    return start(chain, api_keys=KEYS, admin_keys=[ADMIN], private_nodes=True)


@pytest.fixture
def alice(guarded: LocalService) -> Iterator[RawClient]:
    with RawClient(guarded.url, key="alice-key") as client:
        yield client


@pytest.fixture
def bob(guarded: LocalService) -> Iterator[RawClient]:
    with RawClient(guarded.url, key="bob-key") as client:
        yield client


def request_for(method: str, path: str, number: int, connection_id: str, batch_id: str) -> dict[str, Any]:
    """A request that is right in all but the key, with its body."""
    bodies: dict[str, Any] = {
        "/subscriptions": definition(subscriber_id="alice"),
        "/subscriptions/{subscription_id}": {"end_block": 99},
        "/ack/batch": {"batch_id": batch_id},
        "/ack/batch/bulk": {"batch_ids": [batch_id], "connection_id": connection_id},
        "/heartbeat": {"timestamp": "2024-05-23T10:30:00Z"},
        "/api/chains": NODE,
        "/api/chains/{chain_id}": NODE | {"chain_id": 31_337},
        "/admin/faults": {"kind": "drop"},
        "/api/abi/events": {"source": "event Moved(uint256 id)"},
    }
    longest = max((end for end in bodies if path.endswith(end)), key=len, default=None)
    filled = path.format(
        subscription_id=number,
        connection_id=connection_id,
        name="development_rpc",
        chain_id=31_337,
        block_number=0,
    )
    options: dict[str, Any] = {"method": method, "url": filled}
    if method in {"POST", "PUT"} and longest is not None:
        options["json"] = bodies[longest]
    if (method, path) == ("GET", "/subscriptions"):
        options["params"] = {"subscriber_id": "alice"}
    return options


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_call_without_a_key_and_with_a_wrong_one(guarded: LocalService, method: str, path: str) -> None:
    with RawClient(guarded.url) as client:
        options = request_for(method, path, 1, "conn_x", "batch_x")
        for headers in ({}, {"x-api-key": "wrong"}, {"authorization": "Basic YWxpY2U6"}, {"x-api-key": ""}):
            response = client.http.request(**options, headers=headers)
            if (method, path) in OPEN:
                assert response.status_code == 200
            else:
                assert response.status_code == 401, response.text
                assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_call_as_another_subscriber(alice: RawClient, bob: RawClient, method: str, path: str) -> None:
    number = alice.subscribe(subscriber_id="alice")
    with alice.stream(number) as stream:
        batch = stream.next("event_batch")
        before = alice.subscription(number)
        options = request_for(method, path, number, stream.connection_id, batch["batch_id"])
        response = bob.http.request(**options)
        expected = THEIRS.get((method, path)) or (200 if (method, path) in SHARED_READS else 403)
        assert response.status_code == expected, response.text
        assert alice.subscription(number) == before, "nothing of hers has changed"
        assert "alice" not in response.text.replace("alice-key", "") or expected != 404
        # She herself may do all that is not an admin's.
        mine = alice.http.stream(**options)
        with mine as response:
            assert (response.status_code in {200, 201, 204}) is (expected != 403 or (method, path) in THEIRS)


def test_a_key_speaks_for_its_subscriber(alice: RawClient, bob: RawClient) -> None:
    body = definition()
    del body["subscriber_id"]
    made = alice.post("/subscriptions", body, 201)
    assert made["subscriber_id"] == "alice"
    assert alice.get("/subscriptions")["total"] == 1
    assert bob.get("/subscriptions")["total"] == 0
    alice.get(f"/subscriptions/{made['id']}", 403, params={"subscriber_id": "bob"})
    alice.call("PUT", f"/subscriptions/{made['id']}", 403, json={"subscriber_id": "bob"})


def test_a_bearer_token_is_a_key_too(guarded: LocalService) -> None:
    with RawClient(guarded.url) as client:
        assert client.get("/subscriptions", headers={"authorization": "Bearer alice-key"})["total"] == 0
        assert client.get("/subscriptions", headers={"authorization": "bearer  admin-key"})["total"] == 0


def test_an_admin_sees_all_and_may_change_what_is_shared(guarded: LocalService, alice: RawClient) -> None:
    number = alice.subscribe(subscriber_id="alice")
    with RawClient(guarded.url, key=ADMIN) as admin:
        assert admin.subscription(number)["subscriber_id"] == "alice"
        admin.post("/api/chains", NODE, 201)
        admin.post("/api/circuit-breakers/reset")
        admin.call("DELETE", "/api/chains/137", 200)
        moved = admin.call("PUT", f"/subscriptions/{number}", 200, json={"subscriber_id": "bob"})
        assert moved["subscriber_id"] == "bob"
    alice.get(f"/subscriptions/{number}", 404)


def test_a_token_of_somebody_else_opens_nothing(alice: RawClient, bob: RawClient) -> None:
    hers, his = alice.subscribe(subscriber_id="alice"), bob.subscribe(subscriber_id="bob")
    with alice.stream(hers) as stream:
        token = stream.next("event_batch")["resume_token"]
    bob.get(f"/subscriptions/{hers}/stream", 404, params={"resume_token": token})
    bob.get(f"/subscriptions/{his}/stream", 410, params={"resume_token": token})


def test_nobody_can_try_many_keys(start: StartService, chain: DevChain) -> None:
    service = start(chain, api_keys=KEYS, requests_per_second=0.01)
    with RawClient(service.url) as client, RawClient(service.url, key="bob-key") as bob:
        statuses = [
            client.http.get("/subscriptions", headers={"x-api-key": str(n)}).status_code for n in range(4)
        ]
        assert statuses == [401, 429, 429, 429]
        bob.get("/subscriptions")


def test_the_rate_of_one_is_not_that_of_another(start: StartService, chain: DevChain) -> None:
    service = start(chain, api_keys=KEYS, requests_per_second=0.01)
    with RawClient(service.url, key="alice-key") as alice, RawClient(service.url, key="bob-key") as bob:
        statuses = [alice.http.get("/api/chains").status_code for _ in range(3)]
        assert statuses == [200, 429, 429]
        bob.get("/api/chains")

"""The calls beside the stream: what they answer, and what they refuse with which status."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from event_streamer_service import ChainConfig, DevChain, LocalService
from support.raw_client import TRANSFER_TOPIC, RawClient, definition, transfer
from support.services import StartService, wait_until

ADDRESS = "0xA0b86a33E6417b3c4555ba476F04245600306D5D"
JSON = {"content-type": "application/json"}
NODE: dict[str, Any] = {"chain_id": 137, "name": "Polygon", "rpc_urls": ["http://127.0.0.1:9/secret-key"]}


@pytest.mark.quick
def test_a_subscription_lives_and_dies(client: RawClient) -> None:
    made = client.post("/subscriptions", definition(addresses=[ADDRESS], end_block=7), 201)
    assert made["addresses"] == [ADDRESS], "given back as it was given"
    assert made["event_signature"] == transfer()
    assert (made["is_streaming"], made["streaming_status"]) == (True, "idle")
    assert (made["events_delivered"], made["resume_token"], made["last_event_id"]) == (0, None, None)
    path = f"/subscriptions/{made['id']}"
    assert client.get(path) == made
    assert client.get(path, params={"subscriber_id": "tests"}) == made
    client.get(path, 404, params={"subscriber_id": "somebody-else"})
    changed = client.call("PUT", path, 200, json={"addresses": []})
    assert changed["addresses"] == []
    assert changed["updated_at"] >= made["updated_at"]
    assert client.call("PUT", path, 200, json={}) == changed
    client.call("DELETE", path, 204)
    assert client.get(path, 404)["error_code"] == "SUBSCRIPTION_NOT_FOUND"
    client.call("DELETE", path, 404)


def test_subscriptions_come_in_pages_of_one_subscriber(client: RawClient) -> None:
    mine = [client.subscribe() for _ in range(5)]
    theirs = client.subscribe(subscriber_id="somebody-else")
    page = client.get("/subscriptions", params={"subscriber_id": "tests", "page": 2, "page_size": 2})
    assert [s["id"] for s in page["subscriptions"]] == mine[2:4]
    assert (page["total"], page["page"], page["page_size"]) == (5, 2, 2)
    assert client.get("/subscriptions")["total"] == 6
    far = client.get("/subscriptions", params={"subscriber_id": "tests", "page": 2**31 - 1})
    assert far["subscriptions"] == []
    theirs_alone = client.get("/subscriptions", params={"subscriber_id": "somebody-else"})
    assert [s["id"] for s in theirs_alone["subscriptions"]] == [theirs]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"topic0": "0x12"}, "topic0"),
        ({"topic0": "0x" + "ab" * 32}, "is not that of event_signature"),
        ({"start_block": -1}, "start_block"),
        ({"start_block": 2**63}, "start_block"),
        ({"start_block": True}, "start_block"),
        ({"start_block": "7"}, "start_block"),
        ({"start_block": 10, "end_block": 9}, "is before start_block"),
        ({"chain_id": 0}, "chain_id"),
        ({"chain_id": 5}, "Chain 5 is not active here; active chains: 31337"),
        ({"addresses": ["0x12"]}, "addresses"),
        ({"addresses": [ADDRESS] * 1001}, "addresses"),
        ({"subscriber_id": None}, "subscriber_id"),
        ({"subscriber_id": ""}, "subscriber_id"),
        ({"event_signature": {"type": "event", "name": ""}}, "name"),
        ({"event_signature": {"type": "function", "name": "f"}}, "type"),
        ({"event_signature": transfer() | {"inputs": [{"type": "uint7"}]}}, "uint7"),
        ({"event_signature": transfer() | {"anonymous": True}}, "anonymous"),
    ],
)
@pytest.mark.parametrize("call", ["create", "update"])
def test_wrong_subscriptions_are_refused_with_a_sentence(
    shared_client: RawClient, changes: dict[str, Any], says: str, call: str
) -> None:
    if call == "create":
        answer = shared_client.post("/subscriptions", definition(**changes), 422)
    elif changes.get("subscriber_id", "") is None:
        return  # a change may leave the owner out
    else:
        answer = shared_client.call("PUT", f"/subscriptions/{shared_client.subscribe()}", 422, json=changes)
    assert says in answer["detail"], answer
    assert answer["error_code"] in {"VALIDATION_ERROR", "UNKNOWN_CHAIN"}


def test_a_status_that_only_the_service_can_set_is_refused(shared_client: RawClient) -> None:
    answer = shared_client.call(
        "PUT", f"/subscriptions/{shared_client.subscribe()}", 422, json={"streaming_status": "finished"}
    )
    assert "'active' or 'paused'" in answer["detail"]


def test_missing_fields_are_refused(shared_client: RawClient) -> None:
    for name in ("topic0", "event_signature", "start_block", "chain_id", "subscriber_id"):
        body = definition()
        del body[name]
        assert name in shared_client.post("/subscriptions", body, 422)["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": NaN}', b'{"a"'])
def test_what_is_no_json_is_refused(shared_client: RawClient, body: bytes) -> None:
    answer = shared_client.call("POST", "/subscriptions", 400, content=body, headers=JSON)
    assert "JSON" in answer["detail"]


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"text"'])
def test_json_that_is_no_object_is_refused(shared_client: RawClient, body: bytes) -> None:
    answer = shared_client.call("POST", "/subscriptions", 422, content=body, headers=JSON)
    assert "object" in answer["detail"]


@pytest.mark.parametrize("number", ["0", "-1", "x", "1_0", "\uff19", str(2**53), "1" * 5000, "1.0"])
def test_ids_that_can_not_be_are_refused(shared_client: RawClient, number: str) -> None:
    answer = shared_client.get(f"/subscriptions/{number}", 422)
    assert "subscription_id must be an integer" in answer["detail"]


@pytest.mark.parametrize(
    "params",
    [{"page": "0"}, {"page": "x"}, {"page_size": "1001"}, {"page": ["1", "2"]}, {"subscriber_id": ""}],
)
def test_wrong_queries_are_refused(shared_client: RawClient, params: dict[str, Any]) -> None:
    shared_client.get("/subscriptions", 422, params=params)


def test_client_metadata_must_be_an_object(client: RawClient, service: LocalService) -> None:
    number = client.subscribe()
    for wrong in ("x", "[]", "1", '{"a":'):
        client.get(f"/subscriptions/{number}/stream", 422, headers={"x-client-metadata": wrong})
    with client.stream(number, **{"x-client-metadata": '{"version":"1.0.0"}'}):
        pass
    assert service.journal.entries("connect")[0].detail["metadata"] == {"version": "1.0.0"}


def test_unknown_paths_and_methods_have_the_same_form(shared_client: RawClient) -> None:
    answer = shared_client.get("/nowhere", 404)
    assert answer.keys() == {"error", "detail", "error_code", "status", "timestamp", "request_id"}
    response = shared_client.http.request("PATCH", "/subscriptions")
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "POST", "PUT"}
    assert shared_client.http.head("/health").status_code == 200
    assert shared_client.http.head(f"/subscriptions/{shared_client.subscribe()}/stream").status_code == 405


def test_every_answer_names_its_request(shared_client: RawClient) -> None:
    answer = shared_client.http.get("/subscriptions/987654")
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    given = shared_client.http.get("/health", headers={"x-request-id": "mine-1"})
    assert given.headers["x-request-id"] == "mine-1"
    odd = shared_client.http.get("/health", headers={"x-request-id": "no good\tid"})
    assert odd.headers["x-request-id"].startswith("req_")


def test_large_bodies_are_refused_before_they_are_read(start: StartService, chain: DevChain) -> None:
    service = start(chain, max_body_bytes=2000)
    with RawClient(service.url) as client:
        answer = client.call("POST", "/subscriptions", 413, content=b" " * 2001, headers=JSON)
        assert "2000" in answer["detail"]
        chunks = iter([b" " * 1000] * 3)
        client.call("POST", "/subscriptions", 413, content=chunks, headers=JSON)
        client.subscribe()


def test_limits_of_number_and_rate(start: StartService, chain: DevChain) -> None:
    service = start(chain, max_streams=1, max_subscriptions=2, max_addresses=1)
    with RawClient(service.url) as client:
        assert "1 are" in client.post("/subscriptions", definition(addresses=[ADDRESS] * 2), 422)["detail"]
        number = client.subscribe()
        client.subscribe()
        client.subscribe(subscriber_id="somebody-else")
        assert client.post("/subscriptions", definition(), 429)["error_code"] == "RATE_LIMITED"
        with client.stream(number):
            refused = client.http.get(f"/subscriptions/{number}/stream")
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    slow = LocalService(DevChain(chain_id=2, blocks=2), requests_per_second=0.01)
    with slow as service, RawClient(service.url) as client:
        client.get("/api/chains")
        refused = client.http.get("/api/chains")
        assert refused.status_code == 429
        assert 1 < int(refused.headers["retry-after"]) <= 100
        client.get("/health")


# --- chains and circuit breakers ----------------------------------------------------------------


def test_chains_are_configured_by_calls(client: RawClient, service: LocalService) -> None:
    (embedded,) = client.get("/api/chains")["chains"]
    assert embedded["chain_id"] == 31_337
    made = client.post("/api/chains", NODE | {"confirmation_blocks": 10}, 201)
    assert made["rpc_urls"] == ["http://127.0.0.1:9/…"], "what may be a secret is masked"
    assert (made["status"], made["confirmation_blocks"]) == ("active", 10)
    assert client.post("/api/chains", NODE, 409)["error_code"] == "CHAIN_EXISTS"
    stats = client.get("/api/chains/stats")
    assert (stats["total_chains"], stats["active_chains"], stats["supported_chain_ids"]) == (
        2,
        2,
        [137, 31_337],
    )
    changed = client.call(
        "PUT", "/api/chains/137", 200, json=NODE | {"name": "Other", "rpc_urls": made["rpc_urls"]}
    )
    assert service.service.registry.find(137)[0].rpc_urls == tuple(NODE["rpc_urls"]), "unmasked again"
    assert changed["name"] == "Other"
    assert client.get("/api/chains/137")["name"] == "Other"
    assert client.call("DELETE", "/api/chains/137", 200)["status"] == "inactive"
    assert client.get("/api/chains/137")["status"] == "inactive"
    assert [c["chain_id"] for c in client.get("/api/chains")["chains"]] == [31_337]
    assert "Chain 137 is not active" in client.post("/subscriptions", definition(chain_id=137), 422)["detail"]
    client.post("/api/chains", NODE, 201)
    assert client.post("/api/chains/refresh")["message"] == "2 active chains read from the database."


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"chain_id": 5, "name": "x"}, "rpc_urls"),
        ({"chain_id": 5, "name": "x", "rpc_urls": ["ftp://x"]}, "rpc_urls"),
        ({"chain_id": 5, "name": "x", "rpc_urls": ["embedded:nothing"]}, "no source"),
        ({"chain_id": 5, "name": "", "rpc_urls": ["http://x"]}, "name"),
        ({"chain_id": 5, "name": " ", "rpc_urls": ["http://x"]}, "name"),
        ({"chain_id": 5, "name": "x", "rpc_urls": ["http://x"], "confirmation_blocks": -1}, "confirmation"),
        ({"name": "x", "rpc_urls": ["http://x"]}, "chain_id"),
    ],
)
def test_wrong_chains_are_refused(shared_client: RawClient, body: dict[str, Any], says: str) -> None:
    assert says in shared_client.post("/api/chains", body, 422)["detail"]
    shared_client.call("PUT", "/api/chains/31337", 422, json=body)
    assert shared_client.get("/api/chains/stats")["total_chains"] == 1
    shared_client.get("/api/chains/5", 404)
    shared_client.call("PUT", "/api/chains/5", 404, json=NODE | {"chain_id": 5})
    shared_client.call("DELETE", "/api/chains/5", 404)


def test_an_embedded_chain_is_changed_in_place(client: RawClient, chain: DevChain) -> None:
    number = client.subscribe(start_block=190)
    before = client.get("/api/chains/31337")
    body = {"chain_id": 31_337, "name": "Held back", "rpc_urls": before["rpc_urls"], "confirmation_blocks": 5}
    with client.stream(number) as stream:
        events = stream.events_to(199)
        client.call("PUT", "/api/chains/31337", 200, json=body)
        chain.mine(7)
        more = stream.events_to(201)
        assert max(event["block_number"] for event in more) <= 201
    assert len(events) > len(more) > 0
    with client.stream(number) as stream:
        client.call("DELETE", "/api/chains/31337", 200)
        batches = [message for message in stream.messages() if message["type"] == "error"]
        assert batches[-1]["error_code"] == "PROCESSING_STOPPED"
    assert client.get(f"/subscriptions/{number}/stream", 409)["error_code"] == "PROCESSING_STOPPED"


def test_a_block_is_told_with_its_time(client: RawClient, chain: DevChain) -> None:
    head = chain.head_number
    block = asyncio.run(chain.block(head))
    assert block is not None
    told = client.get(f"/api/chains/31337/blocks/{head}")
    assert (told["chain_id"], told["number"], told["hash"]) == (31_337, head, block.hash)
    assert datetime.fromisoformat(told["timestamp"]).timestamp() == block.timestamp
    assert client.get(f"/api/chains/31337/blocks/{head + 1}", 404)["error_code"] == "BLOCK_NOT_FOUND"
    assert client.get("/api/chains/5/blocks/0", 404)["error_code"] == "CHAIN_NOT_FOUND"
    client.get("/api/chains/31337/blocks/-1", 422)
    client.get("/api/chains/31337/blocks/latest", 422)
    client.call("DELETE", "/api/chains/31337", 200)
    assert "is not active" in client.get("/api/chains/31337/blocks/0", 404)["detail"]


def test_configured_chains_survive_a_restart(start: StartService, chain: DevChain, database: str) -> None:
    service = start(chain, database=database)
    with RawClient(service.url) as client:
        client.post("/api/chains", NODE, 201)
        client.post("/api/chains", NODE | {"chain_id": 138, "name": "Gone"}, 201)
        client.call("DELETE", "/api/chains/138", 200)
        service.restart()
        assert client.get("/api/chains/137")["name"] == "Polygon"
        assert client.get("/api/chains/138")["status"] == "inactive"
        assert client.get("/api/chains/stats")["active_chains"] == 2


def test_chains_of_the_start_come_and_go_with_it(start: StartService, sqlite_database: str) -> None:
    node = ChainConfig(chain_id=137, name="Of the start", rpc_urls=["http://127.0.0.1:9/a"])
    service = start(chains=[node], database=sqlite_database)
    with RawClient(service.url) as client:
        assert client.get("/api/chains/137")["name"] == "Of the start"
        client.call("PUT", "/api/chains/137", 200, json=NODE | {"name": "Of a call"})
        service.restart()
        assert client.get("/api/chains/137")["name"] == "Of the start"
    with RawClient(start(DevChain(blocks=2), database=sqlite_database).url) as client:
        assert client.get("/api/chains/137")["name"] == "Of a call"
        client.call("DELETE", "/api/chains/31337", 200)
        client.call("DELETE", "/api/chains/31337", 200)
        assert client.get("/api/chains/31337")["status"] == "inactive"


def test_circuit_breakers_tell_the_truth(start: StartService, chain: DevChain) -> None:
    service = start(chain)
    with RawClient(service.url) as client:
        client.post("/api/chains", NODE | {"live_retry_delay": 0, "live_max_retries": 20}, 201)
        number = client.subscribe(chain_id=137)
        with client.stream(number):
            wait_until(lambda: client.http.get("/ready").status_code == 503)
            wait_until(lambda: client.get("/api/circuit-breakers/status")["summary"]["open"] == 1)
            assert client.get("/ready", 503)["checks"]["chain_137"] != "ok"
        metrics = client.get("/api/circuit-breakers/polygon_rpc/metrics")
        assert metrics["failure_count"] >= 1
        assert metrics["success_rate"] == 0
        assert metrics["failure_rate"] == 1
        assert metrics["last_failure_time"].endswith("Z")
        status = client.get("/api/circuit-breakers/status")
        assert status["circuit_breakers"]["polygon_rpc"]["state"] == "open"
        assert status["rpc_clients"]["137"]["polygon_rpc"]["is_healthy"] is False
        assert status["summary"]["open"] == 1
        health = client.get("/api/circuit-breakers/health")
        assert (health["healthy_rpcs"], health["total_rpcs"]) == (1, 2)
        assert health["unhealthy_chains"] == [137]
        assert client.get("/api/chains/stats")["healthy_rpcs"] == 1
        assert client.post("/api/circuit-breakers/polygon_rpc/reset")["reset_count"] == 1
        assert client.get("/api/circuit-breakers/health")["unhealthy_chains"] == []
        assert client.post("/api/circuit-breakers/reset")["reset_count"] == 2
        assert client.get("/api/circuit-breakers/config")["failure_threshold"] >= 1
        answer = client.get("/api/circuit-breakers/nobody/metrics", 404)
        assert "polygon_rpc" in answer["detail"]
        client.post("/api/circuit-breakers/nobody/reset", status=404)


def test_a_stream_waits_for_a_chain_that_does_not_answer(start: StartService, chain: DevChain) -> None:
    service = start(chain)
    with RawClient(service.url) as client:
        client.post("/api/chains", NODE | {"live_max_retries": 0, "live_retry_delay": 0}, 201)
        number = client.subscribe(chain_id=137, topic0=TRANSFER_TOPIC)
        with client.stream(number) as stream:
            error = stream.next("error")
            assert error["recoverable"] is True
            assert error["error_code"] in {"STREAM_ERROR", "CIRCUIT_BREAKER_OPEN"}
            assert "secret-key" not in error["error_message"]
            status = client.get(f"/subscriptions/{number}/processing-status")
            assert status["connection_count"] == 1


def test_health_and_readiness(client: RawClient, service: LocalService) -> None:
    assert client.get("/health")["status"] == "healthy"
    ready = client.get("/ready")
    assert ready["checks"] == {"database": "ok", "chain_31337": "ok"}


def test_a_broken_database_is_told_and_survived(start: StartService, chain: DevChain, tmp_path: Path) -> None:
    file = tmp_path / "service.db"
    service = start(chain, database=f"sqlite:///{file}")
    with RawClient(service.url) as client, closing(sqlite3.connect(file)) as behind_its_back:
        client.subscribe()
        behind_its_back.execute("ALTER TABLE subscriptions RENAME TO lost")
        refused = client.http.get("/subscriptions")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "5"
        assert "lost" not in refused.text
        behind_its_back.execute("ALTER TABLE lost RENAME TO subscriptions")
        assert client.get("/subscriptions")["total"] == 1


def test_the_answers_are_those_of_http(shared_client: RawClient) -> None:
    response = shared_client.http.get("/subscriptions/987654")
    assert response.headers["content-type"] == "application/json"
    with httpx.Client(base_url=str(shared_client.http.base_url)) as plain:
        assert plain.get("/health").json()["status"] == "healthy"

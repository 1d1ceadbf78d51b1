"""Fault injection: each fault looks on the wire as it says, and strikes as often as it was told."""

import json
import time
from typing import Any

import httpx
import pytest

from event_streamer_service import DevChain, LocalService
from event_streamer_service.testing.faults import KINDS, Fault, Faults
from support.raw_client import RawClient, RawStream, events_of, places
from support.services import StartService, expected_transfers, wait_until


@pytest.fixture
def service(start: StartService, chain: DevChain) -> LocalService:
    return start(chain, max_batch_events=10, heartbeat_interval=0.2)


def read_all(stream: RawStream) -> tuple[list[bytes], Exception | None]:
    """Every line until the response ends or breaks, and what broke it."""
    lines: list[bytes] = []
    try:
        lines.extend(line for line in stream.raw() if b'"heartbeat"' not in line)
    except (httpx.HTTPError, AssertionError) as problem:
        return lines, problem
    return lines, None


@pytest.mark.parametrize("kind", ["drop", "end", "reset"])
def test_streams_that_break_off_go_on_with_the_last_token(
    client: RawClient, service: LocalService, chain: DevChain, kind: str
) -> None:
    number = client.subscribe(end_block=20)
    service.faults.add(kind, after=3, subscription_id=number)
    with client.stream(number) as stream:
        lines, problem = read_all(stream)
    batches = [json.loads(line) for line in lines]
    assert len(batches) == 3
    if kind == "end":
        assert problem is None
    elif kind == "drop":
        assert isinstance(problem, httpx.RemoteProtocolError)
    else:
        assert isinstance(problem, httpx.ReadError)
    assert service.faults.pending() == []
    with client.stream(number, batches[-1]["resume_token"]) as stream:
        batches += stream.batches_to_end()
    assert places(events_of(batches)) == expected_transfers(chain, 0, 20)
    wait_until(lambda: len(service.journal.entries("disconnect")) == 2)
    assert service.journal.entries("disconnect")[0].detail["reason"] == f"fault_{kind}"


def test_lines_that_cannot_be_read(client: RawClient, service: LocalService) -> None:
    number = client.subscribe(end_block=20)
    service.faults.add("truncate", after=1)
    service.faults.add("corrupt", after=2)
    service.faults.add("duplicate", after=3)
    with client.stream(number) as stream:
        lines, problem = read_all(stream)
    assert problem is None
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[1])
    with pytest.raises(UnicodeDecodeError):
        lines[2].decode()
    assert lines[3] == lines[4]
    assert json.loads(lines[-1])["type"] == "end"


def test_bytes_that_dribble(client: RawClient, service: LocalService) -> None:
    number = client.subscribe(end_block=0)
    service.faults.add("slow", bytes_per_second=5000)
    with client.stream(number) as stream:
        before = time.monotonic()
        (batch,) = stream.batches_to_end()
        assert time.monotonic() - before > 0.2
    assert batch["batch_size"] > 0


def test_slow_without_a_speed_takes_seconds_and_not_minutes(client: RawClient, service: LocalService) -> None:
    number = client.subscribe(end_block=150)
    service.faults.add("slow")
    with client.stream(number) as stream:
        before = time.monotonic()
        batches = stream.batches_to_end()
        assert 1.5 < time.monotonic() - before < 10
    assert max(len(json.dumps(batch)) for batch in batches) > 5_000  # at 100 bytes a second: most of a minute


def test_requests_that_are_refused(client: RawClient, service: LocalService) -> None:
    number = client.subscribe()
    service.faults.add("status", status=429, retry_after="3", path="/stream", times=2, after=1)
    service.faults.add("status", status=503, subscription_id=number, path="processing-status")
    with client.stream(number):
        pass
    for _ in range(2):
        refused = client.http.get(f"/subscriptions/{number}/stream")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "3")
    client.get(f"/subscriptions/{number}/processing-status", 503)
    client.get(f"/subscriptions/{number}/processing-status")
    with client.stream(number):
        pass


def test_tokens_that_expire_and_heartbeats_that_stay_away(client: RawClient, service: LocalService) -> None:
    number = client.subscribe(start_block=200)
    service.faults.add("expired_token")
    service.faults.add("mute", times=None)
    with client.stream(number) as stream:
        service.chain.mine()
        token = stream.next("event_batch")["resume_token"]
        wait_until(lambda: len(service.journal.entries("fault")) >= 3)
        assert service.journal.entries("heartbeat_sent") == []
    answer = client.get(f"/subscriptions/{number}/stream", 410, params={"resume_token": token})
    assert answer["error_code"] == "RESUME_TOKEN_EXPIRED"
    with client.stream(number, token):
        pass


def test_faults_and_the_journal_over_http(client: RawClient, service: LocalService, chain: DevChain) -> None:
    number = client.subscribe()
    made = client.post("/admin/faults", {"kind": "drop", "after": 2, "subscription_id": number}, 201)
    assert client.get("/admin/faults")["faults"] == [made]
    client.call("DELETE", f"/admin/faults/{made['id']}", 204)
    client.call("DELETE", f"/admin/faults/{made['id']}", 404)
    client.post("/admin/faults", {"kind": "mute"}, 201)
    client.call("DELETE", "/admin/faults", 204)
    assert client.get("/admin/faults")["faults"] == []
    for wrong in (
        {},
        {"kind": "nothing"},
        {"kind": 7},
        {"kind": "drop", "x": 1},
        {"kind": "drop", "after": -1},
    ):
        client.post("/admin/faults", wrong, 422)
    with client.stream(number) as stream:
        batches = stream.batches_to(199)
        stream.acknowledge(batches[0])
        reorg = client.post("/admin/faults", {"kind": "reorg", "depth": 2}, 201)
        assert reorg["common_ancestor"] == stream.next("reorg")["common_ancestor"] == 197
    client.post("/admin/faults", {"kind": "reorg", "depth": 5000}, 422)
    client.post("/admin/faults", {"kind": "reorg", "depth": 500}, 422)
    client.post("/admin/faults", {"kind": "reorg", "chain_id": 7}, 409)
    entries = client.get("/admin/journal", params={"kind": "acknowledge"})["entries"]
    assert [entry["detail"]["batch_id"] for entry in entries] == [batches[0]["batch_id"]]
    assert service.journal.acknowledged(number) == [batches[0]["batch_id"]]
    assert service.journal.tokens(number) == [None]
    after = entries[0]["number"]
    assert all(e["number"] > after for e in client.get("/admin/journal", params={"after": after})["entries"])
    client.call("DELETE", "/admin/journal", 204)
    assert client.get("/admin/journal", params={"kind": "acknowledge"})["entries"] == []


def test_without_testing_there_are_no_such_calls(start: StartService, chain: DevChain) -> None:
    service = start(chain, testing=False)
    service.faults.add("status")
    with RawClient(service.url) as client:
        client.get("/health")
        client.get("/admin/faults", 404)
        client.get("/admin/journal", 404)


def test_ids_and_times_are_the_same_on_every_run(start: StartService) -> None:
    def run() -> list[bytes]:
        from event_streamer_service import ManualClock

        # Each run begins with an empty database.
        service = start(DevChain(blocks=50), seed=7, clock=ManualClock(), database="sqlite://")
        with RawClient(service.url) as client:
            number = client.subscribe(end_block=49)
            with client.stream(number) as stream:
                return list(stream.raw())

    assert run() == run()


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_strikes_as_told(kind: str) -> None:
    faults = Faults()
    faults.add(kind, after=2, times=3)
    strike: dict[str, Any] = {
        "batch": lambda: faults.on_batch(1),
        "request": lambda: faults.on_request("/x"),
        "token": lambda: faults.on_token(1),
        "heartbeat": lambda: faults.on_heartbeat(1),
    }
    assert [bool(strike[KINDS[kind]]()) for _ in range(7)] == [False] * 2 + [True] * 3 + [False] * 2
    assert faults.pending() == []


@pytest.mark.parametrize(
    "options", [{"kind": "x"}, {"after": -1}, {"times": 0}, {"status": 200}, {"bytes_per_second": 0}]
)
def test_faults_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="fault"):
        Fault(**{"kind": "drop"} | options)

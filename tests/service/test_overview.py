"""What the page asks for: the overview, figures over time, events of an ABI, streams only looked at."""

import json
from array import array
from typing import Any

import pytest

from event_streamer_service import ChainConfig, DevChain, LocalService
from event_streamer_service.activity import FINE_STEP, Activity
from event_streamer_service.notices import Notices
from support.raw_client import TRANSFER_TOPIC, RawClient, RawStream, definition, events_of
from support.services import StartService, expected_transfers, wait_until

ALICE, BOB, ADMIN = "alice-key", "bob-key", "admin-key"
DEAD_NODE = ChainConfig(
    chain_id=137,
    name="Polygon",
    rpc_urls=["http://127.0.0.1:9/secret"],
    live_retry_delay=0,
    live_reconnect_delay=0,
)


def watch(client: RawClient, number: int, **params: Any) -> Any:
    return client.http.stream("GET", f"/subscriptions/{number}/watch", params=params)


def take_look(service: LocalService) -> None:
    """Let the service look at its streams now, as it does every few seconds; the clock is the loop's own."""
    service.service.activity._looked_at = service.service.activity._looked_at or 0.0
    service.service.activity.look((service.service.activity._looked_at or 0.0) + FINE_STEP)


# --- watching -------------------------------------------------------------------------------------


@pytest.mark.quick
def test_a_watcher_sees_the_newest_blocks_and_what_comes(service: LocalService, client: RawClient) -> None:
    number = client.subscribe()
    with watch(client, number, last_blocks=10) as response:
        stream = RawStream(client, number, response)
        head = service.chain.head_number
        events = events_of(stream.batches_to(head))
        found = [(event["block_number"], event["log_index"]) for event in events]
        assert found == expected_transfers(service.chain, head - 9, head)
        service.chain.mine()
        assert stream.next("event_batch")["last_block"] == head + 1
        service.chain.reorg(1)
        assert stream.next("reorg")["common_ancestor"] == head


@pytest.mark.quick
def test_a_watcher_takes_no_part(service: LocalService, client: RawClient) -> None:
    number = client.subscribe()
    before = client.subscription(number)
    with watch(client, number) as response:
        stream = RawStream(client, number, response)
        batch = stream.next("event_batch")
        assert batch["resume_token"] == ""
        path = f"/subscriptions/{number}/stream/{stream.connection_id}/ack/batch"
        client.post(path, {"batch_id": batch["batch_id"]}, 404)
        client.post(f"/stream/{stream.connection_id}/heartbeat", {"timestamp": "2024-05-23T10:30:00Z"}, 404)
        assert client.get(f"/subscriptions/{number}/processing-status")["is_processing"] is False
        client.get(f"/subscriptions/{number}/last-processed-block", 404)
        now = client.subscription(number)
        assert now == before
        figures = client.http.get("/metrics").text
        assert 'event_streamer_streams{chain_id="31337"} 1' not in figures
        (shown,) = client.get("/api/overview")["connections"]
        assert (shown["watches"], shown["subscription_id"]) == (True, number)
    wait_until(lambda: client.get("/api/overview")["connections"] == [])


def test_a_watcher_is_patient_where_a_client_would_be_given_up(start: StartService, chain: DevChain) -> None:
    service = start(chain, client_timeout=0.3, heartbeat_interval=0.2)
    with RawClient(service.url) as client:
        number = client.subscribe()
        with watch(client, number, last_blocks=0) as response:
            stream = RawStream(client, number, response)
            for _ in range(4):
                stream.next("heartbeat")


def test_a_finished_or_paused_subscription_can_be_watched(service: LocalService, client: RawClient) -> None:
    number = client.subscribe(end_block=50)
    with client.stream(number) as stream:
        stream.acknowledge(*stream.batches_to_end())
    with watch(client, number, last_blocks=5) as response:
        events = events_of(RawStream(client, number, response).batches_to_end())
    assert {event["block_number"] for event in events} <= set(range(46, 51))
    assert events
    paused = client.subscribe(start_block=1)
    client.call("PUT", f"/subscriptions/{paused}", 200, json={"is_streaming": False})
    with watch(client, paused) as response:
        RawStream(client, paused, response).next("event_batch")


def test_a_watcher_ends_with_its_subscription(service: LocalService, client: RawClient) -> None:
    number = client.subscribe()
    with watch(client, number, last_blocks=0) as response:
        client.call("DELETE", f"/subscriptions/{number}", 204)
        assert RawStream(client, number, response).next("error")["error_code"] == "SUBSCRIPTION_NOT_FOUND"


def test_watchers_are_limited(start: StartService, chain: DevChain) -> None:
    service = start(chain, max_watchers=1)
    with RawClient(service.url) as client:
        number = client.subscribe()
        with watch(client, number):
            client.get(f"/subscriptions/{number}/watch", 429)
        wait_until(lambda: client.get("/api/overview")["connections"] == [])
        with watch(client, number) as response:
            assert response.status_code == 200


@pytest.mark.parametrize("value", ["-1", "1001", "x", ""])
def test_the_number_of_blocks_is_checked(client: RawClient, value: str) -> None:
    client.get(f"/subscriptions/{client.subscribe()}/watch", 422, params={"last_blocks": value})


# --- the overview ---------------------------------------------------------------------------------


def test_the_overview_tells_pace_lag_and_connections(start: StartService, chain: DevChain) -> None:
    service = start(chain, max_batch_events=50)
    with RawClient(service.url) as client:
        number = client.subscribe()
        with client.stream(number, **{"x-client-metadata": '{"name":"wallet","version":"2.1"}'}) as stream:
            batches = stream.batches_to(199)
            take_look(service)
            stream.acknowledge(*batches[:2])
            take_look(service)
            now = client.get("/api/overview")
            (pace,) = now["subscriptions"]
            done = client.subscription(number)["last_processed_block"]
            assert pace["blocks_behind"] == 199 - done
            assert pace["blocks_per_second"] == pytest.approx((done + 1) / FINE_STEP, abs=0.01)
            assert pace["seconds_left"] == pytest.approx(
                pace["blocks_behind"] / pace["blocks_per_second"], rel=0.01
            )
            (connection,) = now["connections"]
            assert connection["client"] == "wallet 2.1"
            assert connection["events"] == sum(batch["batch_size"] for batch in batches)
            assert (connection["block"], connection["watches"]) == (199, False)
            (shown,) = now["chains"]
            assert (shown["head_block"], shown["streams"]) == (199, 1)
            chain.reorg(1)
            stream.next("reorg")
            take_look(service)
            now = client.get("/api/overview")
            assert now["chains"][0]["reorgs"] == 1
            assert now["notices"][0]["code"] == "REORG"
            series = client.get("/api/activity", params={"subscription_id": number})
            assert sum(series["events_per_second"]) * FINE_STEP == pytest.approx(
                connection["events"], rel=0.2
            )
            lengths = {len(series[name]) for name in ("timestamps", "events_per_second", "blocks_behind")}
            assert len(lengths) == 1


def test_each_sees_its_own(start: StartService, chain: DevChain) -> None:
    service = start(chain, chains=[DEAD_NODE], api_keys={ALICE: "alice", BOB: "bob"}, admin_keys=[ADMIN])
    with (
        RawClient(service.url, key=ALICE) as alice,
        RawClient(service.url, key=BOB) as bob,
        RawClient(service.url, key=ADMIN) as admin,
    ):
        number = alice.subscribe(chain_id=137, subscriber_id="alice")
        with alice.stream(number) as stream:
            stream.next("error")
            take_look(service)
            shown = {client: client.get("/api/overview") for client in (alice, bob, admin)}
            assert [len(each["connections"]) for each in shown.values()] == [1, 0, 1]
            assert [len(each["subscriptions"]) for each in shown.values()] == [1, 0, 1]
            codes = [{notice["code"] for notice in each["notices"]} for each in shown.values()]
            # Which of the two depends on whether the breaker has opened by then.
            assert codes[0]
            assert codes[0] <= {"STREAM_ERROR", "CIRCUIT_BREAKER_OPEN"}
            assert codes[1] == set()
            assert codes[2] >= codes[0]
            for client in (alice, bob):
                assert "127.0.0.1" not in json.dumps(shown[client], ensure_ascii=False)
                assert shown[client]["caller"]["is_admin"] is False
            assert "127.0.0.1:9/…" in json.dumps(shown[admin], ensure_ascii=False)
            assert "secret" not in json.dumps(shown[admin], ensure_ascii=False)
            bob.get("/api/activity", 404, params={"subscription_id": number})


def test_a_breaker_that_opens_is_told_once() -> None:
    with LocalService(DevChain(blocks=5), chains=[DEAD_NODE]) as service, RawClient(service.url) as client:
        with client.stream(client.subscribe(chain_id=137)) as stream:
            stream.next("error")
            breaker = service.service.chains.breakers["polygon_rpc"]
            wait_until(lambda: breaker.state == "open", seconds=20)
            for _ in range(3):
                take_look(service)
        told = [notice["message"] for notice in client.get("/api/overview")["notices"]]
        assert (
            len([message for message in told if message.startswith("The circuit breaker polygon_rpc")]) == 1
        )


def test_overview_and_figures_keep_their_schemas(client: RawClient) -> None:
    from event_streamer_api.models import ActivityResponse, OverviewResponse

    number = client.subscribe()
    with client.stream(number) as stream:
        stream.next("event_batch")
        overview = OverviewResponse.from_dict(client.get("/api/overview"))
        assert overview.connections[0].subscription_id == number
        assert ActivityResponse.from_dict(client.get("/api/activity")).step == FINE_STEP


def test_hours_are_kept_by_the_minute(service: LocalService) -> None:
    """Six hours of looks, without waiting for them: the clock is the test's."""
    now = 1_000_000.0
    activity = Activity(
        service.service.hub,
        service.service.book,
        service.service.chains,
        notices=Notices(now=lambda: now),
        now=lambda: now,
    )
    from event_streamer_service.activity import Point

    for i in range(6 * 720 + 100):
        now = 1_000_000.0 + 5 * i
        activity._keep(Point(now, 5.0, array("d", [1, 10, 3, 2, 5, float("nan")])))
    fine = activity.series(20, lambda _: True)
    assert len(fine.times) == 240
    assert set(fine.events) == {3.0}
    assert set(fine.behind) == {3.0}
    coarse = activity.series(360, lambda number: number == 2)
    assert len(coarse.times) == 360
    assert coarse.times[-1] - coarse.times[0] == 359 * 60
    assert set(coarse.events) == {1.0}
    assert set(coarse.behind) == {None}


def test_what_happens_again_is_counted() -> None:
    times = [100.0, 101.0, 102.0]
    notices = Notices(now=lambda: times[0])
    for _ in range(3):
        notices.note("A", "the same")
        notices.note("B", "another", owner="alice", shows_nodes=True)
        times.append(times.pop(0))
    assert [(each.code, each.count, each.at) for each in notices.newest_first(None, shows_nodes=True)] == [
        ("B", 3, 102.0),
        ("A", 3, 102.0),
    ]
    assert notices.newest_first("alice", shows_nodes=False) == []
    assert [each.code for each in notices.newest_first("alice", shows_nodes=True)] == ["B"]
    assert notices.newest_first("bob", shows_nodes=True) == []
    for i in range(500):
        notices.note("C", f"number {i}")
    assert len(notices.newest_first(None, shows_nodes=True)) == 200


# --- ABIs -----------------------------------------------------------------------------------------

TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"


@pytest.mark.parametrize(
    "source",
    [
        TRANSFER,
        TRANSFER + ";",
        json.dumps([definition()["event_signature"]]),
        json.dumps({"contractName": "Token", "abi": [definition()["event_signature"]], "bytecode": "0x60"}),
    ],
    ids=["a line", "with a semicolon", "an ABI", "an artifact"],
)
def test_events_are_read_from_what_people_have(client: RawClient, source: str) -> None:
    found = client.post("/api/abi/events", {"source": source})
    (event,) = found["events"]
    assert event["topic0"] == TRANSFER_TOPIC
    assert event["signature"] == "Transfer(address,address,uint256)"
    assert found["left_out"] == []
    body = definition() | {"event_signature": event["event_signature"], "topic0": event["topic0"]}
    client.post("/subscriptions", body, 201)


def test_what_cannot_be_read_is_told(client: RawClient) -> None:
    for source in ("{", "not Solidity at all", "[]", "event ("):
        said = client.post("/api/abi/events", {"source": source}, 422)
        assert said["detail"].startswith("No event can be read: ")
    some = client.post("/api/abi/events", {"source": f"{TRANSFER}\nevent Odd(uint7 x)"})
    assert len(some["events"]) == 1
    assert "uint7" in some["left_out"][0]
    (anonymous,) = client.post("/api/abi/events", {"source": "event Quiet(uint256 x) anonymous"})["events"]
    assert anonymous["topic0"] is None

"""What a stream delivers, and what becomes of acknowledgements: the same on SQLite and on PostgreSQL."""

import threading
import time

import pytest

from event_streamer_service import DevChain, LocalService, ManualClock
from support.raw_client import RawClient, events_of, places
from support.services import StartService, expected_transfers, wait_until


@pytest.mark.quick
def test_history_then_live_without_gap_or_overlap(client: RawClient, chain: DevChain) -> None:
    number = client.subscribe(start_block=17)
    with client.stream(number) as stream:
        events = stream.events_to(199)
        for _ in range(5):
            chain.mine()
            events += stream.events_to(chain.head_number)
    assert places(events) == expected_transfers(chain, 17, 204)


def test_a_batch_says_all_that_the_wire_promises(client: RawClient, service: LocalService) -> None:
    number = client.subscribe()
    with client.stream(number) as stream:
        batch = stream.next("event_batch")
        assert stream.response.headers["content-type"] == "application/x-ndjson"
        assert float(stream.response.headers["x-heartbeat-interval"]) == 30
    assert batch["response_id"] == batch["batch_id"]
    assert batch["subscription_id"] == number
    assert batch["connection_id"] == stream.connection_id
    assert batch["chain_id"] == 31_337
    assert batch["first_block"] == 0
    assert batch["last_block"] <= batch["head_block"] == 199
    assert batch["batch_size"] == len(batch["events"]["Transfer"])
    assert batch["resume_token"].startswith("rt_")
    assert batch["timestamp"].endswith("Z")
    event = batch["events"]["Transfer"][0]
    assert list(event) == [
        "from", "to", "value", "block_number", "transaction_hash", "log_index", "address", "block_hash",
        "timestamp",
    ]  # fmt: skip
    assert event["value"].isdigit()
    assert event["timestamp"] == "2024-01-01T00:00:00.000Z"


def test_unacknowledged_batches_come_again_and_acknowledged_ones_do_not(
    start: StartService, chain: DevChain, database: str
) -> None:
    service = start(chain, database=database, max_batch_events=100)
    with RawClient(service.url) as client:
        number = client.subscribe()
        with client.stream(number) as stream:
            batches = stream.batches_to(199)
            assert len(batches) >= 8
            # The third is missing: the run ends behind the second, whatever else is acknowledged.
            answer = stream.acknowledge(batches[0], batches[1], *batches[3:6])
            assert answer["acknowledged_batches"] == 5
            assert answer["total_events_acknowledged"] == 500
        seen = client.subscription(number)
        assert seen["events_delivered"] == 200
        with client.stream(number) as stream:
            again = stream.events_to(199)
        assert places(again) == places(events_of(batches[2:]))
        # A late acknowledgement of the first connection closes the gap.
        path = f"/subscriptions/{number}/stream/{batches[2]['connection_id']}/ack/batch"
        assert client.post(path, {"batch_id": batches[2]["batch_id"]})["acknowledged"] is True
        assert client.subscription(number)["events_delivered"] == 600
        with client.stream(number) as stream:
            assert places(stream.events_to(199)) == places(events_of(batches[6:]))


def test_a_token_resumes_just_behind_its_batch(start: StartService, chain: DevChain, database: str) -> None:
    service = start(chain, database=database, max_batch_events=7)
    with RawClient(service.url) as client:
        number = client.subscribe(end_block=60)
        with client.stream(number) as stream:
            batches = stream.batches_to_end()
        everything = places(events_of(batches))
        assert everything == expected_transfers(chain, 0, 60)
        for index in (0, 1, len(batches) // 2, len(batches) - 2):
            with client.stream(number, batches[index]["resume_token"]) as stream:
                assert places(events_of(stream.batches_to_end())) == places(events_of(batches[index + 1 :]))
        # Nothing was acknowledged, so without a token everything comes again.
        with client.stream(number) as stream:
            assert places(events_of(stream.batches_to_end())) == everything


def test_acknowledgements_behind_a_token_cover_what_lies_before_it(
    start: StartService, chain: DevChain, database: str
) -> None:
    service = start(chain, database=database, max_batch_events=50)
    with RawClient(service.url) as client:
        number = client.subscribe(end_block=99)
        with client.stream(number) as stream:
            batches = stream.batches_to(99)
        with client.stream(number, batches[3]["resume_token"]) as stream:
            stream.acknowledge(stream.next("event_batch"))
        assert client.subscription(number)["events_delivered"] == 250


@pytest.mark.quick
def test_the_end_block_ends_the_stream_and_then_there_is_nothing(client: RawClient, chain: DevChain) -> None:
    number = client.subscribe(end_block=40)
    with client.stream(number) as stream:
        batches = stream.batches_to(40)
        end = stream.next("end")
        assert end["reason"] == "end_block_reached"
        assert list(stream.messages()) == []
        stream.acknowledge(*batches, batches[0])
    assert client.subscription(number)["streaming_status"] == "finished"
    assert client.subscription(number)["last_processed_block"] == 40
    client.get(f"/subscriptions/{number}/stream", 204)
    client.get(f"/subscriptions/{number}/stream", 204, params={"resume_token": end["resume_token"]})


def test_a_token_of_the_end_finishes_a_subscription_whose_last_acknowledgement_was_lost(
    client: RawClient,
) -> None:
    number = client.subscribe(end_block=40)
    with client.stream(number) as stream:
        batches = stream.batches_to(40)
    assert client.subscription(number)["streaming_status"] != "finished"
    token = {"resume_token": batches[-1]["resume_token"]}
    client.get(f"/subscriptions/{number}/stream", 204, params=token)
    found = client.subscription(number)
    assert (found["streaming_status"], found["last_processed_block"]) == ("finished", 40)
    assert found["events_delivered"] == len(events_of(batches))


def test_an_end_block_ahead_is_waited_for(client: RawClient, chain: DevChain) -> None:
    number = client.subscribe(start_block=198, end_block=201)
    with client.stream(number) as stream:
        events = stream.events_to(199)
        chain.mine(5)
        events += stream.events_to(201)
        stream.next("end")
    assert places(events) == expected_transfers(chain, 198, 201)


def test_blocks_without_events_are_progress_too(client: RawClient, chain: DevChain) -> None:
    nobody = "0x" + "00" * 19 + "01"
    number = client.subscribe(addresses=[nobody], end_block=150)
    with client.stream(number) as stream:
        stream.next("end")
    wait_until(lambda: client.subscription(number)["last_processed_block"] == 150)
    client.get(f"/subscriptions/{number}/stream", 204)


def test_progress_is_told_while_it_happens(client: RawClient, chain: DevChain) -> None:
    number = client.subscribe()
    path = f"/subscriptions/{number}/last-processed-block"
    assert client.get(path, 404)["error_code"] == "NOT_PROCESSING"
    with client.stream(number) as stream:
        batches = stream.batches_to(199)
        assert client.get(path) == {"last_processed_block": None}
        status = client.get(f"/subscriptions/{number}/processing-status")
        assert (status["is_processing"], status["connection_count"]) == (True, 1)
        with client.stream(number):
            status = client.get(f"/subscriptions/{number}/processing-status")
            assert status["connection_count"] == 2
        stream.acknowledge(*batches, batches[0])
        assert client.get(path) == {"last_processed_block": 199}
        assert client.get(path, params={"chain_id": 31_337}) == {"last_processed_block": 199}
        client.get(path, 404, params={"chain_id": 1})
        assert client.subscription(number)["streaming_status"] == "active"
    wait_until(lambda: client.subscription(number)["streaming_status"] == "idle")
    newest = max(places(events_of(batches)))
    assert client.subscription(number)["last_event_id"] == f"{newest[0]}:{newest[1]}"


def test_a_partly_delivered_block_is_not_yet_processed(
    start: StartService, chain: DevChain, database: str
) -> None:
    service = start(chain, database=database, max_batch_events=3)
    with RawClient(service.url) as client:
        number = client.subscribe(start_block=10, end_block=12)
        with client.stream(number) as stream:
            first = stream.next("event_batch")
            stream.acknowledge(first)
        assert first["last_block"] == 10
        assert client.subscription(number)["last_processed_block"] is None
        with client.stream(number) as stream:
            rest = events_of(stream.batches_to_end())
        assert places(events_of([first]) + rest) == expected_transfers(chain, 10, 12)


def test_an_acknowledgement_twice_or_unknown(client: RawClient) -> None:
    number = client.subscribe()
    with client.stream(number) as stream:
        batch = stream.next("event_batch")
        assert stream.acknowledge(batch)["events_acknowledged"] == batch["batch_size"]
        assert stream.acknowledge(batch)["acknowledged"] is True
        assert stream.acknowledge({"batch_id": "batch_of_somebody_else_1"})["acknowledged"] is False
        answer = stream.acknowledge(batch, {"batch_id": batch["batch_id"] + "0"})
        assert answer["failed_batch_ids"] == [batch["batch_id"] + "0"]
        assert answer["acknowledged_batches"] == 1
        path = f"/subscriptions/{number}/stream/conn_unknown/ack/batch"
        assert client.post(path, {"batch_id": "x"}, 404)["error_code"] == "CONNECTION_NOT_FOUND"
        path = f"/subscriptions/{number + 1}/stream/{stream.connection_id}/ack/batch"
        client.post(path, {"batch_id": batch["batch_id"]}, 404)
    assert client.subscription(number)["events_delivered"] == batch["batch_size"]


def test_acknowledgements_from_both_sides_of_a_restart(
    start: StartService, chain: DevChain, database: str
) -> None:
    service = start(chain, database=database, max_batch_events=100)
    with RawClient(service.url) as client:
        number = client.subscribe()
        with client.stream(number) as stream:
            batches = stream.batches_to(199)
            stream.acknowledge(*batches[:2])
            service.restart()
            error = stream.next("error")
            assert (error["error_code"], error["recoverable"]) == ("PROCESSING_STOPPED", True)
            assert list(stream.messages()) == []
        # The connection is unknown after a restart, the token is not.
        path = f"/subscriptions/{number}/stream/{stream.connection_id}/ack/batch"
        client.post(path, {"batch_id": batches[2]["batch_id"]}, 404)
        with client.stream(number) as stream:
            assert places(stream.events_to(199)) == places(events_of(batches[2:]))
        with client.stream(number, batches[4]["resume_token"]) as stream:
            assert places(stream.events_to(199)) == places(events_of(batches[5:]))


@pytest.mark.quick
def test_a_reorg_is_told_and_its_blocks_come_anew(client: RawClient, chain: DevChain) -> None:
    number = client.subscribe(start_block=190)
    with client.stream(number) as stream:
        before = stream.batches_to(199)
        stream.acknowledge(*before, before[0])
        lost = chain.reorg(3)
        reorg = stream.next("reorg")
        after = stream.batches_to(199)
        assert reorg["common_ancestor"] == lost.common_ancestor == 196
        assert [(b["number"], b["hash"]) for b in reorg["removed_blocks"]] == [
            (block.number, block.hash) for block in lost.removed
        ]
        assert places(events_of(after)) == expected_transfers(chain, 197, 199)
        stream.acknowledge(reorg)
        assert client.subscription(number)["last_processed_block"] == 196
        # A token of the lost branch is told about the reorg, too.
        with client.stream(number, before[-1]["resume_token"]) as second:
            assert second.next("reorg")["common_ancestor"] == 196
        stream.acknowledge(*after, after[0])
    assert client.subscription(number)["last_processed_block"] == 199
    with client.stream(number, reorg["resume_token"]) as stream:
        assert places(stream.events_to(199)) == places(events_of(after))


def test_a_reorg_while_the_service_is_down(start: StartService, chain: DevChain, database: str) -> None:
    service = start(chain, database=database)
    with RawClient(service.url) as client:
        number = client.subscribe(start_block=150)
        with client.stream(number) as stream:
            batches = stream.batches_to(199)
            stream.acknowledge(*batches, batches[0])
        service.stop()
        lost = chain.reorg(5)
        service.start()
        with client.stream(number) as stream:
            reorg = stream.next("reorg")
            assert [b["hash"] for b in reorg["removed_blocks"]] == [b.hash for b in lost.removed]
            assert places(stream.events_to(199)) == expected_transfers(chain, 195, 199)


def test_heartbeats_come_and_are_taken(start: StartService, chain: DevChain, database: str) -> None:
    service = start(chain, database=database, heartbeat_interval=0.2)
    with RawClient(service.url) as client:
        number = client.subscribe(start_block=200)
        with client.stream(number) as stream:
            for _ in range(3):
                beat = stream.next("heartbeat")
            assert beat["subscription_id"] == number
            assert beat["connection_id"] == stream.connection_id
            body = {"timestamp": "2024-05-23T10:30:00Z", "sequence_number": 7}
            answer = client.post(f"/stream/{stream.connection_id}/heartbeat", body)
            assert answer["acknowledged"] is True
            assert answer["timestamp"] == answer["server_timestamp"]
        assert service.journal.entries("heartbeat")[0].detail == {"sequence_number": 7}
        client.post("/stream/conn_unknown/heartbeat", body, 404)


def test_a_client_that_falls_silent_is_closed(start: StartService, chain: DevChain, database: str) -> None:
    service = start(chain, database=database, heartbeat_interval=0.2, client_timeout=2)
    with RawClient(service.url) as client:
        number = client.subscribe(start_block=200)
        with client.stream(number) as stream:
            kinds = [message["type"] for message in stream.messages()]
        assert kinds[-1] == "error"
        assert set(kinds[:-1]) == {"heartbeat"}
        # One that gives signs of life is not.
        with client.stream(number) as stream:
            for _ in range(8):
                stream.next("heartbeat")
                body = {"timestamp": "2024-05-23T10:30:00Z"}
                client.post(f"/stream/{stream.connection_id}/heartbeat", body)
    reasons = [entry.detail["reason"] for entry in service.journal.entries("disconnect")]
    assert reasons[0] == "client_silent"


def test_a_token_expires_and_is_bound_to_its_subscription(
    start: StartService, chain: DevChain, database: str
) -> None:
    clock = ManualClock()
    service = start(chain, database=database, clock=clock, token_lifetime=3600)
    with RawClient(service.url) as client:
        number, other = client.subscribe(), client.subscribe()
        with client.stream(number) as stream:
            token = stream.next("event_batch")["resume_token"]
        path = f"/subscriptions/{number}/stream"
        refused = client.get(f"/subscriptions/{other}/stream", 410, params={"resume_token": token})
        assert refused["error_code"] == "INVALID_RESUME_TOKEN"
        for wrong in ("rt_", "rt_x.y", token[:-1], token + "A", "é", token.replace("rt_", "")):
            client.get(path, 410, params={"resume_token": wrong})
        clock.advance(3599)
        with client.stream(number, token):
            pass
        clock.advance(1)
        assert client.get(path, 410, params={"resume_token": token})["error_code"] == "RESUME_TOKEN_EXPIRED"


def test_a_paused_subscription_waits(client: RawClient) -> None:
    number = client.subscribe()
    path = f"/subscriptions/{number}"
    with client.stream(number) as stream:
        stream.batches_to(199)
        paused = client.call("PUT", path, 200, json={"is_streaming": False})
        assert (paused["is_streaming"], paused["streaming_status"]) == (False, "paused")
        assert stream.next("error")["error_code"] == "PROCESSING_STOPPED"
        assert list(stream.messages()) == []
    assert client.get(f"{path}/stream", 409)["error_code"] == "PROCESSING_STOPPED"
    assert client.call("PUT", path, 200, json={"streaming_status": "active"})["is_streaming"] is True
    with client.stream(number) as stream:
        stream.next("event_batch")


def test_a_deleted_subscription_ends_its_streams(client: RawClient) -> None:
    number = client.subscribe()
    with client.stream(number) as stream:
        batches = stream.batches_to(199)
        client.call("DELETE", f"/subscriptions/{number}", 204)
        error = stream.next("error")
        assert (error["error_code"], error["recoverable"]) == ("SUBSCRIPTION_NOT_FOUND", False)
        assert list(stream.messages()) == []
    path = f"/subscriptions/{number}/stream/{stream.connection_id}/ack/batch"
    client.post(path, {"batch_id": batches[0]["batch_id"]}, 404)
    client.get(f"/subscriptions/{number}/stream", 404)
    assert client.subscribe() > number, "ids are not given twice: tokens hold them"


def test_a_change_of_the_start_begins_anew_and_voids_late_acknowledgements(
    client: RawClient, chain: DevChain
) -> None:
    number = client.subscribe()
    with client.stream(number) as stream:
        batches = stream.batches_to(199)
        stream.acknowledge(batches[0])
        changed = client.call("PUT", f"/subscriptions/{number}", 200, json={"start_block": 100})
        assert (changed["events_delivered"], changed["last_processed_block"]) == (0, None)
        assert stream.next("error")["error_code"] == "PROCESSING_STOPPED"
        path = f"/subscriptions/{number}/stream/{stream.connection_id}/ack/batch"
        client.post(path, {"batch_id": batches[1]["batch_id"]}, 404)
    # A client that comes back with its token must not pass over what it is to get anew.
    token = {"resume_token": batches[-1]["resume_token"]}
    assert client.get(f"/subscriptions/{number}/stream", 410, params=token)["error_code"] == (
        "INVALID_RESUME_TOKEN"
    )
    with client.stream(number) as stream:
        assert places(stream.events_to(199)) == expected_transfers(chain, 100, 199)


def test_a_change_of_the_end_goes_on_from_where_it_was(client: RawClient, chain: DevChain) -> None:
    number = client.subscribe(end_block=50)
    with client.stream(number) as stream:
        batches = stream.batches_to(50)
        stream.acknowledge(*batches, batches[0])
    client.get(f"/subscriptions/{number}/stream", 204)
    assert client.call("PUT", f"/subscriptions/{number}", 200, json={"end_block": None})["end_block"] is None
    with client.stream(number) as stream:
        assert places(stream.events_to(199)) == expected_transfers(chain, 51, 199)


def test_a_slow_reader_slows_nobody_and_a_stalled_one_is_cut_off(start: StartService, database: str) -> None:
    chain = DevChain(blocks=3000)
    service = start(chain, database=database, write_timeout=3)
    with RawClient(service.url) as slow, RawClient(service.url) as quick:
        stalled = slow.subscribe()
        with slow.stream(stalled) as stuck:
            stuck.next("event_batch")  # and then it reads no more
            number = quick.subscribe()
            with quick.stream(number) as stream:
                assert places(stream.events_to(2999)) == expected_transfers(chain, 0, 2999)
            wait_until(lambda: len(service.journal.entries("disconnect")) == 2, seconds=20)
    reasons = {entry.detail["reason"] for entry in service.journal.entries("disconnect")}
    assert reasons == {"client_gone", "reader_stalled"}


def test_many_streams_share_the_head(start: StartService, chain: DevChain, database: str) -> None:
    service = start(chain, database=database)
    got: dict[int, list[tuple[int, int]]] = {}

    def follow(number: int) -> None:
        with RawClient(service.url) as client, client.stream(number) as stream:
            got[number] = places(stream.events_to(209))

    with RawClient(service.url) as client:
        numbers = [client.subscribe(start_block=195) for _ in range(20)]
        threads = [threading.Thread(target=follow, args=(number,)) for number in numbers]
        for thread in threads:
            thread.start()
        for _ in range(10):
            chain.mine()
            time.sleep(0.02)
        for thread in threads:
            thread.join(30)
    assert got == dict.fromkeys(numbers, expected_transfers(chain, 195, 209))

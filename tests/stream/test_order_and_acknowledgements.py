"""Rows 26 to 33 and 43 of the fault matrix: order, what is sent twice, and acknowledgements."""

from typing import Any

import attrs
import pytest

from event_streamer_sdk import Reconnect
from event_streamer_sdk._core.stream import commands as do
from event_streamer_sdk._core.stream.commands import Lane
from event_streamer_sdk.exceptions import (
    EventStreamerRateLimitError,
    EventStreamerServerError,
    StreamLineError,
)
from support.listener import KINDS, Listener
from support.stream_server import END, FIRST_BLOCK, Answer, Wire, answers, batch, line, stream_server
from support.virtual import lane_in_virtual_time, lanes_for

ALL = [0, 1, 2, 3, 4]
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def quick_acks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let failed acknowledgements be tried again soon."""
    soon = Reconnect(initial=0.01, maximum=0.05)
    monkeypatch.setattr("event_streamer_sdk._core.stream.acknowledging.ACK_BACKOFF", soon)


@kinds
@pytest.mark.quick
@pytest.mark.parametrize("dedupe", [False, True])
def test_a_batch_comes_twice(kind: str, dedupe: bool) -> None:
    """Row 26 of the fault matrix."""

    def twice(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.pause(0.2)  # so that it is acknowledged once
        wire.batches(1, 1)
        wire.batches(1, 1)
        wire.rest(2)

    with stream_server(twice) as server:
        listener = Listener(kind, server.url, dedupe=dedupe)
        listener.run()
        assert listener.handled == (ALL if dedupe else [0, 1, 1, 1, 2, 3, 4])
        assert sum(ids.count("b1") for ids in server.acks) >= 2
        assert listener.stream.stats.duplicates == (2 if dedupe else 0)
        assert listener.stream.get_current_resume_token() == "t4"


@kinds
def test_events_that_come_again_in_another_batch(kind: str) -> None:
    """Row 26 of the fault matrix."""
    events = [
        {"block_number": FIRST_BLOCK + n, "transaction_hash": f"0x{n:064x}", "log_index": 0} for n in range(2)
    ]

    def regroup(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.send(batch(2, events={"Transfer": events}, batch_size=2))
        wire.rest(3)

    with stream_server(regroup) as server:
        listener = Listener(kind, server.url, dedupe=100)
        listener.run()
        assert listener.handled == [0, 1, 3, 4]
        assert "b2" in server.acked


@kinds
@pytest.mark.quick
def test_blocks_out_of_order(kind: str) -> None:
    """Row 27 of the fault matrix."""
    order = [0, 3, 1, 2, 4]

    def shuffle(wire: Wire) -> None:
        for number in order:
            wire.batches(number, number)
        wire.send(END)
        wire.finish()

    with stream_server(shuffle) as server:
        listener = Listener(kind, server.url)
        listener.run()
        assert listener.handled == order
        assert [(gap.kind, gap.batch_id, gap.from_block, gap.to_block) for gap in listener.gaps] == [
            ("out_of_order", "b1", 101, 103),
            ("out_of_order", "b2", 102, 103),
        ]
        assert server.acked == {f"b{number}" for number in ALL}


@kinds
@pytest.mark.quick
def test_unknown_types_and_fields(kind: str) -> None:
    """Row 28 of the fault matrix."""
    news = {"type": "news", "headline": "hello", "nested": {"deep": [1]}}

    def send(wire: Wire) -> None:
        wire.send(line(news))
        wire.send(line({"no": "type at all"}))
        wire.rest()

    batches = []
    with stream_server(send) as server:
        server.batch = lambda number: batch(number, colour="blue", huge=2**200)
        listener = Listener(kind, server.url)
        listener.handler = lambda number: batches.append(listener.stream.current_batch)
        listener.run()
        assert listener.unknown == [news, {"no": "type at all"}]
        assert listener.stream.stats.unknown == 2
        assert listener.handled == ALL
        assert batches[0].message["colour"] == "blue"
        assert batches[0].message["huge"] == 2**200


@kinds
@pytest.mark.parametrize("policy", ["stop", "skip", "dead_letter"])
def test_batch_size_lies(kind: str, policy: Any, tmp_path) -> None:
    """Row 29 of the fault matrix."""

    def lie(wire: Wire) -> None:
        wire.batches(wire.position, 1)
        wire.send(batch(2, batch_size=17))
        wire.rest(3)

    with stream_server(lie, lie) as server:
        letters = tmp_path / "dead.jsonl"
        listener = Listener(kind, server.url, on_handler_error=policy, dead_letter=letters)
        if policy == "stop":
            with pytest.raises(StreamLineError, match=r"batch_size 17 and holds 1"):
                listener.run()
            assert listener.handled == [0, 1]
            assert listener.stream.get_current_resume_token() == "t1"
        else:
            listener.run()
            assert listener.handled == [0, 1, 3, 4]
            # What the first connection delivered may have lost its acknowledgement: the token covers it.
            assert {"b2", "b3", "b4"} <= server.acked
        assert server.tokens == [None, "t1"]
        assert ("b2" in letters.read_text()) if policy == "dead_letter" else not letters.exists()


@kinds
def test_the_ack_endpoint_is_down(kind: str) -> None:
    """Row 30 of the fault matrix."""
    with stream_server(size=200) as server:
        server.always_ack = Answer(503, {"error": "down"})
        listener = Listener(kind, server.url, stop_timeout=0.5)
        listener.run()
        assert listener.handled == list(range(200))
        assert listener.stream.get_current_resume_token() == "t199"
        assert server.acked == set()
        assert len(server.acks) <= 6


def test_five_minutes_without_the_ack_endpoint() -> None:
    """Row 30 in virtual time: requests are few, memory is bounded, and it is reported once."""
    lanes, clock = lanes_for(ack_buffer=1000, ack_chunk=100)
    session, acks = lanes.session, lanes.acks
    session.link.opened("c1", 30.0)
    reports: list[Any] = []
    session.registry.add_notice("error", lambda notice: None)
    requests = 0
    number = 0

    def answer(command: Any) -> Any:
        nonlocal requests
        assert isinstance(command, do.Acknowledge)
        requests += 1
        assert len(command.batch_ids) <= 100
        return do.Failed(EventStreamerServerError("down", status_code=503))

    def pass_time() -> None:
        nonlocal number
        for _ in range(100):  # a hundred batches each time that somebody looks
            acks.add(f"b{number}")
            number += 1

    lane_in_virtual_time(lanes.steps(Lane.ACKNOWLEDGE), clock, answer, until=300.0, meanwhile=pass_time)
    reports = [notice for kind, notice in session.notices.waiting if kind == "error"]
    assert requests < 30
    assert len(acks) <= 1000
    assert session.counters.ack_failures == number - len(acks)
    assert [report.error_code for report in reports] == ["ACKNOWLEDGEMENT_FAILED"]


def test_acknowledgements_wait_as_long_as_retry_after_says() -> None:
    """In virtual time: the back-off alone would ask a service under load again after 1 s."""
    lanes, clock = lanes_for(batch_ack_interval=0.0)
    lanes.session.link.opened("c1", 30.0)
    lanes.acks.add("b0")
    asked_at: list[float] = []

    def answer(command: Any) -> Any:
        asked_at.append(clock.now)
        if len(asked_at) < 3:
            return do.Failed(
                EventStreamerRateLimitError(
                    "busy", status_code=429, retry_after=[40.0, 500.0][len(asked_at) - 1]
                )
            )
        return do.Acknowledged()

    lane_in_virtual_time(lanes.steps(Lane.ACKNOWLEDGE), clock, answer, until=400.0)
    first, second, third = asked_at
    assert 40 <= second - first <= 50  # with some jitter above it
    assert 120 <= third - second <= 150  # the longest that is obeyed, as for a connect


@kinds
@pytest.mark.usefixtures("quick_acks")
def test_some_ids_fail_and_one_for_ever(kind: str) -> None:
    """Row 31 of the fault matrix."""
    seen: dict[str, int] = {}

    def refuse(ids: list[str]) -> set[str]:
        refused = set()
        for batch_id in ids:
            seen[batch_id] = seen.get(batch_id, 0) + 1
            if batch_id == "b1" or (batch_id in ("b2", "b3") and seen[batch_id] < 3):
                refused.add(batch_id)
        return refused

    def slowly(wire: Wire) -> None:
        wire.batches(0, 4)
        wire.pause(1.0)
        wire.send(END)
        wire.finish()

    with stream_server(slowly) as server:
        server.refused_acks = refuse
        listener = Listener(kind, server.url)
        listener.run()
        assert server.acked == {"b0", "b2", "b3", "b4"}
        assert seen["b1"] == 5
        assert listener.stream.stats.ack_failures == 1
        assert listener.stream.stats.acks == 4
        assert [(error.error_code, "b1" in error.error_message) for error in listener.errors] == [
            ("ACKNOWLEDGEMENT_FAILED", True)
        ]


@kinds
@pytest.mark.quick
def test_the_connection_is_gone(kind: str) -> None:
    """Row 32 of the fault matrix."""

    def wait(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.vanish()

    with stream_server(wait) as server:
        # The text says nothing of what the status says: the status decides.
        server.ack_answers.append(Answer(404, {"error": "Kein Anschluss"}))
        listener = Listener(kind, server.url)
        listener.run()
        assert listener.reconnects == {"connection gone": 1}
        assert server.tokens == [None, "t1"]
        assert listener.handled == ALL


@kinds
def test_a_text_decides_nothing(kind: str) -> None:
    """Row 32 of the fault matrix."""

    def wait(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.pause(0.3)
        wire.rest(2)

    with stream_server(wait) as server:
        server.ack_answers.append(Answer(503, {"error": "connection not found, does not exist, 404"}))
        listener = Listener(kind, server.url)
        listener.run()
        assert listener.reconnects == {}
        assert listener.handled == ALL


@kinds
@pytest.mark.usefixtures("quick_acks")
def test_the_answer_to_an_ack_is_lost(kind: str) -> None:
    """Row 33 of the fault matrix."""

    def wait(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.pause(0.4)
        wire.rest(2)

    with stream_server(wait) as server:
        server.ack_answers.extend([Answer(0, drop=True)] * 2)
        listener = Listener(kind, server.url)
        listener.run()
        assert server.acked == {f"b{number}" for number in ALL}
        assert sum("b0" in ids for ids in server.acks) >= 2
        assert listener.reconnects == {}
        assert listener.handled == ALL
        assert listener.stream.stats.acks == 5


@kinds
@pytest.mark.quick
def test_a_server_that_lags_behind_the_token(kind: str) -> None:
    """Row 43 of the fault matrix."""
    committed: list[str | None] = []

    def lag(wire: Wire) -> None:
        assert wire.token == "t3"
        wire.rest(1)

    with stream_server(lag) as server:
        listener = Listener(kind, server.url, resume_token=None)
        from event_streamer_sdk.checkpoints import MemoryCheckpoint

        store = MemoryCheckpoint()
        store.save("tester:1", store_at("t3", 103))
        listener.options["checkpoint"] = store
        listener.handler = lambda number: committed.append(listener.stream.get_current_resume_token())
        listener.run()
        assert listener.handled == [1, 2, 3, 4]  # at least once
        assert committed == ["t3", "t3", "t3", "t3"]
        assert listener.stream.get_current_resume_token() == "t4"
        assert server.acked == {"b1", "b2", "b3", "b4"}


@kinds
def test_a_server_that_does_not_know_the_token_yet(kind: str) -> None:
    """Row 43 of the fault matrix."""
    with stream_server(answers(409), answers(503), answers(409)) as server:
        listener = Listener(kind, server.url, resume_token="t2")
        listener.run()
        assert server.tokens == ["t2"] * 4
        assert listener.handled == [3, 4]
        assert len(listener.delays) == 3


def store_at(token: str, block: int) -> Any:
    from event_streamer_sdk.checkpoints import Checkpoint

    return Checkpoint(resume_token=token, block=block)


def test_the_lanes_wake_up() -> None:
    """A committed batch wakes the lane that acknowledges."""
    lanes, _ = lanes_for()
    lanes.acks.add("b0")
    wake, break_off = lanes.session.effects.take()
    assert Lane.ACKNOWLEDGE in wake
    assert not break_off
    assert attrs.asdict(lanes.session.report())["acks"] == 0

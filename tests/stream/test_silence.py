"""Nothing goes wrong in silence: names nobody hears, logs nobody can decode, errors in the background."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import exceptions
from event_streamer_sdk.exceptions import EventStreamerValidationError
from support.listener import KINDS, Listener, both, until
from support.stream_server import Answer, Wire, line, stay, stream_server

ALL = [0, 1, 2, 3, 4]
kinds = pytest.mark.parametrize("kind", KINDS)


def subscription(name: str, **fields: Any) -> Answer:
    """A subscription to an event of that name."""
    return Answer(
        200,
        {
            "id": 1,
            "topic0": "0x" + "ab" * 32,
            "event_signature": {"type": "event", "name": name, "inputs": []},
            "addresses": [],
            "start_block": 0,
            "chain_id": 1,
            "subscriber_id": "tester",
            **fields,
        },
    )


# --- names --------------------------------------------------------------------------------------


@kinds
@pytest.mark.quick
def test_a_name_that_the_subscription_does_not_have_is_refused(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        with pytest.raises(EventStreamerValidationError, match=r"'Transfers': .*'Transfer' .* typo"):
            await call(stream.wait())
        assert stream.report.reason == "refused"

    with stream_server(stay) as server:
        server.subscription = subscription("Transfers")
        listener = Listener(kind, server.url)
        both(kind, listener, scenario)
        assert listener.handled == []
        assert server.acked == set()
        assert listener.stream.get_current_resume_token() is None


@kinds
@pytest.mark.quick
def test_events_that_nobody_hears_are_not_acknowledged(kind: str) -> None:
    async def scenario(_: Any, call: Any) -> None:
        stream = listener.stream.event_streamer.create_streaming_client(1, batch_ack_interval=0.01)
        stream.on_reorg(lambda reorg: None)
        with pytest.raises(
            EventStreamerValidationError, match=r"subscription 1 has no handler .* on_event\(\)"
        ):
            await call(stream.run())
        assert server.requests == []
        await call(stream.start_streaming())
        with pytest.raises(
            EventStreamerValidationError, match=r"subscription 1 has no handler .* on_event\(\)"
        ):
            await call(stream.wait())
        assert stream.report.reason == "refused"
        assert stream.get_current_resume_token() is None
        assert server.acked == set()
        stream.on_all_events(lambda events: None)  # passed over on purpose
        await call(stream.start_streaming())
        assert (await call(stream.wait())).events == len(ALL)

    with stream_server() as server:
        listener = Listener(kind, server.url)
        both(kind, listener, scenario)


@kinds
def test_a_second_name_is_warned_of_where_the_first_one_is_right(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        stream.on_event("Approval")(lambda events: None)
        await call(stream.start_streaming())
        await call(stream.wait())
        await call(stream.start_streaming())
        await call(stream.wait())

    with stream_server() as server:
        server.subscription = subscription("Transfer")
        listener = Listener(kind, server.url)
        both(kind, listener, scenario)
        assert listener.handled == ALL
        asked = [request.path for request in server.requests if request.path == "/subscriptions/1"]
        assert len(asked) == 1  # and not again for the second run
    assert caplog.text.count("a handler of 'Approval' will never be called") == 1


@kinds
def test_whoever_hears_all_events_needs_no_name(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        stream.on_all_events(lambda events: heard.append(events))
        await call(stream.start_streaming())
        await call(stream.wait())

    heard: list[Any] = []
    with stream_server() as server:
        server.subscription = subscription("Other")
        both(kind, Listener(kind, server.url), scenario)
        assert len(heard) == 5


@kinds
@pytest.mark.parametrize("answer", [None, Answer(500, {}), Answer(200, {"id": 1})], ids=["404", "500", "odd"])
def test_a_service_that_does_not_tell_the_name_streams_all_the_same(kind: str, answer: Any) -> None:
    with stream_server() as server:
        server.subscription = answer
        listener = Listener(kind, server.url)
        listener.run()
        assert listener.handled == ALL


# --- the service's troubles ---------------------------------------------------------------------


@kinds
def test_logs_that_cannot_be_decoded_are_told_and_the_stream_goes_on(kind: str) -> None:
    def troubled(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.send(
            line(
                {
                    "type": "error",
                    "connection_id": "c0",
                    "subscription_id": 1,
                    "error_code": "LOGS_NOT_DECODED",
                    "error_message": "120 logs don't fit the event: is `indexed` missing?",
                    "timestamp": "2024-05-23T10:30:00.000Z",
                    "recoverable": True,
                }
            )
        )
        wire.rest(2)

    with stream_server(troubled) as server:
        listener = Listener(kind, server.url)
        listener.run()
        assert listener.handled == ALL
        assert [(error.error_code, error.recoverable) for error in listener.errors] == [
            ("LOGS_NOT_DECODED", True)
        ]


# --- errors in the background -------------------------------------------------------------------


@kinds
@pytest.mark.quick
def test_stop_streaming_raises_what_ended_the_stream_once(kind: str) -> None:
    def fail(number: int) -> None:
        raise RuntimeError("the handler is broken")

    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: not stream.is_running)
        await call(stream.disconnect())  # may stand in a `finally`: it raises nothing
        with pytest.raises(RuntimeError, match="the handler is broken"):
            await call(stream.stop_streaming())
        await call(stream.stop_streaming())
        with pytest.raises(RuntimeError, match="the handler is broken"):
            await call(stream.wait())
        await call(stream.start_streaming())
        with pytest.raises(RuntimeError, match="the handler is broken"):
            await call(stream.wait())
        await call(stream.stop_streaming())  # told already

    with stream_server() as server:
        listener = Listener(kind, server.url, handler=fail, handler_retries=0)
        both(kind, listener, scenario)


@kinds
@pytest.mark.parametrize(("before", "warnings"), [(1_200, 1), (0, 0)])
def test_a_store_without_a_position_of_a_subscription_that_was_read_before_is_warned_of(
    kind: str, before: int, warnings: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.run())
        assert "1,200" in caplog.text or not warnings
        (tmp_path / "place.json").unlink(missing_ok=True)
        await call(stream.run())  # the client itself knows its place

    with stream_server() as server:
        server.subscription = subscription("Transfer", events_delivered=before)
        listener = Listener(kind, server.url, checkpoint=str(tmp_path / "place.json"))
        both(kind, listener, scenario)
        assert listener.handled == ALL
    told = [record for record in caplog.records if "no position is stored here" in record.message]
    assert len(told) == warnings
    assert all("1,200 events were delivered before" in record.message for record in told)


PROGRAM = """
import asyncio, sys, time
from event_streamer_sdk import EventStreamer, SyncEventStreamer


def handle(events):
    raise KeyError("frm")


async def run():
    async with EventStreamer(sys.argv[2], "me") as client:
        stream = client.create_streaming_client(1, handler_retries=0)
        stream.on_event("Transfer")(handle)
        await stream.start_streaming()
        while stream.is_running:
            await asyncio.sleep(0.01)


if sys.argv[1] == "async":
    asyncio.run(run())
else:
    with SyncEventStreamer(sys.argv[2], "me") as client:
        stream = client.create_streaming_client(1, handler_retries=0)
        stream.on_event("Transfer")(handle)
        stream.start_streaming()
        while stream.is_running:
            time.sleep(0.01)
"""


@kinds
def test_a_program_that_asks_for_nothing_is_told_on_standard_error(kind: str) -> None:
    with stream_server() as server:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, kind, server.url], capture_output=True, text=True, timeout=30
        )
    assert done.returncode == 0
    assert done.stdout == ""
    assert "the stream ended (handler_failed): KeyError: 'frm'" in done.stderr
    assert 'raise KeyError("frm")' in done.stderr or "in handle" in done.stderr  # and where


@kinds
def test_what_run_raises_is_not_logged_as_well(kind: str) -> None:
    waiting = "stream.start_streaming()\n        while stream.is_running:\n            "
    program = PROGRAM.replace(f"{waiting}await asyncio.sleep(0.01)", "stream.run()")
    program = program.replace(f"{waiting}time.sleep(0.01)", "stream.run()")
    assert program.count(".run()") == 2
    with stream_server() as server:
        done = subprocess.run(
            [sys.executable, "-c", program, kind, server.url], capture_output=True, text=True, timeout=30
        )
    assert done.returncode == 1
    assert done.stderr.count("KeyError: 'frm'") == 1, done.stderr
    assert "raised by the handler" in done.stderr  # its note says for which batch


@kinds
@pytest.mark.parametrize("way", ["run", "loop"])
def test_a_stream_that_ends_before_its_first_batch_tells_its_error_once(
    kind: str, way: str, tmp_path: Path
) -> None:
    place = tmp_path / "place.json"
    place.write_text('{"key": "other:1", "resume_token": "t", "saved_at": "2026-01-01T00:00:00+00:00"}')
    waits = "await " if kind == "async" else ""
    ways = {"run": f"{waits}stream.run()", "loop": f"{'async ' if waits else ''}for batch in stream: pass"}
    waiting = f"{waits}stream.start_streaming()\n        while stream.is_running:\n            "
    program = PROGRAM.replace(
        waiting + ("await asyncio.sleep(0.01)" if waits else "time.sleep(0.01)"), ways[way]
    )
    program = program.replace("handler_retries=0", f"checkpoint={str(place)!r}")
    assert ways[way] in program
    with stream_server() as server:
        done = subprocess.run(
            [sys.executable, "-c", program, kind, server.url], capture_output=True, text=True, timeout=30
        )
    assert done.returncode == 1
    assert done.stderr.count("holds the position of") == 1, done.stderr


# --- errors that travel -------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(exceptions.__all__) - {"RequestDetails"}))
def test_every_error_can_be_sent_to_another_process(name: str) -> None:
    kind = getattr(exceptions, name)
    fields = {"StreamEndedError": {"error_code": "GONE"}, "LeaseLostError": {}}
    error = kind("what went wrong", **fields.get(name, {}))
    error.add_note("a note")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__

"""How batches flow through both clients, what holds them back, and what is refused."""

import asyncio
import functools
import threading
import time
from typing import Any

import pytest

from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk._core.stream.handlers import NOTICES
from event_streamer_sdk.exceptions import (
    EventStreamerConnectionError,
    EventStreamerSDKError,
    EventStreamerValidationError,
)
from support.listener import KINDS, Listener, both, until
from support.services import wait_until
from support.stream_server import END, FIRST_BLOCK, Wire, answers, batch, line, stay_silent, stream_server

ALL = [0, 1, 2, 3, 4]
kinds = pytest.mark.parametrize("kind", KINDS)


# --- flow, order, held back ---------------------------------------------------------------------


@kinds
def test_a_slow_handler_makes_the_service_wait(kind: str) -> None:
    sent: list[int] = []

    def flood(wire: Wire) -> None:
        for number in range(1000):
            wire.send(batch(number, padding="x" * 100_000))
            sent.append(number)
        wire.send(END)
        wire.finish()

    gate = threading.Event()

    def slow(number: int) -> Any:
        if number == 0:
            return asyncio.to_thread(gate.wait, 10) if kind == "async" else gate.wait(10)
        return None

    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.attempts == [0])
        await until(lambda: stream.stats.queued_batches >= 10)
        while (before := len(sent)) and not await asyncio.sleep(0.3) and len(sent) > before:
            pass  # until the sockets' buffers are full, too
        stats = stream.stats
        assert stats.queued_batches <= 20
        assert stats.queued_bytes < 3_000_000
        assert len(sent) < 1000  # the rest waits in the service
        gate.set()
        await call(stream.wait())

    with stream_server(flood, size=1000) as server:
        listener = Listener(kind, server.url, handler=slow, queue_batches=10)
        both(kind, listener, scenario)
        assert listener.handled == list(range(1000))


@kinds
def test_the_queue_is_bounded_in_bytes_too(kind: str) -> None:
    with stream_server(size=50) as server:
        server.batch = lambda number: batch(number, padding="x" * 50_000)
        listener = Listener(kind, server.url, queue_bytes=100_000)
        listener.run()
        assert listener.handled == list(range(50))


@kinds
def test_events_wait_for_their_confirmations(kind: str) -> None:
    steps: list[list[int]] = []

    def grow(wire: Wire) -> None:
        for number in range(4):
            wire.send(batch(number, head_block=FIRST_BLOCK + number))
            note(deep_enough=number - 1)
        wire.send(line({"type": "heartbeat", "head_block": FIRST_BLOCK + 4}))
        note(deep_enough=3)
        wire.rest(4)

    def note(deep_enough: int) -> None:
        time.sleep(0.1)  # for what comes too early
        wait_until(lambda: len(listener.handled) >= deep_enough)
        steps.append(list(listener.handled))

    with stream_server(grow) as server:
        server.batch = lambda number: batch(number, head_block=FIRST_BLOCK + 20)
        listener = Listener(kind, server.url, confirmations=2)
        listener.run()
        assert steps == [[], [], [0], [0, 1], [0, 1, 2]]
        assert listener.handled == ALL


@kinds
def test_held_back_events_that_a_reorg_removes_are_never_delivered(kind: str) -> None:
    def reorganise(wire: Wire) -> None:
        for number in range(3):
            wire.send(batch(number, head_block=FIRST_BLOCK + number))
        reorg = {"type": "reorg", "batch_id": "r", "resume_token": "t2", "common_ancestor": FIRST_BLOCK + 1}
        wire.send(line({**reorg, "removed_blocks": [{"number": FIRST_BLOCK + 2, "hash": "0x1"}]}))
        wire.rest(3)

    with stream_server(reorganise) as server:
        server.batch = lambda number: batch(number, head_block=FIRST_BLOCK + 20)
        listener = Listener(kind, server.url, confirmations=2)
        listener.run()
        assert listener.handled == [0, 1, 3, 4]
        assert [reorg.common_ancestor for reorg in listener.reorgs] == [FIRST_BLOCK + 1]
        assert {"b0", "b1", "b3", "b4", "r"} <= server.acked


@kinds
def test_a_reorg_is_committed_like_a_batch(kind: str) -> None:
    def reorganise(wire: Wire) -> None:
        wire.batches(0, 2)
        reorg = {"type": "reorg", "batch_id": "r", "resume_token": "t2", "common_ancestor": FIRST_BLOCK}
        wire.send(line({**reorg, "removed_blocks": [{"number": FIRST_BLOCK + 1, "hash": "0x1"}]}))
        wire.batches(1, 2)
        wire.rest(3)

    with stream_server(reorganise) as server:
        listener = Listener(kind, server.url, dedupe=True)
        listener.run()
        # De-duplication forgets the removed blocks: the same transactions were mined again.
        assert listener.handled == [0, 1, 2, 1, 2, 3, 4]
        assert listener.gaps == []
        assert "r" in server.acked


# --- what is refused ----------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"colour": "blue"}, "unknown option colour"),
        ({"heartbeat_interval": 0}, "heartbeat_interval must be above 0"),
        ({"heartbeat_interval": "30"}, "heartbeat_interval must be a number"),
        ({"on_handler_error": "ignore"}, "on_handler_error must be one of"),
        ({"on_handler_error": "dead_letter"}, "needs a place"),
        ({"reconnect": 5}, "reconnect must be"),
        ({"on_token_lost": "ask"}, "on_token_lost must be"),
        ({"checkpoint": 5}, "checkpoint must be a store"),
        ({"dead_letter": 5}, "dead_letter must be a place"),
        ({"client_metadata": {"a": object()}}, "client_metadata can't be written as JSON"),
        ({"batch_ack_interval": -1}, "batch_ack_interval must be 0 or more"),
        ({"resume_token": ""}, "resume_token"),
    ],
)
def test_a_wrong_option_is_told_where_it_is_given(kind: str, options: dict[str, Any], words: str) -> None:
    make = EventStreamer if kind == "async" else SyncEventStreamer
    with pytest.raises(EventStreamerValidationError, match=words):
        make("http://localhost:1", "me").create_streaming_client(1, **options)


def test_a_coroutine_function_is_no_handler_of_the_blocking_client() -> None:
    stream = SyncEventStreamer("http://localhost:1", "me").create_streaming_client(1)

    async def handler(events: Any) -> None:
        """Never called."""

    with pytest.raises(EventStreamerValidationError, match="coroutine function"):
        stream.on_event("Transfer")(handler)


@kinds
@pytest.mark.parametrize("decorator", ["on_event", "on_error", "on_status"])
def test_a_handler_that_does_not_take_one_argument_is_refused(kind: str, decorator: str) -> None:
    """It would be tried again and again with a TypeError, when the first batch is there."""
    make = EventStreamer if kind == "async" else SyncEventStreamer
    stream: Any = make("http://localhost:1", "me").create_streaming_client(1)
    register = stream.on_event("Transfer") if decorator == "on_event" else getattr(stream, decorator)

    def takes_nothing() -> None: ...
    def takes_two(events: Any, more: Any) -> None: ...
    def may_take_two(events: Any, more: Any = None) -> None: ...

    for handler in (takes_nothing, takes_two):
        with pytest.raises(EventStreamerValidationError, match="can't be called with one argument"):
            register(handler)
    for handler in (may_take_two, print, functools.partial(takes_two, more=1), [].append):
        assert register(handler) is handler


@kinds
def test_decorators_give_the_function_back(kind: str) -> None:
    make = EventStreamer if kind == "async" else SyncEventStreamer
    stream: Any = make("http://localhost:1", "me").create_streaming_client(1)

    def handler(argument: Any) -> None:
        """Never called."""

    assert stream.on_event("Transfer")(handler) is handler
    for name in ("all_events", *NOTICES):
        assert getattr(stream, f"on_{name}")(handler) is handler


@kinds
def test_calls_that_need_a_connection_say_so(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        with pytest.raises(EventStreamerConnectionError, match="no open connection"):
            await call(stream.send_heartbeat())
        with pytest.raises(EventStreamerConnectionError, match="no open connection"):
            await call(stream.acknowledge_batch("b0"))
        await call(stream.connect())
        assert (await call(stream.send_heartbeat())).acknowledged
        assert (await call(stream.check_processing_status())).is_processing

    with stream_server(stay_silent) as server:
        both(kind, Listener(kind, server.url), scenario)


@kinds
def test_one_stream_at_a_time(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        with pytest.raises(EventStreamerSDKError, match="is already being streamed by this client"):
            await anext(aiter(stream)) if kind == "async" else next(iter(stream))
        await call(stream.stop_streaming())

    with stream_server(stay_silent) as server:
        both(kind, Listener(kind, server.url), scenario)


@kinds
def test_global_handlers_see_all_events_and_several_may_listen(kind: str) -> None:
    heard: list[str] = []

    async def scenario(stream: Any, call: Any) -> None:
        stream.on_event("Transfer")(lambda events: heard.append("second"))
        stream.on_all_events(lambda events: heard.append(",".join(events)))
        await call(stream.start_streaming())
        await call(stream.wait())

    with stream_server(size=1) as server:
        listener = Listener(kind, server.url)
        both(kind, listener, scenario)
        assert listener.handled == [0]
        assert heard == ["second", "Transfer"]


@kinds
def test_no_token_in_any_log(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    secret = "rt_very-secret"

    def break_off(wire: Wire) -> None:
        wire.send(batch(0, resume_token=secret))
        wire.send(b"{ not json, with " + secret.encode() + b"\n")
        wire.vanish()

    def end(wire: Wire) -> None:
        wire.send(batch(1), END)
        wire.finish()

    caplog.set_level("DEBUG")
    with stream_server(break_off, answers(503), end) as server:
        listener = Listener(kind, server.url)
        listener.run()
        assert server.tokens == [None, secret, secret]
    assert "very-secret" not in caplog.text
    assert "very-secret" not in repr(listener.stream._lanes.session.report())


@pytest.mark.parametrize("kind", KINDS)
def test_waiting_ends_in_time_and_the_stream_goes_on(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.handled == [0, 1, 2, 3, 4])
        began = time.monotonic()
        with pytest.raises(TimeoutError, match=r"is still streaming after 0\.1 s"):
            await call(stream.wait(timeout=0.1))
        assert 0.05 < time.monotonic() - began < 5
        assert stream.is_running
        await call(stream.stop_streaming())
        assert (await call(stream.wait(timeout=5))).reason == "stopped"

    with stream_server(stay_silent) as server:
        listener = Listener(kind, server.url)
        both(kind, listener, scenario)

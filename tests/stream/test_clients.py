"""What both streaming clients do beyond the fault matrix: their methods, their options, and how they stop."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from event_streamer_sdk import get_current_batch_id
from event_streamer_sdk.checkpoints import Checkpoint, MemoryCheckpoint
from event_streamer_sdk.exceptions import (
    EventStreamerAuthError,
)
from support.listener import KINDS, QUICK, Listener, both, until
from support.stream_server import Wire, answers, stay_silent, stream_server

ALL = [0, 1, 2, 3, 4]
kinds = pytest.mark.parametrize("kind", KINDS)


def never_answer(wire: Wire) -> None:
    """Take the request, and say nothing at all."""
    wire.vanish()


def transports(kind: str, which: str) -> dict[str, Any]:
    """Give the options of a client with our transport (the default), or with httpx's own."""
    if which == "default":
        return {}
    made: Any = httpx.AsyncHTTPTransport() if kind == "async" else httpx.HTTPTransport()
    return {"transport": made}


def elapsed(action: Callable[[], Any]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


# --- stopping -----------------------------------------------------------------------------------


@kinds
@pytest.mark.quick
@pytest.mark.parametrize("which", ["default", "httpx"])
@pytest.mark.parametrize("script", [stay_silent, never_answer], ids=["silent", "no answer"])
def test_stopping_takes_effect_at_once_while_the_socket_is_silent(
    kind: str, which: str, script: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: len(server.connects) == 1 and (script is never_answer or listener.handled == ALL))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await call(stream.stop_streaming())
        # 0.2 s is promised; the rest is for a machine that is busy with other tests.
        assert time.monotonic() - began < 0.2 + 0.8
        assert not stream.is_running
        assert not stream.is_connected

    with stream_server(script) as server:
        listener = Listener(kind, server.url, client=transports(kind, which))
        both(kind, listener, scenario)
        assert server.acked == ({f"b{number}" for number in ALL} if script is stay_silent else set())
    assert not caplog.messages, "a connect that a stop breaks off is not a lost connection"


@pytest.mark.parametrize("which", ["default", "httpx"])
def test_no_thread_is_left_behind(which: str) -> None:
    with stream_server(stay_silent) as server:
        before = threading.active_count()
        listener = Listener("sync", server.url, client=transports("sync", which))
        with listener.sync_client() as client:
            stream = listener.listen(client)
            stream.start_streaming()
            end = time.monotonic() + 10
            while listener.handled != ALL and time.monotonic() < end:
                time.sleep(0.01)
            stream.disconnect()
        end = time.monotonic() + 2
        while threading.active_count() > before + len(server._threads) and time.monotonic() < end:
            time.sleep(0.01)
        assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("stream-")]


@kinds
def test_stopping_from_within_a_handler(kind: str) -> None:
    def stop(number: int) -> Any:
        if number == 2:
            return listener.stream.stop_streaming()
        return None

    with stream_server(stay_silent) as server:
        listener = Listener(kind, server.url, handler=stop)
        report = listener.run()
        assert report.reason == "stopped"
        assert listener.handled == [0, 1, 2]
        assert server.acked == {"b0", "b1", "b2"}
        assert listener.stream.get_current_resume_token() == "t2"


@kinds
def test_a_handler_that_does_not_end_is_left_when_the_time_to_stop_is_over(kind: str) -> None:
    released = threading.Event()

    def hang(number: int) -> Any:
        return asyncio.sleep(30) if kind == "async" else released.wait(30)

    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.attempts == [0])
        began = time.monotonic()
        await call(stream.stop_streaming())
        assert 0.25 <= time.monotonic() - began < 5
        assert not stream.is_running
        assert stream.get_current_resume_token() is None
        released.set()

    with stream_server(stay_silent) as server:
        listener = Listener(kind, server.url, handler=hang, stop_timeout=0.3)
        both(kind, listener, scenario)
        assert server.acked == set()


# --- connecting, starting, resuming -------------------------------------------------------------


@kinds
@pytest.mark.quick
def test_connect_tells_at_once(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        with pytest.raises(EventStreamerAuthError):
            await call(stream.connect())
        assert not stream.is_connected
        await call(stream.connect())
        assert stream.is_connected
        assert not stream.is_running
        assert stream.connection_id == "c1"
        await call(stream.connect())
        assert len(server.connects) == 2
        await call(stream.start_streaming())
        assert stream.is_running or stream.report is not None  # five batches are done in no time
        report = await call(stream.wait())
        assert report.reason == "finished"
        assert report.events == 5
        assert len(server.connects) == 2  # the connection was taken over
        assert not stream.is_connected
        await call(stream.disconnect())

    with stream_server(answers(401)) as server:
        listener = Listener(kind, server.url)
        both(kind, listener, scenario)
        assert listener.handled == ALL


@kinds
def test_connect_and_disconnect_without_streaming(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.connect())
        await call(stream.disconnect())
        assert not stream.is_connected
        assert stream.connection_id is None

    with stream_server(stay_silent) as server:
        both(kind, Listener(kind, server.url), scenario)


@kinds
def test_start_stop_and_start_again(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await call(stream.start_streaming())  # running already: nothing happens
        await until(lambda: listener.handled == ALL)
        await call(stream.stop_streaming())
        await call(stream.start_streaming())
        await call(stream.wait())

    with stream_server(stay_silent, size=5) as server:
        listener = Listener(kind, server.url)
        both(kind, listener, scenario)
        assert server.tokens == [None, "t4"]
        assert listener.handled == ALL


@kinds
def test_resume_goes_to_another_position(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.handled == ALL)
        await call(stream.resume("t1"))
        assert stream.is_running or listener.handled[len(ALL) :]  # a thread may be done with them already
        await call(stream.wait())

    with stream_server(stay_silent) as server:
        listener = Listener(kind, server.url)
        both(kind, listener, scenario)
        assert server.tokens == [None, "t1"]
        assert listener.handled == [*ALL, 2, 3, 4]


@kinds
@pytest.mark.quick
def test_the_reconnect_recipe_of_the_document(kind: str) -> None:
    """Disconnect, connect and start again, all from within the error handler."""
    recipes: list[str] = []

    def break_off(wire: Wire) -> None:
        wire.batches(0, 1)
        wire.finish()

    async def scenario(stream: Any, call: Any) -> None:
        async def reconnect(error: Any) -> None:
            if error.error_code == "CONNECTION_LOST":
                await stream.disconnect()
                await asyncio.sleep(0.01)
                await stream.connect()
                await stream.start_streaming()
                recipes.append(error.error_code)

        def reconnect_blocking(error: Any) -> None:
            if error.error_code == "CONNECTION_LOST":
                stream.disconnect()
                time.sleep(0.01)
                stream.connect()
                stream.start_streaming()
                recipes.append(error.error_code)

        stream.on_error(reconnect if kind == "async" else reconnect_blocking)
        await call(stream.start_streaming())
        await until(lambda: listener.handled == ALL)
        await until(lambda: not stream.is_running)

    for policy in (False, QUICK):
        recipes.clear()
        with stream_server(break_off) as server:
            listener = Listener(kind, server.url, reconnect=policy)
            both(kind, listener, scenario)
            assert recipes == ["CONNECTION_LOST"]
            assert listener.handled == ALL


@kinds
def test_a_stored_position_comes_before_the_given_one(kind: str) -> None:
    store = MemoryCheckpoint()
    with stream_server() as server:
        Listener(kind, server.url, checkpoint=store, resume_token="t0").run()
        store.positions["tester:1"] = Checkpoint(resume_token="t2")
        Listener(kind, server.url, checkpoint=store, resume_token="t0").run()
        assert server.tokens == ["t0", "t2"]
        assert store.positions["tester:1"].resume_token == "t4"


# --- acknowledging by hand ----------------------------------------------------------------------


@kinds
@pytest.mark.quick
def test_acknowledging_by_hand_in_a_handler(kind: str) -> None:
    tokens: list[str | None] = []

    def acknowledge(number: int) -> Any:
        tokens.append(listener.stream.get_current_resume_token())
        assert get_current_batch_id() == listener.stream.current_batch_id == f"b{number}"
        if number == 3:
            return None  # this one is forgotten
        return listener.stream.acknowledge_batch(get_current_batch_id())

    with stream_server() as server:
        listener = Listener(kind, server.url, handler=acknowledge, auto_acknowledge=False)
        listener.run()
        assert listener.handled == ALL
        assert tokens == [None, "t0", "t1", "t2", "t2"]
        assert listener.stream.get_current_resume_token() == "t2"
        assert server.acked == {"b0", "b1", "b2"}


@kinds
def test_acknowledging_by_hand_in_bulk(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.handled == ALL)
        assert stream.get_current_resume_token() is None
        answer = await call(stream.acknowledge_batch_bulk(["b1", "b2"]))
        assert (answer.total_batches, answer.failed_batch_ids) == (0, [])  # b0 is still open: they wait
        assert stream.get_current_resume_token() is None
        assert server.acks == []
        answer = await call(stream.acknowledge_batch_bulk(["b0", "b4"]))
        assert (answer.total_batches, answer.acknowledged_batches) == (1, 1)
        assert stream.get_current_resume_token() == "t2"
        await until(lambda: stream.stats.acks == 3)

    with stream_server(stay_silent) as server:
        listener = Listener(kind, server.url, auto_acknowledge=False)
        both(kind, listener, scenario)
        assert server.acked == {"b0", "b1", "b2"}


@kinds
@pytest.mark.quick
def test_nothing_uncommitted_is_acknowledged_in_whatever_order_batches_are_done(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.handled == ALL)
        for number in (4, 2, 1):
            await call(stream.acknowledge_batch(f"b{number}"))
        assert stream.get_current_resume_token() is None
        assert server.acks == []
        await call(stream.acknowledge_batch("b0"))
        assert stream.get_current_resume_token() == "t2"
        await until(lambda: server.acked == {"b0", "b1", "b2"})
        await call(stream.acknowledge_batch("b2"))  # once more does no harm
        await call(stream.acknowledge_batch("b3"))
        assert stream.get_current_resume_token() == "t4"
        await call(stream.stop_streaming())
        assert server.acked == {f"b{number}" for number in ALL}

    with stream_server(stay_silent) as server:
        both(kind, listener := Listener(kind, server.url, auto_acknowledge=False), scenario)


class Slow(MemoryCheckpoint):
    """A store that takes its time, the longer the earlier the position."""

    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []

    def save(self, key: str, checkpoint: Checkpoint) -> None:
        time.sleep(0.1 if checkpoint.resume_token == "t0" else 0.0)
        super().save(key, checkpoint)
        self.tokens.append(checkpoint.resume_token)


@kinds
def test_batches_acknowledged_at_once_by_several_are_committed_one_after_the_other(kind: str) -> None:
    store = Slow()

    def acknowledge(stream: Any, number: int) -> Any:
        ids = f"b{number}"
        return stream.acknowledge_batch(ids) if number < 3 else stream.acknowledge_batch_bulk([ids])

    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.handled == ALL)
        in_a_thread = asyncio.to_thread if kind == "sync" else lambda function, *args: function(*args)
        await asyncio.gather(*(in_a_thread(acknowledge, stream, number) for number in ALL))
        await until(lambda: server.acked == {f"b{number}" for number in ALL})
        assert store.tokens == sorted(store.tokens)
        assert stream.get_current_resume_token() == store.tokens[-1] == "t4"

    with stream_server(stay_silent) as server:
        listener = Listener(kind, server.url, auto_acknowledge=False, checkpoint=store)
        both(kind, listener, scenario)


@kinds
def test_what_is_not_acknowledged_comes_again_on_a_new_connection(kind: str) -> None:
    def first(wire: Wire) -> None:
        wire.batches(0, 2)
        wire.pause(0.2)
        wire.finish()

    acknowledged: list[int] = []

    def acknowledge(number: int) -> Any:
        if number in (1, 2) and number not in acknowledged:
            acknowledged.append(number)
            return None
        return listener.stream.acknowledge_batch(f"b{number}")

    with stream_server(first) as server:
        listener = Listener(kind, server.url, handler=acknowledge, auto_acknowledge=False)
        listener.run()
        assert server.tokens == [None, "t0"]
        assert listener.handled == [0, 1, 2, 1, 2, 3, 4]
        assert listener.stream.get_current_resume_token() == "t4"


@kinds
def test_what_comes_again_is_not_acknowledged_before_it_is_there(kind: str) -> None:
    """A worker may be done with a batch when its connection is gone, and even the next one."""

    def first(wire: Wire) -> None:
        wire.batches(0, 2)
        while listener.handled != [0, 1, 2]:
            wire.pause(0.01)

    def next_one(wire: Wire) -> None:
        wire.begin()

    def last(wire: Wire) -> None:
        wire.begin()
        while not late.is_set():
            wire.pause(0.01)
        stay_silent(wire)

    late = threading.Event()

    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: len(server.connects) == 3 and stream.is_connected)
        await call(stream.acknowledge_batch("b0"))
        await call(stream.acknowledge_batch_bulk(["b1", "b2"]))
        assert server.acks == []
        late.set()
        await until(lambda: listener.handled == [0, 1, 2, *ALL])
        await call(stream.acknowledge_batch_bulk(["b0", "b1"]))
        assert server.acks == [["b0", "b1"]]
        assert stream.get_current_resume_token() == "t1"

    with stream_server(first, next_one, last) as server:
        both(kind, listener := Listener(kind, server.url, auto_acknowledge=False), scenario)


@kinds
def test_acknowledging_in_a_loop(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> list[str]:
        seen = []
        if kind == "async":
            async for one in stream:
                seen.append(one.batch_id)
                if one.batch_id != "b3":
                    await one.ack()
        else:
            for one in stream:
                seen.append(one.batch_id)
                if one.batch_id != "b3":
                    one.ack()
        return seen

    with stream_server() as server:
        listener = Listener(kind, server.url, auto_acknowledge=False)
        assert both(kind, listener, scenario) == ["b0", "b1", "b2", "b3", "b4"]
        assert listener.stream.get_current_resume_token() == "t2"
        assert server.acked == {"b0", "b1", "b2"}


@kinds
def test_delivery_pauses_for_batches_that_nobody_acknowledges(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.handled == [0, 1])
        await asyncio.sleep(0.1)
        assert listener.handled == [0, 1]
        await call(stream.acknowledge_batch("b0"))
        await until(lambda: listener.handled == [0, 1, 2])
        await call(stream.stop_streaming())

    with stream_server(stay_silent) as server:
        both(
            kind,
            listener := Listener(kind, server.url, auto_acknowledge=False, max_unacknowledged=2),
            scenario,
        )


@kinds
def test_closing_the_client_stops_its_streams(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.handled == ALL)

    with stream_server(stay_silent) as server:
        listener = Listener(kind, server.url)
        both(kind, listener, scenario)  # nobody stops the stream; leaving the client's block does
        assert not listener.stream.is_running
        assert server.acked == {f"b{number}" for number in ALL}

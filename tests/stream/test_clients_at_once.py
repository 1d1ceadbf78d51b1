"""Several threads or tasks that start, stop, connect and resume one client at once."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.checkpoints import Checkpoint, CheckpointError, MemoryCheckpoint
from event_streamer_sdk.exceptions import EventStreamerConnectionError, EventStreamerSDKError
from support.listener import KINDS, Listener, both, until
from support.services import wait_until
from support.stream_server import Wire, stay, stay_silent, stream_server

ALL = [0, 1, 2, 3, 4]
MANY = 6
ROUNDS = 10
kinds = pytest.mark.parametrize("kind", KINDS)


async def at_once(kind: str, *actions: Callable[[], Any]) -> list[Any]:
    """Do several things at the same moment; give what each returned or raised."""
    if kind == "async":
        return await asyncio.gather(*(action() for action in actions), return_exceptions=True)
    gate = threading.Barrier(len(actions))
    outcomes: list[Any] = [None] * len(actions)

    def work(place: int, action: Callable[[], Any]) -> None:
        gate.wait()
        try:
            outcomes[place] = action()
        except Exception as error:  # noqa: BLE001 - told to the test
            outcomes[place] = error

    threads = [threading.Thread(target=work, args=numbered) for numbered in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    return outcomes


@kinds
@pytest.mark.parametrize("method", ["start_streaming", "connect"])
def test_starting_at_once_makes_one_connection(kind: str, method: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        for number in range(ROUNDS):
            assert await at_once(kind, *[getattr(stream, method)] * MANY) == [None] * MANY
            await call(stream.start_streaming())
            await until(lambda: listener.handled == ALL)
            await call(stream.stop_streaming())
            assert len(server.connects) == number + 1
            listener.handled.clear()
            stream._go_to("t-1")

    with stream_server(*[stay_silent] * ROUNDS) as server:
        both(kind, listener := Listener(kind, server.url), scenario)


@kinds
def test_stopping_before_the_first_step_is_taken(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        for _ in range(ROUNDS):
            await call(stream.connect())
            await call(stream.start_streaming())
            await call(stream.stop_streaming())
            assert not stream.is_running
            assert not stream.is_connected
        await call(stream.start_streaming())
        await until(lambda: listener.handled == ALL)

    with stream_server(*[stay] * 20) as server:
        both(kind, listener := Listener(kind, server.url), scenario)


def test_only_one_thread_gets_the_loop() -> None:
    def loop() -> str:
        batches = iter(stream)
        try:
            return next(batches).batch_id
        except EventStreamerSDKError:
            refused.append(1)
            raise
        finally:
            wait_until(lambda: len(refused) == MANY - 1)  # who has the loop keeps it until then
            batches.close()

    with stream_server(*[stay_silent] * ROUNDS) as server, SyncEventStreamer(server.url, "tester") as client:
        for _ in range(ROUNDS):
            stream = client.create_streaming_client(1)
            refused: list[int] = []
            outcomes = asyncio.run(at_once("sync", *[loop] * MANY))
            errors = [error for error in outcomes if isinstance(error, EventStreamerSDKError)]
            assert len(errors) == MANY - 1
            assert "is already being streamed by this client" in str(errors[0])
            assert outcomes.count("b0") == 1
        assert len(server.connects) == ROUNDS


@kinds
def test_resuming_at_once_ends_at_one_of_the_positions(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.handled == ALL)
        for number in range(ROUNDS):
            listener.handled.clear()
            connects = len(server.connects)
            await at_once(kind, *[lambda token=token: stream.resume(token) for token in ("t0", "t1", "t2")])
            # A thread that comes while another has stopped the stream finds it stopped, and only connects.
            await call(stream.start_streaming())
            await until(lambda: stream.get_current_resume_token() == "t4")
            assert len(server.connects) <= connects + 3
            last = int(server.tokens[-1][1:])  # type: ignore[index]
            assert listener.handled[last - len(ALL) + 1 :] == ALL[last + 1 :]
            assert stream.is_running
            if number % 2:
                await call(stream.stop_streaming())
                await call(stream.start_streaming())
                await until(lambda: stream.is_connected)
        await call(stream.stop_streaming())

    with stream_server(*[stay] * 1000) as server:
        both(kind, listener := Listener(kind, server.url), scenario)
        assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("stream-")]


@kinds
def test_starting_and_stopping_at_once_leaves_nothing_behind(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        for _ in range(ROUNDS * 2):
            actions = [stream.start_streaming, stream.connect, stream.stop_streaming, stream.disconnect]
            for outcome in await at_once(kind, *actions):
                assert outcome is None or "stopped while it was connecting" in str(outcome)
        await call(stream.stop_streaming())
        assert not stream.is_running
        assert not stream.is_connected
        await until(lambda: not server.streaming)

    with stream_server(*[stay] * 1000) as server:
        both(kind, Listener(kind, server.url), scenario)
        assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("stream-")]


@kinds
@pytest.mark.quick
def test_stopping_while_another_one_connects(kind: str) -> None:
    asked, stopped = threading.Event(), threading.Event()

    def late(wire: Wire) -> None:
        asked.set()
        stopped.wait(10)
        stay(wire)

    async def scenario(stream: Any, call: Any) -> None:
        connecting = asyncio.create_task(
            stream.connect() if kind == "async" else asyncio.to_thread(stream.connect)
        )
        await until(asked.is_set)
        await call(stream.disconnect())
        stopped.set()
        with pytest.raises(EventStreamerConnectionError, match="stopped while it was connecting"):
            await connecting
        assert not stream.is_connected
        await until(lambda: not server.streaming)

    with stream_server(late) as server:
        both(kind, Listener(kind, server.url), scenario)


class Leased(MemoryCheckpoint):
    """A store with a lease, which can't be read."""

    lease_seconds = 30.0

    def __init__(self) -> None:
        super().__init__()
        self.held = False

    def load(self, key: str) -> Checkpoint | None:
        raise CheckpointError("out of order")

    def acquire(self, key: str) -> bool:
        self.held = True
        return True

    def renew(self, key: str) -> None:
        """Nothing can go wrong here."""

    def release(self, key: str) -> None:
        self.held = False


@kinds
def test_a_connect_that_fails_gives_the_lease_back(kind: str) -> None:
    store = Leased()

    async def scenario(stream: Any, call: Any) -> None:
        with pytest.raises(CheckpointError, match="out of order"):
            await call(stream.connect())
        assert not store.held

    with stream_server() as server:
        both(kind, Listener(kind, server.url, checkpoint=store), scenario)

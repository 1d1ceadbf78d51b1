"""One client run after run: nothing that an earlier run has left behind hurts a later one."""

import asyncio
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from event_streamer_sdk.checkpoints import Checkpoint, MemoryCheckpoint
from event_streamer_sdk.exceptions import EventStreamerConnectionError, EventStreamerServerError
from support.listener import KINDS, Listener, both, until
from support.stream_server import (
    END,
    FIRST_BLOCK,
    Wire,
    answers,
    batch,
    line,
    stay,
    stay_silent,
    stream_server,
)

ALL = [0, 1, 2, 3, 4]
kinds = pytest.mark.parametrize("kind", KINDS)


class Remembering(MemoryCheckpoint):
    """Remembers what was stored, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []

    def save(self, key: str, checkpoint: Checkpoint) -> None:
        super().save(key, checkpoint)
        self.tokens.append(checkpoint.resume_token)


@kinds
@pytest.mark.parametrize("store", [None, Remembering], ids=["no store", "store"])
def test_a_handler_that_was_left_behind_does_not_take_the_position_back(kind: str, store: Any) -> None:
    release = threading.Event()
    left: list[int] = []

    async def ignore_being_cancelled() -> None:
        while not release.is_set():
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)
        left.append(0)

    def hang(number: int) -> Any:
        if number or listener.attempts != [0]:
            return None
        if kind == "async":
            return ignore_being_cancelled()
        release.wait(10)
        left.append(0)
        return None

    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.attempts == [0])
        await call(stream.stop_streaming())
        if kind == "async":
            release.set()  # the next run waits for it: handlers are never two at a time here
        await call(stream.start_streaming())
        await until(lambda: stream.get_current_resume_token() == "t4")
        release.set()
        await until(lambda: left == [0])
        await asyncio.sleep(0.05)
        assert stream.get_current_resume_token() == "t4"
        assert stream.stats.batches == len(ALL)
        if kept is not None:
            assert kept.tokens == ["t0", "t1", "t2", "t3", "t4"]

    kept = store() if store else None
    with stream_server(stay_silent, stay_silent) as server:
        listener = Listener(kind, server.url, handler=hang, stop_timeout=0.2, checkpoint=kept)
        both(kind, listener, scenario)


@kinds
def test_a_chosen_position_outlives_a_connect_that_fails(kind: str) -> None:
    store = MemoryCheckpoint()
    store.positions["tester:1"] = Checkpoint(resume_token="t3")

    async def scenario(stream: Any, call: Any) -> None:
        with pytest.raises(EventStreamerServerError):
            await call(stream.resume("t0"))
        assert stream.get_current_resume_token() == "t0"
        await call(stream.start_streaming())
        await until(lambda: listener.handled == [1, 2, 3, 4])
        await call(stream.stop_streaming())
        store.positions["tester:1"] = Checkpoint(resume_token="t2")
        await call(stream.start_streaming())  # committed since: the store has the say again
        await until(lambda: listener.handled == [1, 2, 3, 4, 3, 4])

    with stream_server(answers(503), stay, stay) as server:
        both(kind, listener := Listener(kind, server.url, checkpoint=store), scenario)
        assert server.tokens == ["t0", "t0", "t2"]


class Hesitating(Remembering):
    """A store whose first write takes longer than the user has patience."""

    blocking = True

    def save(self, key: str, checkpoint: Checkpoint) -> None:
        if checkpoint.resume_token == "t0":
            time.sleep(0.2)
        super().save(key, checkpoint)


def test_an_acknowledgement_that_is_cancelled_does_not_take_the_position_back() -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await stream.start_streaming()
        await until(lambda: listener.handled == ALL)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.acknowledge_batch("b0"), 0.02)
        await stream.acknowledge_batch_bulk(["b1", "b2"])
        await asyncio.sleep(0.3)
        assert store.tokens == ["t0", "t2"]
        assert stream.get_current_resume_token() == "t2"

    store = Hesitating()
    with stream_server(stay) as server:
        listener = Listener("async", server.url, auto_acknowledge=False, checkpoint=store)
        both("async", listener, scenario)


@kinds
@pytest.mark.parametrize("again", ["start_streaming", "resume"])
def test_a_write_of_the_run_before_ends_before_the_next(kind: str, again: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: listener.handled == ALL)
        await call(stream.stop_streaming())

        acknowledging = asyncio.create_task(
            stream.acknowledge_batch("b0")
            if kind == "async"
            else asyncio.to_thread(stream.acknowledge_batch, "b0")
        )
        await asyncio.sleep(0.05)
        await call(stream.start_streaming() if again == "start_streaming" else stream.resume("t0"))
        await call(stream.start_streaming())
        await until(lambda: len(listener.handled) > len(ALL) + 2)
        first = 0 if again == "start_streaming" else 1
        for number in range(first, 3):
            await until(lambda number=number: listener.handled[len(ALL) :].count(number) == 1)
            with suppress(EventStreamerConnectionError):
                await call(stream.acknowledge_batch(f"b{number}"))
        await acknowledging
        await until(lambda: stream.get_current_resume_token() == "t2")
        assert store.tokens[0] == "t0"
        assert store.tokens[-1] == "t2"

    store = Hesitating()
    with stream_server(stay, stay) as server:
        listener = Listener(kind, server.url, auto_acknowledge=False, checkpoint=store)
        both(kind, listener, scenario)


def test_one_client_in_one_event_loop_after_another() -> None:
    async def stream_once() -> None:
        listener.handled.clear()
        async with client:
            await stream.start_streaming()
            await until(lambda: listener.handled == ALL)
            await stream.stop_streaming()
        stream._go_to("t-1")

    with stream_server(stay, stay, stay) as server:
        listener = Listener("async", server.url)
        client = listener.async_client()
        stream = listener.listen(client)
        for _ in range(3):
            asyncio.run(stream_once())
        assert stream.report.error is None


class Late(MemoryCheckpoint):
    """A store with a lease, whose first answer to one question takes until it is released."""

    blocking = True
    lease_seconds: float | None = 30.0

    def __init__(self, question: str) -> None:
        super().__init__()
        self.asked, self.release_answer, self.answered = (threading.Event() for _ in range(3))
        self.question = question
        self.held = False

    def _answer(self, question: str) -> None:
        if question == self.question and not self.asked.is_set():
            self.asked.set()
            self.release_answer.wait(10)
            self.answered.set()

    def load(self, key: str) -> Checkpoint | None:
        position = super().load(key)
        self._answer("load")
        return position

    def acquire(self, key: str) -> bool:
        self._answer("acquire")
        self.held = True
        return True

    def renew(self, key: str) -> None:
        """Nothing can go wrong here."""

    def release(self, key: str) -> None:
        self.held = False


@kinds
def test_a_position_that_is_read_too_late_is_not_taken(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(store.asked.is_set)
        stopping = asyncio.create_task(
            stream.stop_streaming() if kind == "async" else asyncio.to_thread(stream.stop_streaming)
        )
        if kind == "async":  # it waits for the store
            store.release_answer.set()
        await stopping
        await call(stream.start_streaming())
        await until(lambda: stream.get_current_resume_token() == "t4")
        store.release_answer.set()
        await until(store.answered.is_set)
        await asyncio.sleep(0.05)
        assert stream.get_current_resume_token() == "t4"

    store = Late("load")
    store.lease_seconds = None
    store.positions["tester:1"] = Checkpoint(resume_token="t1")
    with stream_server(stay) as server:
        both(kind, Listener(kind, server.url, checkpoint=store), scenario)


@kinds
def test_a_lease_that_is_given_too_late_is_given_back(kind: str) -> None:
    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(store.asked.is_set)
        stream._run.request_stop()
        await asyncio.sleep(0.15)
        store.release_answer.set()
        await call(stream.wait())
        await until(store.answered.is_set)
        await until(lambda: not store.held)
        await asyncio.sleep(0.05)
        assert not store.held

    store = Late("acquire")
    with stream_server(stay) as server:
        both(kind, Listener(kind, server.url, checkpoint=store), scenario)


@kinds
def test_behind_a_reorg_that_was_passed_over_the_next_client_may_begin_anywhere(kind: str) -> None:
    reorg = {"type": "reorg", "batch_id": "b2", "resume_token": "t2", "common_ancestor": -2}

    def script(wire: Wire) -> None:
        if wire.position < 3:
            wire.batches(wire.position, 1)
            wire.send(line({**reorg, "removed_blocks": []}))
        if wire.number:
            if wire.position == 3:
                wire.send(batch(3, first_block=FIRST_BLOCK, last_block=FIRST_BLOCK))
            wire.send(END)
        wire.finish()

    store = Remembering()
    with stream_server(script, script, script) as server:
        for _ in range(2):
            Listener(kind, server.url, checkpoint=store, on_handler_error="skip").run()
    assert server.tokens == [None, "t1", "t2"]
    assert store.tokens[-2:] == ["t2", "t3"]

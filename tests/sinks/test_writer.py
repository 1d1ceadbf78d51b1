"""Rows are made while the last write waits for its place: what comes when, also where a write fails."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_streamer_sdk.sinks import SinkBatch, SinkError, SinkUnavailableError
from event_streamer_sdk.sinks._writer import Writer
from event_streamer_service import DevChain, LocalService
from support.sinks import stream_into, subscribe

from .test_feed import Kept, KeptAsync, places

SECONDS = 60
"""Longest wait for what comes at once."""


def batch(number: int) -> SinkBatch:
    return SinkBatch((), (), 1, f"token {number}")


class Scripted:
    """A sink that fails as it is told to, and sees whether it is called by two at a time."""

    prepares_while_writing = True
    patience = 0.0

    def __init__(self, failures: Iterator[type[SinkError] | None]) -> None:
        self.failures = failures
        self.done: list[str] = []
        self.one = threading.Lock()

    def write(self, batch: SinkBatch) -> None:
        self.note(batch.resume_token)

    def note(self, what: str) -> None:
        assert self.one.acquire(blocking=False), "called by two at a time"
        try:
            failure = next(self.failures, None)
            if failure is not None:
                raise failure(what)
            self.done.append(what)
        finally:
            self.one.release()


@given(
    calls=st.lists(st.sampled_from(["write", "write", "write", "undo", "settle"]), max_size=20),
    failures=st.lists(st.sampled_from([None, None, SinkError, SinkUnavailableError]), max_size=20),
)
def test_all_is_done_once_and_in_order_whichever_call_fails(
    calls: list[str], failures: list[type[SinkError] | None]
) -> None:
    sink = Scripted(iter(failures))
    writer = Writer(sink, 1, lambda: False)
    wanted: list[str] = []
    try:
        for number, call in enumerate([*calls, "settle"]):
            while True:  # as a stream does that goes on behind an error
                try:
                    if call == "write":
                        writer.write(batch(number))
                    elif call == "undo":
                        writer.call(sink.note, f"undo {number}")
                    else:
                        writer.settle()
                    break
                except SinkError:
                    continue
            if call != "settle":
                wanted.append(f"token {number}" if call == "write" else f"undo {number}")
            if call == "write":
                assert wanted[:-1] == sink.done[: len(wanted) - 1], "one more than is stored, at most"
            else:
                assert sink.done == wanted, "it waits for the writes before it"
    finally:
        writer.close()


class Held(Scripted):
    """A sink whose write lasts until it is let go."""

    def __init__(self, failure: type[SinkError] | None = None) -> None:
        super().__init__(iter([failure]))
        self.began, self.go = threading.Event(), threading.Event()

    def write(self, batch: SinkBatch) -> None:
        self.began.set()
        assert self.go.wait(SECONDS)
        super().write(batch)


@pytest.mark.parametrize("failure", [None, SinkError, SinkUnavailableError])
def test_closing_waits_for_the_write_and_tells_where_it_fails(
    failure: type[SinkError] | None, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Held(failure)
    sink.patience = 600.0  # closing doesn't have it
    writer = Writer(sink, 7, lambda: False)
    writer.write(batch(1))
    assert sink.began.wait(SECONDS)
    closing = threading.Thread(target=writer.close)
    closing.start()
    while not writer._is_closing:
        assert closing.is_alive()
    sink.go.set()
    closing.join(SECONDS)
    assert not closing.is_alive()
    assert sink.done == ([] if failure else ["token 1"])
    told = "subscription 7: the write under way failed, and its events will come again: token 1"
    assert (told in caplog.text) == (failure is not None)


class Waits:
    """What a sink is whose writes last until rows are being made that don't belong to them."""

    prepares_while_writing = True
    writes_when_idle = False
    write_seconds = 600.0
    write_rows = 40

    def __init__(self, fail: Any = None) -> None:
        super().__init__(fail)  # type: ignore[call-arg]
        self.made = threading.Condition()
        self.parts = self.parts_written = 0
        self.meanwhile = 0
        self.longest = float(SECONDS)

    def prepare(self, events: Any) -> list[tuple[int, int]]:
        with self.made:
            self.parts += 1
            self.made.notify_all()
        return [(event["block_number"], event["log_index"]) for event in events]

    def store(self, batch: SinkBatch) -> None:
        self.calls.append("write")  # type: ignore[attr-defined]
        with self.made:
            parts = self.parts_written + len(batch.prepared)
            # The last writes have none behind them.
            longest = self.longest if self.meanwhile < 2 else 0
            self.meanwhile += self.made.wait_for(lambda: self.parts > parts, longest)
        self.fail("write")  # type: ignore[attr-defined]
        self.rows += [row for part in batch.prepared for row in part]  # type: ignore[attr-defined]
        self.parts_written, self.token = parts, batch.resume_token


class Waiting(Waits, Kept):
    def write(self, batch: SinkBatch) -> None:
        self.store(batch)


class WaitingAsync(Waits, KeptAsync):
    async def write(self, batch: SinkBatch) -> None:  # type: ignore[override]
        await asyncio.to_thread(self.store, batch)


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("event_streamer_sdk.sinks._feed.PREPARE_ROWS", 10)


BOTH = pytest.mark.parametrize(
    ("kind", "made"), [("sync", Waiting), ("async", Waiting), ("async", WaitingAsync)]
)


@BOTH
def test_rows_are_made_while_a_write_waits(
    service: LocalService, chain: DevChain, kind: str, made: type[Waiting]
) -> None:
    sink = made()
    stream_into(kind, service.url, subscribe(service, 250), sink)
    assert sink.meanwhile >= 2
    assert sink.rows == places(chain, 250)


@BOTH
def test_a_write_that_fails_while_rows_are_made_is_tried_again(
    service: LocalService, chain: DevChain, kind: str, made: type[Waiting]
) -> None:
    def away(_: str) -> None:
        if sink.calls.count("write") in (1, 3):
            raise SinkUnavailableError("the place is away")

    sink = made(away)
    stream_into(kind, service.url, subscribe(service, 250), sink)
    assert sink.meanwhile >= 2
    assert sink.rows == places(chain, 250)


@BOTH
def test_a_write_that_is_refused_while_rows_are_made_ends_the_stream_and_none_follows_it(
    service: LocalService, chain: DevChain, kind: str, made: type[Waiting]
) -> None:
    def refuse(_: str) -> None:
        if sink.calls.count("write") >= 2:
            raise SinkError("no room")

    sink, number = made(refuse), subscribe(service, 250)
    with pytest.raises(SinkError, match="no room"):
        stream_into(kind, service.url, number, sink, handler_retries=0)
    stored = len(sink.rows)
    assert sink.rows == places(chain, 250)[:stored]
    assert 0 < stored < 250
    tokens = service.journal.tokens(number)
    sink.fail = lambda call: None
    stream_into(kind, service.url, number, sink)
    assert sink.rows == places(chain, 250)
    assert len(service.journal.tokens(number)) > len(tokens)


@BOTH
def test_blocks_that_are_replaced_while_a_write_waits_are_undone_behind_it(
    service: LocalService, chain: DevChain, kind: str, made: type[Waiting]
) -> None:
    sink = made()

    def change(stream: Any) -> None:
        @stream.on_heartbeat
        def look(_: Any) -> None:
            if chain.head_number < 305:
                chain.reorg(4)
                chain.mine(12)

    sink.writes_when_idle, sink.longest = True, 0.0
    stream_into(kind, service.url, subscribe(service, 304), sink, prepare=change)
    assert "undo" in sink.calls
    assert sink.rows == places(chain, 304)

"""`stream.run(into=sink)`: what a sink is given and when, in both clients."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import Status, SyncEventStreamer
from event_streamer_sdk.checkpoints import AsyncSQLCheckpoint, MemoryCheckpoint, SQLiteCheckpoint
from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.models.subscriptions import SubscriptionUpdate
from event_streamer_sdk.sinks import SinkBatch, SinkError, SinkUnavailableError, Source, SQLSink
from event_streamer_sdk.streaming_client import EndReason
from event_streamer_service import DevChain, LocalService
from support.sinks import OPTIONS, rows_of_chain, stream_into, subscribe


class Kept:
    """A sink in memory, which outlives the streams that are run into it."""

    write_seconds = 0.0

    def __init__(self, fail: Any = None) -> None:
        self.token: str | None = None
        self.rows: list[tuple[int, int]] = []
        self.calls: list[str] = []
        self.batches: list[SinkBatch] = []
        self.fail = fail or (lambda call: None)

    def open(self, source: Source) -> str | None:
        self.calls.append("open")
        assert source.event.name == "Transfer"
        assert source.chain_id == 31_337
        return self.token

    def write(self, batch: SinkBatch) -> None:
        self.calls.append("write")
        self.fail("write")
        self.batches.append(batch)
        self.rows += [(event["block_number"], event["log_index"]) for event in batch.events]
        self.token = batch.resume_token

    def undo(self, reorg: Any) -> None:
        self.calls.append("undo")
        self.fail("undo")
        self.rows = [row for row in self.rows if row[0] <= reorg.common_ancestor]
        self.token = reorg.resume_token

    def finish(self) -> None:
        self.calls.append("finish")

    def close(self) -> None:
        self.calls.append("close")


class KeptAsync(Kept):
    """The same with coroutine functions, which wait in the loop of the client."""

    async def open(self, source: Source) -> str | None:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().open(source)

    async def write(self, batch: SinkBatch) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().write(batch)

    async def undo(self, reorg: Any) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().undo(reorg)


def places(chain: DevChain, last: int) -> list[tuple[int, int]]:
    return [(row[0], row[3]) for row in rows_of_chain(chain, 0, last)]


@pytest.mark.parametrize(("kind", "made"), [("sync", Kept), ("async", Kept), ("async", KeptAsync)])
def test_a_sink_of_ones_own_gets_each_event_once(
    service: LocalService, chain: DevChain, kind: str, made: type[Kept]
) -> None:
    sink = made()
    number = subscribe(service, 250)
    report = stream_into(kind, service.url, number, sink)
    assert sink.rows == places(chain, 250)
    assert report.reason is EndReason.FINISHED
    assert (sink.calls[0], sink.calls[-2:]) == ("open", ["finish", "close"])
    assert all(batch.prepared == [] and batch.size == len(batch.events) for batch in sink.batches)
    assert sink.token not in repr(sink.batches)
    stream_into(kind, service.url, number, sink)
    assert sink.rows == places(chain, 250)


def test_replaced_blocks_are_undone_in_their_order(service: LocalService, chain: DevChain, kind: str) -> None:
    sink = Kept()

    def change(stream: Any) -> None:
        @stream.on_heartbeat
        def look(_: Any) -> None:
            if chain.head_number < 305:
                chain.reorg(4)
                chain.mine(12)

    stream_into(kind, service.url, subscribe(service, 304), sink, prepare=change)
    assert "undo" in sink.calls
    assert sink.rows == places(chain, 304)


def test_nothing_is_acknowledged_before_it_is_stored(service: LocalService, kind: str) -> None:
    def refuse(_: str) -> None:
        raise SinkError("no room")

    sink = Kept(refuse)
    with pytest.raises(SinkError, match="no room"):
        stream_into(kind, service.url, subscribe(service, 250), sink, handler_retries=0)
    assert service.journal.acknowledged() == []
    assert sink.calls[-1] == "close"
    assert "finish" not in sink.calls


def test_events_that_could_not_be_prepared_are_prepared_again(
    chain: DevChain, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("event_streamer_sdk.sinks._feed.PREPARE_ROWS", 10)

    class Preparing(Kept):
        # What fails with a write ends the stream: none may come before the last one.
        write_seconds = 60.0
        writes_when_idle = False
        prepared = 0

        def prepare(self, events: Any) -> Any:
            self.prepared += 1
            if self.prepared in (2, 4):
                raise ValueError("not this time")
            return list(events)

        def write(self, batch: SinkBatch) -> None:
            super().write(batch)
            self.rows += [
                (event["block_number"], event["log_index"]) for part in batch.prepared for event in part
            ]

    sink = Preparing()
    # So many batches that all calls which fail come before the last write.
    with LocalService(chain, heartbeat_interval=1, max_batch_events=50) as service:
        stream_into(kind, service.url, subscribe(service, 250), sink, handler_retry_delay=0.01)
    assert sink.prepared > 4
    assert sink.rows == places(chain, 250)


def test_a_batch_that_another_handler_refuses_is_not_stored(
    service: LocalService, chain: DevChain, kind: str
) -> None:
    sink = Kept()
    number = subscribe(service, 250)

    def fail_later(stream: Any) -> None:
        @stream.on_event("Transfer")
        def look(events: list[dict[str, Any]]) -> None:
            if stream.stats.batches == 2:
                raise ValueError(events[0]["block_number"], events[0]["log_index"])

    with pytest.raises(ValueError) as caught:  # noqa: PT011 - it is raised right here
        stream_into(kind, service.url, number, sink, prepare=fail_later, handler_retries=0)
    before = [row for row in places(chain, 250) if row < caught.value.args]
    assert sink.rows == before
    assert before
    stream_into(kind, service.url, number, sink)
    assert sink.rows == places(chain, 250)


def test_a_place_that_is_away_is_tried_again(
    service: LocalService, chain: DevChain, kind: str, caplog: Any
) -> None:
    tries = []

    def away(call: str) -> None:
        tries.append(call)
        if len(tries) in (2, 3):
            raise SinkUnavailableError("the place is away")

    sink = Kept(away)
    stream_into(kind, service.url, subscribe(service, 250), sink)
    assert sink.rows == places(chain, 250)
    assert "the place is away; trying again in 0.5 s" in caplog.text
    assert "the place is away; trying again in 1.0 s" in caplog.text


def test_patience_ends_and_with_it_the_stream(service: LocalService, kind: str) -> None:
    def away(_: str) -> None:
        raise SinkUnavailableError("the place is away")

    sink = Kept(away)
    sink.patience = 0.2  # type: ignore[attr-defined]
    with pytest.raises(SinkUnavailableError, match="the place is away"):
        stream_into(kind, service.url, subscribe(service, 250), sink, handler_retries=0)
    assert service.journal.acknowledged() == []


def test_stopping_does_not_wait_for_a_place_that_is_away(service: LocalService, kind: str) -> None:
    waiting = threading.Event()

    def away(_: str) -> None:
        waiting.set()
        raise SinkUnavailableError("the place is away")

    def stop(stream: Any) -> None:
        def soon() -> None:
            waiting.wait(20)
            stream._run.request_stop()

        loop = asyncio.get_running_loop() if kind == "async" else None

        def soon_async() -> None:
            waiting.wait(20)
            assert loop is not None
            loop.call_soon_threadsafe(stream._run.request_stop)

        threading.Thread(target=soon_async if loop else soon, daemon=True).start()

    began = time.monotonic()
    with pytest.raises(SinkUnavailableError):
        stream_into(kind, service.url, subscribe(service, 250), Kept(away), prepare=stop)
    assert time.monotonic() - began < 15


def test_the_users_own_checkpoint_gets_the_position_too(
    service: LocalService, chain: DevChain, kind: str
) -> None:
    class WithoutToken(Kept):
        def open(self, source: Source) -> str | None:
            return None

    sink, store = WithoutToken(), MemoryCheckpoint()
    number = subscribe(service, 250)
    stream_into(kind, service.url, number, sink, checkpoint=store)
    kept = store.load(f"sinks:{number}")
    assert kept is not None
    assert kept.resume_token == sink.token
    stream_into(kind, service.url, number, sink, checkpoint=store)
    assert sink.rows == places(chain, 250)


@pytest.mark.parametrize("lease_seconds", [None, 30])
def test_a_store_of_asyncio_gets_the_position_too(
    service: LocalService, chain: DevChain, tmp_path: Path, lease_seconds: float | None
) -> None:
    path, number, sink = tmp_path / "positions.db", subscribe(service, 250), Kept()
    store = AsyncSQLCheckpoint(f"sqlite:///{path}", lease_seconds=lease_seconds)
    stream_into("async", service.url, number, sink, checkpoint=store)
    assert sink.rows == places(chain, 250)
    kept = SQLiteCheckpoint(path).load(f"sinks:{number}")
    assert kept is not None
    assert kept.resume_token == sink.token


def test_one_that_loses_its_lease_writes_nothing_more_and_goes_on_behind_its_successor(
    service: LocalService, chain: DevChain, kind: str, tmp_path: Path
) -> None:
    number = subscribe(service, 250)
    mine, other = (SQLiteCheckpoint(tmp_path / "leases.db", lease_seconds=30) for _ in range(2))
    place = f"sqlite:///{tmp_path / 'rows.db'}?table=rows"
    standby: list[str] = []

    def listen(stream: Any) -> None:
        @stream.on_event("Transfer")
        def sleep(events: list[dict[str, Any]]) -> None:
            if events[0]["block_number"] > 100 and not standby:  # as if it had slept longer than its lease
                standby.append("lost")
                with sqlite3.connect(tmp_path / "leases.db") as leases:
                    leases.execute("UPDATE event_streamer_checkpoints SET expires_at = 0")
                leases.close()
                successor = threading.Thread(target=succeed)
                successor.start()
                successor.join(30)

        @stream.on_status
        def note(status: Status) -> None:
            if status.kind == "standby":
                standby.append("standby")
                other.release(f"sinks:{number}")

    def succeed() -> None:
        """Take the subscription over, and write some blocks of it."""
        assert other.acquire(f"sinks:{number}")

        def stop(stream: Any) -> None:
            @stream.on_event("Transfer")
            def enough(events: list[dict[str, Any]]) -> None:
                if events[0]["block_number"] > 180:
                    stream.disconnect()

        stream_into("sync", service.url, number, SQLSink(place, write_rows=50), prepare=stop)

    report = stream_into(
        kind, service.url, number, SQLSink(place, write_rows=50), prepare=listen, checkpoint=mine
    )
    assert report.reason is EndReason.FINISHED
    assert standby == ["lost", "standby"]
    with sqlite3.connect(tmp_path / "rows.db") as database:
        found = database.execute("SELECT block_number, log_index FROM rows ORDER BY 1, 2").fetchall()
    database.close()
    assert found == sorted(places(chain, 250))
    mine.close()
    other.close()


def test_the_client_is_as_before_when_the_run_is_over(service: LocalService, chain: DevChain) -> None:
    first, second = Kept(), Kept()
    with SyncEventStreamer(service.url, "sinks") as client:
        stream = client.create_streaming_client(subscribe(service, 250), **OPTIONS)
        settings, store = stream._settings, stream._store
        stream.run(into=first)
        assert (stream._settings, stream._store) == (settings, store)
        stream.run(into=second)
    assert len(first.rows) == len(places(chain, 250))
    assert second.rows == []


def test_a_client_that_is_connected_already_goes_on_where_the_sink_is(
    service: LocalService, chain: DevChain
) -> None:
    sink = Kept(lambda call: sink.batches and refuse())

    def refuse() -> None:
        raise SinkError("no room")

    number = subscribe(service, 250)
    with pytest.raises(SinkError):
        stream_into("sync", service.url, number, sink, handler_retries=0)
    half, sink.fail = sink.token, lambda call: None
    with SyncEventStreamer(service.url, "sinks") as client:
        stream = client.create_streaming_client(number, **OPTIONS)
        stream.connect()
        stream.run(into=sink)
    assert sink.rows == places(chain, 250)
    assert service.journal.tokens(number) == [None, None, half]


def test_a_new_place_is_not_begun_in_the_middle_in_silence(
    service: LocalService, chain: DevChain, kind: str
) -> None:
    number = subscribe(service, 250)
    assert stream_into(kind, service.url, number, Kept()).events == len(places(chain, 250))
    with pytest.raises(SinkError, match="1,255 events before, and this place holds no position"):
        stream_into(kind, service.url, number, Kept())

    with SyncEventStreamer(service.url, "sinks") as client:
        client.update_subscription(number, SubscriptionUpdate(end_block=260))
        token = client.get_subscription(number).resume_token
    rest = Kept()
    stream_into(kind, service.url, number, rest, resume_token=token)
    assert rest.rows == [place for place in places(chain, 260) if place[0] > 250]


def test_what_is_no_sink_is_refused(service: LocalService, kind: str) -> None:
    with pytest.raises(EventStreamerValidationError, match=r"sink_for\(name\) makes one"):
        stream_into(kind, service.url, subscribe(service, 10), "transfers.parquet")
    with pytest.raises(EventStreamerValidationError, match="dict has no method open, write, undo, close"):
        stream_into(kind, service.url, subscribe(service, 10), {})
    with pytest.raises(EventStreamerValidationError, match="remove auto_acknowledge=False"):
        stream_into(kind, service.url, subscribe(service, 10), Kept(), auto_acknowledge=False)

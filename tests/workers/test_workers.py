"""Workers in one process: they share what there is, hand over, stand by, and hold nothing back."""

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_sdk import EventStreamer, SyncEventStreamer
from event_streamer_sdk.checkpoints import Checkpoint, CheckpointError, SQLiteCheckpoint
from event_streamer_sdk.workers import SyncWorker, Worker, current_lease, workers_status
from event_streamer_sdk.workers.health import health_endpoint
from event_streamer_sdk.workers.streams import ThreadedStreams
from event_streamer_service import DevChain, LocalService
from support.brokers import redis_server
from support.listener import KINDS
from support.services import expected_transfers, wait_until

TRANSFER = "Transfer(address indexed from, address indexed to, uint256 value)"
LAST_BLOCK = 30
kinds = pytest.mark.parametrize("kind", KINDS)
Handled = Callable[[int, dict[str, Any]], Any]


class Fleet:
    """A service with some subscriptions, and workers in threads of this process."""

    def __init__(self, service: LocalService, url: str, subscriptions: int, last_block: int | None) -> None:
        self.service = service
        self.url = url
        self.handled: Counter[tuple[int, int, int]] = Counter()
        self.by: dict[int, str] = {}
        with SyncEventStreamer(service.url, "fleet") as client:
            made = (
                client.subscribe(TRANSFER, chain_id=31337, start_block=0, end_block=last_block, new=True)
                for _ in range(subscriptions)
            )
            self.ids = [each.id for each in made]

    def _app(self, handle: Handled | None, is_async: bool) -> Callable[[Any], Any]:
        def note(subscription_id: int, events: list[dict[str, Any]]) -> Any:
            lease = current_lease()
            assert lease.subscription_id == subscription_id
            assert lease.holds
            self.by[subscription_id] = lease.owner
            return [handle(subscription_id, event) for event in events] if handle else []

        def count(subscription_id: int, events: list[dict[str, Any]]) -> None:
            for event in events:
                self.handled[subscription_id, event["block_number"], event["log_index"]] += 1

        def app(stream: Any) -> None:
            if is_async:

                @stream.on_event("Transfer")
                async def later(events: list[dict[str, Any]]) -> None:
                    for answer in note(stream.subscription_id, events):
                        if isawaitable(answer):
                            await answer
                    count(stream.subscription_id, events)
            else:

                @stream.on_event("Transfer")
                def now(events: list[dict[str, Any]]) -> None:
                    note(stream.subscription_id, events)
                    count(stream.subscription_id, events)

        return app

    @contextmanager
    def worker(self, kind: str, handle: Handled | None = None, **options: Any) -> Iterator[Any]:
        options = {"checkpoint": self.url, "lease_seconds": 3.0, "poll_seconds": 0.1} | options
        if kind == "sync":
            with (
                SyncEventStreamer(self.service.url, "fleet") as client,
                SyncWorker(client, self._app(handle, False), **options) as worker,
            ):
                yield worker
            return
        ready: list[Worker] = []
        failed: list[BaseException] = []

        async def work() -> None:
            async with EventStreamer(self.service.url, "fleet") as client:
                worker = Worker(client, self._app(handle, True), **options)
                ready.append(worker)
                await worker.run(handle_signals=False)

        def run() -> None:
            try:
                asyncio.run(work())
            except BaseException as error:  # noqa: BLE001 - raised below
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        wait_until(lambda: ready or failed)
        try:
            yield ready[0]
        finally:
            ready[0].stop()
            thread.join()
        if failed:
            raise failed[0]

    def all_of(self, expected: list[tuple[int, int]], ids: list[int] | None = None) -> bool:
        return all((each, *place) in self.handled for each in ids or self.ids for place in expected)

    def owners(self, *workers: Any) -> list[int]:
        return [len(worker.streams) for worker in workers]


Start = Callable[..., Fleet]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def fleet(subscriptions: int = 4, *, url: str = "", live: bool = False) -> Fleet:
            chain = DevChain(blocks=LAST_BLOCK + 1, mine_every=0.2 if live else None)
            service = stack.enter_context(LocalService(chain, heartbeat_interval=0.5))
            place = url or f"sqlite:///{tmp_path}/positions.db"
            return Fleet(service, place, subscriptions, None if live else LAST_BLOCK)

        yield fleet


EXPECTED = expected_transfers(DevChain(blocks=LAST_BLOCK + 1), 0, LAST_BLOCK)


@kinds
@pytest.mark.parametrize("database", ["sqlite", "redis"])
@pytest.mark.quick
def test_two_workers_share_all_subscriptions(kind: str, database: str, start: Start) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(redis_server()).url if database == "redis" else ""
        fleet = start(4, url=url)
        one = stack.enter_context(fleet.worker(kind))
        wait_until(lambda: fleet.all_of(EXPECTED), seconds=30)
        assert len(one.streams) == 4
        other = stack.enter_context(fleet.worker(kind))
        wait_until(lambda: fleet.owners(one, other) == [2, 2], seconds=15)
        assert set(one.streams) | set(other.streams) == set(fleet.ids)
        assert one.is_healthy
        assert other.is_healthy
        wait_until(lambda: all(each["state"] == "finished" for each in other.streams.values()), seconds=15)
        assert set(fleet.handled.values()) == {1}  # hand-overs repeated nothing
    assert not one.is_running
    assert one.streams == {}


@kinds
def test_one_that_ends_hands_over_within_two_seconds(kind: str, start: Start) -> None:
    fleet = start(4, live=True)
    with fleet.worker(kind, lease_seconds=60) as staying:
        with fleet.worker(kind, lease_seconds=60) as leaving:
            wait_until(lambda: fleet.owners(staying, leaving) == [2, 2], seconds=15)
            began = time.monotonic()
            leaving.stop()
            wait_until(lambda: len(staying.streams) == 4)
            assert time.monotonic() - began < 2
        fleet.handled.clear()
        wait_until(lambda: {key[0] for key in fleet.handled} == set(fleet.ids), seconds=15)


@kinds
def test_a_subscription_that_fails_or_is_slow_holds_no_other_back(kind: str, start: Start) -> None:
    fleet = start(4)
    slow, failing, *well = fleet.ids
    gate = threading.Event()

    def handle(subscription_id: int, _: dict[str, Any]) -> Any:
        if subscription_id == failing:
            raise RuntimeError("this one can't be handled")
        if subscription_id == slow:
            return asyncio.to_thread(gate.wait, 30) if kind == "async" else gate.wait(30)
        return None

    with fleet.worker(kind, handle, handler_retries=0) as worker:
        try:
            wait_until(lambda: fleet.all_of(EXPECTED, well), seconds=20)
            wait_until(lambda: worker.streams[failing]["error"], seconds=10)
            assert "this one can't be handled" in worker.streams[failing]["error"]
            assert worker.streams[slow]["state"] == "streaming"
            assert not any(key[0] in (slow, failing) for key in fleet.handled)
        finally:
            gate.set()


@kinds
def test_handlers_at_once_are_bounded(kind: str, start: Start) -> None:
    fleet = start(5)
    lock, now, most = threading.Lock(), [0], [0]

    def busy() -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.002)
        with lock:
            now[0] -= 1

    def handle(_: int, __: dict[str, Any]) -> Any:
        return asyncio.to_thread(busy) if kind == "async" else busy()

    with fleet.worker(kind, handle, concurrency=2):
        wait_until(lambda: fleet.all_of(EXPECTED), seconds=40)
    assert most[0] <= 2


@kinds
def test_a_lease_that_is_lost_means_standby_and_not_the_end(kind: str, start: Start, tmp_path: Path) -> None:
    """Somebody takes the lease away and keeps it for a while: nothing is handled, and then it goes on."""
    fleet = start(1, live=True)
    (number,) = fleet.ids
    key = f"fleet:{number}"
    path = tmp_path / "positions.db"
    with fleet.worker(kind) as worker:
        wait_until(lambda: fleet.all_of(EXPECTED), seconds=20)
        taker = SQLiteCheckpoint(path, lease_seconds=2.0)

        def take() -> bool:  # again where the worker has renewed its lease in between
            _expire(path)
            return taker.acquire(key)

        wait_until(take, seconds=5)
        position = taker.load(key)
        assert position is not None
        taker.save(key, position)
        wait_until(lambda: worker.streams == {}, seconds=5)
        before = sum(fleet.handled.values())
        time.sleep(0.5)
        assert sum(fleet.handled.values()) == before
        assert worker.is_running
        taker.close()
        wait_until(lambda: sum(fleet.handled.values()) > before, seconds=10)


def _expire(path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(path, timeout=10)
    with connection:
        connection.execute("UPDATE event_streamer_checkpoints SET expires_at = 0")
    connection.close()


@kinds
def test_what_is_made_later_is_taken_and_what_is_deleted_is_let_go(kind: str, start: Start) -> None:
    fleet = start(1)
    with fleet.worker(kind) as worker, SyncEventStreamer(fleet.service.url, "fleet") as client:
        wait_until(lambda: fleet.all_of(EXPECTED), seconds=20)
        made = client.subscribe(TRANSFER, chain_id=31337, start_block=0, end_block=LAST_BLOCK, new=True)
        wait_until(lambda: fleet.all_of(EXPECTED, [made.id]), seconds=20)
        client.delete_subscription(made.id)
        wait_until(lambda: set(worker.streams) == set(fleet.ids), seconds=20)


def test_a_plain_handler_of_an_asyncio_worker_blocks_nobody(start: Start) -> None:
    """Also where more of them take long than asyncio has threads, and none ends when the worker does."""
    fleet = start(10)
    *slow, well = fleet.ids
    gate = threading.Event()
    seen: Counter[int] = Counter()

    def app(stream: Any) -> None:
        @stream.on_all_events
        def handle(events: dict[str, list[Any]]) -> None:
            if stream.subscription_id in slow:
                gate.wait(20)
            seen[current_lease().subscription_id] += len(events["Transfer"])

    fleet._app = lambda handle, is_async: app  # type: ignore[method-assign] # an app of its own
    try:
        with fleet.worker("async"):
            wait_until(lambda: seen[well] == len(EXPECTED), seconds=20)
            assert set(seen) == {well}
            began = time.monotonic()
        assert time.monotonic() - began < 8  # stop_timeout, and nothing waits for the threads
    finally:
        gate.set()


def test_who_has_what_is_told(start: Start, tmp_path: Path) -> None:
    fleet = start(2)
    with (
        fleet.worker("sync", name="first", max_subscriptions=1),
        fleet.worker("async", name="second", max_subscriptions=1),
    ):
        wait_until(lambda: fleet.all_of(EXPECTED), seconds=20)
        store = SQLiteCheckpoint(tmp_path / "positions.db", lease_seconds=1)

        def told() -> Any:
            return workers_status(store, "fleet", [*fleet.ids, 99])

        wait_until(lambda: {line.state for line in told().streams} == {"finished", "unattended"}, seconds=15)
        status = told()
        assert [(line.name, line.streams) for line in status.workers] == [("first", 1), ("second", 1)]
        assert {line.owner for line in status.streams[:2]} == {"first", "second"}
        assert all(line.block == LAST_BLOCK for line in status.streams[:2])
        assert (status.streams[2].subscription_id, status.streams[2].owner) == (99, None)
        json.dumps(status.to_dict(), default=str)
        store.close()


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_health_and_metrics(start: Start) -> None:
    fleet = start(1)
    with SyncEventStreamer(fleet.service.url, "fleet") as client:
        worker = SyncWorker(client, fleet._app(None, False), checkpoint=fleet.url, lease_seconds=3)
        with health_endpoint(worker, "127.0.0.1", 0) as port:
            assert get(port, "/health")[0] == 503  # not at work yet
            with worker:
                wait_until(lambda: fleet.all_of(EXPECTED), seconds=20)
                wait_until(lambda: get(port, "/health")[0] == 200, seconds=5)
                (number,) = fleet.ids
                text = get(port, "/metrics")[1]
                assert "event_streamer_worker_healthy 1.0" in text
                assert (
                    f'event_streamer_client_events_total{{subscription_id="{number}"}} {len(EXPECTED)}.0'
                    in text
                )
                assert get(port, "/")[0] == 404


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"checkpoint": "nonsense"}, "not a database"),
        ({"checkpoint": 7}, "checkpoint must be"),
        ({"subscriptions": [0]}, "ids"),
        ({"max_subscriptions": 0}, "max_subscriptions must be 1 or more"),
        ({"concurrency": True}, "concurrency must be 1 or more"),
        ({"poll_seconds": 0}, "poll_seconds must be above 0"),
        ({"lease_seconds": -1}, "lease_seconds must be above 0"),
        ({"checkpoint_key": "mine"}, "checkpoint_key is the worker's"),
        ({"resume_token": "t"}, "resume_token is the worker's"),
        ({"handler_retires": 1}, "unknown option handler_retires"),
        ({"queue_batches": 0}, "queue_batches must be 1 or more"),
        ({"name": "x" * 65}, "owner must have 1 to 64 characters"),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("make", [Worker, SyncWorker])
def test_wrong_options_are_told_at_once(make: Any, options: dict[str, Any], told: str) -> None:
    with pytest.raises(EventStreamerValidationError, match=told):
        make(object(), print, **{"checkpoint": "sqlite:///:memory:"} | options)


def test_a_store_without_leases_or_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    from event_streamer_sdk.checkpoints import AsyncSQLCheckpoint

    with pytest.raises(EventStreamerValidationError, match="needs a store with leases"):
        SyncWorker(object(), print, checkpoint=SQLiteCheckpoint(tmp_path / "p.db"))
    with pytest.raises(EventStreamerValidationError, match="is for asyncio: use Worker"):
        SyncWorker(
            object(), print, checkpoint=AsyncSQLCheckpoint(f"sqlite:///{tmp_path}/p.db", lease_seconds=3)
        )
    with pytest.raises(LookupError):
        current_lease()
    assert Checkpoint(resume_token="t").block is None


def test_what_is_left_of_a_broken_off_hand_over_is_no_traceback() -> None:
    """A second Ctrl-C closes the threads, and leases that weren't given back yet run out by themselves."""

    async def ask() -> None:
        with SyncEventStreamer("http://127.0.0.1:9", "me") as client:
            streams = ThreadedStreams(client, lambda _: None, None, {})
            assert await streams.ask(len, "three") == 5
            streams.close()
            with pytest.raises(CheckpointError, match="ended before it could hand over"):
                await streams.ask(len, "three")

    asyncio.run(ask())

"""The database: migrations by version, headers, and progress that is saved in company."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import OperationalError

from event_streamer_service import ManualClock, StartupError
from event_streamer_service.chains.errors import ChainUnavailable
from event_streamer_service.chains.types import Block, Position
from event_streamer_service.delivery.ledger import Delivery
from event_streamer_service.delivery.progress import ProgressBook
from event_streamer_service.metrics import Metrics
from event_streamer_service.store import migrations, schema, subscriptions
from event_streamer_service.store.database import Database
from event_streamer_service.store.headers import SqlHeaderStore
from event_streamer_service.store.subscriptions import Progress, Subscription
from support.raw_client import TRANSFER_TOPIC, transfer


@pytest.fixture
def opened(database: str) -> Iterator[Database]:
    held = Database(database)
    yield held
    held.close()


def add_subscription(held: Database) -> Subscription:
    values = {
        "subscriber_id": "tests", "chain_id": 1, "topic0": TRANSFER_TOPIC, "event_signature": transfer(),
        "addresses": [], "start_block": 2**53 - 1, "end_block": None,
    }  # fmt: skip
    return held.run_now(lambda c: subscriptions.insert(c, values, now=1.25))


def test_a_new_database_has_the_newest_schema(opened: Database, database: str) -> None:
    assert opened.run_now(migrations._version) == max(migrations.MIGRATIONS)
    made = opened.run_now(lambda c: set(inspect(c).get_table_names()))
    assert made == set(schema.metadata.tables)
    kept = add_subscription(opened)
    again = Database(database)
    assert again.run_now(lambda c: subscriptions.get(c, kept.id)) == kept
    again.close()


def test_migrations_run_once_each_and_in_order(
    opened: Database, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []

    def note(version: int) -> Any:
        def step(_: Connection) -> None:
            ran.append(version)

        return step

    newest = max(migrations.MIGRATIONS)
    more = {newest + 1: note(newest + 1), newest + 2: note(newest + 2)}
    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS | more)
    for _ in range(2):
        Database(database).close()
    assert ran == [newest + 1, newest + 2]


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    opened: Database, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(schema.settings.insert().values(name="half", value="way"))
        connection.exec_driver_sql("CREATE TABLE half_way (x INTEGER)")
        raise ZeroDivisionError

    newest = max(migrations.MIGRATIONS)
    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS | {newest + 1: fail})
    with pytest.raises(ZeroDivisionError):
        Database(database)
    assert opened.run_now(migrations._version) == newest
    assert opened.run_now(lambda c: migrations.read_setting(c, "half")) is None
    assert not opened.run_now(lambda c: inspect(c).has_table("half_way"))


def test_a_database_of_a_newer_release_is_refused(opened: Database, database: str) -> None:
    opened.run_now(lambda c: migrations.write_setting(c, migrations.VERSION_NAME, "99"))
    with pytest.raises(StartupError, match="schema version 99"):
        Database(database)


def test_headers_are_kept_by_hash_and_forgotten_by_number(opened: Database) -> None:
    async def main() -> None:
        store = SqlHeaderStore(opened)
        blocks = [
            Block(number=n, hash=f"0x{n}{branch}", parent_hash="0x", timestamp=n)
            for n in range(5)
            for branch in "ab"
        ]
        await store.save(1, blocks)
        await store.save(1, blocks)
        await store.save(2, blocks[:1])
        await store.save(2, [])
        assert sorted(await store.load(1), key=lambda b: b.hash) == sorted(blocks, key=lambda b: b.hash)
        await store.prune(1, 3)
        assert {block.number for block in await store.load(1)} == {0, 3, 4}  # 0 tells chains apart
        assert len(await store.load(2)) == 1

    asyncio.run(main())


def test_a_database_that_is_away_holds_a_chain_up_in_words_for_subscribers(
    opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> None:
        raise OperationalError("INSERT", {}, Exception('connection to server at "10.0.0.9" failed'))

    monkeypatch.setattr(opened, "run", fail)

    async def main() -> None:
        store = SqlHeaderStore(opened)
        for call in (store.load(1), store.save(1, [Block(1, "0x1", "0x0", 1)]), store.prune(1, 1)):
            with pytest.raises(ChainUnavailable) as told:
                await call
            assert str(told.value) == "the service's database can't be used now"

    asyncio.run(main())


def test_progress_is_saved_before_saved_returns(opened: Database) -> None:
    first, second = add_subscription(opened), add_subscription(opened)
    metrics = Metrics()

    def in_database(subscription: Subscription) -> Progress:
        found = opened.run_now(lambda c: subscriptions.get(c, subscription.id))
        assert found is not None
        return found.progress

    async def main() -> None:
        book = ProgressBook(opened, clock=ManualClock(), metrics=metrics)
        assert book.current(first) == Progress()

        async def acknowledge(subscription: Subscription, events: int) -> None:
            book.add(subscription, [Delivery(Position(events, 0, "0x"), events, 1, "x")])
            await book.saved()
            assert in_database(subscription).events_delivered >= events
            assert book.current(subscription).events_delivered >= events

        for round_of in range(1, 6):
            await asyncio.gather(acknowledge(first, round_of), acknowledge(second, round_of * 10))
        await asyncio.gather(*(acknowledge(first, events) for events in range(6, 106)))
        assert metrics.progress_saves._value.get() <= 10, "those that come together are saved together"
        book.add(second, [Delivery(Position(1000), 1000, 1)])
        await book.close()

    asyncio.run(main())
    assert in_database(first).events_delivered == 105
    assert in_database(second).events_delivered == 1000


def test_progress_that_can_not_be_saved_is_kept(opened: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = add_subscription(opened)

    async def main() -> None:
        book = ProgressBook(opened, clock=ManualClock(), metrics=Metrics())
        broken = pytest.MonkeyPatch()

        async def fail(_: object) -> None:
            raise OperationalError("UPDATE", {}, Exception("gone"))

        broken.setattr(opened, "run", fail)
        book.add(kept, [Delivery(Position(7), 7, 7)])
        with pytest.raises(OperationalError):
            await book.saved()
        broken.undo()
        await book.saved()

    asyncio.run(main())
    found = opened.run_now(lambda c: subscriptions.get(c, kept.id))
    assert found is not None
    assert found.progress.events_delivered == 7


def stored(held: Database, number: int) -> Subscription:
    found = held.run_now(lambda c: subscriptions.get(c, number))
    assert found is not None
    return found


def test_a_process_that_is_behind_takes_nothing_back(opened: Database, database: str) -> None:
    """Two processes on one database, each with what it knew when the stream was opened."""
    shared = add_subscription(opened)

    async def main() -> None:
        there = Database(database)
        ahead, behind = (
            ProgressBook(held, clock=ManualClock(), metrics=Metrics()) for held in (opened, there)
        )
        for book, block in ((ahead, 19), (behind, 19), (ahead, 79), (behind, 39)):
            book.add(shared, [Delivery(Position(block), block, 1, f"{block}:0")])
            await book.saved()
        assert stored(opened, shared.id).progress == Progress(
            position=Position(79), events_delivered=79, last_event_id="79:0"
        )
        assert behind.current(shared).events_delivered == 79, "it learns what is stored when it saves"
        behind.add(shared, [Delivery(Position(50), 79, reorg=True), Delivery(Position(51), 80, 1, "51:0")])
        ahead.add(shared, [Delivery(Position(80), 80, 1, "80:0")])
        await asyncio.gather(behind.saved(), ahead.saved())
        assert stored(opened, shared.id).progress.position in (Position(51), Position(80)), (
            "one, then the other"
        )
        await asyncio.gather(ahead.close(), behind.close())
        there.close()

    asyncio.run(main())


def test_what_was_delivered_before_a_change_is_void_in_every_process(opened: Database, database: str) -> None:
    before = add_subscription(opened)

    async def main() -> None:
        there = Database(database)
        book = ProgressBook(there, clock=ManualClock(), metrics=Metrics())
        book.add(before, [Delivery(Position(9), 9, 9)])
        opened.run_now(lambda c: subscriptions.update(c, before.id, {"start_block": 1}, now=2))
        await book.saved()
        assert stored(opened, before.id).progress == Progress()
        book.add(stored(opened, before.id), [Delivery(Position(4), 4, 4)])
        book.add(before, [Delivery(Position(10), 10, 1)])
        await book.close()
        there.close()

    asyncio.run(main())
    assert stored(opened, before.id).progress.position == Position(4)


def test_what_is_forgotten_is_not_written(opened: Database) -> None:
    kept = add_subscription(opened)

    async def main() -> None:
        book = ProgressBook(opened, clock=ManualClock(), metrics=Metrics())
        book.add(kept, [Delivery(Position(7), 7, 7)])
        book.forget(kept.id)
        await book.close()

    asyncio.run(main())
    assert opened.run_now(lambda c: subscriptions.get(c, kept.id)) == kept


ON_WINDOWS = """
import fcntl, sys, types
from event_streamer_service.store import database  # what it needs is loaded as the system it runs on is


def locking(descriptor, mode, size):
    assert (mode, size) == (3, 1)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PermissionError(13, "Permission denied")


sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=3)
sys.modules["fcntl"] = None
sys.platform = "win32"
from event_streamer_service.errors import StartupError
from event_streamer_service.store.sqlite_lock import only_service_on

with only_service_on(sys.argv[1]):
    try:
        with only_service_on(sys.argv[1]):
            print("both")
    except StartupError as refused:
        print(refused)
with only_service_on(sys.argv[1]):
    print("free again")
"""


def test_a_second_service_on_a_database_is_refused_by_windows_locks_too(tmp_path: Path) -> None:
    """Windows has no fcntl; its msvcrt.locking answers EACCES where another process holds the lock."""
    url = f"sqlite:///{tmp_path / 'service.db'}"
    done = subprocess.run([sys.executable, "-c", ON_WINDOWS, url], capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        f"Another service is using {tmp_path / 'service.db'}: stop it, or name another file with "
        "--database sqlite:///other.db.",
        "free again",
    ], done.stderr

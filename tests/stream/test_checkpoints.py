"""The stores: positions, leases with their fencing numbers, and dead letters."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.checkpoints import (
    Checkpoint,
    CheckpointError,
    CheckpointStore,
    DeadLetterError,
    DeadLetterRecord,
    FileCheckpoint,
    HandlerCheckpoint,
    JSONLinesDeadLetters,
    LeaseLostError,
    LeasingStore,
    MemoryCheckpoint,
    SQLCheckpoint,
    SQLDeadLetters,
    SQLiteCheckpoint,
    SQLiteDeadLetters,
)
from event_streamer_sdk.exceptions import EventStreamerValidationError
from support.listener import KINDS, Listener
from support.postgres import Missing, cluster
from support.stream_server import Wire, stream_server

ALL = [0, 1, 2, 3, 4]
POSITION = Checkpoint(resume_token="rt_1", batch_id="b1", block=101, chain_id=1)


@pytest.fixture(params=["memory", "file", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made: dict[str, Any] = {
        "memory": MemoryCheckpoint,
        "file": lambda: FileCheckpoint(tmp_path / "position.json"),
        "sqlite": lambda: SQLiteCheckpoint(tmp_path / "positions.db"),
    }
    store = made[request.param]()
    yield store
    store.close()
    store.close()


@pytest.mark.quick
def test_a_position_comes_back_as_it_was_stored(store: Any) -> None:
    assert isinstance(store, CheckpointStore)
    assert store.load("me:1") is None
    store.save("me:1", POSITION)
    store.save("me:1", Checkpoint(resume_token="rt_2+/=&é", block=2**62))
    found = store.load("me:1")
    assert (found.resume_token, found.batch_id, found.block, found.chain_id) == (
        "rt_2+/=&é",
        None,
        2**62,
        None,
    )


def test_a_store_may_be_used_by_several_threads(store: Any) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for number in range(20):
                store.save("me:1", Checkpoint(resume_token=f"rt_{number}"))
                store.load("me:1")
        except BaseException as error:  # noqa: BLE001 - told to the test below
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert store.load("me:1").resume_token == "rt_19"


def test_a_token_is_not_shown() -> None:
    assert "rt_1" not in repr(POSITION)


def test_a_file_is_its_owners_and_one_positions(tmp_path: Path) -> None:
    store = FileCheckpoint(tmp_path / "position.json")
    store.save("me:1", POSITION)
    assert stat.S_IMODE(os.stat(tmp_path / "position.json").st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["position.json"]
    with pytest.raises(CheckpointError, match=r"'me:1' and not of 'me:2'; use a file for each"):
        store.load("me:2")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
@pytest.mark.parametrize("make", [os.mkdir, getattr(os, "mkfifo", None)])
def test_what_is_no_file_is_neither_read_nor_replaced(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "position.json"
    make(path)
    before = os.stat(path).st_mode
    with pytest.raises(CheckpointError, match=r"position\.json is not a file; name one"):
        FileCheckpoint(path).load("me:1")
    with pytest.raises(CheckpointError, match=r"position\.json is not a file; name one"):
        FileCheckpoint(path).save("me:1", POSITION)
    assert os.stat(path).st_mode == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_large_file_is_no_checkpoint_and_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "position.json"
    with path.open("wb") as file:
        file.truncate(2**40)  # a hole, which takes no place on the disk
    with pytest.raises(
        CheckpointError, match=r"is not a checkpoint; move it away, and .* after what .*new=True"
    ):
        FileCheckpoint(path).load("me:1")


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    store = FileCheckpoint(tmp_path / "nowhere" / "position.json")
    with pytest.raises(CheckpointError, match=r"make its folder .*nowhere first"):
        store.load("me:1")
    with pytest.raises(CheckpointError, match="nowhere"):
        store.save("me:1", POSITION)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="no users on this system")
@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_must_not_be_written_is_told_before_the_first_batch(there: bool) -> None:
    folder = Path(tempfile.mkdtemp(prefix="event-streamer-read-only-"))
    store = FileCheckpoint(folder / "position.json")
    if there:
        store.save("me:1", POSITION)
        store.path.chmod(0o644)
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:  # who may write everywhere
        os.seteuid(65534)
    try:
        with pytest.raises(
            CheckpointError, match=r"position\.json can't be written: Permission denied"
        ) as told:
            store.load("me:1")
        assert told.value.permanent
    finally:
        os.seteuid(user)
        folder.chmod(0o700)
        shutil.rmtree(folder)


WRITER = """
import sys
from event_streamer_sdk.checkpoints import Checkpoint, FileCheckpoint

store, name = FileCheckpoint(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for number in range(300):
    store.save("me:1", Checkpoint(resume_token=f"rt_{name}_{number}" + name * 1000))
"""


def test_two_processes_that_write_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    store = FileCheckpoint(tmp_path / "position.json")
    store.save("me:1", POSITION)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store.path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in "xy"
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        while any(writer.poll() is None for writer in writers):
            assert store.load("me:1") is not None
        assert [writer.communicate()[1] for writer in writers] == ["", ""]
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    assert [path.name for path in tmp_path.iterdir()] == ["position.json"]
    last = store.load("me:1")
    assert last is not None
    assert last.resume_token in {f"rt_{name}_299" + name * 1000 for name in "xy"}


# --- leases -------------------------------------------------------------------------------------


@pytest.fixture
def workers(tmp_path: Path) -> Any:
    made = [SQLiteCheckpoint(tmp_path / "positions.db", lease_seconds=30) for _ in range(2)]
    yield made
    for worker in made:
        worker.close()


def expire(path: Path) -> None:
    connection = sqlite3.connect(path / "positions.db")
    with connection:
        connection.execute("UPDATE event_streamer_checkpoints SET expires_at = 0")
    connection.close()


def test_one_worker_at_a_time_has_the_lease(workers: Any) -> None:
    first, second = workers
    assert isinstance(first, LeasingStore)
    assert first.acquire("me:1")
    assert not second.acquire("me:1")
    assert first.acquire("me:1")  # again, by the same worker
    first.save("me:1", POSITION)
    first.renew("me:1")
    first.release("me:1")
    assert second.acquire("me:1")
    assert second.load("me:1").resume_token == "rt_1"


def test_leases_of_other_positions_are_not_touched(workers: Any) -> None:
    first, second = workers
    assert first.acquire("me:1")
    assert second.acquire("me:2")


def test_a_lease_that_has_run_out_may_be_taken(workers: Any, tmp_path: Path) -> None:
    first, second = workers
    assert first.acquire("me:1")
    expire(tmp_path)
    first.save("me:1", POSITION)  # nobody has taken it yet: it is still ours
    expire(tmp_path)
    assert second.acquire("me:1")
    with pytest.raises(LeaseLostError):
        first.save("me:1", Checkpoint(resume_token="rt_late"))
    with pytest.raises(LeaseLostError):
        first.renew("me:1")
    first.release("me:1")  # not ours to give back
    assert not first.acquire("me:1")
    assert second.load("me:1").resume_token == "rt_1"


def test_who_has_no_lease_stores_nothing(workers: Any) -> None:
    first, _ = workers
    with pytest.raises(LeaseLostError):
        first.save("me:1", POSITION)


def test_many_workers_at_once_one_wins(tmp_path: Path) -> None:
    stores = [SQLiteCheckpoint(tmp_path / "positions.db", lease_seconds=30) for _ in range(6)]
    won: list[bool] = []
    gate = threading.Barrier(len(stores))

    def race(store: SQLiteCheckpoint) -> None:
        gate.wait()
        try:
            won.append(store.acquire("me:1"))
        except CheckpointError:  # locked out while the tables were made: as good as too late
            won.append(False)

    threads = [threading.Thread(target=race, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sum(won) == 1


# --- any database -------------------------------------------------------------------------------


def test_a_database_that_is_not_there() -> None:
    def refuse() -> Any:
        raise OSError("connection refused")

    store = SQLCheckpoint(refuse)
    for action in (lambda: store.load("k"), lambda: store.save("k", POSITION)):
        with pytest.raises(CheckpointError, match="connection refused"):
            action()


def test_a_broken_connection_is_made_anew(tmp_path: Path) -> None:
    made: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        made.append(sqlite3.connect(tmp_path / "p.db", check_same_thread=False))
        return made[-1]

    store = SQLCheckpoint(connect)
    store.save("k", POSITION)
    made[0].close()
    with pytest.raises(CheckpointError, match="closed"):
        store.load("k")
    found = store.load("k")
    assert found is not None
    assert found.resume_token == "rt_1"
    assert len(made) == 2
    store.close()


@pytest.mark.parametrize(
    "options", [{"owner": "x" * 65}, {"table": "a; DROP TABLE b"}, {"lease_seconds": 0}], ids=str
)
def test_wrong_options_of_a_store(options: dict[str, Any]) -> None:
    with pytest.raises(EventStreamerValidationError):
        SQLCheckpoint(lambda: None, **options)


# --- dead letters -------------------------------------------------------------------------------

RECORD = DeadLetterRecord(
    time=datetime(2026, 1, 1, tzinfo=UTC),
    kind="line",
    subscription_id=1,
    reason="it is not JSON",
    raw=b"\xff\x00",
    message={"big": 2**200},
)


def test_dead_letters_in_a_file(tmp_path: Path) -> None:
    letters = JSONLinesDeadLetters(tmp_path / "dead.jsonl")
    letters.write(RECORD)
    letters.write(RECORD)
    letters.close()
    first, second = map(json.loads, (tmp_path / "dead.jsonl").read_text().splitlines())
    assert first == second
    assert (first["raw_base64"], first["message"]) == ("/wA=", {"big": 2**200})


def test_dead_letters_in_a_table(tmp_path: Path) -> None:
    letters = SQLiteDeadLetters(tmp_path / "dead.db")
    letters.write(RECORD)
    letters.close()
    connection = sqlite3.connect(tmp_path / "dead.db")
    (row,) = connection.execute("SELECT kind, subscription_id, reason FROM event_streamer_dead_letters")
    connection.close()
    assert row == ("line", 1, "it is not JSON")


@pytest.mark.parametrize(
    "make", [lambda: JSONLinesDeadLetters("/dev/full"), lambda: SQLiteDeadLetters("/dev/full")]
)
def test_dead_letters_on_a_full_disk(make: Any) -> None:
    letters = make()
    with pytest.raises(DeadLetterError):
        letters.write(RECORD)
    letters.close()


# --- in a stream --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.quick
def test_rows_and_token_in_one_transaction(kind: str, tmp_path: Path) -> None:
    """The transactional mode: a program that dies behind its commit gets nothing twice."""
    database = sqlite3.connect(tmp_path / "rows.db", check_same_thread=False, isolation_level=None)
    database.execute("CREATE TABLE seen (number INTEGER PRIMARY KEY)")
    database.execute("CREATE TABLE place (token TEXT)")
    database.execute("INSERT INTO place VALUES (NULL)")
    store = HandlerCheckpoint(lambda: database.execute("SELECT token FROM place").fetchone()[0])

    def handle(number: int) -> None:
        batch = listener.stream.current_batch
        database.execute("BEGIN")
        database.execute("INSERT INTO seen VALUES (?)", [number])  # would fail for one that comes twice
        database.execute("UPDATE place SET token = ?", [batch.resume_token])
        database.execute("COMMIT")
        if number == 2 and not died:
            died.append(number)
            raise SystemError("as if the program died here")

    died: list[int] = []
    with stream_server() as server:
        listener = Listener(kind, server.url, handler=handle, checkpoint=store, handler_retries=0)
        with pytest.raises(SystemError):
            listener.run()
        listener = Listener(kind, server.url, handler=handle, checkpoint=store, handler_retries=0)
        listener.run()
        assert server.tokens == [None, "t2"]
        assert [number for (number,) in database.execute("SELECT number FROM seen ORDER BY 1")] == ALL
    database.close()


class Own:
    """A store of a user's, for asyncio."""

    def __init__(self) -> None:
        self.kept: dict[str, Checkpoint] = {}

    async def load(self, key: str) -> Checkpoint | None:
        return self.kept.get(key)

    async def save(self, key: str, checkpoint: Checkpoint) -> None:
        self.kept[key] = checkpoint

    def close(self) -> None:
        """Nothing to let go of."""


def test_a_store_may_have_coroutine_functions() -> None:
    store = Own()
    with stream_server() as server:
        Listener("async", server.url, checkpoint=store, checkpoint_key="mine").run()
        assert store.kept["mine"].resume_token == "t4"


def test_the_blocking_client_refuses_coroutine_functions() -> None:
    client = SyncEventStreamer("http://localhost:1", "me")
    with pytest.raises(EventStreamerValidationError, match="coroutine function"):
        client.create_streaming_client(1, checkpoint=Own())  # type: ignore[arg-type] # that is the mistake


@pytest.mark.parametrize("kind", KINDS)
def test_writes_may_be_gathered(kind: str) -> None:
    saves: list[str] = []

    class Counting(MemoryCheckpoint):
        def save(self, key: str, checkpoint: Checkpoint) -> None:
            saves.append(checkpoint.resume_token)
            super().save(key, checkpoint)

    def at_once(wire: Wire) -> None:
        wire.send(b"".join(server.batch(number) for number in range(200)))
        wire.rest(200)

    with stream_server(at_once, size=200) as server:
        listener = Listener(kind, server.url, checkpoint=Counting(), checkpoint_interval=30)
        listener.run()
        assert listener.handled == list(range(200))
        assert len(saves) < 5
        assert saves[-1] == "t199"
        assert server.acked == {f"b{number}" for number in range(200)}


@pytest.mark.postgres
def test_positions_and_leases_in_postgresql() -> None:
    psycopg = pytest.importorskip("psycopg")
    try:
        running = cluster()
        with running as url:
            stores = [
                SQLCheckpoint(lambda: psycopg.connect(f"{url}/postgres"), lease_seconds=30) for _ in range(2)
            ]
            first, second = stores
            assert first.acquire("me:1")
            assert not second.acquire("me:1")
            first.save("me:1", POSITION)
            first.release("me:1")
            assert second.acquire("me:1")
            with pytest.raises(LeaseLostError):
                first.save("me:1", POSITION)
            found = second.load("me:1")
            assert found is not None
            assert (found.resume_token, found.block) == ("rt_1", 101)
            letters = SQLDeadLetters(lambda: psycopg.connect(f"{url}/postgres"))
            letters.write(RECORD)
            for made in (first, second, letters):
                made.close()
    except Missing as missing:
        pytest.skip(str(missing))

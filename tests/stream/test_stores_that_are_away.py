"""A store that is away is waited for, as the service is, and one that is broken ends the stream."""

import asyncio
import os
import re
import sqlite3
import sys
import time
import types
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from event_streamer_sdk import Reconnect
from event_streamer_sdk.checkpoints import (
    Checkpoint,
    CheckpointError,
    DeadLetterError,
    DeadLetterRecord,
    FileCheckpoint,
    HandlerCheckpoint,
    JSONLinesDeadLetters,
    MemoryCheckpoint,
    SQLCheckpoint,
    SQLDeadLetters,
    SQLiteCheckpoint,
)
from support.listener import KINDS, Listener, both, until
from support.postgres import Missing, cluster
from support.relay import Relay
from support.stream_server import stay, stream_server

ALL = [0, 1, 2, 3, 4]
kinds = pytest.mark.parametrize("kind", KINDS)
TOO_MANY = 10_000


class DriverError(Exception):
    """What a database's driver raises, which no store of ours has heard of."""


class Away(MemoryCheckpoint):
    """
    A user's own store whose database is away for so many calls.

    Args:
        error: What its driver raises.
        **calls: Method → how many of its calls fail, the first one that succeeds not counted.
    """

    def __init__(self, error: Exception, **calls: int) -> None:
        super().__init__()
        self.error = error
        self.calls = calls
        self.saved: list[str] = []

    def _may(self, method: str) -> None:
        if self.calls.get(method, 0) > 0:
            self.calls[method] -= 1
            raise self.error

    def load(self, key: str) -> Checkpoint | None:
        self._may("load")
        return super().load(key)

    def save(self, key: str, checkpoint: Checkpoint) -> None:
        self._may("save")
        self.saved.append(checkpoint.resume_token)
        super().save(key, checkpoint)


def codes(listener: Listener) -> list[str]:
    return [error.error_code for error in listener.errors]


@kinds
@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("connection refused"),
        TimeoutError("timed out"),
        CheckpointError("the cluster elects a leader"),
        DriverError("server closed the connection"),
        pytest.param(sqlite3.OperationalError("not of a file"), id="OperationalError"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("method", ["load", "save"])
def test_a_store_that_is_away_is_waited_for_and_told(kind: str, error: Exception, method: str) -> None:
    store = Away(error, **{method: 5})
    with stream_server() as server:
        listener = Listener(kind, server.url, checkpoint=store)
        report = listener.run()
        assert report.reason == "finished"
        assert listener.handled == ALL  # no batch is handled twice for it
        assert store.saved[-1] == "t4"
        assert server.acked == {f"b{number}" for number in ALL}
        assert codes(listener) == ["CHECKPOINT_UNAVAILABLE"]  # once for each time that it goes away
        assert str(error) in listener.errors[0].error_message
        assert listener.errors[0].recoverable is True


@kinds
def test_nothing_is_acknowledged_and_heartbeats_go_on_while_the_store_is_away(kind: str) -> None:
    store = Away(OSError("gone"), save=TOO_MANY)

    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: codes(listener) == ["CHECKPOINT_UNAVAILABLE"])
        beats = len(server.heartbeats)
        await until(lambda: len(server.heartbeats) > beats + 3)
        assert listener.handled == [0]
        assert server.acked == set()
        assert stream.is_running
        assert stream.get_current_resume_token() is None
        store.calls["save"] = 0
        await until(lambda: listener.handled == ALL)
        await until(lambda: server.acked == {f"b{number}" for number in ALL})
        await call(stream.stop_streaming())

    with stream_server(stay) as server:
        listener = Listener(
            kind, server.url, checkpoint=store, heartbeat_interval=0.05, handler_stall_timeout=0.01
        )
        both(kind, listener, scenario)
        assert listener.reconnects == {}


@kinds
def test_stopping_does_not_wait_for_the_store(kind: str) -> None:
    store = Away(OSError("gone for good"), save=TOO_MANY)

    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: codes(listener) != [])
        began = time.monotonic()
        with pytest.raises(OSError, match="gone for good"):
            await call(stream.stop_streaming())
        assert time.monotonic() - began < 3
        assert stream.report.reason == "checkpoint_failed"

    with stream_server(stay) as server:
        listener = Listener(kind, server.url, checkpoint=store, reconnect=Reconnect(initial=60, maximum=60))
        both(kind, listener, scenario)
        assert server.acked == set()


@kinds
@pytest.mark.parametrize("method", ["load", "save"])
@pytest.mark.parametrize(
    ("error", "calls"), [(TypeError("a mistake"), 1), (CheckpointError("full", permanent=True), 1)]
)
def test_a_store_that_is_broken_ends_the_stream(kind: str, method: str, error: Exception, calls: int) -> None:
    store = Away(error, **{method: calls})
    with stream_server() as server:
        listener = Listener(kind, server.url, checkpoint=store)
        with pytest.raises(type(error), match=str(error)):
            listener.run()
        assert listener.report is not None
        assert listener.report.reason == "checkpoint_failed"
        assert store.calls[method] == 0
        assert server.acked == set()


@kinds
@pytest.mark.parametrize(("reconnect", "tries"), [(Reconnect(initial=0.01, attempts=2), 2), (False, 3)])
def test_the_reconnect_policy_limits_the_waiting(kind: str, reconnect: Any, tries: int) -> None:
    store = Away(OSError("gone"), save=TOO_MANY)
    with stream_server() as server:
        listener = Listener(kind, server.url, checkpoint=store, reconnect=reconnect)
        with pytest.raises(OSError, match="gone"):
            listener.run()
        assert TOO_MANY - store.calls["save"] == tries


@kinds
def test_connect_tells_at_once_of_a_store_that_is_away(kind: str) -> None:
    store = Away(OSError("gone"), load=1)

    async def scenario(stream: Any, call: Any) -> None:
        with pytest.raises(OSError, match="gone"):
            await call(stream.connect())
        await call(stream.connect())
        assert stream.is_connected
        await call(stream.disconnect())

    with stream_server(stay) as server:
        both(kind, Listener(kind, server.url, checkpoint=store), scenario)


@kinds
def test_dead_letters_that_are_away_are_waited_for(kind: str) -> None:
    written: list[DeadLetterRecord] = []

    class Letters:
        left = 4

        def write(self, record: DeadLetterRecord) -> None:
            if self.left:
                self.left -= 1
                raise DriverError("no connection")
            written.append(record)

        def close(self) -> None:
            """Nothing to let go of."""

    def always(number: int) -> None:
        if number == 2:
            raise RuntimeError("always")

    with stream_server() as server:
        listener = Listener(
            kind,
            server.url,
            handler=always,
            handler_retries=0,
            on_handler_error="dead_letter",
            dead_letter=Letters(),
        )
        listener.run()
        assert [record.batch_id for record in written] == ["b2"]
        assert server.acked == {f"b{number}" for number in ALL}
        assert codes(listener) == ["HANDLER_FAILED", "DEAD_LETTERS_UNAVAILABLE"]


@pytest.mark.postgres
@kinds
def test_postgresql_that_goes_away_for_two_seconds(kind: str) -> None:
    psycopg = pytest.importorskip("psycopg")

    async def scenario(stream: Any, call: Any) -> None:
        await call(stream.start_streaming())
        await until(lambda: 2 in listener.attempts)
        relay.away()
        go.append(True)
        await asyncio.sleep(2)
        assert stream.is_running
        relay.back()
        await until(lambda: server.acked == {f"b{number}" for number in ALL})
        await call(stream.stop_streaming())

    go: list[bool] = []

    def wait(number: int) -> Any:
        async def later() -> None:
            await until(lambda: bool(go))

        if number == 2 and kind == "async":
            return later()
        while number == 2 and not go:
            time.sleep(0.01)
        return None

    try:
        with cluster() as url, Relay(int(url.rpartition(":")[2])) as relay, stream_server(stay) as server:
            dsn = f"postgresql://tests@127.0.0.1:{relay.port}/postgres?connect_timeout=1"
            # As the guide writes it: no placeholder, and no lease for this one worker.
            store = SQLCheckpoint(lambda: psycopg.connect(dsn))
            listener = Listener(kind, server.url, handler=wait, checkpoint=store)
            both(kind, listener, scenario)
            assert listener.handled == ALL
            found = store.load("tester:1")
            assert found is not None
            assert found.resume_token == "t4"
            assert set(codes(listener)) == {"CHECKPOINT_UNAVAILABLE"}
            letters = SQLDeadLetters(lambda: psycopg.connect(dsn))
            record = DeadLetterRecord(time=datetime.now(UTC), kind="line", subscription_id=1, reason="x")
            letters.write(record)
            for made in (store, letters):
                made.close()
    except Missing as missing:
        pytest.skip(str(missing))


def test_what_is_permanent_of_an_sqlite_file(tmp_path: Path) -> None:
    path = tmp_path / "positions.db"
    with closing(SQLiteCheckpoint(path)) as made:
        made.save("k", Checkpoint(resume_token="t"))
    locked = sqlite3.connect(path, isolation_level=None)
    locked.execute("BEGIN IMMEDIATE")
    store = SQLCheckpoint(lambda: sqlite3.connect(path, timeout=0.01))
    with pytest.raises(CheckpointError, match="locked") as caught:
        store.save("k", Checkpoint(resume_token="t"))
    assert not caught.value.permanent
    store.close()
    locked.close()
    for broken in (tmp_path, tmp_path / "nowhere" / "positions.db", Path(__file__)):
        with closing(SQLiteCheckpoint(broken)) as store, pytest.raises(CheckpointError) as caught:
            store.load("k")
        assert caught.value.permanent


def test_what_is_permanent_of_files(tmp_path: Path) -> None:
    for action in (
        lambda: FileCheckpoint(tmp_path / "nowhere" / "position.json").load("k"),
        lambda: FileCheckpoint(tmp_path).save("k", Checkpoint(resume_token="t")),
    ):
        with pytest.raises(CheckpointError) as caught:
            action()
        assert caught.value.permanent
    with pytest.raises(DeadLetterError) as refused:
        JSONLinesDeadLetters("/dev/full").write(
            DeadLetterRecord(time=datetime.now(UTC), kind="line", subscription_id=1, reason="x")
        )
    assert refused.value.permanent


@kinds
def test_a_coroutine_function_loads_the_handlers_position(kind: str) -> None:
    async def load() -> str:
        return "t1"

    with stream_server() as server:
        listener = Listener(kind, server.url, checkpoint=HandlerCheckpoint(load))
        if kind == "sync":
            with pytest.raises(ValueError, match="coroutine function: use EventStreamer"):
                listener.run()
            return
        listener.run()
        assert listener.handled == [2, 3, 4]
        assert server.tokens == ["t1"]


@kinds
def test_a_load_that_gives_no_token_is_told(kind: str) -> None:
    with stream_server() as server:
        listener = Listener(kind, server.url, checkpoint=HandlerCheckpoint(lambda: ("t1",)))  # type: ignore[arg-type, return-value]
        with pytest.raises(ValueError, match="must return a token or None, not tuple"):
            listener.run()
        assert not server.connects


def test_the_blocking_client_awaits_nothing_and_says_so() -> None:
    """What looks like a plain function and gives a coroutine would count as handled, and never run."""

    class Later:
        async def __call__(self, events: Any) -> None:
            raise AssertionError("never run")

    async def handle(events: Any) -> None:
        raise AssertionError("never run")

    with stream_server() as server:
        listener = Listener("sync", server.url)
        with listener.sync_client() as client:
            stream = client.create_streaming_client(1)
            with pytest.raises(ValueError, match="coroutine function: use EventStreamer"):
                stream.on_event("Transfer")(Later())
            stream = client.create_streaming_client(1, handler_retries=0)
            stream.on_event("Transfer")(lambda events: handle(events))
            with pytest.raises(ValueError, match="returned a coroutine: use EventStreamer"):
                stream.run()
            store: Any = MemoryCheckpoint()
            store.save = lambda key, checkpoint: handle(key)
            stream = client.create_streaming_client(1, checkpoint=store)
            stream.on_event("Transfer")(lambda events: None)
            with pytest.raises(ValueError, match="returned a coroutine: use EventStreamer"):
                stream.run()
        assert server.acked == set()


# --- the driver's placeholders ------------------------------------------------------------------


STYLES = {
    "qmark": lambda text: text,
    "format": lambda text: text.replace("%s", "?"),
    "pyformat": lambda text: re.sub(r"%\((\w+)\)s", r":\1", text),
    "named": lambda text: text,
    "numeric": lambda text: re.sub(r":(\d+)", r"?\1", text),
}


def driver(style: str, path: Path) -> Any:
    """Make a driver of another style out of SQLite, as a module whose connections live in a part of it."""
    package, part = types.ModuleType(f"driver_{style}"), f"driver_{style}.connections"
    package.paramstyle = style  # type: ignore[attr-defined]
    sys.modules[package.__name__] = package

    class Cursor(sqlite3.Cursor):
        def execute(self, text: str, parameters: Any = ()) -> Any:
            assert not parameters or isinstance(parameters, dict) == (style in {"pyformat", "named"})
            return super().execute(STYLES[style](text), parameters)

    class Connection(sqlite3.Connection):
        def cursor(self, *arguments: Any) -> Any:
            return super().cursor(Cursor)

    Connection.__module__ = part
    return sqlite3.connect(path, factory=Connection, check_same_thread=False)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "in a pool"])
def test_placeholders_are_the_drivers_own(style: str, wrapped: bool, tmp_path: Path) -> None:
    class Pooled:
        """A pool's connection, such as SQLAlchemy's."""

        def __init__(self) -> None:
            self.dbapi_connection = driver(style, tmp_path / "positions.db")

        def __getattr__(self, name: str) -> Any:
            return getattr(self.dbapi_connection, name)

    store = SQLCheckpoint(
        Pooled if wrapped else lambda: driver(style, tmp_path / "positions.db"),
        dialect="sqlite",
        lease_seconds=30,
    )
    assert store.acquire("k")
    store.save("k", Checkpoint(resume_token="t%s?:1", batch_id="b", block=7))
    store.renew("k")
    found = store.load("k")
    assert found is not None
    assert (found.resume_token, found.batch_id, found.block) == ("t%s?:1", "b", 7)
    store.release("k")
    store.close()


def test_a_driver_that_nobody_knows_is_asked_for_its_dialect() -> None:
    class Odd:
        """A connection that no driver made."""

        def rollback(self) -> None:
            """Nothing."""

        close = commit = rollback

    with pytest.raises(CheckpointError, match="name the kind of database") as caught:
        SQLCheckpoint(Odd).load("k")
    assert caught.value.permanent


# --- Windows ------------------------------------------------------------------------------------


def test_a_rename_that_a_virus_scanner_holds_up_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to replace a file that somebody has open."""
    tries: list[int] = []
    replace = os.replace

    def busy(*arguments: Any) -> None:
        tries.append(1)
        if len(tries) < 4:
            raise PermissionError(13, "The process cannot access the file")
        replace(*arguments)

    store = FileCheckpoint(tmp_path / "position.json")
    monkeypatch.setattr(os, "replace", busy)
    store.save("k", Checkpoint(resume_token="t1"))
    found = store.load("k")
    assert found is not None
    assert found.resume_token == "t1"
    monkeypatch.setattr(os, "replace", lambda *_: busy() if not tries.clear() else None)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(CheckpointError, match="cannot access the file"):
        store.save("k", Checkpoint(resume_token="t2"))
    assert [path.name for path in tmp_path.iterdir()] == ["position.json"]

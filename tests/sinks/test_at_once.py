"""Sinks of several processes that begin in the same moment, at one place."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from event_streamer_sdk.models.abi import ABIEvent, ABIInput
from event_streamer_sdk.models.subscriptions import SubscriptionResponse
from event_streamer_sdk.sinks import SinkBatch, SinkError, Source, SQLSink

SEEN = ABIEvent(name="Seen", inputs=[ABIInput(name="n", type="uint256")])
WAITING = ("BEGIN IMMEDIATE", "SELECT pg_advisory_xact_lock")
"""What a sink says to wait for its turn."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/events.db"
    cluster, name = request.getfixturevalue("cluster"), f"at_once_{tmp_path.name.rpartition('_')[2]}"
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{cluster}/{name}"


def source_of(number: int) -> Source:
    return Source(
        SubscriptionResponse(
            id=number,
            topic0="0x",
            event_signature=SEEN,
            addresses=[],
            start_block=0,
            chain_id=1,
            subscriber_id="x",
        )
    )


class Second:
    """A sink in a thread, which begins when the first one is about to make a table."""

    def __init__(self, sink: SQLSink) -> None:
        self._sink = sink
        self._thread = threading.Thread(target=self._open, name="second")
        self._waits_or_done = threading.Event()
        self.outcome: Any = "nothing yet"

    def _open(self) -> None:
        try:
            self.outcome = self._sink.open(source_of(2))
        except SinkError as problem:
            self.outcome = problem
        finally:
            self._waits_or_done.set()

    def look(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        """Let the second one come as far as it can before the first one's first table is made."""
        if threading.current_thread() is self._thread:
            if statement.startswith(WAITING):
                self._waits_or_done.set()
        elif statement.lstrip().startswith("CREATE TABLE") and self._thread.ident is None:
            self._thread.start()
            self._waits_or_done.wait()

    def join(self) -> None:
        self._thread.join()


@pytest.fixture
def sinks(database: str, request: pytest.FixtureRequest) -> Iterator[tuple[SQLSink, SQLSink]]:
    """Two sinks, opened at once; the test's parameter names the second one's table."""
    first, other = SQLSink(database, table="seen"), SQLSink(database, table=request.param)
    second = Second(other)
    sa.event.listen(sa.Engine, "before_cursor_execute", second.look)
    try:
        assert first.open(source_of(1)) is None
        second.join()
        assert second.outcome is None
        yield first, other
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", second.look)
        first.close()
        other.close()


def write(sink: SQLSink, token: str) -> None:
    sink.write(SinkBatch((), [], 0, token, 7, 7))


@pytest.mark.parametrize("sinks", ["other"], indirect=True)
def test_two_tables_are_made_at_once(sinks: tuple[SQLSink, SQLSink]) -> None:
    for sink in sinks:
        write(sink, "t1")


@pytest.mark.parametrize("sinks", ["seen"], indirect=True)
def test_of_two_that_begin_the_same_table_the_slower_one_is_refused(sinks: tuple[SQLSink, SQLSink]) -> None:
    first, second = sinks
    write(second, "t2")
    with pytest.raises(SinkError, match="another process writes into table seen"):
        write(first, "t1")

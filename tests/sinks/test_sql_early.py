"""Rows that PostgreSQL gets before their transaction is due: it works on them while more are prepared."""

import os
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from event_streamer_sdk.abi import extract_abi_event
from event_streamer_sdk.models import StreamingReorg
from event_streamer_sdk.models.subscriptions import SubscriptionResponse
from event_streamer_sdk.sinks import SinkBatch, SinkError, SinkUnavailableError, Source, SQLSink
from event_streamer_sdk.sinks.sql import early
from event_streamer_sdk.sinks.sql.sink import EARLY_EVENTS
from support.event_objects import METADATA
from support.sinks import TRANSFER as SIGNATURE

pytestmark = pytest.mark.postgres

TRANSFER = extract_abi_event(SIGNATURE, "Transfer")
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'event-streamer'"


@pytest.fixture
def database(cluster: str) -> Iterator[str]:
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE early")
        yield f"{cluster}/early"
        connection.execute("DROP DATABASE early WITH (FORCE)")


@pytest.fixture
def look(database: str) -> Iterator[Callable[[str], list[Any]]]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield lambda statement: connection.execute(statement.encode()).fetchall()


def opened(database: str) -> tuple[SQLSink, str | None]:
    about: dict[str, Any] = {"topic0": "0x", "addresses": [], "start_block": 0, "chain_id": 1}
    subscription = SubscriptionResponse(id=1, subscriber_id="x", event_signature=TRANSFER, **about)
    sink = SQLSink(f"{database}?table=t")
    return sink, sink.open(Source(subscription))


def events_of(block: int, count: int = EARLY_EVENTS) -> list[dict[str, Any]]:
    account = "0x" + "11" * 20
    parameters = {"from": account, "to": account, "value": "5"}
    return [METADATA | parameters | {"block_number": block, "log_index": each} for each in range(count)]


def batch(prepared: list[Any], block: int, token: str) -> SinkBatch:
    return SinkBatch((), prepared, sum(map(len, prepared)), token, block, block)


def counted(look: Callable[[str], list[Any]]) -> dict[int, int]:
    return dict(look("SELECT block_number, count(*) FROM t GROUP BY 1"))


def test_the_server_works_on_rows_that_are_not_due_yet_and_nobody_sees_them(
    database: str, look: Callable[[str], list[Any]]
) -> None:
    sink, _ = opened(database)
    first = sink.prepare(events_of(1))
    give_up = time.monotonic() + 10
    while look("SELECT pg_relation_size('t')") == [(0,)]:
        assert time.monotonic() < give_up, "no rows have come"
        time.sleep(0.01)
    assert counted(look) == {}
    rest = sink.prepare(events_of(2, 3))
    sink.write(batch([first, rest], 2, "token"))
    assert counted(look) == {1: EARLY_EVENTS, 2: 3}
    sink.close()
    again, token = opened(database)
    again.close()
    assert token == "token"


def test_rows_behind_replaced_blocks_wait_for_their_own_transaction(
    database: str, look: Callable[[str], list[Any]]
) -> None:
    sink, _ = opened(database)
    first, second = sink.prepare(events_of(1)), sink.prepare(events_of(2))
    sink.write(batch([first], 1, "first"))
    assert counted(look) == {1: EARLY_EVENTS}
    third = sink.prepare(events_of(3))
    sink.undo(StreamingReorg(common_ancestor=0, removed_blocks=[], resume_token="reorg", batch_id="b"))
    assert counted(look) == {}
    sink.write(batch([second, third], 3, "last"))
    sink.close()
    assert counted(look) == {2: EARLY_EVENTS, 3: EARLY_EVENTS}


def test_rows_that_are_there_already_are_replaced(database: str, look: Callable[[str], list[Any]]) -> None:
    sink, _ = opened(database)
    sink.write(batch([sink.prepare(events_of(1))], 1, "first"))
    for _ in range(2):
        changed = [event | {"value": "6"} for event in events_of(1)]
        sink.write(batch([sink.prepare(changed), sink.prepare(events_of(2))], 2, "second"))
    sink.close()
    assert look("SELECT block_number, sum(value) FROM t GROUP BY 1 ORDER BY 1") == [
        (1, 6 * EARLY_EVENTS), (2, 5 * EARLY_EVENTS)
    ]  # fmt: skip


def test_a_connection_that_is_cut_in_between_loses_nothing(
    database: str, look: Callable[[str], list[Any]]
) -> None:
    sink, _ = opened(database)
    first = sink.prepare(events_of(1))
    look(CUT)
    second, third = sink.prepare(events_of(2)), sink.prepare(events_of(3))
    look(CUT)
    sink.write(batch([first, second, third], 3, "token"))
    sink.write(batch([sink.prepare(events_of(4))], 4, "token 2"))
    sink.close()
    assert counted(look) == dict.fromkeys((1, 2, 3, 4), EARLY_EVENTS)


def test_a_process_with_many_files_open_sends_early_too(
    database: str, look: Callable[[str], list[Any]]
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] < 2_000:
        pytest.skip("no more files can be opened here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2_000, limits[1]))
    files: list[int] = []
    try:
        files.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(1_100))
        sink, _ = opened(database)
        prepared = [sink.prepare(events_of(block)) for block in (1, 2, 3)]
        sink.write(batch(prepared, 3, "token"))
        sink.close()
    finally:
        for each in files:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert counted(look) == dict.fromkeys((1, 2, 3), EARLY_EVENTS)


def test_one_that_stands_still_does_not_keep_its_successor_from_writing(
    database: str, look: Callable[[str], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early, "EARLY_MILLISECONDS", 300)
    first, _ = opened(database)
    prepared = first.prepare(events_of(1))
    second, _ = opened(database)
    second.write(batch([second.prepare(events_of(1))], 1, "second"))
    with pytest.raises(SinkUnavailableError, match="server closed the connection"):
        first.write(batch([prepared], 1, "first"))
    with pytest.raises(SinkError, match="another process writes into table t"):
        first.write(batch([prepared], 1, "first"))
    first.close()
    second.close()
    assert counted(look) == {1: EARLY_EVENTS}

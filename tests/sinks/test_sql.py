"""Events in PostgreSQL and SQLite: rows and position in one transaction."""

import sqlite3
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from event_streamer_sdk import SyncEventStreamer
from event_streamer_sdk.exceptions import EventStreamerValidationError
from event_streamer_sdk.models.abi import ABIEvent, ABIInput
from event_streamer_sdk.models.subscriptions import SubscriptionResponse
from event_streamer_sdk.sinks import EventTable, SinkBatch, SinkError, SinkUnavailableError, Source, SQLSink
from event_streamer_sdk.sinks._text import json_columns
from event_streamer_service import DevChain, LocalService
from event_streamer_service.devchain.anvil import Anvil, AnvilError, find_anvil
from event_streamer_service.devchain.node import DevToken
from support.event_objects import METADATA, event_objects
from support.raw_client import TRANSFER_TOPIC
from support.service_process import service_process
from support.sink_kills import kill_again_and_again
from support.sinks import TRANSFER, Row, row_of_values, rows_of_chain, stream_into, subscribe

COUNTER = iter(range(1_000_000))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/events.db"
    return postgresql(request.getfixturevalue("cluster"))


def postgresql(cluster: str) -> str:
    name = f"sinks_{next(COUNTER)}"
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{cluster}/{name}"


def engine_of(database: str) -> sa.Engine:
    url = database.replace("postgresql://", "postgresql+psycopg://")
    return sa.create_engine(url, poolclass=sa.pool.NullPool)


def all_of(database: str, statement: str) -> list[dict[str, Any]]:
    with engine_of(database).connect() as connection:
        return [dict(row) for row in connection.execute(sa.text(statement)).mappings()]


def rows_in(database: str, table: str = "transfers") -> list[Row]:
    return [
        row_of_values(row)
        for row in all_of(database, f"SELECT * FROM {table} ORDER BY block_number, log_index")
    ]


def test_a_table_holds_the_logs_of_the_chain(
    service: LocalService, chain: DevChain, kind: str, database: str
) -> None:
    number = subscribe(service, 250)
    stream_into(kind, service.url, number, SQLSink(f"{database}?table=transfers", write_rows=300))
    assert rows_in(database) == rows_of_chain(chain, 0, 250)
    stream_into(kind, service.url, number, SQLSink(f"{database}?table=transfers"))
    assert rows_in(database) == rows_of_chain(chain, 0, 250)


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_replaced_blocks_leave_the_table(
    service: LocalService, chain: DevChain, database: str, depth: int
) -> None:
    number = subscribe(service, chain.head_number + 5)

    def change(stream: Any) -> None:
        @stream.on_heartbeat
        def look(_: Any) -> None:
            if chain.head_number < 305:
                chain.reorg(depth)
                chain.mine(12)

    stream_into("sync", service.url, number, SQLSink(database), prepare=change)
    assert rows_in(database, "transfer") == rows_of_chain(chain, 0, 304)


def source_of(event: ABIEvent, number: int = 1) -> Source:
    return Source(
        SubscriptionResponse(
            id=number,
            topic0="0x",
            event_signature=event,
            addresses=[],
            start_block=0,
            chain_id=1,
            subscriber_id="x",
        )
    )


def batch_of(sink: SQLSink, events: list[dict[str, Any]], token: str) -> SinkBatch:
    return SinkBatch((), [sink.prepare(events)] if events else [], len(events), token, 7, 7)


SEEN = ABIEvent(name="Seen", inputs=[ABIInput(name="x", type="string"), ABIInput(name="n", type="uint256")])


def opened(database: str, event: ABIEvent = SEEN, **options: Any) -> tuple[SQLSink, str | None]:
    sink = SQLSink(database, **options)
    return sink, sink.open(source_of(event))


TEXTS = [
    "a\0b",
    "\0",
    "back\\slash",
    "\\N",
    "tab\tline\nreturn\r",
    "",
    "\u2028 😀",
    "\\x00",
    "'\"",
    "\\.",
    "\ufffd",
]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_survives(database: str, text: str) -> None:
    sink, _ = opened(database)
    sink.write(batch_of(sink, [METADATA | {"x": text, "n": "1"}], "t"))
    sink.close()
    (row,) = all_of(database, "SELECT * FROM seen")
    exact = row.get("x_utf8")
    assert (text if exact is None else bytes(exact).decode()) == text
    if exact is None:
        assert row["x"] == text
    assert ("\0" in text and "postgresql" in database) == (exact is not None)


def test_a_position_is_never_without_its_rows(database: str) -> None:
    sink, token = opened(database)
    assert token is None
    sink.write(batch_of(sink, [METADATA | {"x": "a", "n": str(2**256 - 1)}], "first"))
    good = sink.prepare([METADATA | {"x": "a", "n": "1", "log_index": 9}])
    # No row of COPY, and none of INSERT.
    broken = type(good)(1, b"broken") if "postgresql" in database else [(1,)]
    with pytest.raises(SinkError, match="can't be written"):
        sink.write(SinkBatch((), [good, broken], 2, "second", 7, 7))
    sink.close()
    again, token = opened(database)
    again.close()
    assert token == "first"
    (row,) = all_of(database, "SELECT * FROM seen")
    assert int(row["n"]) == 2**256 - 1


def test_events_that_come_again_replace_their_rows(database: str) -> None:
    sink, _ = opened(database)
    sink.write(batch_of(sink, [METADATA | {"x": "a", "n": "1"}], "first"))
    other = METADATA | {"log_index": 4}
    twice = [METADATA | {"x": "b", "n": "2"}, other | {"x": "c", "n": "3"}, other | {"x": "c", "n": "3"}]
    sink.write(batch_of(sink, twice, "second"))
    sink.write(batch_of(sink, [METADATA | {"x": "d", "n": "4", "log_index": 5}], "third"))
    sink.close()
    found = all_of(database, "SELECT log_index, x FROM seen ORDER BY log_index")
    assert [(row["log_index"], row["x"]) for row in found] == [(3, "b"), (4, "c"), (5, "d")]


def test_a_second_writer_is_found_out(database: str) -> None:
    first, _ = opened(database)
    second, _ = opened(database)
    first.write(batch_of(first, [METADATA | {"x": "a", "n": "1"}], "first"))
    with pytest.raises(SinkError, match="another process writes into table seen"):
        second.write(batch_of(second, [METADATA | {"x": "b", "n": "1", "log_index": 9}], "second"))
    first.write(batch_of(first, [], "third"))
    first.close()
    second.close()
    assert [row["x"] for row in all_of(database, "SELECT x FROM seen")] == ["a"]


def test_other_columns_and_conditions_are_refused_where_a_place_was_begun_without(database: str) -> None:
    sink, _ = opened(database)
    sink.write(batch_of(sink, [METADATA | {"x": "a", "n": "1"}], "first"))
    sink.close()
    with pytest.raises(SinkError, match="table seen was written without where, and not with where n > 5"):
        opened(database, where="n > 5")
    sink, token = opened(database)
    sink.close()
    assert token == "first"


def test_a_write_whose_answer_was_lost_is_not_made_twice(database: str) -> None:
    sink, _ = opened(database)
    batch = batch_of(sink, [METADATA | {"x": "a", "n": "1"}], "first")
    before = sink._position
    sink.write(batch)
    sink._position = before  # as if the connection had broken behind the commit
    sink.write(batch)
    sink.write(batch_of(sink, [METADATA | {"x": "b", "n": "1", "log_index": 9}], "second"))
    sink.close()
    assert [row["x"] for row in all_of(database, "SELECT x FROM seen ORDER BY log_index")] == ["a", "b"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event_objects())
def test_any_event_has_a_table_that_holds_its_values(database: str, drawn: Any) -> None:
    event, found, _ = drawn
    table = f"t{next(COUNTER)}"
    sink, _ = opened(database, event, table=table)
    sink.write(batch_of(sink, [found], "t"))
    sink.close()
    again, token = opened(database, event, table=table)
    again.close()
    assert token == "t"
    (row,) = all_of(database, f"SELECT * FROM {table}")
    columns = EventTable(event, 1, longest_name=63)
    expected = [values[0] for values in json_columns(columns, columns.take([found]))]
    stored = list(row.values())[: len(expected)]
    exact = dict(list(row.items())[len(expected) :])
    texts = iter(exact.values())
    for column, value, there in zip(columns.columns, expected, stored, strict=True):
        kind = column.type.kind
        if kind == "text":
            bytes_ = next(texts, None)
            there = there if bytes_ is None else bytes(bytes_).decode()
        elif kind in ("list", "struct"):
            import json

            there = json.loads(there) if isinstance(there, str) else there
        elif kind == "decimal":
            from decimal import Decimal

            value, there = Decimal(value), Decimal(there)
        elif kind == "integer":
            value, there = int(value), int(there)
        elif kind == "timestamp" and not isinstance(there, str):
            there = there.isoformat().replace("+00:00", "Z")
        assert there == value, column


HOSTILE = [
    "select", "user", "From", "from", "FROM", "chain_id", "Block_Number", "", "_", "a" * 80, "a" * 79 + "b",
    "ctid", "XMIN", "tableoid", "oid", "rowid", "order", "timestamp", "transaction_hash_", "address", "$1",
]  # fmt: skip


def test_names_that_clash_with_a_databases_own_are_told_apart(database: str) -> None:
    event = ABIEvent(name="E" * 70, inputs=[ABIInput(name=name, type="int256") for name in HOSTILE])
    columns = EventTable(event, 1, longest_name=63).parameters
    found = METADATA | {column.key: str(-(2**255) + number) for number, column in enumerate(columns)}
    sink, _ = opened(database, event)
    sink.write(batch_of(sink, [found], "t"))
    sink.close()
    again, token = opened(database, event)
    again.close()
    assert token == "t"
    (row,) = all_of(database, f"SELECT * FROM {'e' * 63}")
    assert [int(value) for value in list(row.values())[7:]] == [
        -(2**255) + number for number in range(len(HOSTILE))
    ]
    with pytest.raises(EventStreamerValidationError, match="has more than 63 bytes"):
        SQLSink(database, table="t" * 64)
    with pytest.raises(EventStreamerValidationError, match="is the table of positions"):
        SQLSink(database, table="event_streamer_positions")


def test_a_database_that_can_only_be_read_is_refused_at_once(service: LocalService, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "events.db").close()
    began = time.monotonic()
    with pytest.raises(SinkError, match="attempt to write a readonly database") as refused:
        stream_into(
            "sync",
            service.url,
            subscribe(service, 10),
            SQLSink(f"sqlite:///file:{tmp_path}/events.db?mode=ro&uri=true"),
        )
    assert not isinstance(refused.value, SinkUnavailableError)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("seen (x TEXT)", "has no column chain_id"),
        (
            "seen (chain_id BIGINT, block_number BIGINT, block_hash TEXT, transaction_hash TEXT,"
            " log_index BIGINT, address TEXT, timestamp TEXT, x TEXT, n INTEGER, x_utf8 TEXT)",
            "and .* is needed: name another table",
        ),
    ],
)
def test_another_table_is_refused(database: str, table: str, message: str) -> None:
    with engine_of(database).begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE {table}"))
    with pytest.raises(SinkError, match=message):
        opened(database)


def test_a_table_made_ahead_may_have_more(database: str) -> None:
    sink, _ = opened(database)
    sink.close()
    with engine_of(database).begin() as connection:
        connection.execute(sa.text("DELETE FROM event_streamer_positions"))
        connection.execute(sa.text("ALTER TABLE seen ADD COLUMN note TEXT"))
    sink, _ = opened(database)
    sink.write(batch_of(sink, [METADATA | {"x": "a", "n": "1"}], "first"))
    sink.close()
    with engine_of(database).begin() as connection:
        connection.execute(sa.text("DELETE FROM event_streamer_positions"))
    with pytest.raises(SinkError, match="has rows, but no position is stored for them"):
        opened(database)


WIDER = {"chain_id": "NUMERIC", "block_number": "NUMERIC(25)", "block_hash": "VARCHAR(66)",
         "transaction_hash": "CHAR(66)", "log_index": "NUMERIC(24, 5)", "address": "VARCHAR(99)",
         "timestamp": "TIMESTAMPTZ", "x": "TEXT", "x_utf8": "BYTEA", "n": "NUMERIC(83, 5)"}  # fmt: skip


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("column", "type_"),
    [(None, ""), ("block_number", "NUMERIC(18)"), ("log_index", "NUMERIC(19, 5)"), ("n", "NUMERIC(80, 5)"),
     ("n", "DOUBLE PRECISION"), ("log_index", "REAL"), ("address", "VARCHAR(41)"), ("address", "CHAR(43)"),
     ("x", "VARCHAR(1000)")],
)  # fmt: skip
def test_a_table_made_by_hand_may_have_wider_types_and_no_narrower_ones(
    cluster: str, column: str | None, type_: str
) -> None:
    database = postgresql(cluster)
    types = WIDER if column is None else WIDER | {column: type_}
    columns = ", ".join(f"{name} {type_}" for name, type_ in types.items())
    key = "PRIMARY KEY (block_number, log_index, chain_id, transaction_hash)"
    with engine_of(database).begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE seen ({columns}, {key})"))
    if column is not None:
        with pytest.raises(SinkError, match=f"table seen has {column} as .* is needed: name another table"):
            opened(database)
        return
    sink, _ = opened(database)
    sink.write(batch_of(sink, [METADATA | {"x": "a", "n": str(2**256 - 1)}], "first"))
    sink.close()
    (row,) = all_of(database, "SELECT * FROM seen")
    kept = ("transaction_hash", "address", "log_index")
    assert {name: row[name] for name in kept} == {name: METADATA[name] for name in kept}
    assert row["n"] == 2**256 - 1


@pytest.mark.parametrize(
    "url",
    [
        "mysql://localhost/x", "postgresql://h:port/x", "postgresql", "oracle://x", "postgresql+asyncpg://h/x",
        "sqlite+aiosqlite:///x.db", "sqlite://", "sqlite:///:memory:",
    ],
)  # fmt: skip
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(EventStreamerValidationError, match=r"can't be read|not into|don't go to|in memory"):
        SQLSink(url)


def test_a_database_that_is_not_there_is_told_at_once(free_port: int, tmp_path: Path) -> None:
    for url, kind in (
        (f"postgresql://tests:secret@127.0.0.1:{free_port}/x", SinkUnavailableError),
        (f"sqlite:///{tmp_path}/no/folder/x.db", SinkError),
    ):
        with pytest.raises(kind, match="table seen can't be written") as caught:
            opened(url)
        assert type(caught.value) is kind
        assert "\n" not in str(caught.value)
        assert "secret" not in str(caught.value)


def test_a_locked_database_is_waited_for(service: LocalService, chain: DevChain, tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    number = subscribe(service, 250)
    sink = SQLSink(f"sqlite:///{path}?table=transfers")
    sink._dialect.connect_args = {"timeout": 0.1, "check_same_thread": False}

    def lock(stream: Any) -> None:
        done = False

        @stream.on_event("Transfer")
        def look(_: Any) -> None:
            nonlocal done
            if not done:
                done = True
                locked = threading.Event()
                threading.Thread(target=hold, args=(path, locked)).start()
                locked.wait()

    stream_into("sync", service.url, number, sink, prepare=lock)
    assert rows_in(f"sqlite:///{path}") == rows_of_chain(chain, 0, 250)


def hold(path: Path, locked: threading.Event) -> None:
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    locked.set()
    time.sleep(0.8)
    other.rollback()
    other.close()


def test_killed_at_random_instants_the_table_ends_as_the_chain(database: str) -> None:
    kill_again_and_again(
        lambda: rows_in(database, "transfer"), "--to", database, seed=database.partition(":")[0]
    )


@pytest.mark.postgres
def test_connections_that_are_cut_are_made_again(
    service: LocalService, chain: DevChain, kind: str, cluster: str
) -> None:
    database = postgresql(cluster)

    def cut(stream: Any) -> None:
        @stream.on_event("Transfer")
        def look(_: Any) -> None:
            if stream.stats.batches in (1, 3):
                with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
                    connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = 'event-streamer'"
                    )

    stream_into(kind, service.url, subscribe(service, 250), SQLSink(database, write_rows=100), prepare=cut)
    assert rows_in(database, "transfer") == rows_of_chain(chain, 0, 250)


@pytest.mark.anvil
def test_a_real_nodes_logs_are_in_the_table_when_its_blocks_were_replaced(database: str) -> None:
    try:
        find_anvil()
    except AnvilError as missing:
        pytest.skip(str(missing))
    with Anvil() as node, ExitStack() as stack:
        token = DevToken.deploy(node)
        receiver = node.accounts()[1]
        for value in range(20):
            token.transfer(receiver, value + 1)
        last = node.block_number() + 6
        url = stack.enter_context(
            service_process(
                "--database", "sqlite://", "--port", "0", "--chain", f"31337={node.url}",
                "--heartbeat-interval", "1", "--block-time", "0.5", "--log-level", "warning",
            )
        ).url  # fmt: skip
        with SyncEventStreamer(url, "sinks") as client:
            number = client.subscribe(TRANSFER, chain_id=31_337, start_block=0, end_block=last).id
        done = False

        def change(stream: Any) -> None:
            @stream.on_heartbeat
            def look(_: Any) -> None:
                nonlocal done
                if not done and stream.stats.events:
                    done = True
                    node.reorg(3)
                    token.transfer(receiver, 99)
                    node.mine(10)

        stream_into("sync", url, number, SQLSink(database), prepare=change)
        question = {"fromBlock": "0x0", "toBlock": hex(last), "topics": [TRANSFER_TOPIC]}
        logs = [
            (int(log["blockNumber"], 16), log["blockHash"], log["transactionHash"], int(log["logIndex"], 16))
            for log in node.call("eth_getLogs", question)
        ]
        assert [row[:4] for row in rows_in(database, "transfer")] == logs
        assert done

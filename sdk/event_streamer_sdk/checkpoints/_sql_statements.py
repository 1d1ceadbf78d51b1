"""The statements of positions, leases and workers, for SQLAlchemy: pure functions of a connection."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache, partial, wraps
from itertools import islice
from typing import Any

from event_streamer_api.errors import EventStreamerValidationError

from .._extras import needs
from ._sql_gathering import Position
from .shared import LeaseInfo, Overview, WorkerInfo, moment

DEFAULT_TABLE = "event_streamer_checkpoints"
WORKERS = "event_streamer_workers"
KEYS_A_STATEMENT = 500
"""Names in one condition; databases limit the parameters of a statement."""
FORGOTTEN_AFTER = 3600.0
"""Seconds after which a worker that has vanished is deleted by others."""
SAVED = ("resume_token", "batch_id", "block", "chain_id", "saved_at")
"""The columns of a position, in the order of its values."""
# Not now(): that is the transaction's beginning, which may lie before a wait for a row's lock.
_POSTGRESQL_CLOCK = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"
_NEW = """
unnest(CAST(:position_key AS TEXT[]), CAST(:resume_token AS TEXT[]), CAST(:batch_id AS TEXT[]),
       CAST(:block AS BIGINT[]), CAST(:chain_id AS BIGINT[]), CAST(:saved_at AS TEXT[]),
       CAST(:lease AS DOUBLE PRECISION[]), CAST(:fencing AS BIGINT[]))
AS new (position_key, resume_token, batch_id, block, chain_id, saved_at, lease, fencing)
"""
_SAVE_LEASED = f"""
WITH new AS (SELECT * FROM {_NEW}),
     -- In one order everywhere, lest two of these wait for each other's rows.
     ours AS (SELECT old.position_key FROM {{table}} AS old JOIN new USING (position_key)
              WHERE old.fencing = new.fencing ORDER BY old.position_key FOR UPDATE OF old)
UPDATE {{table}} AS old
SET resume_token = new.resume_token, batch_id = new.batch_id, block = new.block, chain_id = new.chain_id,
    saved_at = new.saved_at, expires_at = {_POSTGRESQL_CLOCK} + new.lease
FROM new JOIN ours USING (position_key)
WHERE old.position_key = new.position_key AND old.fencing = new.fencing
RETURNING old.position_key
"""  # noqa: S608 - all of it is ours; the table's name is a plain one, and quoted
_SAVE_OTHERS = f"""
INSERT INTO {{table}} AS old (position_key, resume_token, batch_id, block, chain_id, saved_at)
SELECT position_key, resume_token, batch_id, block, chain_id, saved_at FROM {_NEW} ORDER BY position_key
ON CONFLICT (position_key) DO UPDATE
SET resume_token = excluded.resume_token, batch_id = excluded.batch_id, block = excluded.block,
    chain_id = excluded.chain_id, saved_at = excluded.saved_at
RETURNING old.position_key
"""  # noqa: S608 - all of it is ours; the table's name is a plain one, and quoted


def _spelled(text: str, *_: Any, **__: Any) -> str:
    return text


@cache
def clock() -> Any:
    """Make the expression for the database's clock, seconds since 1970: it alone decides about leases."""
    sa = needs("sqlalchemy")
    compiles = needs("sqlalchemy.ext.compiler").compiles

    own = {"name": "database_clock", "type": sa.Double(), "inherit_cache": True}
    # Made here, since SQLAlchemy need not be installed before it is used.
    expression: Any = type("DatabaseClock", (sa.sql.functions.FunctionElement,), own)

    def refuse(_element: Any, compiler: Any, **_: Any) -> str:
        raise sa.exc.CompileError(
            f"leases go by the database's clock, and we don't know how {compiler.dialect.name} tells it: "
            "use PostgreSQL, SQLite, MySQL or MariaDB"
        )

    compiles(expression)(refuse)
    spellings = {
        "postgresql": _POSTGRESQL_CLOCK,
        "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
        "mysql": "UNIX_TIMESTAMP(SYSDATE(6))",
        "mariadb": "UNIX_TIMESTAMP(SYSDATE(6))",
    }
    for dialect, text in spellings.items():
        compiles(expression, dialect)(partial(_spelled, text))
    return expression()


def tables_of(name: str) -> list[Any]:
    """
    Describe what a store of positions needs.

    Raises:
        EventStreamerValidationError: It can't be a table's name.
        MissingExtraError: SQLAlchemy isn't installed.
    """
    if not name.isidentifier():
        raise EventStreamerValidationError(f"table must be a plain name, not {name!r}")
    return [positions_table(name), workers_table()]


def positions_table(name: str) -> Any:
    """
    Describe the table of positions.

    Args:
        name: Its name.

    Returns:
        A table of SQLAlchemy.
    """
    sa = needs("sqlalchemy")
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("position_key", sa.String(255), primary_key=True),
        sa.Column("resume_token", sa.Text),
        sa.Column("batch_id", sa.Text),
        sa.Column("block", sa.BigInteger),
        sa.Column("chain_id", sa.BigInteger),
        sa.Column("saved_at", sa.String(40)),
        sa.Column("owner", sa.String(64)),
        sa.Column("fencing", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("expires_at", sa.Double, nullable=False, server_default="0"),
    )


def workers_table() -> Any:
    """Describe the table of workers."""
    sa = needs("sqlalchemy")
    return sa.Table(
        WORKERS,
        sa.MetaData(),
        sa.Column("worker", sa.String(64), primary_key=True),
        sa.Column("worker_group", sa.String(255), primary_key=True),
        sa.Column("came_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
    )


def _parts(keys: Collection[str]) -> Iterator[list[str]]:
    left = iter(sorted(keys))
    while part := list(islice(left, KEYS_A_STATEMENT)):
        yield part


def _is_postgresql(connection: Any) -> bool:
    return bool(connection.dialect.name == "postgresql")


def _question(method: Callable[..., Any]) -> Callable[..., Any]:
    """Make of a method that uses a connection one that gives a function of a connection."""

    @wraps(method)
    def ask(self: SQLQuestions, *arguments: Any) -> Callable[[Any], Any]:
        return lambda connection: method(self, connection, *arguments)

    return ask


class SQLQuestions:
    """
    What is asked of an SQL database (see `Questions`): each method gives a function of a connection.

    PostgreSQL is asked with one statement each, which needs no transaction around it: a worker that is paused
    between two statements would keep its rows locked, and everybody else from taking them over; and where
    the database is far away each statement of a transaction takes its time.

    Args:
        positions: The table of positions.
        workers: The table of workers.
    """

    def __init__(self, positions: Any, workers: Any) -> None:
        self._sa = needs("sqlalchemy")
        self._positions = positions
        self._workers = workers

    @_question
    def load(self, connection: Any, key: str) -> Any:
        """Ask for a position."""
        table = self._positions
        columns = (table.c[name] for name in SAVED)
        row = connection.execute(self._sa.select(*columns).where(table.c.position_key == key)).first()
        return None if row is None else tuple(row)

    @_question
    def save(
        self, connection: Any, key: str, values: tuple[Any, ...], lease: float | None, fencing: int
    ) -> bool:
        """Store a position."""
        table = self._positions
        changed = dict(zip(SAVED, values, strict=True))
        update = table.update().where(table.c.position_key == key)
        if lease is not None:
            update = update.where(table.c.fencing == fencing)
            update = update.values(**changed, expires_at=clock() + lease)
            return bool(connection.execute(update).rowcount == 1)
        if connection.execute(update.values(**changed)).rowcount == 0:
            connection.execute(table.insert().values(position_key=key, **changed))
        return True

    @_question
    def save_all(self, connection: Any, part: Sequence[Position]) -> set[str]:
        """Store positions, no two of one name; gives the names of those whose fencing number was right."""
        if _is_postgresql(connection):
            leased = [each for each in part if each.lease is not None]
            others = [each for each in part if each.lease is None]
            stored = self._save_at_once(connection, _SAVE_LEASED, leased)
            return stored | self._save_at_once(connection, _SAVE_OTHERS, others)
        saves = {each.key: self.save(each.key, each.values, each.lease, each.fencing) for each in part}
        return {key for key, save in saves.items() if save(connection)}

    def _save_at_once(self, connection: Any, statement: str, positions: list[Position]) -> set[str]:
        if not positions:
            return set()
        name = connection.dialect.identifier_preparer.format_table(self._positions)
        # Arrays, so that the statement is the same for any number of positions.
        given = {saved: [each.values[at] for each in positions] for at, saved in enumerate(SAVED)}
        given["position_key"] = [each.key for each in positions]
        given["lease"] = [each.lease for each in positions]
        given["fencing"] = [each.fencing for each in positions]
        return set(connection.execute(self._sa.text(statement.format(table=name)), given).scalars())

    @_question
    def acquire(self, connection: Any, keys: Collection[str], owner: str, lease: float) -> dict[str, int]:
        """Take leases."""
        table = self._positions
        mine = {"owner": owner, "fencing": table.c.fencing + 1, "expires_at": clock() + lease}
        free = self._sa.or_(table.c.owner.is_(None), table.c.owner == owner, table.c.expires_at < clock())
        take = self._acquire_at_once if _is_postgresql(connection) else self._acquire_in_steps
        rows = (row for part in _parts(keys) for row in take(connection, part, mine, free))
        return {key: int(number) for key, number in rows}

    def _acquire_at_once(self, connection: Any, part: list[str], mine: dict[str, Any], free: Any) -> Any:
        table = self._positions
        new = [{"position_key": key, **mine, "fencing": 1} for key in part]
        insert = needs("sqlalchemy.dialects.postgresql").insert(table).values(new)
        take = insert.on_conflict_do_update(index_elements=["position_key"], set_=mine, where=free)
        return connection.execute(take.returning(table.c.position_key, table.c.fencing))

    def _acquire_in_steps(self, connection: Any, part: list[str], mine: dict[str, Any], free: Any) -> Any:
        table = self._positions
        these = table.c.position_key.in_(part)
        known = set(connection.execute(self._sa.select(table.c.position_key).where(these)).scalars())
        for key in part:
            if key not in known:
                self._insert(connection, table.insert().values(position_key=key))
        free_ones = self._sa.select(table.c.position_key).where(these, free).order_by(table.c.position_key)
        taken = connection.execute(free_ones.with_for_update()).scalars().all()
        these = table.c.position_key.in_(taken)
        connection.execute(table.update().where(these, free).values(**mine))
        found = self._sa.select(table.c.position_key, table.c.fencing)
        return connection.execute(found.where(these, table.c.owner == mine["owner"]))

    def _insert(self, connection: Any, insert: Any) -> None:
        """Make a row; two may do so at once, and then one of them need not."""
        try:
            with connection.begin_nested():
                connection.execute(insert)
        except self._sa.exc.IntegrityError:
            return

    @_question
    def renew(self, connection: Any, numbers: Mapping[str, int], lease: float) -> set[str]:
        """Prolong leases."""
        table = self._positions
        held: set[str] = set()
        for part in _parts(numbers):
            pairs = self._sa.tuple_(table.c.position_key, table.c.fencing)
            ours = pairs.in_([(key, numbers[key]) for key in part])
            # In one order everywhere, lest two of these wait for each other's rows.
            found = self._sa.select(table.c.position_key).where(ours).order_by(table.c.position_key)
            found = found.with_for_update()
            prolong = table.update().values(expires_at=clock() + lease)
            if _is_postgresql(connection):
                prolong = prolong.where(table.c.position_key.in_(found)).returning(table.c.position_key)
                held |= set(connection.execute(prolong).scalars())
            else:
                held |= set(connection.execute(found).scalars())
                connection.execute(prolong.where(ours))
        return held

    @_question
    def release(self, connection: Any, key: str, fencing: int) -> None:
        """Give a lease back: what its last owner still writes is refused; `expires_at` says since when."""
        table = self._positions
        ours = (table.c.position_key == key, table.c.fencing == fencing)
        given_back = {"owner": None, "fencing": table.c.fencing + 1, "expires_at": clock()}
        connection.execute(table.update().where(*ours).values(**given_back))

    @_question
    def announce(self, connection: Any, group: str, worker: str, lease: float, report: str) -> None:
        """Say that a worker is there."""
        table = self._workers
        ours = (table.c.worker == worker, table.c.worker_group == group)
        said = {"expires_at": clock() + lease, "report": report}
        new = {"worker": worker, "worker_group": group, "came_at": clock(), **said}
        if _is_postgresql(connection):
            insert = needs("sqlalchemy.dialects.postgresql").insert(table).values(**new)
            key = ["worker", "worker_group"]
            connection.execute(insert.on_conflict_do_update(index_elements=key, set_=said))
        elif connection.execute(table.update().where(*ours).values(**said)).rowcount == 0:
            self._insert(connection, table.insert().values(**new))

    @_question
    def leave(self, connection: Any, group: str, worker: str) -> None:
        """Say that a worker is gone, and forget those that have vanished long ago."""
        table = self._workers
        this = self._sa.and_(table.c.worker == worker, table.c.worker_group == group)
        long_gone = table.c.expires_at < clock() - FORGOTTEN_AFTER
        connection.execute(table.delete().where(self._sa.or_(this, long_gone)))

    @_question
    def overview(self, connection: Any, group: str, keys: Collection[str]) -> Overview:
        """Ask who is there and who has what."""
        workers, positions = self._workers.c, self._positions.c
        left, age = workers.expires_at - clock(), clock() - workers.came_at
        there = self._sa.select(workers.worker, left, age, workers.report)
        there = there.where(workers.worker_group == group, workers.expires_at > clock()).order_by(
            workers.worker
        )
        found = tuple(
            WorkerInfo(name=name, seconds_left=float(left), age=float(age), report=json.loads(report))
            for name, left, age, report in connection.execute(there)
        )
        leases = {}
        names = ("position_key", "owner", "fencing", "block", "saved_at")
        columns = [positions[name] for name in names]
        for part in _parts(keys):
            query = self._sa.select(*columns, positions.expires_at - clock())
            rows = connection.execute(query.where(positions.position_key.in_(part)))
            for key, owner, fencing, block, saved_at, left in rows:
                leases[key] = LeaseInfo(
                    owner=owner,
                    fencing=int(fencing),
                    seconds_left=float(left),
                    block=block,
                    saved_at=moment(saved_at),
                )
        return Overview(workers=found, leases=leases)

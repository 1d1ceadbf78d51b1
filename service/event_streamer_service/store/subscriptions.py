"""Subscriptions in the database, and how far each has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen
from sqlalchemy import Connection, RowMapping, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from event_streamer_service.chains.types import LogFilter, Position
from event_streamer_service.definition import FIELDS, definition_key, stored_bytes
from event_streamer_service.store.schema import subscriptions as table


@frozen(kw_only=True)
class Progress:
    """
    How far the acknowledged events of a subscription reach.

    Attributes:
        position: End of the unbroken run of acknowledged batches; `None` before the first.
        events_delivered: Events in that run, each counted once.
        last_event_id: `block:log_index` of the last of them.
    """

    position: Position | None = None
    events_delivered: int = 0
    last_event_id: str | None = None


@frozen(kw_only=True)
class Subscription:
    """A row of the table: what a subscriber asked for, and its progress."""

    id: int
    subscriber_id: str
    chain_id: int
    topic0: str
    event_signature: dict[str, Any]
    addresses: list[str]
    topics: list[list[str] | None] | None
    start_block: int
    end_block: int | None
    is_streaming: bool
    progress: Progress
    created_at: float
    updated_at: float
    problem: str | None = None
    version: int = 0

    @property
    def filter(self) -> LogFilter:
        """The logs that are asked for; an anonymous event's logs bear no topic0."""
        anonymous = self.event_signature.get("anonymous", False)
        first, *further = map(_one_of, self.topics or [None])
        return LogFilter(
            topic0=first if anonymous else self.topic0.lower(),
            addresses=frozenset(address.lower() for address in self.addresses),
            further=tuple(further),
        )

    def is_done_at(self, position: Position | None) -> bool:
        """Tell whether nothing is left to deliver after `position`."""
        if self.end_block is None or position is None:
            return False
        return position.block > self.end_block or (
            position.block == self.end_block and position.log_index is None
        )

    @property
    def last_processed_block(self) -> int | None:
        """The last block whose every event was acknowledged."""
        return self.processed_block(self.progress)

    def processed_block(self, progress: Progress) -> int | None:
        """Return the last block that is done whole with a progress of this subscription."""
        position = progress.position
        if position is None:
            return None
        whole = position.block if position.log_index is None else position.block - 1
        return whole if whole >= self.start_block else None


def _one_of(topics: list[str] | None) -> frozenset[str] | None:
    return None if topics is None else frozenset(topics)


def insert(connection: Connection, values: Mapping[str, Any], *, now: float) -> Subscription:
    """Add a subscription and return it with its id."""
    result = connection.execute(table.insert().values(**_new_row(values, now)))
    assert result.inserted_primary_key is not None
    return _existing(connection, result.inserted_primary_key[0])


def find_like(connection: Connection, values: Mapping[str, Any]) -> Subscription | None:
    """Return the oldest subscription that asks for the same, `None` where there is none."""
    key = definition_key(values)
    query = select(table).where(table.c.definition_key == key).order_by(table.c.id).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _read(row)


def find_or_insert(
    connection: Connection, values: Mapping[str, Any], *, now: float
) -> tuple[Subscription, bool]:
    """
    Return the oldest subscription that asks for the same, or add one; and whether it was added.

    Two that add one at once, in two processes too, meet at the unique key: the later one waits for the
    first to commit, adds nothing, and finds it then.
    """
    while True:
        found = find_like(connection, values)
        if found is not None:
            return found, False
        row = _new_row(values, now)
        insert_row = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
        add = insert_row(table).values(**row, shared_key=row["definition_key"])
        added = connection.execute(add.on_conflict_do_nothing().returning(table.c.id)).scalar_one_or_none()
        if added is not None:
            return _existing(connection, added), True


def _new_row(values: Mapping[str, Any], now: float) -> dict[str, Any]:
    return dict(values) | {
        "is_streaming": True,
        "events_delivered": 0,
        "created_at": now,
        "updated_at": now,
        "definition_key": definition_key(values),
        "stored_bytes": stored_bytes(values),
    }


def _existing(connection: Connection, subscription_id: int) -> Subscription:
    found = get(connection, subscription_id)
    assert found is not None
    return found


def get(connection: Connection, subscription_id: int) -> Subscription | None:
    """Return a subscription, or `None` where there is none."""
    row = connection.execute(select(table).where(table.c.id == subscription_id)).mappings().one_or_none()
    return None if row is None else _read(row)


def ids_of(connection: Connection, subscriber_id: str) -> set[int]:
    """Return the ids of a subscriber's subscriptions."""
    return set(connection.execute(select(table.c.id).where(table.c.subscriber_id == subscriber_id)).scalars())


def page(
    connection: Connection, *, subscriber_id: str | None, offset: int, limit: int
) -> tuple[list[Subscription], int]:
    """
    Return a page of subscriptions, oldest first, and how many there are in all.

    What lies before the page is counted in an index alone: rows are wide, and none is read to be passed over.
    From the middle on that is counted from the other end.
    """
    total = count(connection, subscriber_id=subscriber_id)
    limit = min(limit, total - offset)
    if limit <= 0:
        return [], total
    from_behind = total - offset - limit
    ids = select(table.c.id)
    if subscriber_id is not None:
        ids = ids.where(table.c.subscriber_id == subscriber_id)
    if offset <= from_behind:
        ids = ids.order_by(table.c.id).offset(offset)
    else:
        ids = ids.order_by(table.c.id.desc()).offset(from_behind)
    found = connection.execute(ids.limit(limit)).scalars().all()
    rows = connection.execute(select(table).where(table.c.id.in_(found)).order_by(table.c.id)).mappings()
    return [_read(row) for row in rows], total


def count(connection: Connection, *, subscriber_id: str | None = None) -> int:
    """Return the number of subscriptions, of one subscriber or of all."""
    query = select(func.count()).select_from(table)
    if subscriber_id is not None:
        query = query.where(table.c.subscriber_id == subscriber_id)
    return connection.execute(query).scalar_one()


def usage(connection: Connection, subscriber_id: str) -> tuple[int, int]:
    """Return how many subscriptions a subscriber has, and the bytes that they take up."""
    total = func.coalesce(func.sum(table.c.stored_bytes), 0)
    query = select(func.count(), total).where(table.c.subscriber_id == subscriber_id)
    found, size = connection.execute(query).one()
    return found, int(size)


def update(
    connection: Connection, subscription_id: int, values: Mapping[str, Any], *, now: float
) -> Subscription | None:
    """Change columns of a subscription; `None` where there is none."""
    the_row = table.c.id == subscription_id
    row = connection.execute(select(table).where(the_row)).mappings().one_or_none()
    if row is None:
        return None
    values = dict(values)
    if values.keys() & {*FIELDS, "subscriber_id"}:
        changed = dict(row) | values
        values |= {
            "definition_key": definition_key(changed),
            "shared_key": None,
            "stored_bytes": stored_bytes(changed),
        }
    if values.keys() & set(FIELDS):
        values["problem"] = None
    values |= {"version": table.c.version + 1, "updated_at": now}
    connection.execute(table.update().where(the_row).values(**values))
    return get(connection, subscription_id)


def note_problem(connection: Connection, subscription_id: int, problem: str) -> None:
    """Keep why logs of a subscription are not delivered."""
    connection.execute(table.update().where(table.c.id == subscription_id).values(problem=problem))


def delete(connection: Connection, subscription_id: int) -> bool:
    """Remove a subscription; tell whether it was there."""
    return connection.execute(table.delete().where(table.c.id == subscription_id)).rowcount > 0


def progress_values(progress: Progress) -> dict[str, Any]:
    """Spell a progress in the table's columns."""
    position = progress.position
    return {
        "position_block": position.block if position else None,
        "position_log_index": position.log_index if position else None,
        "position_hash": position.block_hash if position else None,
        "events_delivered": progress.events_delivered,
        "last_event_id": progress.last_event_id,
    }


@frozen
class Step:
    """
    A move of a subscription's progress.

    Attributes:
        subscription_id: The subscription.
        version: Its version when it was delivered: after a change the step is void.
        move: Returns the progress after the step, given the stored one; the same where it leads nowhere.
    """

    subscription_id: int
    version: int
    move: Callable[[Progress], Progress]


def move_progress(connection: Connection, steps: Sequence[Step], *, now: float) -> dict[int, Progress]:
    """
    Move the stored progress of many subscriptions in one go; what is stored decides where to.

    Each row is locked, read and written: whatever another process has stored meanwhile is what the step
    starts from, so that it can't take it back.

    Returns:
        What is stored now; without the subscriptions that were deleted or changed.
    """
    stored: dict[int, Progress] = {}
    rows: list[dict[str, Any]] = []
    for start in range(0, len(steps), _ROWS_AT_ONCE):
        some = {step.subscription_id: step for step in steps[start : start + _ROWS_AT_ONCE]}
        # Always in this order, or two processes would wait for each other for ever.
        query = select(*_PROGRESS).where(table.c.id.in_(some)).order_by(table.c.id).with_for_update()
        for row in connection.execute(query).mappings():
            step, before = some[row["id"]], _read_progress(row)
            if step.version != row["version"]:
                continue
            stored[step.subscription_id] = after = step.move(before)
            if after != before:
                rows.append({"the_id": row["id"], "updated_at": now, **progress_values(after)})
    if rows:
        connection.execute(_SAVE_PROGRESS, rows)
    return stored


_ROWS_AT_ONCE = 5000
"""Databases limit the parameters of a statement, SQLite to 32,766."""
_PROGRESS = (table.c.id, table.c.version, *(table.c[name] for name in progress_values(Progress())))
_SAVE_PROGRESS = (
    table.update()
    .where(table.c.id == bindparam("the_id"))
    .values(
        {name: bindparam(name) for name in progress_values(Progress())}
        | {"updated_at": bindparam("updated_at")}
    )
)


def versions(connection: Connection, ids: Iterable[int]) -> dict[int, tuple[int, bool]]:
    """Return the version of subscriptions, and whether they are active; without those that are gone."""
    wanted = list(ids)
    found: dict[int, tuple[int, bool]] = {}
    for start in range(0, len(wanted), _ROWS_AT_ONCE):
        some = table.c.id.in_(wanted[start : start + _ROWS_AT_ONCE])
        rows = connection.execute(select(table.c.id, table.c.version, table.c.is_streaming).where(some))
        found |= {row.id: (row.version, row.is_streaming) for row in rows}
    return found


def _read_progress(row: RowMapping) -> Progress:
    position = None
    if row["position_block"] is not None:
        position = Position(row["position_block"], row["position_log_index"], row["position_hash"])
    return Progress(
        position=position, events_delivered=row["events_delivered"], last_event_id=row["last_event_id"]
    )


def with_progress(subscription: Subscription, progress: Progress) -> Subscription:
    """Return the subscription with a newer progress."""
    return evolve(subscription, progress=progress)


def _read(row: RowMapping) -> Subscription:
    return Subscription(
        id=row["id"],
        subscriber_id=row["subscriber_id"],
        chain_id=row["chain_id"],
        topic0=row["topic0"],
        event_signature=row["event_signature"],
        addresses=row["addresses"],
        topics=row["topics"],
        start_block=row["start_block"],
        end_block=row["end_block"],
        is_streaming=row["is_streaming"],
        progress=_read_progress(row),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        problem=row["problem"],
        version=row["version"],
    )

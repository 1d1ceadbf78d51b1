"""Tables of a database, made and checked from the ABI."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import ABIEvent

from ..._extras import needs
from ..columns import ColumnType, EventTable
from ..protocol import SinkError, Source

if TYPE_CHECKING:
    import sqlalchemy

__all__ = ["EXACT", "POSITIONS", "PRIMARY_KEY", "check", "exact_columns", "positions_table", "table_of"]

PRIMARY_KEY = ("chain_id", "block_number", "transaction_hash", "log_index")
"""What tells a row from all others."""

POSITIONS = "event_streamer_positions"
"""The table that holds each table's position in the stream."""

LONGEST_NAME = 63
"""Bytes that a name may have in PostgreSQL."""

SYSTEM_COLUMNS = ("cmax", "cmin", "ctid", "tableoid", "xmax", "xmin")
"""Columns that every table of PostgreSQL has already."""

EXACT = "_utf8"
"""What is appended to a text column's name for the column that holds text with a NUL exactly."""

_BIGINT_DIGITS = 19

_WIDE_DIGITS = 78
"""Digits of the largest uint256."""


def events_of(source: Source, only: Iterable[str] | None, where: str | None) -> EventTable:
    """Give the columns of an event, under names that a database takes."""
    return EventTable(
        source.event, source.chain_id, only=only, where=where,
        longest_name=LONGEST_NAME, reserved=SYSTEM_COLUMNS,
    )  # fmt: skip


def table_name(event: ABIEvent) -> str:
    """Name the table of an event that nobody has named, in lower case."""
    name = event.name.lower()[:LONGEST_NAME]
    return name if name != POSITIONS else name + "_"


def check_name(name: str | None) -> None:
    """
    Refuse a table's name that can't be.

    Raises:
        EventStreamerValidationError: It is too long, or that of the table of positions.
    """
    if name is None:
        return
    if len(name.encode()) > LONGEST_NAME:
        raise EventStreamerValidationError(f"the table's name {name} has more than {LONGEST_NAME} bytes")
    if name.lower() == POSITIONS:
        raise EventStreamerValidationError(f"{name} is the table of positions: name another one")


def table_of(table: EventTable, name: str, schema: str | None, dialect: str) -> sqlalchemy.Table:
    """
    Describe the table of an event.

    Args:
        table: The event's table, its names no longer than `LONGEST_NAME`.
        name: What it is called.
        schema: Where it is, where not in the default one.
        dialect: `postgresql` or `sqlite`.

    Returns:
        The table, not made yet.
    """
    sa = needs("sqlalchemy")
    columns = [
        sa.Column(
            column.name,
            type_of(column.type, dialect),
            primary_key=column.name in PRIMARY_KEY,
            info={"characters": 2 + 2 * column.type.size} if column.type.size is not None else {},
            nullable=column.nullable,
            autoincrement=False,
        )
        for column in table.columns
    ]
    if dialect == "postgresql":
        columns += [sa.Column(exact, sa.LargeBinary()) for exact in exact_columns(table).values()]
    made: sqlalchemy.Table = sa.Table(name, sa.MetaData(), *columns, schema=schema)
    return made


def exact_columns(table: EventTable) -> dict[str, str]:
    """
    Name the columns for text that PostgreSQL can't hold.

    A text of PostgreSQL can't hold U+0000. Such a value is written with U+FFFD in its place, and its exact
    bytes into an extra column, which is otherwise null.

    Args:
        table: The event's table.

    Returns:
        Name of a text column → name of the column beside.
    """
    used = {name.casefold() for name in table.names}
    named = {}
    for column in table.columns:
        if column.type.kind == "text":
            name = column.name[: LONGEST_NAME - len(EXACT)] + EXACT
            while name.casefold() in used:
                name = name[: LONGEST_NAME - 1] + "_" if len(name) < LONGEST_NAME else "_" + name[:-1]
            used.add(name.casefold())
            named[column.name] = name
    return named


def positions_table(schema: str | None) -> sqlalchemy.Table:
    """Describe the table of positions."""
    sa = needs("sqlalchemy")
    made: sqlalchemy.Table = sa.Table(
        POSITIONS,
        sa.MetaData(),
        sa.Column("table_name", sa.String(255), primary_key=True),
        sa.Column("position", sa.Text(), nullable=False),
        schema=schema,
    )
    return made


def type_of(type_: ColumnType, dialect: str) -> Any:
    """Choose a column's type, which holds every value exactly."""
    sa = needs("sqlalchemy")
    is_sqlite = dialect == "sqlite"
    if type_.kind == "integer":
        return _integer_type(sa, type_, is_sqlite)
    if type_.kind == "decimal":
        return sa.Text() if is_sqlite else sa.Numeric(max(_WIDE_DIGITS, type_.scale) + 1, type_.scale)
    if type_.kind == "timestamp":
        return sa.Text() if is_sqlite else sa.DateTime(timezone=True)
    if type_.kind in ("list", "struct"):
        # Not JSONB, which can't hold U+0000 either.
        return sa.Text() if is_sqlite else sa.JSON()
    return sa.Boolean() if type_.kind == "bool" else sa.Text()


def _integer_type(sa: Any, type_: ColumnType, is_sqlite: bool) -> Any:
    bits = type_.bits + (not type_.signed)
    if is_sqlite:
        # SQLite turns integers of more than 64 bits into floating-point numbers.
        return sa.Integer() if bits <= 64 else sa.Text()
    for limit, name in ((16, "SmallInteger"), (32, "Integer"), (64, "BigInteger")):
        if bits <= limit:
            return getattr(sa, name)()
    return sa.Numeric(_WIDE_DIGITS if type_.is_wide else 20, 0)


def check(connection: sqlalchemy.Connection, wanted: sqlalchemy.Table) -> bool:
    """
    Hold a table that is there against the event's.

    Returns:
        Whether it is there.

    Raises:
        SinkError: It has other columns, or another primary key. More columns do no harm, if they may be null.
    """
    sa = needs("sqlalchemy")
    inspector = sa.inspect(connection)
    if not inspector.has_table(wanted.name, schema=wanted.schema):
        return False
    there = {column["name"]: column for column in inspector.get_columns(wanted.name, schema=wanted.schema)}
    for column in wanted.columns:
        found = there.pop(column.name, None)
        if found is None:
            raise SinkError(f"table {wanted.name} has no column {column.name}: name another table")
        if not _holds(sa, found["type"], column.type, column.info.get("characters")):
            raise SinkError(
                f"table {wanted.name} has {column.name} as {found['type']}, and {_named(connection, column)} "
                "is needed: name another table"
            )
    for name, extra in there.items():
        if not extra["nullable"] and extra.get("default") is None:
            raise SinkError(
                f"table {wanted.name} has a column {name} that must be filled: name another table"
            )
    key = inspector.get_pk_constraint(wanted.name, schema=wanted.schema)["constrained_columns"]
    if set(key) != set(PRIMARY_KEY):
        raise SinkError(
            f"table {wanted.name} has the primary key ({', '.join(key)}), "
            f"and ({', '.join(PRIMARY_KEY)}) is needed"
        )
    return True


def _named(connection: Any, column: Any) -> str:
    named: str = column.type.compile(dialect=connection.dialect)
    return named


def _holds(sa: Any, found: Any, wanted: Any, characters: int | None) -> bool:
    """Say whether a column of one type can hold every value of another; all texts may have one length."""
    ranks = (sa.SmallInteger, sa.Integer, sa.BigInteger)
    if isinstance(found, sa.Numeric) and isinstance(wanted, sa.Integer | sa.Numeric):
        places = 0 if isinstance(wanted, sa.Integer) else wanted.scale
        digits = _BIGINT_DIGITS if isinstance(wanted, sa.Integer) else wanted.precision
        is_exact = not isinstance(found, sa.Float)
        scale = found.scale or 0
        return is_exact and (
            found.precision is None or (scale >= places and found.precision - scale >= digits - places)
        )
    if found._type_affinity is not wanted._type_affinity:
        return False
    if isinstance(wanted, sa.Integer) and isinstance(found, sa.Integer):
        return _rank(ranks, found) >= _rank(ranks, wanted)
    longest = getattr(found, "length", None)
    if not isinstance(wanted, sa.Text) or longest is None:
        return True
    # CHAR fills up with blanks.
    fits = longest == characters if isinstance(found, sa.CHAR) else longest >= (characters or longest + 1)
    return bool(fits)


def _rank(ranks: tuple[Any, ...], type_: Any) -> int:
    small, _, big = ranks
    return 0 if isinstance(type_, small) else 2 if isinstance(type_, big) else 1

"""
Schema migrations, by version: each brings a database from the version before to its own.

They run when the service starts, in one transaction, so that a database is never left half way. A
database that a newer release has written is refused. A migration that was released is never changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, bindparam, inspect, select, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from event_streamer_sdk.abi import ABIParsingError
from event_streamer_service.definition import definition_key, stored_bytes
from event_streamer_service.errors import StartupError
from event_streamer_service.store import schema
from event_streamer_service.store.postgres import lift_timeout

VERSION_NAME = "schema_version"
_LOCK = 7_203_551
"""Number of PostgreSQL's advisory lock: two processes that start together migrate one after the other."""


def _add_definition_keys(connection: Connection) -> None:
    """Subscriptions are found by what they ask for, and tell why logs are not delivered."""
    for column in (
        "definition_key VARCHAR(64) NOT NULL DEFAULT ''",
        "shared_key VARCHAR(64)",
        "stored_bytes BIGINT NOT NULL DEFAULT 0",
        "problem VARCHAR",
    ):
        connection.execute(text(f"ALTER TABLE subscriptions ADD COLUMN {column}"))
    connection.execute(text("CREATE INDEX subscriptions_by_definition ON subscriptions (definition_key, id)"))
    connection.execute(text("CREATE UNIQUE INDEX subscriptions_shared ON subscriptions (shared_key)"))
    table = schema.subscriptions
    names = ("id", "subscriber_id", "chain_id", "event_signature", "addresses", "start_block", "end_block")
    keys = []
    for found in connection.execute(select(*(table.c[name] for name in names))).mappings():
        row = {str(name): value for name, value in found.items()}
        try:
            key = definition_key(row)
        except ABIParsingError:  # an earlier release took what this one refuses: it is like no other
            key = ""
        keys.append({"the_id": row["id"], "key": key, "size": stored_bytes(row)})
    if keys:
        change = table.update().where(table.c.id == bindparam("the_id"))
        values: dict[str, Any] = {"definition_key": bindparam("key"), "stored_bytes": bindparam("size")}
        connection.execute(change.values(values), keys)


def _add_topics(connection: Connection) -> None:
    """Subscriptions may want a part of an event's logs, by their topics."""
    connection.execute(text("ALTER TABLE subscriptions ADD COLUMN topics JSON"))


def _add_replicas(connection: Connection) -> None:
    """Several processes may share the database."""
    connection.execute(text("ALTER TABLE subscriptions ADD COLUMN version BIGINT NOT NULL DEFAULT 0"))
    schema.replicas.create(connection)
    schema.open_streams.create(connection)


def _add_idempotency_keys(connection: Connection) -> None:
    """Creates may bear a key, by which they may be sent again."""
    schema.idempotency_keys.create(connection)


MIGRATIONS: dict[int, Callable[[Connection], None]] = {
    2: _add_definition_keys,
    3: _add_topics,
    4: _add_replicas,
    5: _add_idempotency_keys,
}
"""Version → what brings a database there from the version before. A new database starts with the newest."""


def migrate(connection: Connection) -> int:
    """
    Bring a database to the newest version.

    Returns:
        The version it has now.

    Raises:
        StartupError: The database is newer than this release.
    """
    if connection.dialect.name == "postgresql":
        lift_timeout(connection)
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    newest = max(MIGRATIONS)
    version = _version(connection)
    if version == 0:
        _check_is_free(connection)
    if version > newest:
        raise StartupError(
            f"The database has schema version {version}, and this release knows versions up to {newest}. "
            "Install the release that wrote it, or a newer one."
        )
    if version == 0:
        schema.metadata.create_all(connection)
    else:
        for step in range(version + 1, newest + 1):
            MIGRATIONS[step](connection)
    # Also where it is the newest already: a database that can't be written to is found here.
    write_setting(connection, VERSION_NAME, str(newest))
    return newest


def read_setting(connection: Connection, name: str) -> str | None:
    """Return a value that belongs to the database as a whole."""
    table = schema.settings
    return connection.execute(select(table.c.value).where(table.c.name == name)).scalar_one_or_none()


def hold_setting(connection: Connection, name: str) -> str:
    """Return a value that is there, and keep other processes from changing it until the transaction ends."""
    table = schema.settings
    query = select(table.c.value).where(table.c.name == name)
    value: str = connection.execute(query.with_for_update()).scalar_one()
    return value


def read_or_make_setting(connection: Connection, name: str, make: Callable[[], str]) -> str:
    """Return a value; of several processes that make it at once, all return the same."""
    table = schema.settings
    found = read_setting(connection, name)
    if found is None:
        insert = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
        connection.execute(insert(table).values(name=name, value=make()).on_conflict_do_nothing())
        found = read_setting(connection, name)
        assert found is not None, "it was written just now, by us or by who was first"
    return found


def write_setting(connection: Connection, name: str, value: str) -> None:
    """Set a value that belongs to the database as a whole."""
    table = schema.settings
    if connection.execute(table.update().where(table.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(table.insert().values(name=name, value=value))


def is_unused(connection: Connection) -> bool:
    """Tell whether no service has used a database yet."""
    return _version(connection) == 0


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table(schema.settings.name):
        return 0
    found = read_setting(connection, VERSION_NAME) or "0"
    if not (found.isascii() and found.isdigit()):
        raise StartupError(
            f"The database's schema version is {found!r}, which is not a number: another program has written "
            "to it. Restore a backup, or name another database."
        )
    return int(found)


def _check_is_free(connection: Connection) -> None:
    """Refuse a database in which another program has tables of our names: they would be taken for ours."""
    others = set(inspect(connection).get_table_names()) & set(schema.metadata.tables)
    others.discard(schema.settings.name)
    if others:
        raise StartupError(
            f"The database has tables that another program made: {', '.join(sorted(others))}. "
            "Name a database that is the service's alone."
        )

"""Roles of PostgreSQL with fewer rights: what the first start needs, what later ones need, who says so."""

import re
from collections.abc import Iterator

import psycopg
import pytest

from event_streamer_service.errors import StartupError
from event_streamer_service.store.database import Database

from .conftest import execute

pytestmark = pytest.mark.postgres

ALLOW_CREATE = "GRANT CREATE, USAGE ON SCHEMA public TO weak"


@pytest.fixture
def weak(postgres_database: str) -> Iterator[str]:
    """The URL of the test's database for a role that may do nothing there but connect."""
    execute(postgres_database, "CREATE ROLE weak LOGIN", "GRANT USAGE ON SCHEMA public TO weak")
    yield postgres_database.replace("tests@", "weak@")
    execute(postgres_database, "DROP OWNED BY weak", "DROP ROLE weak")


def refusal(url: str) -> str:
    with pytest.raises(StartupError) as raised:
        Database(url)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_role_that_may_not_make_tables_is_told_what_the_first_start_needs(
    postgres_database: str, weak: str
) -> None:
    said = refusal(weak)
    assert "permission denied for schema public" in said
    assert "give the role CREATE and USAGE on the schema" in said
    execute(postgres_database, ALLOW_CREATE)
    Database(weak).close()
    execute(postgres_database, "REVOKE CREATE ON SCHEMA public FROM weak")
    Database(weak).close()


def test_a_schema_that_may_not_be_used_is_told_too(postgres_database: str, weak: str) -> None:
    execute(postgres_database, "REVOKE ALL ON SCHEMA public FROM weak, PUBLIC")
    assert "give the role CREATE and USAGE on the schema" in refusal(weak)


@pytest.mark.parametrize("given", ["nothing", "reading", "rows alone"])
def test_what_is_missing_on_tables_that_are_there_is_named_as_sql_that_mends_it(
    postgres_database: str, weak: str, given: str
) -> None:
    """The number of a new subscription comes from a sequence: without it the first create fails."""
    Database(postgres_database).close()
    rows = {"nothing": "", "reading": "SELECT", "rows alone": "SELECT, INSERT, UPDATE, DELETE"}[given]
    if rows:
        execute(postgres_database, f"GRANT {rows} ON ALL TABLES IN SCHEMA public TO weak")
    said = refusal(weak)
    assert "the role weak may not use all of them" in said
    grants = re.findall(r"GRANT [^;]+;", said)
    assert len(grants) == (1 if given == "rows alone" else 2)
    execute(postgres_database, *grants)
    Database(weak).close()
    columns = "subscriber_id, chain_id, topic0, event_signature, addresses, start_block, is_streaming,"
    with psycopg.connect(weak) as connection:
        connection.execute(
            f"INSERT INTO subscriptions ({columns} events_delivered, created_at, updated_at)"
            " VALUES ('me', 1, '0x', '{}', '[]', 0, true, 0, 0, 0)"
        )


def test_a_newer_release_needs_the_owner_of_the_tables(postgres_database: str, weak: str) -> None:
    Database(postgres_database).close()
    execute(
        postgres_database,
        "ALTER TABLE subscriptions DROP COLUMN topics",
        "DROP TABLE open_streams, replicas, idempotency_keys",
        "ALTER TABLE subscriptions DROP COLUMN version",
        "UPDATE event_streamer_settings SET value = '2' WHERE name = 'schema_version'",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO weak",
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO weak",
    )
    said = refusal(weak)
    assert "must be owner of" in said
    assert "start it once as the role that owns them" in said

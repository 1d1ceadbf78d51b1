"""
Which rights in PostgreSQL the service needs, and what to run where one is missing.

Making the tables takes CREATE on the schema; changing them, for a newer release, takes their owner. After
that the service reads and writes rows, and takes numbers from a sequence, so a role of fewer rights will do.
"""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from event_streamer_service.errors import StartupError
from event_streamer_service.store import schema

_INSUFFICIENT_PRIVILEGE = "42501"
_NO_SCHEMA = "3F000"
"""invalid_schema_name: none of the search path is there, or may be used."""
_TABLES = text("""
    SELECT quote_ident(relname) FROM pg_class
    WHERE relname = ANY(:tables) AND relkind IN ('r', 'p') AND pg_table_is_visible(oid)
      AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
               AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
    ORDER BY relname
""")
_SEQUENCES = text("""
    SELECT quote_ident(sequence.relname) FROM pg_class sequence
    JOIN pg_depend ON pg_depend.objid = sequence.oid AND pg_depend.deptype IN ('a', 'i')
    JOIN pg_class owner ON owner.oid = pg_depend.refobjid
    WHERE owner.relname = ANY(:tables) AND pg_table_is_visible(owner.oid)
      AND CASE WHEN sequence.relkind = 'S' THEN NOT has_sequence_privilege(sequence.oid, 'USAGE') END
    ORDER BY sequence.relname
""")


def check(connection: Connection) -> None:
    """
    Look whether the tables that are there may be used: a right that is missing would show one day, in a call.

    Raises:
        StartupError: One is missing; says what to run.
    """
    ours = {"tables": list(schema.metadata.tables)}
    tables = connection.execute(_TABLES, ours).scalars().all()
    sequences = connection.execute(_SEQUENCES, ours).scalars().all()
    if not tables and not sequences:
        return
    role = connection.execute(text("SELECT quote_ident(current_user)")).scalar_one()
    grants = []
    if tables:
        grants.append(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(tables)} TO {role};")
    if sequences:
        grants.append(f"GRANT USAGE ON SEQUENCE {', '.join(sequences)} TO {role};")
    raise StartupError(
        f"The database's tables are there, and the role {role} may not use all of them. "
        f"Have their owner run: {' '.join(grants)}"
    )


def advice(problem: SQLAlchemyError) -> str:
    """Return what to do about a right that is missing where tables are made or changed; else nothing."""
    original = getattr(problem, "orig", None)
    if getattr(original, "sqlstate", None) not in {_INSUFFICIENT_PRIVILEGE, _NO_SCHEMA}:
        return ""
    if "must be owner" in str(original):
        return " This release changes the tables: start it once as the role that owns them."
    return (
        " The first start makes the tables: give the role CREATE and USAGE on the schema for it, or start "
        "it once as a role that has them. After that it needs SELECT, INSERT, UPDATE and DELETE on the "
        "tables, and USAGE on the sequence; a start names what is missing."
    )

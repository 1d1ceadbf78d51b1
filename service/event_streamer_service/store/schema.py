"""
The tables, as SQLAlchemy Core knows them: the newest version of the schema.

How an older database gets here is told by `migrations.py`; a change of this file needs one there.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

metadata = MetaData()

settings = Table(
    "event_streamer_settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", String, nullable=False),
)
"""What belongs to the database as a whole: the schema's version, the secret of the tokens."""

subscriptions = Table(
    "subscriptions",
    metadata,
    # SQLite gives a BIGINT key no number of its own; ids are never given twice, since tokens hold them.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("subscriber_id", String, nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("topic0", String(66), nullable=False),
    Column("event_signature", JSON, nullable=False),
    Column("addresses", JSON, nullable=False),
    # For each topic the alternatives, or null; none where every log of the event is wanted.
    Column("topics", JSON(none_as_null=True)),
    Column("start_block", BigInteger, nullable=False),
    Column("end_block", BigInteger),
    Column("is_streaming", Boolean, nullable=False),
    # Progress: the end of the unbroken run of acknowledged batches.
    Column("position_block", BigInteger),
    Column("position_log_index", BigInteger),
    Column("position_hash", String(66)),
    Column("events_delivered", BigInteger, nullable=False),
    Column("last_event_id", String),
    Column("created_at", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
    # What a subscription asks for, hashed; those that ask for the same have the same.
    Column("definition_key", String(64), nullable=False, server_default=""),
    # The same, of one of them at most: by it, of two that are created at once where there was none, one wins.
    Column("shared_key", String(64)),
    Column("stored_bytes", BigInteger, nullable=False, server_default="0"),
    # Why logs are not delivered.
    Column("problem", String),
    # Grows with every change of what is asked for: what belongs to an earlier one is void, in all processes.
    Column("version", BigInteger, nullable=False, server_default="0"),
    Index("subscriptions_by_subscriber", "subscriber_id", "id"),
    Index("subscriptions_by_definition", "definition_key", "id"),
    Index("subscriptions_shared", "shared_key", unique=True),
    sqlite_autoincrement=True,
)

chains = Table(
    "chains",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("config", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
)

block_headers = Table(
    "block_headers",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    # By hash, since blocks of a lost branch are kept beside those that took their place.
    Column("hash", String(66), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("parent_hash", String(66), nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Index("block_headers_by_number", "chain_id", "number"),
)
"""The newest headers of each chain: by them a reorg is found that happened while the service was down."""

replicas = Table(
    "replicas",
    metadata,
    Column("id", String(32), primary_key=True),
    # Where the other replicas reach it.
    Column("url", String, nullable=False),
    Column("started_at", Float(53), nullable=False),
    # By the database's clock, as all times of this table: those of the machines may differ.
    Column("expires_at", Float(53), nullable=False),
    Column("details", JSON, nullable=False),
)
"""The processes that share this database. One that doesn't renew its lease is gone."""

open_streams = Table(
    "open_streams",
    metadata,
    Column("connection_id", String(255), primary_key=True),
    Column("replica_id", String(32), nullable=False),
    Column("subscription_id", BigInteger, nullable=False),
    Column("subscriber_id", String, nullable=False),
    Index("open_streams_by_replica", "replica_id"),
    Index("open_streams_by_subscription", "subscription_id"),
    Index("open_streams_by_subscriber", "subscriber_id"),
)
"""The streams of all replicas, so that limits hold over all of them. A lone service has no rows here."""

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    # The owner and the key, hashed.
    Column("id", String(64), primary_key=True),
    Column("owner", String, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("answer", JSON, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Index("idempotency_keys_by_owner", "owner", "created_at"),
    Index("idempotency_keys_by_age", "created_at"),
)
"""The answers to requests with an `Idempotency-Key`, for a day."""

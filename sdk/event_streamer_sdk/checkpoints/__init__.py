"""
Where committed positions live, so that a restarted program goes on where it was.

    checkpoint="position.json"                     a file of its own (FileCheckpoint)
    checkpoint=SQLiteCheckpoint("positions.db")    many subscriptions, one file; leases
    checkpoint=SQLCheckpoint("postgresql://…")     the same in PostgreSQL and other SQL databases
    checkpoint=RedisCheckpoint("redis://…")        the same in Redis
    checkpoint=HandlerCheckpoint(load)             your handler writes the token in its own transaction
    checkpoint=MemoryCheckpoint()                  for tests

Anything with the methods of `CheckpointStore` will do. `JSONLinesDeadLetters` and `SQLDeadLetters` are places
for what could not be handled.

Both clients take these; the asyncio client calls them in threads. `AsyncRedisCheckpoint`,
`AsyncSQLCheckpoint` and `AsyncSQLDeadLetters` need no thread: their methods give awaitables. The latter two
also take an `AsyncEngine`. A database whose driver has no asyncio (SQLite's) is used in threads all the same.
"""

from __future__ import annotations

import os
from typing import Any

from event_streamer_api.errors import EventStreamerValidationError

from .._core.stream.checkpoint import Checkpoint, CheckpointStore, DeadLetterRecord, DeadLetters, LeasingStore
from ..exceptions import CheckpointError, DeadLetterError, LeaseLostError
from ._async.deadletters import AsyncSQLDeadLetters
from ._async.redis import AsyncRedisCheckpoint
from ._async.sql import AsyncSQLCheckpoint
from ._sync.deadletters import SQLDeadLetters
from ._sync.redis import RedisCheckpoint
from ._sync.sql import SQLCheckpoint
from .deadletters import JSONLinesDeadLetters
from .file import FileCheckpoint
from .handler import HandlerCheckpoint
from .letters import DeadLetter
from .memory import MemoryCheckpoint
from .shared import LeaseInfo, Overview, SharedStore, WorkerInfo
from .sqlite import SQLiteCheckpoint, SQLiteDeadLetters

__all__ = [
    "AsyncRedisCheckpoint",
    "AsyncSQLCheckpoint",
    "AsyncSQLDeadLetters",
    "Checkpoint",
    "CheckpointError",
    "CheckpointStore",
    "DeadLetter",
    "DeadLetterError",
    "DeadLetterRecord",
    "DeadLetters",
    "FileCheckpoint",
    "HandlerCheckpoint",
    "JSONLinesDeadLetters",
    "LeaseInfo",
    "LeaseLostError",
    "LeasingStore",
    "MemoryCheckpoint",
    "Overview",
    "RedisCheckpoint",
    "SQLCheckpoint",
    "SQLDeadLetters",
    "SQLiteCheckpoint",
    "SQLiteDeadLetters",
    "SharedStore",
    "WorkerInfo",
]


def store_from(value: Any) -> CheckpointStore | None:
    """
    Make a store of what a user gave as `checkpoint=`.

    Raises:
        EventStreamerValidationError: It is none of these.
    """
    if isinstance(value, str | os.PathLike):
        return FileCheckpoint(value)
    if value is None or isinstance(value, CheckpointStore):
        return value
    raise EventStreamerValidationError(
        f"checkpoint must be a store (load, save, close) or the path of a file, not {value!r}"
    )


def dead_letters_from(value: Any) -> DeadLetters | None:
    """
    Make a place for dead letters of what a user gave as `dead_letter=`.

    Raises:
        EventStreamerValidationError: It is none of these.
    """
    if isinstance(value, str | os.PathLike):
        return JSONLinesDeadLetters(value)
    if value is None or isinstance(value, DeadLetters):
        return value
    raise EventStreamerValidationError(
        f"dead_letter must be a place (write, close) or the path of a file, not {value!r}"
    )

"""Events in a stream of Redis: entries and position in one MULTI."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import StreamingReorg

from .._extras import needs
from ._text import cell_columns
from ._urls import name_in, parsed
from .columns import EventTable
from .protocol import SinkBatch, SinkError, SinkUnavailableError, Source

__all__ = ["RedisSink"]

logger: logging.Logger = logging.getLogger(__name__)

POSITION = ":position"
"""What is appended to the stream's name for the key that holds the position."""

TIMEOUT = 10.0
"""Seconds that an answer may take."""

_LATER = ("OOM", "MISCONF", "LOADING", "READONLY", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN")
"""What Redis begins a refusal with that may not be one later."""


class RedisSink:
    """
    Appends events to a stream of Redis (XADD).

    An entry has a field for each column, all of them text: lists and structs as JSON. The entries of a write
    and the position, a key of its own beside the stream, go into one MULTI. Entries of replaced blocks stay,
    since others may have read them; an entry with the fields `common_ancestor` and `removed_blocks`, and
    without `log_index`, says that they are void.

    The promise holds as far as Redis keeps what it has answered: with `appendonly yes` and
    `appendfsync always`. With other settings it may forget the last seconds when it dies, events and position
    alike; what is lost comes again then.

    Args:
        url: `redis://user:password@host:6379/0?stream=transfers`; `rediss://` for TLS. `&maxlen=` as below.
        stream: The stream's name; as in the URL, else the event's name in lower case.
        maxlen: Entries that Redis keeps, about; all where not given.
        columns: The parameters that are wanted; all where not given.
        where: A condition for rows, such as `value > 10**24`.
        write_rows: Events in a MULTI, at most about so many.
        patience: Seconds that Redis may be away before the stream ends.

    Raises:
        EventStreamerValidationError: The URL can't be used.
        MissingExtraError: redis-py isn't installed.

    Example:
        >>> streaming_client.run(into=RedisSink("redis://localhost?stream=transfers", maxlen=1_000_000))
    """

    prepares_while_writing = True

    def __init__(
        self,
        url: str,
        *,
        stream: str | None = None,
        maxlen: int | None = None,
        columns: Iterable[str] | None = None,
        where: str | None = None,
        write_rows: int = 5_000,
        patience: float = 60.0,
    ) -> None:
        self._redis = needs("redis")
        # Whoever calls us tries again, and tells of it; redis-py would for half a minute, in silence.
        self._retry = needs("redis.retry").Retry(needs("redis.backoff").NoBackoff(), 0)
        self._url, options = parsed(url, "stream", "maxlen")
        path = urlsplit(self._url).path.strip("/")
        if path and not path.isdecimal():
            raise EventStreamerValidationError(
                f"the path of a Redis URL is the database's number, not {path!r}: redis://host/0?stream={path}"
            )
        self._stream = stream or options.get("stream") or ""
        if maxlen is None and "maxlen" in options:
            if not options["maxlen"].isdecimal():
                raise EventStreamerValidationError(f"maxlen must be a number, not {options['maxlen']!r}")
            maxlen = int(options["maxlen"])
        if maxlen is not None and maxlen < 1:
            raise EventStreamerValidationError(f"maxlen must be 1 or more, not {maxlen}")
        self._maxlen = maxlen
        self._columns = None if columns is None else tuple(columns)
        self._where = where
        self.write_rows = write_rows
        self.patience = patience
        self._client: Any = None
        self._is_broken_off = False
        self._source: Source | None = None
        self._table: EventTable | None = None
        self._position: str | None = None

    @property
    def _name(self) -> str:
        return f"stream {self._stream} of Redis"

    def open(self, source: Source) -> str | None:
        """
        Connect, and read the position.

        Args:
            source: The subscription.

        Returns:
            The token of the position.

        Raises:
            SinkUnavailableError: Redis can't be reached.
            SinkError: The key is not a stream, or belongs to another subscription.
        """
        self._source = source = source.narrowed(columns=self._columns, where=self._where)
        self._stream = self._stream or name_in(source.event)
        self._table = EventTable(source.event, source.chain_id, only=self._columns, where=self._where)
        with self._told():
            try:
                self._client = self._redis.Redis.from_url(
                    self._url,
                    socket_timeout=TIMEOUT,
                    socket_connect_timeout=TIMEOUT,
                    retry=needs("redis.retry").Retry(
                        needs("redis.backoff").NoBackoff(), 0
                    ),  # our caller does
                    decode_responses=True,
                    client_name="event-streamer",
                )
                kind = self._client.type(self._stream)
            except (ValueError, TypeError) as problem:  # also an option that doesn't exist
                why = str(problem).rpartition("got an ")[2]
                raise EventStreamerValidationError(f"the URL of Redis can't be used: {why}") from problem
            if kind not in ("none", "stream"):
                raise SinkError(f"the key {self._stream} of Redis is a {kind}: name another stream")
            self._position = self._client.get(self._stream + POSITION)
            self._warn()
        return source.token_in(self._position, self._name)

    def _warn(self) -> None:
        """Say what Redis isn't set to, where it tells."""
        with suppress(self._redis.ResponseError):
            found = self._client.config_get("append*")
            wanted = {"appendonly": "yes", "appendfsync": "always"}
            if wrong := [
                f"{name} {found[name]}" for name in wanted if found.get(name) not in (wanted[name], None)
            ]:
                logger.warning(
                    "Redis is set to %s: when it dies it may forget what it has answered. "
                    "With appendonly yes and appendfsync always it doesn't",
                    ", ".join(wrong),
                )

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Any:
        """
        Make entries of events.

        Args:
            events: Event objects.

        Returns:
            A list of fields for each.
        """
        table = self._table
        assert table is not None, "open comes first"
        names = table.names
        rows = zip(*cell_columns(table, table.take(events, wide_text=True)), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def write(self, batch: SinkBatch) -> None:
        """
        Append entries, and move the position.

        Args:
            batch: The events.

        Raises:
            SinkUnavailableError: Redis is away, full or loading.
            SinkError: It refuses, or another process has written.
        """
        entries = [entry for prepared in batch.prepared for entry in prepared]
        self._move(self._opened().position(batch.resume_token), entries)

    def undo(self, reorg: StreamingReorg) -> None:
        """
        Append a notice that blocks are replaced, and move the position.

        Args:
            reorg: The replaced blocks.

        Raises:
            SinkUnavailableError: Redis is away, full or loading.
            SinkError: It refuses, or another process has written.
        """
        notice = {
            "chain_id": self._opened().chain_id,
            "common_ancestor": reorg.common_ancestor,
            "removed_blocks": json.dumps([block.to_dict() for block in reorg.removed_blocks]),
        }
        self._move(self._opened().position(reorg.resume_token), [notice])

    def finish(self) -> None:
        """
        Note that the subscription has no further events.

        Raises:
            SinkUnavailableError: Redis is away.
        """
        source = self._opened()
        self._move(source.position(source.token_in(self._position, self._name), finished=True), [])

    def break_off(self) -> None:
        """Let a call fail that waits for an answer, in another thread."""
        client, self._is_broken_off = self._client, True
        if client is not None:
            client.connection_pool.disconnect(inuse_connections=True)

    def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _opened(self) -> Source:
        assert self._source is not None, "open comes first"
        return self._source

    def _move(self, position: str, entries: Sequence[Mapping[str, Any]]) -> None:
        """
        Append entries and move the position, in one MULTI.

        Where the position isn't what we wrote last, somebody else has moved it, or our own MULTI was carried
        out and only the answer was lost.
        """
        key = self._stream + POSITION
        with self._told(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.watch(key)
            found = pipeline.get(key)
            if found != position:
                if found != self._position:
                    raise SinkError(
                        f"another process writes into {self._name}: end it, or name another stream"
                    )
                pipeline.multi()
                for entry in entries:
                    pipeline.xadd(self._stream, entry, maxlen=self._maxlen)
                pipeline.set(key, position)
                pipeline.execute()
        self._position = position

    @contextmanager
    def _told(self) -> Iterator[None]:
        errors = self._redis.exceptions
        try:
            yield
        except errors.WatchError as problem:
            raise SinkError(
                f"another process writes into {self._name}: end it, or name another stream"
            ) from problem
        except (errors.AuthenticationError, errors.AuthorizationError, errors.NoPermissionError) as problem:
            raise SinkError(f"Redis refuses: {problem}") from problem
        except (errors.ConnectionError, errors.TimeoutError, OSError) as problem:
            raise SinkUnavailableError(f"Redis can't be reached: {problem}") from problem
        except errors.RedisError as problem:
            passing = (  # redis-py takes the code of these out of the message
                *(errors.OutOfMemoryError, errors.ReadOnlyError, errors.MasterDownError),
                *(errors.ClusterDownError, errors.TryAgainError),
            )
            if isinstance(problem, passing) or any(word in str(problem) for word in _LATER):
                # After a fail-over the address may lead to another server, but not an open connection.
                if self._client is not None:
                    self._client.connection_pool.disconnect()
                raise SinkUnavailableError(f"Redis refuses the write: {_reason(problem)}") from problem
            raise SinkError(f"Redis refuses: {_reason(problem)}") from problem
        except (ValueError, AttributeError, TypeError) as problem:
            if not self._is_broken_off:
                raise
            # redis-py stumbles over a connection that is closed while it waits for it.
            raise SinkUnavailableError("Redis doesn't answer") from problem


def _reason(problem: BaseException) -> str:
    """Say what Redis says, without the command that redis-py shows in front of it: it holds a row."""
    return str(problem).rpartition(" of pipeline caused error: ")[2]

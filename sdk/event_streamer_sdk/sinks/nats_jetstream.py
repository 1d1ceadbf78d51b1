"""Events in a stream of NATS JetStream: messages with ids of their own, then the position."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import StreamingReorg

from .._extras import needs
from ._text import json_rows
from ._urls import name_in, parsed
from .columns import EventTable
from .protocol import SinkBatch, SinkError, SinkUnavailableError, Source

__all__ = ["NATSSink"]

BUCKET = "event_streamer_positions"
"""The key-value bucket that holds each subject's position."""

TIMEOUT = 10.0
"""Seconds that the server may take for an answer."""

DUPLICATE_WINDOW = 3600.0
"""Seconds for which a stream that is made here knows a message again."""

_SUBJECT = re.compile(r"[^\s.*>]+(\.[^\s.*>]+)*")
_STREAM = re.compile(r"[^\s.*>/\\]+")

ON_THE_WAY = 1_000
"""Messages that may wait for the server's acknowledgement at a time."""


class NATSSink:
    """
    Publishes events on a subject of NATS JetStream.

    A message is a JSON object with all columns. Its `Nats-Msg-Id` is made of the block's hash and the log's
    index, so that the stream drops one that comes again within its duplicate window. The position goes into
    the key-value bucket `event_streamer_positions` when the server has acknowledged all messages of a write.
    Messages of replaced blocks stay; one with the header `Type: reorg` says that they are void.

    **What remains possible:** a process that dies between its messages and the position leaves messages that
    no position speaks of, and their blocks may be replaced before the next one starts. So the next one begins
    with a message that has the header `Type: void` and the field `after_sequence`: the subject's messages
    between that sequence of the stream and this message don't count. Those that still hold follow anew.

    Args:
        url: `nats://user:password@host:4222/transfers`; `?stream=` as below, `tls://` for TLS.
        subject: The subject; as in the URL, else the event's name in lower case.
        stream: The stream that holds the subject. It is made where none does; its default name is the
            subject's.
        columns: The parameters that are wanted; all where not given.
        where: A condition for rows, such as `value > 10**24`.
        write_rows: Events between two positions, at most about so many.
        patience: Seconds that the server may be away before the stream ends.

    Raises:
        EventStreamerValidationError: The URL can't be used.
        MissingExtraError: nats-py isn't installed.

    Example:
        >>> streaming_client.run(into=NATSSink("nats://localhost:4222/chain.transfers"))
    """

    prepares_while_writing = True

    def __init__(
        self,
        url: str,
        *,
        subject: str | None = None,
        stream: str | None = None,
        columns: Iterable[str] | None = None,
        where: str | None = None,
        write_rows: int = 10_000,
        patience: float = 60.0,
    ) -> None:
        self._nats = needs("nats")
        self._js = needs("nats.js")
        left, options = parsed(url, "stream")
        parts = urlsplit(left)
        if not parts.netloc:
            raise EventStreamerValidationError("the URL of NATS names no host: nats://host:4222/subject")
        self._subject = subject or parts.path.strip("/")
        if self._subject and not _SUBJECT.fullmatch(self._subject):
            raise EventStreamerValidationError(
                f"{self._subject!r} is not a subject to publish on: words between dots, no blanks, * or >"
            )
        self._stream = stream or options.get("stream")
        if self._stream and not _STREAM.fullmatch(self._stream):
            raise EventStreamerValidationError(
                f"{self._stream!r} is not a stream's name: no blanks, . * > / \\\\"
            )
        self._url = urlunsplit(parts._replace(path="", query=""))
        self._columns = None if columns is None else tuple(columns)
        self._where = where
        self.write_rows = write_rows
        self.patience = patience
        self._source: Source | None = None
        self._table: EventTable | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._connection: Any = None
        self._context: Any = None
        self._bucket: Any = None
        self._failure: asyncio.Future[None] | None = None
        self._position: str | None = None
        self._revision = 0
        self._sequence = 0
        """The stream's sequence up to which the subject's messages belong to the position."""
        self._void_after: int | None = None
        """Where messages begin that no position speaks of, until a notice has said so."""
        self._epoch = ""
        """What ids end with, so that messages which are sent anew don't count as those that are void."""

    @property
    def _name(self) -> str:
        return f"subject {self._subject} of NATS"

    # --- the sink ------------------------------------------------------------------------------

    def open(self, source: Source) -> str | None:
        """
        Connect, make the stream and the bucket where they aren't there, and read the position.

        Args:
            source: The subscription.

        Returns:
            The token of the position.

        Raises:
            SinkUnavailableError: The server can't be reached.
            SinkError: It refuses, or the subject belongs to another subscription.
        """
        self._source = source = source.narrowed(columns=self._columns, where=self._where)
        self._subject = self._subject or name_in(source.event)
        self._table = EventTable(source.event, source.chain_id, only=self._columns, where=self._where)
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="nats", daemon=True)
            self._thread.start()
        self._run(self._begin)
        return source.token_in(self._position, self._name)

    def prepare(self, events: Sequence[Mapping[str, Any]]) -> Any:
        """
        Make messages of events.

        Args:
            events: Event objects.

        Returns:
            An id and a value for each.
        """
        table = self._table
        assert table is not None, "open comes first"
        columns = table.take(events, wide_text=True)
        named = dict(zip(table.names, columns, strict=True))
        places = zip(
            named["chain_id"], named["block_hash"], named["block_number"], named["transaction_hash"],
            named["log_index"], strict=True,
        )  # fmt: skip
        ids = [
            f"{chain}-{hash_ or f'{number}-{transaction}'}-{index}"
            for chain, hash_, number, transaction, index in places
        ]
        return list(zip(ids, map(str.encode, json_rows(table, columns)), strict=True))

    def write(self, batch: SinkBatch) -> None:
        """
        Publish messages, wait until they are acknowledged, and move the position.

        Args:
            batch: The events.

        Raises:
            SinkUnavailableError: The server is away or full.
            SinkError: It refuses, or another process has written.
        """
        messages = [
            (value, {"Nats-Msg-Id": id_ + self._epoch, "Type": "event"})
            for prepared in batch.prepared
            for id_, value in prepared
        ]
        self._run(self._move, self._opened().position(batch.resume_token), messages)

    def undo(self, reorg: StreamingReorg) -> None:
        """
        Publish a notice that blocks are replaced, and move the position.

        Args:
            reorg: The replaced blocks.

        Raises:
            SinkUnavailableError: The server is away or full.
            SinkError: It refuses, or another process has written.
        """
        notice = {
            "chain_id": self._opened().chain_id,
            "common_ancestor": reorg.common_ancestor,
            "removed_blocks": [block.to_dict() for block in reorg.removed_blocks],
        }
        last = reorg.removed_blocks[-1].hash if reorg.removed_blocks else ""
        id_ = f"reorg-{reorg.chain_id}-{reorg.common_ancestor}-{last}{self._epoch}"
        header = {"Nats-Msg-Id": id_, "Type": "reorg"}
        messages = [(json.dumps(notice).encode(), header)]
        self._run(self._move, self._opened().position(reorg.resume_token), messages)

    def finish(self) -> None:
        """
        Note that the subscription has no further events.

        Raises:
            SinkUnavailableError: The server is away.
        """
        source = self._opened()
        token = source.token_in(self._position, self._name)
        self._run(self._move, source.position(token, finished=True), [])

    def close(self) -> None:
        """Close the connection, and end the thread that served it."""
        loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        with suppress(Exception):  # it is being thrown away
            asyncio.run_coroutine_threadsafe(self._disconnect(), loop).result(TIMEOUT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(TIMEOUT)
        loop.close()

    # --- the server ----------------------------------------------------------------------------

    def _opened(self) -> Source:
        assert self._source is not None, "open comes first"
        return self._source

    def _run(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        """Do something in the thread of the connection, which is made anew where the last one has failed."""
        assert self._loop is not None, "open comes first"

        async def connected() -> None:
            if self._connection is None:
                await self._connect()
            try:
                await work(*arguments)
            except BaseException:
                await self._disconnect()
                raise

        errors, js_errors = self._nats.errors, self._js.errors
        try:
            asyncio.run_coroutine_threadsafe(connected(), self._loop).result()
        except SinkError:
            raise
        except js_errors.NoStreamResponseError as problem:
            raise SinkUnavailableError(
                f"{self._name} can't be written: JetStream doesn't answer"
            ) from problem
        except js_errors.APIError as problem:
            why = problem.description or _reason(problem)
            if problem.code is not None and int(problem.code) >= _SERVER_SIDE:
                raise SinkUnavailableError(f"NATS refuses the messages: {why}") from problem
            raise SinkError(f"NATS refuses: {why}") from problem
        except errors.AuthorizationError as problem:
            raise SinkError(f"NATS refuses: {_reason(problem)}") from problem
        except (errors.Error, OSError, TimeoutError) as problem:
            raise SinkUnavailableError(f"NATS can't be reached: {_reason(problem)}") from problem

    async def _connect(self) -> None:
        errors = self._js.errors
        self._failure = asyncio.get_running_loop().create_future()
        connection = await self._nats.connect(
            self._url,
            connect_timeout=int(TIMEOUT),
            allow_reconnect=False,
            max_reconnect_attempts=1,
            error_cb=self._note,
            name="event-streamer",
        )
        self._connection = connection
        self._context = connection.jetstream(timeout=TIMEOUT, publish_async_max_pending=ON_THE_WAY)
        try:
            self._stream = await self._context.find_stream_name_by_subject(self._subject)
        except errors.NotFoundError:
            self._stream = self._stream or self._subject.replace(".", "_")
            config = self._js.api.StreamConfig(
                name=self._stream, subjects=[self._subject], duplicate_window=DUPLICATE_WINDOW
            )
            await self._context.add_stream(config)
        try:
            self._bucket = await self._context.key_value(BUCKET)
        except errors.BucketNotFoundError:
            self._bucket = await self._context.create_key_value(bucket=BUCKET)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it is being thrown away
                await connection.close()

    async def _note(self, problem: Exception) -> None:
        """Take what nats-py tells here alone: that a message was not taken."""
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(problem)
            self._failure.exception()  # it may be of no interest any more

    async def _begin(self) -> None:
        """Read the position, and find out whether there are messages that it doesn't speak of."""
        await self._read()
        last = await self._last_sequence()
        if self._position is None:
            # From here on what another one leaves can be told from what was there before.
            self._sequence = last
            await self._keep(self._opened().position(None))
            return
        found = json.loads(self._position)
        self._sequence, self._epoch = found.get("sequence", last), found.get("epoch", "")
        if last > self._sequence:
            self._void_after, self._epoch = self._sequence, f"-{last}"

    async def _read(self) -> None:
        try:
            entry = await self._bucket.get(self._subject)
            self._position, self._revision = entry.value.decode(), entry.revision
        except self._js.errors.KeyNotFoundError as missing:
            self._position, self._revision = None, missing.entry.revision if missing.entry else 0

    async def _last_sequence(self) -> int:
        try:
            return int((await self._context.get_last_msg(self._stream, self._subject)).seq)
        except self._js.errors.NotFoundError:
            return 0

    async def _move(self, position: str, messages: list[tuple[bytes, dict[str, str]]]) -> None:
        if self._void_after is not None:
            await self._publish([self._void()])
            self._void_after = None
        for start in range(0, len(messages), ON_THE_WAY):
            await self._publish(messages[start : start + ON_THE_WAY])
        await self._keep(position)

    def _void(self) -> tuple[bytes, dict[str, str]]:
        """Say that the messages which no position speaks of don't count."""
        notice = {"chain_id": self._opened().chain_id, "after_sequence": self._void_after}
        return json.dumps(notice).encode(), {"Nats-Msg-Id": f"void{self._epoch}", "Type": "void"}

    async def _keep(self, position: str) -> None:
        """Store a position, with what tells later which messages belong to it."""
        kept = json.dumps(json.loads(position) | {"sequence": self._sequence, "epoch": self._epoch})
        try:
            self._revision = await self._bucket.update(self._subject, kept.encode(), last=self._revision)
        except self._js.errors.KeyWrongLastSequenceError as problem:
            # Somebody else has moved it, or only the answer to our own last write was lost.
            await self._read()
            if self._position != kept:
                raise SinkError(
                    f"another process writes on {self._name}: end it, or name another subject"
                ) from problem
        self._position = kept

    async def _publish(self, messages: list[tuple[bytes, dict[str, str]]]) -> None:
        """Publish messages in their order, and wait until all are acknowledged."""
        assert self._failure is not None, "connecting comes first"
        waiting = [
            await self._context.publish_async(self._subject, value, headers=headers)
            for value, headers in messages
        ]
        acknowledged = asyncio.gather(*waiting, return_exceptions=True)
        waited: set[asyncio.Future[Any]] = {acknowledged, self._failure}
        await asyncio.wait(waited, timeout=TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        if not acknowledged.done():
            acknowledged.cancel()
            with suppress(asyncio.CancelledError):
                await acknowledged
            if self._failure.done():
                raise self._failure.exception() or TimeoutError
            raise TimeoutError(f"no acknowledgement for {TIMEOUT:g} s")
        for answer in acknowledged.result():
            if isinstance(answer, BaseException):
                raise answer
            self._sequence = max(self._sequence, answer.seq)


_SERVER_SIDE = 500
"""From here on a status is the server's own trouble, as in HTTP."""


def _reason(problem: BaseException) -> str:
    return str(problem).removeprefix("nats: ") or type(problem).__name__

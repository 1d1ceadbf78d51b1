"""
Between a streaming client and a sink: `stream.run(into=sink)`.

The sink takes the part of the checkpoint store. A handler collects events, and when the client stores its
position, the events up to it are written together with it. So the client's own order holds as it stands: no
batch is acknowledged, and none counts as done, before the sink has stored it.

A batch may only be written when all other handlers have succeeded, too. Which of them are called before this
one is not known here, so a batch is written when its successor comes, or when the client says that it is
done.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from attrs import evolve

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_api.models import StreamingReorg, SubscriptionResponse

from .._core.stream.checkpoint import Checkpoint, LeasingStore
from .._core.stream.messages import Batch
from .._core.stream.reports import EndReason, Report
from .._core.words import counted
from ._pieces import Piece, block_of, join, token_of
from ._writer import Writer
from .protocol import SinkBatch, SinkError, Source, checked

WRITE_SECONDS = 1.0
WRITE_ROWS = 50_000
WRITE_BYTES = 64 * 1024 * 1024
"""Most bytes of prepared events that wait for one write, where their form tells its size (`nbytes`)."""
PREPARE_ROWS = 1_000
"""Events that are prepared at a time: with fewer of them the effort for each call counts too much."""
WRITE_BATCHES = 5_000
"""Most batches of the stream that wait for one write: services remember twice as many."""


@contextmanager
def feeding(stream: Any, sink: Any) -> Iterator[Callable[[Report], Report]]:
    """
    Let a blocking client write into a sink.

    Args:
        stream: A `SyncStreamingClient` that doesn't run.
        sink: The sink; opened here, and closed at the end.

    Yields:
        A function that takes the run's report, and gives it back.
    """
    subscription = stream.event_streamer.get_subscription(stream.subscription_id)
    feed = Feed(stream, sink, subscription)
    try:
        if not stream.is_running:
            stream.disconnect()  # what connect() opened doesn't know the sink's position
        feed.open()
        feed.attach(feed.take, feed.take_reorg)
        yield feed.conclude
    finally:
        feed.detach()
        feed.close()


@asynccontextmanager
async def feeding_async(stream: Any, sink: Any) -> AsyncIterator[Callable[[Report], Any]]:
    """
    Let an asynchronous client write into a sink, whose methods run in a thread or are coroutine functions.

    Args:
        stream: A `StreamingClient` that doesn't run.
        sink: The sink; opened here, and closed at the end.

    Yields:
        A coroutine function that takes the run's report, and gives it back.
    """
    subscription = await stream.event_streamer.get_subscription(stream.subscription_id)
    loop = asyncio.get_running_loop()
    feed = Feed(stream, _Blocking(checked(sink), loop), subscription, loop)

    async def take(events: Any) -> None:
        if feed.has_work:
            await asyncio.to_thread(feed.take, events, feed.current())
        else:
            feed.take(events)

    async def conclude(report: Report) -> Report:
        return await asyncio.to_thread(feed.conclude, report)

    try:
        if not stream.is_running:
            await stream.disconnect()
        await asyncio.to_thread(feed.open)
        feed.attach(take, feed.take_reorg)
        yield conclude
    finally:
        feed.detach()
        await asyncio.to_thread(feed.close)


class _Blocking:
    """A sink or a checkpoint store of asyncio, whose methods can be called from a thread."""

    def __init__(self, wrapped: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._wrapped = wrapped
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._wrapped, name)
        if not callable(found):
            return found

        def call(*arguments: Any) -> Any:
            result = found(*arguments)
            if inspect.iscoroutine(result):
                return asyncio.run_coroutine_threadsafe(result, self._loop).result()
            return result

        return call


class Feed:
    """
    Collects what comes, and has it written when the position is stored.

    Args:
        stream: The streaming client.
        sink: The sink.
        subscription: What is streamed.
        loop: The client's event loop, where it has one: a store of its own may be made for asyncio.
    """

    blocking = True
    """To the client it is a checkpoint store, and one that waits."""

    def __init__(
        self,
        stream: Any,
        sink: Any,
        subscription: SubscriptionResponse,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._stream = stream
        self._loop = loop
        self._sink = checked(sink)
        self._source = Source(subscription)
        if not stream.auto_acknowledge:
            raise EventStreamerValidationError(
                "into= acknowledges batches once the sink has stored them: remove auto_acknowledge=False"
            )
        self._name = subscription.event_signature.name
        self._prepare: Callable[[Any], Any] | None = getattr(sink, "prepare", None)
        self._write_rows: int = getattr(sink, "write_rows", WRITE_ROWS)
        self._write_seconds: float = getattr(sink, "write_seconds", WRITE_SECONDS)
        self._writer = Writer(self._sink, subscription.id, self._is_stopping)
        self._lock = threading.RLock()
        self._waiting: list[Piece | StreamingReorg] = []
        self._rows = 0
        self._raw_rows = 0
        self._bytes = 0
        self._token: str | None = None
        """The position behind what the writer was given."""
        self._is_open = False
        self._is_fresh = False
        """Whether no run has begun since it was opened."""
        self._block: int | None = None
        self._key = ""
        """The position's name in the user's store."""
        self._users_store: Any = None
        self._store: Any = None
        """The same, as it is called from threads."""
        self._settings: Any = None
        self._handlers: tuple[Any, Any] | None = None

    # --- life ----------------------------------------------------------------------------------

    def open(self) -> None:
        """
        Open the sink, and ask for the token that is stored with its events.

        With leases that waits until the run has the lease: to open a place may take it from whoever writes.
        """
        if not _has_leases(self._stream._store):
            self._open()

    def _open(self) -> None:
        """Open the sink for a run; anew where one has lost its lease, since its successor has written."""
        self.close()
        self._waiting.clear()
        self._rows = self._raw_rows = self._bytes = 0
        self._block = None
        self._token = self._sink.open(self._source)
        self._is_open = self._is_fresh = True

    def attach(self, take: Callable[..., Any], take_reorg: Callable[..., Any]) -> None:
        """Take the part of the client's store, beside its handlers, for the time of a run."""
        stream = self._stream
        self._users_store, self._settings = stream._store, stream._settings
        self._store = self._users_store
        if self._store is not None and self._loop is not None:
            self._store = _Blocking(self._store, self._loop)
        stream._store = self
        stream._settings = evolve(
            stream._settings,
            has_store=True,
            checkpoint_interval=max(stream._settings.checkpoint_interval, self._write_seconds),
            checkpoint_batches=WRITE_BATCHES,
            checkpoint_when_idle=getattr(self._sink, "writes_when_idle", True),
        )
        self._handlers = (take, take_reorg)
        stream._registry.add_event(self._name, take)
        stream._registry.add_notice("reorg", take_reorg)

    def detach(self) -> None:
        """Leave the client as it was."""
        if self._handlers is None:
            return
        for handler in self._handlers:
            self._stream._registry.remove(handler)
        self._stream._store, self._stream._settings = self._users_store, self._settings
        self._handlers = None

    def conclude(self, report: Report) -> Report:
        """Tell the sink where the subscription has no further events."""
        finish = getattr(self._sink, "finish", None)
        if report.reason is EndReason.FINISHED and finish is not None:
            self._writer.call(finish)
        return report

    # --- handlers ------------------------------------------------------------------------------

    @property
    def has_work(self) -> bool:
        """Whether taking a further batch prepares or writes those before it, which takes time."""
        return self._raw_rows >= PREPARE_ROWS or self._is_full

    @property
    def _is_full(self) -> bool:
        return self._rows >= self._write_rows or self._bytes >= WRITE_BYTES

    def current(self) -> Batch:
        """Give the batch that is being handled."""
        batch: Batch = self._stream.current_batch
        return batch

    def take(self, events: Sequence[Mapping[str, Any]], batch: Batch | None = None) -> None:
        """
        Take a batch. All before it have been handled, and can be written.

        Args:
            events: Its events.
            batch: The batch, where this isn't called in the client's own context.
        """
        batch = batch or self.current()
        if len(batch.events) > 1:
            others = sorted(set(batch.events) - {self._name})
            raise SinkError(f"a batch holds {', '.join(others)} beside {self._name}: a sink takes one event")
        with self._lock:
            if self._raw_rows >= PREPARE_ROWS:
                self._prepare_all()
            if self._is_full:
                self._write(len(self._waiting))
            token = self._token_behind(batch)
            piece = Piece(events, (), len(events), token, batch.first_block, batch.last_block)
            self._waiting.append(piece)
            self._rows += piece.size
            self._raw_rows += piece.size

    def take_reorg(self, reorg: StreamingReorg) -> None:
        """Take the notice that blocks are replaced."""
        with self._lock:
            self._block = reorg.common_ancestor
            self._waiting.append(reorg)

    def _token_behind(self, batch: Batch) -> str:
        """Give the position behind a batch: a service that repeats itself doesn't take it back."""
        last, before = batch.last_block, self._block
        if last is not None and before is not None and last < before and not batch.goes_back:
            token = token_of(self._waiting[-1]) if self._waiting else self._token
            if token is not None:
                return token
        self._block = last
        return batch.resume_token

    # --- the client's store ----------------------------------------------------------------------

    def load(self, key: str) -> Checkpoint | None:
        """Give the position that is stored with the events, else that of the user's store, to a new run."""
        if not self._is_fresh:
            with self._lock:
                self._writer.patiently(self._open)
        self._is_fresh, self._key = False, key
        if self._token is not None:
            return Checkpoint(resume_token=self._token)
        found: Checkpoint | None = self._store.load(key) if self._store is not None else None
        if found is None:
            self._refuse_gap()
        return found

    def _refuse_gap(self) -> None:
        """Refuse a place without a position where the service goes on in the middle of the subscription."""
        subscription = self._source.subscription
        before = subscription.events_delivered
        if before and self._stream._progress.token is None:
            raise SinkError(
                f"subscription {subscription.id} has delivered {counted(before, 'event')} before, and this "
                "place holds no position of it: they would be missing here. Subscribe with new=True to have "
                "all of them, or stream with resume_token=subscription.resume_token for what follows alone"
            )

    def save(self, key: str, checkpoint: Checkpoint) -> None:
        """Write all events up to a position, with it; then tell the user's store, too."""
        with self._lock:
            token, block = checkpoint.resume_token, checkpoint.block
            tokens = [token_of(each) for each in self._waiting]
            if token in tokens:
                self._write(len(tokens) - tokens[::-1].index(token))
            elif token != self._token:
                # That of a message without events. What lies behind it has not been handled.
                self._write(sum(block is None or block_of(each) <= block for each in self._waiting))
                self._put(SinkBatch((), (), 0, token, block, block))
            self._writer.settle()
        if self._store is not None:
            self._store.save(key, checkpoint)

    def close(self) -> None:
        """Close the sink where it is open. The user's store stays open, as always."""
        if self._is_open:
            self._is_open = False
            self._writer.close()
            self._sink.close()

    def __getattr__(self, name: str) -> Any:
        """Leave leases to the user's store."""
        return getattr(self.__dict__["_store"], name)

    # --- writing -------------------------------------------------------------------------------

    def _prepare_all(self) -> None:
        """Bring all that waits into the sink's form, neighbours together. If that fails, it all stays."""
        if self._prepare is not None:
            bytes_before = self._bytes
            waiting: list[Piece | StreamingReorg] = []
            raw: list[Piece] = []
            try:
                for each in [*self._waiting, None]:
                    if isinstance(each, Piece) and not each.prepared:
                        raw.append(each)
                        continue
                    if raw:
                        waiting.append(self._prepared(raw))
                        raw = []
                    if each is not None:
                        waiting.append(each)
            except BaseException:
                self._bytes = bytes_before
                raise
            self._waiting = waiting
        self._raw_rows = 0

    def _prepared(self, pieces: list[Piece]) -> Piece:
        assert self._prepare is not None, "there is something to prepare with"
        joined = join(pieces)
        if not joined.events:
            return joined
        with self._writer.told_when_slow():  # rows may be sent already
            prepared = self._prepare(joined.events)
        self._bytes += getattr(prepared, "nbytes", 0)
        return evolve(joined, events=(), prepared=(prepared,))

    def _write(self, count: int) -> None:
        """Have the first that wait written; what the writer has is taken off the list at once."""
        self._check_lease()
        while count:
            first = self._waiting[0]
            if isinstance(first, StreamingReorg):
                self._writer.call(self._sink.undo, first)
                self._token = first.resume_token
                self._taken_off(1)
                count -= 1
                continue
            taken = 1
            while taken < count and isinstance(self._waiting[taken], Piece):
                taken += 1
            pieces = [each for each in self._waiting[:taken] if isinstance(each, Piece)]
            joined = join(pieces)
            self._put(self._batch_of(pieces, joined))
            self._taken_off(taken)
            count -= taken

    def _check_lease(self) -> None:
        """Let nothing be written for a run that has lost its lease: its successor writes."""
        if _has_leases(self._store):
            self._store.renew(self._key)

    def _batch_of(self, pieces: list[Piece], joined: Piece) -> SinkBatch:
        prepared: list[Any] = []
        if self._prepare is not None:
            raw: list[Piece] = []
            for piece in pieces:
                if piece.prepared:
                    prepared.extend(piece.prepared)
                else:
                    raw.append(piece)
            # What is prepared lies before what is not.
            if raw:
                bytes_before = self._bytes
                prepared.extend(self._prepared(raw).prepared)
                self._bytes = bytes_before  # written at once
        return SinkBatch(
            events=() if self._prepare is not None else joined.events,
            prepared=prepared,
            size=joined.size,
            resume_token=joined.token,
            first_block=joined.first_block,
            last_block=joined.last_block,
        )

    def _put(self, batch: SinkBatch) -> None:
        self._writer.write(batch)
        self._token = batch.resume_token

    def _taken_off(self, count: int) -> None:
        gone = [each for each in self._waiting[:count] if isinstance(each, Piece)]
        del self._waiting[:count]
        self._rows -= sum(piece.size for piece in gone)
        self._bytes -= sum(getattr(each, "nbytes", 0) for piece in gone for each in piece.prepared)
        self._raw_rows = sum(
            each.size for each in self._waiting if isinstance(each, Piece) and not each.prepared
        )

    def _is_stopping(self) -> bool:
        lanes = self._stream._lanes
        return lanes is not None and lanes.session.stopping


def _has_leases(store: Any) -> bool:
    return isinstance(store, LeasingStore) and store.lease_seconds is not None

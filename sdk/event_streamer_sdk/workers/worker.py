"""`Worker` and `SyncWorker`: a process that takes its share of the subscriptions."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from event_streamer_api.errors import EventStreamerValidationError
from event_streamer_sdk._core.stream.options import settings_from
from event_streamer_sdk._core.whose_key import subscriber_of_key
from event_streamer_sdk._runs.aside import call_aside
from event_streamer_sdk._runs.signals import SIGNALS, is_pythons
from event_streamer_sdk.checkpoints import (
    AsyncRedisCheckpoint,
    AsyncSQLCheckpoint,
    RedisCheckpoint,
    SharedStore,
    SQLCheckpoint,
)

from .coordinator import RELEASE_SECONDS, Coordinator
from .streams import App, AsyncStreams, Streams, ThreadedStreams

if TYPE_CHECKING:
    from event_streamer_sdk._base import BaseClient

LEASE_SECONDS = 15.0
"""How long a worker that has died keeps its subscriptions, seconds."""
POLL_SECONDS = 0.5
"""How often a worker looks at the others, seconds."""
STOP_SECONDS = 1.5
"""How long a handler may go on when its worker stops, seconds; then its batch comes again elsewhere."""
OF_CLIENTS = frozenset({"client_metadata", "auto_acknowledge", "batch_ack_interval"})
"""Options of streaming clients that are no `StreamOptions`."""


def store_at(
    where: str | SharedStore, *, name: str | None, lease_seconds: float, threads: bool
) -> SharedStore:
    """
    Make a worker's store.

    Args:
        where: The URL of a database, or a store that has leases.
        name: The worker's name; a random one where it is left out.
        lease_seconds: How long a lease lasts.
        threads: Whether it is used by threads.

    Returns:
        The store.

    Raises:
        EventStreamerValidationError: It can't be used.
    """
    if isinstance(where, SharedStore):
        if where.lease_seconds is None:
            raise EventStreamerValidationError("a worker needs a store with leases: give it lease_seconds=15")
        if threads and where.asynchronous:
            raise EventStreamerValidationError(f"{type(where).__name__} is for asyncio: use Worker for it")
        return where
    if not isinstance(where, str):
        raise EventStreamerValidationError(
            f"checkpoint must be the URL of a database, or a store with leases, not {where!r}"
        )
    owner = name or f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(3)}"
    options: dict[str, Any] = {"lease_seconds": lease_seconds, "owner": owner}
    if where.partition("://")[0] in {"redis", "rediss", "unix"}:
        return RedisCheckpoint(where, **options) if threads else AsyncRedisCheckpoint(where, **options)
    return SQLCheckpoint(where, **options) if threads else AsyncSQLCheckpoint(where, **options)


class _Worker:
    """What both workers do."""

    _threads: bool

    def __init__(
        self,
        client: Any,
        app: App,
        *,
        checkpoint: str | SharedStore,
        subscriptions: Iterable[int] | None = None,
        name: str | None = None,
        lease_seconds: float = LEASE_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        max_subscriptions: int | None = None,
        concurrency: int | None = None,
        **options: Any,
    ) -> None:
        if not callable(app):
            raise EventStreamerValidationError(f"app must be a function that registers handlers, not {app!r}")
        for number, limit in (("max_subscriptions", max_subscriptions), ("concurrency", concurrency)):
            if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
                raise EventStreamerValidationError(f"{number} must be 1 or more, not {limit!r}")
        if not poll_seconds > 0:
            raise EventStreamerValidationError(f"poll_seconds must be above 0, not {poll_seconds!r}")
        _check_options(options)
        chosen = None if subscriptions is None else sorted(set(subscriptions))
        if chosen is not None and not all(isinstance(each, int) and each > 0 for each in chosen):
            raise EventStreamerValidationError(f"subscriptions must be ids, numbers from 1, not {chosen!r}")
        options.setdefault("stop_timeout", STOP_SECONDS)
        self._own_store = isinstance(checkpoint, str)
        self._store = store_at(checkpoint, name=name, lease_seconds=lease_seconds, threads=self._threads)
        self._client = client
        self._app = app
        self._chosen = chosen
        self._poll_seconds = poll_seconds
        self._capacity = max_subscriptions
        self._concurrency = concurrency
        self._options = options
        self._coordinator: Coordinator | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_early = False

    @property
    def client(self) -> BaseClient:
        """The client that its streams are made with."""
        client: BaseClient = self._client
        return client

    @property
    def name(self) -> str:
        """The worker's name, the owner of its leases."""
        return self._store.owner

    @property
    def is_running(self) -> bool:
        """Whether it is at work."""
        return self._coordinator is not None

    @property
    def is_healthy(self) -> bool:
        """Whether it is at work, and its database has answered within the time of a lease."""
        return self._coordinator is not None and self._coordinator.is_healthy

    @property
    def streams(self) -> dict[int, dict[str, Any]]:
        """How its subscriptions are doing, id → state, events, fencing number, seconds left, error."""
        if self._coordinator is None:
            return {}
        return {
            held.subscription_id: {
                "state": held.state,
                "events": held.events,
                "seconds_left": round(held.lease.seconds_left, 1),
                "fencing": held.lease.fencing,
                "error": held.error,
            }
            for held in list(self._coordinator.held.values())
        }

    def _make_streams(self) -> Streams:
        raise NotImplementedError

    async def _subscriber_of_key(self) -> str:
        """Ask for the name that workers share subscriptions under, where the client has none."""
        asking = self._client._carry_out
        found: str = await (
            call_aside(asking, subscriber_of_key()) if self._threads else asking(subscriber_of_key())
        )
        return found

    async def _run(self, handle_signals: bool | None) -> None:
        if self._coordinator is not None:
            raise EventStreamerValidationError("this worker is already running: make another one")
        group = self._client.subscriber_id or await self._subscriber_of_key()
        streams = self._make_streams()
        self._loop = asyncio.get_running_loop()
        self._coordinator = coordinator = Coordinator(
            streams,
            self._store,
            group,
            subscriptions=self._chosen,
            capacity=self._capacity,
            poll_seconds=self._poll_seconds,
            about={"host": socket.gethostname(), "pid": os.getpid()},
        )
        try:
            if self._stop_early:
                return
            with _stopped_by_signals(coordinator.stop, handle_signals):
                await coordinator.run()
        finally:
            self._coordinator = None
            if self._own_store:
                with suppress(Exception):
                    async with asyncio.timeout(RELEASE_SECONDS):
                        await (
                            self._store.close() if self._store.asynchronous else call_aside(self._store.close)
                        )
            streams.close()

    def stop(self) -> None:
        """Ask it to end, from any thread: it hands over within two seconds, and `run()` returns."""
        self._stop_early = True
        coordinator, loop = self._coordinator, self._loop
        if coordinator is not None and loop is not None:
            with suppress(RuntimeError):  # the loop is closed: it has ended
                loop.call_soon_threadsafe(coordinator.stop)


class Worker(_Worker):
    """
    Takes its share of the subscriptions, for asyncio.

    Each subscription is streamed by one worker at a time, under a lease in the checkpoint's database; there
    may be any number of workers, on any number of machines. They divide the subscriptions evenly. A worker
    that ends hands over within two seconds; what one leaves behind that was killed is taken over when its
    lease has run out. A worker whose lease is lost stands by: no handler of it is called, and what it still
    writes to the store is refused.

    Args:
        client: Makes the calls. Workers share what belongs to its `subscriber_id`, or else to its key's
            subscriber.
        app: Gets the streaming client of each subscription that is taken, and registers handlers with it;
            may be a coroutine function. Plain handlers are called in threads.
        checkpoint: Where positions and leases are kept: `postgresql://…`, any other URL of SQLAlchemy,
            `redis://…`, or a store with leases.
        subscriptions: The ids of those that are shared; by default all that the subscriber has, also those
            that are made later.
        name: The worker's name, one that no other worker has; by default of host, process and chance.
        lease_seconds: How long a worker that has died keeps its subscriptions, above 0.
        poll_seconds: How often it looks at the others, above 0.
        max_subscriptions: How many it takes at most, 1 or more; by default any number.
        concurrency: How many handlers run at once, 1 or more; by default one for each subscription. With a
            limit, handlers that take long keep others waiting: set `handler_timeout`, too.
        **options: Options of the streaming clients: those of `StreamOptions` (`stop_timeout` is 1.5 s here),
            `client_metadata`, `auto_acknowledge` and `batch_ack_interval`.

    Raises:
        EventStreamerValidationError: An argument can't be used.
        MissingExtraError: The extra `[sql]` or `[redis]` isn't installed.

    Example:
        >>> def app(stream):
        ...     @stream.on_event("Transfer")
        ...     async def handle(events):
        ...         print(stream.subscription_id, len(events))
        >>> async with EventStreamer("http://localhost:8000", "my-app") as client:
        ...     await Worker(client, app, checkpoint="postgresql://localhost/app").run()
    """

    _threads = False
    _task: asyncio.Task[None] | None = None

    def _make_streams(self) -> Streams:
        return AsyncStreams(self._client, self._app, self._concurrency, self._options)

    async def run(self, *, handle_signals: bool | None = None) -> None:
        """
        Work until `stop()`, SIGINT or SIGTERM, then hand over.

        Args:
            handle_signals: `None` (default) takes a signal where the program has no handler of its own for
                it; `True` takes both, `False` none. A second one ends the program at once.

        Raises:
            CheckpointError: The database refuses for good. One that is away is waited for.
        """
        await self._run(handle_signals)

    async def __aenter__(self) -> Self:
        """Work in the background, as in a web application's lifespan."""
        self._task = asyncio.create_task(self._run(False), name=f"worker {self.name}")
        await asyncio.sleep(0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hand over, and end."""
        self.stop()
        if self._task is not None:
            await self._task


class SyncWorker(_Worker):
    """
    Takes its share of the subscriptions, for blocking programs: each stream has threads of its own.

    Otherwise as `Worker`, with the same arguments. A handler that takes longer than `stop_timeout` when the
    worker stops is left behind, and its batch comes again: a thread can't be stopped.

    Example:
        >>> def app(stream):
        ...     @stream.on_event("Transfer")
        ...     def handle(events):
        ...         print(stream.subscription_id, len(events))
        >>> with SyncEventStreamer("http://localhost:8000", "my-app") as client:
        ...     SyncWorker(client, app, checkpoint="postgresql://localhost/app").run()
    """

    _threads = True
    _thread: threading.Thread | None = None
    _error: BaseException | None = None

    def _make_streams(self) -> Streams:
        return ThreadedStreams(self._client, self._app, self._concurrency, self._options)

    def run(self, *, handle_signals: bool | None = None) -> None:
        """
        Work until `stop()`, SIGINT or SIGTERM, then hand over.

        Args:
            handle_signals: As in `Worker.run`.

        Raises:
            CheckpointError: The database refuses for good. One that is away is waited for.
        """
        asyncio.run(self._run(handle_signals))

    def __enter__(self) -> Self:
        """Work in a thread in the background."""

        def work() -> None:
            try:
                self.run(handle_signals=False)
            except BaseException as error:  # noqa: BLE001 - raised where the block is left
                self._error = error

        self._thread = threading.Thread(target=work, name=f"worker {self.name}")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hand over, and end."""
        self.stop()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None and error is None:
            raise self._error


def _check_options(options: dict[str, Any]) -> None:
    """Refuse wrong options now, and not when the first stream is made."""
    for taken in ("checkpoint_key", "resume_token"):
        if taken in options:
            raise EventStreamerValidationError(f"{taken} is the worker's, and can't be chosen for a stream")
    of_streams: Any = {name: value for name, value in options.items() if name not in OF_CLIENTS}
    settings_from(
        of_streams,
        auto_acknowledge=options.get("auto_acknowledge", True),
        batch_ack_interval=options.get("batch_ack_interval", 3.0),
        has_lease=False,
    )


@contextmanager
def _stopped_by_signals(stop: Callable[[], None], wanted: bool | None) -> Iterator[None]:
    """Let the first SIGINT or SIGTERM call a function in this event loop; a second one ends the program."""
    if threading.current_thread() is not threading.main_thread():
        if wanted:
            raise EventStreamerValidationError(
                "handle_signals=True needs the main thread: that is Python's rule"
            )
        yield
        return
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def put_back() -> None:
        while before:
            number, handler = before.popitem()
            signal.signal(number, handler)

    def caught(*_: object) -> None:
        put_back()
        loop.call_soon_threadsafe(stop)

    if wanted is not False:
        for number in SIGNALS:
            handler = signal.getsignal(number)
            if is_pythons(handler) or (wanted and handler is not None):
                before[number] = handler
                signal.signal(number, caught)
    try:
        yield
    finally:
        put_back()

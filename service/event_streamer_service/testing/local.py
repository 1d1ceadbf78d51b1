"""A service in a thread of this process: for tests, notebooks and small programs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from event_streamer_service.chains.config import ChainConfig
from event_streamer_service.chains.source import ChainSource
from event_streamer_service.clock import Clock, SystemClock
from event_streamer_service.devchain.chain import DevChain
from event_streamer_service.errors import StartupError
from event_streamer_service.listening import bind, check_exposure
from event_streamer_service.server import ServiceServer, serve
from event_streamer_service.service import Service
from event_streamer_service.settings import Settings
from event_streamer_service.testing.faults import Faults
from event_streamer_service.testing.journal import Journal
from event_streamer_service.testing.observer import TestObserver

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

_START_PATIENCE = 30.0


class LocalService:
    """
    A whole service that lives as long as a `with` block, in a thread, on a free port.

    Without arguments it runs an embedded development chain whose history is there at once, keeps
    its state in memory, and offers fault injection and the journal.

    Args:
        chain: A chain of this process, such as `DevChain(chain_id=1, first_block=19_000_000)` or a
            recording; a fresh `DevChain()` where neither this nor `sources` nor `chains` is given.
        sources: Further chains of this process.
        chains: Node chains.
        host: Interface to listen on, by name or address; a name's addresses are all listened on. Off
            loopback API keys are required.
        port: TCP port; 0 takes a free one.
        clock: Tells the time of messages, tokens and rows.
        tracer_provider: Where its traces go; by default OpenTelemetry's global provider, where one is set.
        **settings: Fields of `Settings`, such as `database`, `heartbeat_interval`, `api_keys`, `seed`.

    Raises:
        StartupError: From `start`: an address, a database or a chain can't be used.

    Example:
        >>> with LocalService() as service:
        ...     service.chain.mine()
        ...     print(service.url)  # doctest: +SKIP
        http://127.0.0.1:43219
    """

    def __init__(
        self,
        chain: ChainSource | None = None,
        *,
        sources: Iterable[ChainSource] = (),
        chains: Iterable[ChainConfig] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
        tracer_provider: TracerProvider | None = None,
        **settings: Any,
    ) -> None:
        defaults: dict[str, Any] = {"database": "sqlite://", "testing": True}
        self.settings = Settings(**defaults | settings)
        self.clock = clock or SystemClock()
        self.faults = Faults()
        self._tracer_provider = tracer_provider
        self._chains = list(chains)
        self._sources = [*([chain] if chain is not None else []), *sources]
        if not self._sources and not self._chains:
            self._sources = [DevChain()]
        self._host = host
        self._port = port
        self._url: str | None = None
        self._service: Service | None = None
        self._server: ServiceServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is reached, without a slash at the end. It stays the same after a restart."""
        if self._url is None:
            raise RuntimeError("The service was not started: use `with LocalService() as service:`.")
        return self._url

    @property
    def chain(self) -> Any:
        """
        The chain of this process; a `DevChain` unless another one was given.

        Untyped, since what can be done to it depends on which one it is.
        """
        if not self._sources:
            raise RuntimeError("This service has no chain of its own: it reads nodes.")
        return self._sources[0]

    @property
    def journal(self) -> Journal:
        """What clients did since the start."""
        observer = None if self._service is None else self._service.observer
        if not isinstance(observer, TestObserver):
            raise RuntimeError("There is no journal: the service is not running, or `testing` is off.")
        return observer.journal

    @property
    def service(self) -> Service:
        """The service itself; it lives in the service's thread."""
        if self._service is None:
            raise RuntimeError("The service was not started.")
        return self._service

    @property
    def is_running(self) -> bool:
        """It answers requests."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> Self:
        """Start it; returns when it answers."""
        if self.is_running:
            raise RuntimeError("The service is already running.")
        check_exposure(self._host, self.settings)
        listener = bind(self._host, self._port)
        try:
            service = Service(
                self.settings,
                chains=self._chains,
                sources=self._sources,
                clock=self.clock,
                observer=TestObserver(self.clock, self.faults) if self.settings.testing else None,
                tracer_provider=self._tracer_provider,
            )
        except BaseException:
            listener.close()
            raise
        self._url = listener.url
        self._port = listener.port
        started = threading.Event()
        problems: list[BaseException] = []

        def note_started(server: ServiceServer) -> None:
            self._server = server
            started.set()

        def run() -> None:
            try:
                asyncio.run(serve(service, listener, started=note_started))
            except BaseException as problem:  # noqa: BLE001 - handed to the thread that waits
                problems.append(problem)
            finally:
                started.set()

        self._service = service
        self._thread = threading.Thread(target=run, name="event-streamer service", daemon=True)
        self._thread.start()
        if not started.wait(_START_PATIENCE):
            raise StartupError(f"The service did not start within {_START_PATIENCE:g} s.")
        if problems:
            self._thread.join()
            self._thread = None
            raise problems[0]
        return self

    def stop(self) -> None:
        """Stop it: streams end with an error that asks to connect again. Does nothing if it isn't running."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._server is not None:
            self._server.should_exit = True
        thread.join(self.settings.shutdown_timeout + 10)
        if thread.is_alive():
            raise RuntimeError("The service did not stop in time.")

    def restart(self) -> None:
        """Stop it and start it on the same port. State survives in a database file, not in memory."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    async def __aenter__(self) -> Self:
        """Start it, without holding up the event loop."""
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it, without holding up the event loop."""
        await asyncio.to_thread(self.stop)

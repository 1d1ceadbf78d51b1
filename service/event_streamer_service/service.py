"""The service as an object: everything that its calls share, started and closed in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from event_streamer_service.activity import Activity
from event_streamer_service.admission import Admission
from event_streamer_service.auth import Keys, RateLimit
from event_streamer_service.chains.config import ChainConfig
from event_streamer_service.chains.errors import ChainMismatch
from event_streamer_service.chains.manager import ChainManager
from event_streamer_service.chains.source import ChainSource
from event_streamer_service.chains.turns import Turns
from event_streamer_service.clock import Clock, Ids, SystemClock
from event_streamer_service.cluster.alone import Alone, new_name
from event_streamer_service.cluster.replicas import Replicas
from event_streamer_service.cluster.review import Effects, Review
from event_streamer_service.configuration import KeySet
from event_streamer_service.delivery.endings import KEY_REVOKED, STANDING_BY, STOPPING
from event_streamer_service.delivery.hub import Hub
from event_streamer_service.delivery.progress import ProgressBook
from event_streamer_service.delivery.recent import RecentEvents, RecentRuns
from event_streamer_service.delivery.stream import Tools
from event_streamer_service.devchain.chain import DevChain
from event_streamer_service.errors import StartupError, WrongArgument
from event_streamer_service.metrics import Metrics
from event_streamer_service.notices import Notices
from event_streamer_service.observer import Observer
from event_streamer_service.registry import ChainRegistry
from event_streamer_service.settings import Settings
from event_streamer_service.store.database import Database, DatabaseCheck, is_postgresql
from event_streamer_service.store.headers import SqlHeaderStore
from event_streamer_service.store.subscriptions import note_problem
from event_streamer_service.store.token_secrets import token_secrets
from event_streamer_service.tokens import Tokens
from event_streamer_service.tracing import tracing_by

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

logger = logging.getLogger(__name__)

T = TypeVar("T")

_DATABASE_PATIENCE = 1.5
"""Seconds after the beginning of a stop for which a database is waited for as ever."""
_STREAMS_COME_BACK = 30.0
"""Seconds after the start in which streams come back that were open before."""
_LIVE_AT_ONCE = 10
"""Streams that write a new block in one turn of the event loop: some 5 ms of 500 events each."""
_CHAINS_PATIENCE = 1.0
"""Seconds that connections to nodes may take to close."""


class Service:
    """
    A service without its network side.

    Args:
        settings: How it is started.
        chains: Node chains that it is started with; the database may hold more.
        sources: Chains that live in this process, such as a development chain or a recording.
        fallback: Makes the development chain that is used where no other chain is active, in the database
            neither.
        clock: Tells the time of messages, tokens and rows.
        observer: Sees what happens; unless told otherwise one that does nothing, and with `Settings.testing`
            one that keeps a journal and injects faults.
        tracer_provider: Where traces go; by default OpenTelemetry's global provider, where one is set.

    Raises:
        StartupError: The database can't be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        chains: Iterable[ChainConfig] = (),
        sources: Iterable[ChainSource] = (),
        fallback: Callable[[], DevChain] | None = None,
        clock: Clock | None = None,
        observer: Observer | None = None,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        if settings.replicas and not is_postgresql(settings.database):
            raise WrongArgument(
                "Replicas share a PostgreSQL: name it with --database postgresql://user:password@host/name. "
                "An SQLite file is one process's."
            )
        self.settings = settings
        self.tracing = tracing_by(tracer_provider)
        self.clock = clock or SystemClock()
        self.metrics = Metrics()
        self.keys = Keys(settings)
        self.ask_for_keys: Callable[[], None] | None = None
        """Asks for the configuration's keys to be read anew. Set by who can read them."""
        self.rate_limit = RateLimit(settings.requests_per_second, now=time.monotonic)
        self.observer = observer or _observer(settings, self.clock)
        self.admission = Admission(
            settings.resumed_streams_per_second, lasts=_STREAMS_COME_BACK, now=time.monotonic
        )
        self.request_ids = Ids(None if settings.seed is None else f"{settings.seed}:requests")
        self.database = Database(
            settings.database,
            connections=settings.database_connections,
            queue=settings.database_queue,
            timeout=settings.database_timeout,
        )
        self.database_check = DatabaseCheck(self.database)
        try:
            secret, *older = self._token_secrets()
        except BaseException:
            self.database.close()
            raise
        self.tokens = Tokens(secret, older=older, lifetime=settings.token_lifetime, clock=self.clock)
        self.book = ProgressBook(self.database, clock=self.clock, metrics=self.metrics)
        self._recent = RecentEvents()
        self._runs = RecentRuns()
        self._turns = Turns(1)
        self._live_turns = Turns(_LIVE_AT_ONCE)
        name = new_name()
        self.hub = Hub(
            settings=settings,
            ids=Ids(settings.seed),
            book=self.book,
            metrics=self.metrics,
            prefix=f"{name}-" if settings.replicas else "",
        )
        self.cluster = self._cluster(name)
        headers = SqlHeaderStore(self.database)
        look_at = None if self.tracing is None else self.tracing.source
        self.chains = ChainManager(header_store=headers, look_at=look_at)
        """The active chains, which everybody asks."""
        self.registry = ChainRegistry(
            self.chains,
            self.database,
            headers=headers,
            given=chains,
            sources=sources,
            fallback=fallback,
            clock=self.clock,
            private_nodes=settings.private_nodes_allowed,
            shared=settings.replicas,
            tell=self.cluster.tell,
        )
        self.notices = Notices(now=self.clock.time)
        self.activity = Activity(self.hub, self.book, self.chains, notices=self.notices, now=self.clock.time)
        self.started_at: float | None = None
        self.stopping = False

    def _cluster(self, name: str) -> Alone:
        if not self.settings.replicas:
            return Alone(self.database, self.hub, name=name, on_place=self._hold_place)
        effects = Effects(
            chains=lambda: self.registry.refresh(),
            keys=self._read_keys,
            breaker=self._reset_breaker,
        )
        return Replicas(
            self.database,
            self.hub,
            name=name,
            on_place=self._hold_place,
            settings=self.settings,
            metrics=self.metrics,
            review=Review(self.database, self.hub, self.book, effects),
            heads=lambda: {chain.config.chain_id: chain.head_number for chain in self.chains.running()},
            on_count=self.rate_limit.share_with,
        )

    async def tell(self, **news: object) -> None:
        """Tell the other replicas of a change that is no part of a transaction."""
        if self.cluster.shares_database:
            await self.database.run(lambda connection: self.cluster.tell(connection, **news))

    async def _read_keys(self) -> None:
        """Another replica has other keys or secrets now: read ours anew."""
        await self.reload_token_secrets()
        if self.ask_for_keys is not None:
            self.ask_for_keys()

    @property
    def tools(self) -> Tools:
        """What every stream needs."""
        return Tools(
            settings=self.settings,
            clock=self.clock,
            tokens=self.tokens,
            hub=self.hub,
            metrics=self.metrics,
            chain=self.chains.get,
            keep_problem=self._keep_problem,
            recent=self._recent,
            runs=self._runs,
            turns=self._turns,
            live_turns=self._live_turns,
            observer=self.observer,
            notices=self.notices,
            tracing=self.tracing,
        )

    async def _keep_problem(self, subscription_id: int, problem: str) -> None:
        await self.database.run(lambda connection: note_problem(connection, subscription_id, problem))

    async def start(self, url: str | None = None) -> None:
        """
        Read what the database holds, and be ready for requests.

        Args:
            url: Where this process listens, for the other replicas.

        Raises:
            StartupError: A chain can't be configured, or another process works on the database.
        """
        await self.cluster.start(url)
        await self.registry.start()
        self.started_at = self.clock.time()
        self.activity.start()

    async def check_given_chains(self, patience: float) -> None:
        """
        Ask the chains that were given at the start for a sign of life.

        One that gives none is told and tried again for as long as it takes: the others are served.

        Raises:
            StartupError: No active chain answers within `patience` seconds, or one is another chain.
        """
        silent = await self.chains.check(self.registry.given_ids, patience)
        for chain_id, problem in silent.items():
            told = f"Chain {chain_id} can't be read: {str(problem).removesuffix('.')}."
            if isinstance(problem, ChainMismatch) or not self.chains.chains.keys() - silent.keys():
                raise StartupError(told)
            logger.warning("%s It is tried again; the other chains are served.", told)

    def _reset_breaker(self, name: str | None) -> None:
        """Another replica closed a circuit breaker, all of them with `None`: do the same."""
        if name is None:
            self.chains.reset_breakers()
        elif name in self.chains.breakers:
            self.chains.breakers[name].reset()

    def _hold_place(self, held: bool) -> None:
        """Deliver nothing while another process has this one's place on the database."""
        if not held:
            self.hub.end_all(STANDING_BY)

    def end_streams(self) -> None:
        """Ask all streams to end, and open no new ones: the first half of a stop."""
        self.stopping = True
        asyncio.get_running_loop().call_later(_DATABASE_PATIENCE, self.database.hurry)
        self.hub.end_all(STOPPING)

    async def close(self) -> None:
        """Save progress, let go of chains and database."""
        self.end_streams()
        self.database.hurry()
        await self.activity.close()
        await self.book.close()
        try:
            async with asyncio.timeout(_CHAINS_PATIENCE):
                await self.chains.close()
        except TimeoutError:
            logger.warning("A chain's node does not let go; its connection is left behind")
        await self.cluster.close()
        await asyncio.to_thread(self.database.close)

    def use_keys(self, keys: KeySet) -> None:
        """
        Take other keys; streams whose key is no longer valid end.

        Raises:
            StartupError: A key has two owners, or the last key would go: nobody opens a service to all so.
        """
        changed = Keys(evolve(self.settings, **keys.settings()))
        if self.keys.required and not changed.required:
            raise StartupError(
                "No key is left, which would open the service to everyone: restart it if you want that."
            )
        self.keys = changed
        self.hub.end_keys(changed.knows, KEY_REVOKED)

    async def reload_token_secrets(self) -> None:
        """Take the secrets of the resume tokens that the database has now."""
        if self.settings.seed is None:
            secret, *older = await self.database.run(token_secrets)
            self.tokens.use(secret, older)

    def _token_secrets(self) -> list[bytes]:
        """Return the keys of the tokens: they stay good when the service starts again on its database."""
        if self.settings.seed is not None:
            return [f"seed:{self.settings.seed}".encode().ljust(32, b".")]
        return self.database.run_now(token_secrets)


def _observer(settings: Settings, clock: Clock) -> Observer:
    if not settings.testing:
        return Observer()
    from event_streamer_service.testing.observer import TestObserver  # services of others load none of it

    return TestObserver(clock)

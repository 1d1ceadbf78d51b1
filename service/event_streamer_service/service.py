"""The service as an object: everything that its calls share, started and closed in order."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy import Connection

from event_streamer_service.auth import Keys, RateLimit
from event_streamer_service.chains.config import ChainConfig
from event_streamer_service.chains.source import ChainSource
from event_streamer_service.clock import Clock, Ids, SystemClock
from event_streamer_service.delivery.connection import Ending
from event_streamer_service.delivery.hub import Hub
from event_streamer_service.delivery.progress import ProgressBook
from event_streamer_service.delivery.stream import Tools
from event_streamer_service.devchain.chain import DevChain
from event_streamer_service.faults import Faults
from event_streamer_service.journal import Journal
from event_streamer_service.metrics import Metrics
from event_streamer_service.registry import ChainRegistry
from event_streamer_service.settings import Settings
from event_streamer_service.store.database import Database, DatabaseCheck
from event_streamer_service.store.headers import SqlHeaderStore
from event_streamer_service.store.migrations import read_setting, write_setting
from event_streamer_service.store.subscriptions import note_problem
from event_streamer_service.tokens import Tokens

logger = logging.getLogger(__name__)

T = TypeVar("T")

_DATABASE_PATIENCE = 1.5
"""Seconds after the beginning of a stop for which a database is waited for as ever."""
_CHAINS_PATIENCE = 1.0
"""Seconds that connections to nodes may take to close."""
_SECRET_NAME = "token_secret"  # noqa: S105 - the name of a row, not a secret

STOPPING = Ending(
    "shutdown",
    "PROCESSING_STOPPED",
    "The service is stopping. Connect again with the last resume token.",
)


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
        faults: Faults to inject; only with `Settings.testing`.

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
        faults: Faults | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.metrics = Metrics()
        self.keys = Keys(settings)
        self.rate_limit = RateLimit(settings.requests_per_second, now=time.monotonic)
        self.faults = (faults or Faults()) if settings.testing else None
        self.journal = Journal(self.clock) if settings.testing else None
        self.request_ids = Ids(None if settings.seed is None else f"{settings.seed}:requests")
        self.database = Database(
            settings.database,
            connections=settings.database_connections,
            queue=settings.database_queue,
            timeout=settings.database_timeout,
        )
        self.database_check = DatabaseCheck(self.database)
        self.tokens = Tokens(self._token_secret(), lifetime=settings.token_lifetime, clock=self.clock)
        self.book = ProgressBook(self.database, clock=self.clock, metrics=self.metrics)
        self.hub = Hub(settings=settings, ids=Ids(settings.seed), book=self.book, metrics=self.metrics)
        self.chains = ChainRegistry(
            self.database,
            headers=SqlHeaderStore(self.database),
            given=chains,
            sources=sources,
            fallback=fallback,
            clock=self.clock,
            private_nodes=settings.private_nodes_allowed,
        )
        self.stopping = False

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
            faults=self.faults,
            journal=self.journal,
        )

    async def _keep_problem(self, subscription_id: int, problem: str) -> None:
        await self.database.run(lambda connection: note_problem(connection, subscription_id, problem))

    async def start(self) -> None:
        """Read what the database holds, and be ready for requests."""
        await self.chains.start()

    def end_streams(self) -> None:
        """Ask all streams to end, and open no new ones: the first half of a stop."""
        self.stopping = True
        asyncio.get_running_loop().call_later(_DATABASE_PATIENCE, self.database.hurry)
        self.hub.end_all(STOPPING)

    async def close(self) -> None:
        """Save progress, let go of chains and database."""
        self.end_streams()
        self.database.hurry()
        await self.book.close()
        try:
            async with asyncio.timeout(_CHAINS_PATIENCE):
                await self.chains.close()
        except TimeoutError:
            logger.warning("A chain's node does not let go; its connection is left behind")
        await asyncio.to_thread(self.database.close)

    def _token_secret(self) -> bytes:
        """Return the key of the tokens: they stay good when the service starts again on its database."""
        if self.settings.seed is not None:
            return f"seed:{self.settings.seed}".encode().ljust(32, b".")

        def find_or_make(connection: Connection) -> str:
            secret = read_setting(connection, _SECRET_NAME)
            if secret is None:
                secret = secrets.token_hex(32)
                write_setting(connection, _SECRET_NAME, secret)
            return secret

        return bytes.fromhex(self.database.run_now(find_or_make))

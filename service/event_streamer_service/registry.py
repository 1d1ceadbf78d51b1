"""
The configurations of a service's chains: those in the database, and those that it was started with.

It loads and stores them, and hands the active ones to the chain manager, which everybody else asks.

The database holds the chains that were configured by calls. Chains that the service was started
with (nodes of its command line, a development chain, a recording) come and go with its process. Where
both know a chain, the latter counts until the chain is configured anew by a call.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import asdict, fields_dict
from sqlalchemy import Connection

from event_streamer_api.models import ChainConfigRequest
from event_streamer_service.chains.config import EMBEDDED, ChainConfig
from event_streamer_service.chains.headers import HeaderStore
from event_streamer_service.chains.manager import ChainManager
from event_streamer_service.chains.source import ChainSource
from event_streamer_service.clock import Clock
from event_streamer_service.devchain.chain import DevChain
from event_streamer_service.errors import Conflict, NotFound, StartupError, Unprocessable
from event_streamer_service.node_urls import check_urls, unmasked, urls_of
from event_streamer_service.store import chains as stored
from event_streamer_service.store.database import Database

logger = logging.getLogger(__name__)

Beside = Callable[[Connection, ChainConfig], None]
"""What is written in the transaction that writes a chain's configuration."""

_LONGEST_GROWTH = 500_000
"""Blocks, eleven days of one every 2 s. More of them are those of another chain with the same id."""


class ChainRegistry:
    """
    Loads and stores the configurations, and tells the chain manager which chains are active.

    Args:
        manager: Runs the active chains.
        database: Holds the configurations.
        headers: Where recent headers outlive the process.
        given: Node chains that the service is started with.
        sources: Chains of this process that it is started with.
        fallback: Makes the development chain that is used where no other chain is active.
        clock: Gives the rows their time.
        private_nodes: Whether calls may name nodes of private networks.
        shared: Other processes have the same chains: those that it is started with are entered into the
            database where it doesn't know them, and what the database says counts.
        tell: Tells other processes of a change, in its transaction.
    """

    def __init__(
        self,
        manager: ChainManager,
        database: Database,
        *,
        headers: HeaderStore,
        given: Iterable[ChainConfig],
        sources: Iterable[ChainSource],
        fallback: Callable[[], DevChain] | None,
        clock: Clock,
        private_nodes: bool,
        shared: bool,
        tell: Callable[..., None],
    ) -> None:
        self._manager = manager
        self._shared = shared
        self._tell = tell
        self._private_nodes = private_nodes
        self._database = database
        self._headers = headers
        self._given = list(given)
        self._to_embed = list(sources)
        self._fallback = fallback
        self._clock = clock
        self.sources: dict[int, ChainSource] = {}
        """The sources of this process by the id of their chain, once the service has started."""
        self._started_with = {} if shared else {config.chain_id: config for config in self._given}
        """Chains that no row of the database tells of, or that count more than their row."""
        self._known: dict[int, tuple[ChainConfig, bool]] = {}
        """Chain id → its configuration, and whether it is active."""
        self._unreadable: set[int] = set()
        """Chains whose stored configuration has been told to be of no use."""
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """
        Read the configurations and build the active chains.

        Raises:
            StartupError: A configuration can't be used.
        """
        if self._shared and self._given:
            await self._enter_given()
        rows = await self._database.run(stored.all_chains)
        nothing_else = not self._given and not self._to_embed and not any(row.active for row in rows)
        if nothing_else and self._fallback is not None:
            self._to_embed = [await self._grown(self._fallback())]
        for source in self._to_embed:
            chain_id = await source.chain_id()
            if chain_id in self._started_with:
                raise StartupError(
                    f"The service is started with chain {chain_id} twice; it takes one of each."
                )
            url = f"{EMBEDDED}:{type(source).__name__.lower()}-{chain_id}"
            self._manager.embed(url, source)
            self.sources[chain_id] = source
            self._started_with[chain_id] = ChainConfig(
                chain_id=chain_id,
                name=getattr(source, "name", None) or f"{type(source).__name__} {chain_id}",
                rpc_urls=(url,),
            )
        try:
            await self._apply()
        except ValueError as problem:
            raise StartupError(f"A chain can't be configured: {problem}.") from problem

    async def _enter_given(self) -> None:
        now = self._clock.time()

        def enter(connection: Connection) -> dict[int, ChainConfig]:
            for config in self._given:
                stored.enter(connection, config.chain_id, asdict(config), now=now)
            self._tell(connection, chains=True)
            return {row.chain_id: _read(row.config) for row in stored.all_chains(connection)}

        known = await self._database.run(enter)
        for config in self._given:
            if known[config.chain_id] != config:
                logger.warning(
                    "Chain %d is read as the database says, which all replicas do; it was started with "
                    "another configuration. Change it with PUT /api/chains/%d.",
                    config.chain_id,
                    config.chain_id,
                )

    async def _grown(self, chain: DevChain) -> DevChain:
        """
        Let a development chain be as long as it was when the service ran before.

        It is made from its seed, so the blocks are the same ones. Were it shorter, streams that go on
        from its old head would wait until it has grown so far again.
        """
        remembered = await self._headers.load(await chain.chain_id())
        missing = max((block.number for block in remembered), default=0) - chain.head_number
        if 0 < missing <= _LONGEST_GROWTH:
            chain.mine(missing)
        return chain

    @property
    def given_ids(self) -> list[int]:
        """Ids of the node chains that the service was started with."""
        return [config.chain_id for config in self._given]

    # --- asking ---------------------------------------------------------------------------------

    def known(self) -> Mapping[int, tuple[ChainConfig, bool]]:
        """Return every configured chain by id, and whether it is active."""
        return dict(sorted(self._known.items()))

    def find(self, chain_id: int) -> tuple[ChainConfig, bool]:
        """
        Return a chain's configuration, and whether it is active.

        Raises:
            NotFound: It was never configured.
        """
        if chain_id not in self._known:
            raise NotFound(
                f"Chain {chain_id} is not configured.", title="Chain not found", code="CHAIN_NOT_FOUND"
            )
        return self._known[chain_id]

    # --- changing -------------------------------------------------------------------------------

    async def create(self, request: ChainConfigRequest, *, beside: Beside | None = None) -> ChainConfig:
        """
        Add a chain, or activate one that was deactivated with a new configuration.

        Args:
            request: The configuration.
            beside: What else is written in the transaction that writes it.

        Raises:
            Conflict: It is active already.
            Unprocessable: The configuration can't be used.
        """
        async with self._changing:
            if self._known.get(request.chain_id, (None, False))[1]:
                raise Conflict(
                    f"Chain {request.chain_id} is already configured; change it with PUT.",
                    title="Chain exists",
                    code="CHAIN_EXISTS",
                )
            return await self._configure(request, beside)

    async def update(self, chain_id: int, request: ChainConfigRequest) -> ChainConfig:
        """
        Replace a chain's configuration, and activate it.

        Raises:
            NotFound: It was never configured.
            Unprocessable: The configuration can't be used, or is another chain's.
        """
        async with self._changing:
            self.find(chain_id)
            if request.chain_id != chain_id:
                raise Unprocessable(
                    f"chain_id {request.chain_id} of the body is not {chain_id}, the one of the path."
                )
            return await self._configure(request)

    async def deactivate(self, chain_id: int) -> ChainConfig:
        """
        Stop following a chain; its configuration and its subscriptions stay.

        Raises:
            NotFound: It was never configured.
        """
        async with self._changing:
            config, active = self.find(chain_id)
            if active:
                self._started_with.pop(chain_id, None)
                self._known[chain_id] = (config, False)
                now = self._clock.time()

                def write(connection: Connection) -> None:
                    stored.deactivate(connection, chain_id, now=now)
                    self._tell(connection, chains=True)

                await self._database.run(write)
                await self._apply()
            return config

    async def refresh(self) -> int:
        """Read the configurations from the database again; returns the number of active chains."""
        async with self._changing:
            await self._apply()
            return len(self._manager.chains)

    async def _configure(self, request: ChainConfigRequest, beside: Beside | None = None) -> ChainConfig:
        config = await self._config_of(request)
        lives_here = all(url.startswith(f"{EMBEDDED}:") for url in config.rpc_urls) and config.rpc_urls
        before = self._started_with.get(config.chain_id)
        if lives_here:
            self._started_with[config.chain_id] = config
        else:
            self._started_with.pop(config.chain_id, None)
        try:
            rows = await self._database.run(stored.all_chains)
            await self._manager.refresh((self._active(rows) | {config.chain_id: config}).values())
        except ValueError as problem:
            if before is None:
                self._started_with.pop(config.chain_id, None)
            else:
                self._started_with[config.chain_id] = before
            raise Unprocessable(f"The configuration can't be used: {problem}.") from problem
        now = self._clock.time()

        def write(connection: Connection) -> None:
            if not lives_here:
                stored.save(connection, config.chain_id, asdict(config), now=now)
                self._tell(connection, chains=True)
            if beside is not None:
                beside(connection, config)

        if not lives_here or beside is not None:
            await self._database.run(write)
        self._known[config.chain_id] = (config, True)
        return config

    async def _config_of(self, request: ChainConfigRequest) -> ChainConfig:
        values = request.to_dict()
        before = self._known.get(request.chain_id)
        kept: set[str] = set()
        if before is not None:
            values, kept = unmasked(values, before[0])
        try:
            config = _read(values)
        except ValueError as problem:
            raise Unprocessable(f"The configuration can't be used: {problem}.") from problem
        given = [url for url in urls_of(config) if url not in kept]
        embedded = [url for url in given if url.startswith(f"{EMBEDDED}:")]
        if embedded:
            raise Unprocessable(f"There is no source {embedded[0]} here.")
        await check_urls(given, allow_private=self._private_nodes)
        return config

    async def _apply(self) -> None:
        """Make what the database and this process hold the running chains."""
        rows = await self._database.run(stored.all_chains)
        active = self._active(rows)
        await self._manager.refresh(active.values())
        known = {row.chain_id: (config, row.active) for row, config in self._readable(rows)}
        forgotten = {
            chain_id: (config, False)
            for chain_id, (config, _) in self._known.items()
            if chain_id not in known and chain_id not in active
        }
        self._known = forgotten | known | {chain_id: (config, True) for chain_id, config in active.items()}

    def _active(self, rows: Iterable[stored.StoredChain]) -> dict[int, ChainConfig]:
        found = {row.chain_id: config for row, config in self._readable(rows) if row.active}
        return found | self._started_with

    def _readable(self, rows: Iterable[stored.StoredChain]) -> list[tuple[stored.StoredChain, ChainConfig]]:
        """Read configurations. One that can't be read is told once: the other chains are served."""
        found = []
        for row in rows:
            try:
                found.append((row, _read(row.config)))
            except (AttributeError, TypeError, ValueError) as problem:
                if row.chain_id not in self._unreadable:
                    logger.error(
                        "The stored configuration of chain %d can't be used: %s. It isn't followed until "
                        "it is configured anew: POST /api/chains.",
                        row.chain_id,
                        problem,
                    )
                self._unreadable.add(row.chain_id)
        return found


def _read(values: Mapping[str, Any]) -> ChainConfig:
    names = fields_dict(ChainConfig)
    return ChainConfig(**{k: v for k, v in values.items() if k in names and v is not None})

"""
The chains of a service: those that the database holds, and those that it was started with.

The database holds the chains that were configured by calls. Chains that the service was started
with (nodes of its command line, a development chain, a recording) come and go with its process. Where
both know a chain, the latter counts until the chain is configured anew by a call.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import asdict, fields_dict
from sqlalchemy import Connection

from event_streamer_api.models import ChainConfigRequest
from event_streamer_service.chains.breaker import CircuitBreaker
from event_streamer_service.chains.config import EMBEDDED, ChainConfig
from event_streamer_service.chains.errors import ChainError, ChainMismatch, ChainTimeout
from event_streamer_service.chains.feed import Chain
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

_HEAD_GOOD_FOR = 2.0
"""Seconds for which the answer of a node to a question for its head is repeated."""
_LONGEST_GROWTH = 500_000
"""Blocks, eleven days of one every 2 s. More of them are those of another chain with the same id."""


class ChainRegistry:
    """
    Knows every configured chain and keeps the active ones running.

    Args:
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
        self._shared = shared
        self._tell = tell
        self._private_nodes = private_nodes
        self._heads: dict[int, tuple[float, int | None]] = {}
        """Chain id → when its node was asked for the head, and what it said."""
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
        self._manager = ChainManager()
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
        embedded: dict[str, ChainSource] = {}
        for source in self._to_embed:
            chain_id = await source.chain_id()
            if chain_id in self._started_with:
                raise StartupError(
                    f"The service is started with chain {chain_id} twice; it takes one of each."
                )
            url = f"{EMBEDDED}:{type(source).__name__.lower()}-{chain_id}"
            embedded[url] = self.sources[chain_id] = source
            self._started_with[chain_id] = ChainConfig(
                chain_id=chain_id,
                name=getattr(source, "name", None) or f"{type(source).__name__} {chain_id}",
                rpc_urls=(url,),
            )
        self._manager = ChainManager(embedded=embedded, header_store=self._headers)
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

    async def check_given(self, patience: float) -> None:
        """
        Ask the chains that were given at the start for a sign of life.

        One that gives none is told and tried again for as long as it takes: the others are served.

        Raises:
            StartupError: No active chain answers within `patience` seconds, or one is another chain.
        """
        given = [config.chain_id for config in self._given if self.is_active(config.chain_id)]
        problems = await asyncio.gather(*(self._trouble(self.get(chain_id), patience) for chain_id in given))
        silent = {
            chain_id: problem
            for chain_id, problem in zip(given, problems, strict=True)
            if problem is not None
        }
        for chain_id, problem in silent.items():
            told = f"Chain {chain_id} can't be read: {str(problem).removesuffix('.')}."
            if isinstance(problem, ChainMismatch) or not self._manager.chains.keys() - silent.keys():
                raise StartupError(told)
            logger.warning("%s It is tried again; the other chains are served.", told)

    async def close(self) -> None:
        """Close all chains."""
        await self._manager.close()

    # --- asking ---------------------------------------------------------------------------------

    def get(self, chain_id: int) -> Chain:
        """Return a running chain; raises `UnknownChain` where it is not active."""
        return self._manager.get(chain_id)

    def is_active(self, chain_id: int) -> bool:
        """Tell whether a chain is followed."""
        return chain_id in self._manager.chains

    def active_ids(self) -> list[int]:
        """Return the ids of the active chains, rising."""
        return sorted(self._manager.chains)

    def running(self) -> list[Chain]:
        """Return the active chains, by id."""
        return [self._manager.chains[chain_id] for chain_id in self.active_ids()]

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

    @property
    def last_refresh(self) -> float:
        """When the configurations were read last, in seconds since the Unix epoch."""
        return self._manager.last_refresh

    def breakers(self) -> list[tuple[int, CircuitBreaker]]:
        """Return every circuit breaker with the id of its chain."""
        return [
            (chain_id, breaker)
            for chain_id in self.active_ids()
            for breaker in self._manager.breakers_of(chain_id).values()
        ]

    def nodes_of(self, chain_id: int) -> list[tuple[str, CircuitBreaker]]:
        """Return the URL of each of a chain's nodes, and its circuit breaker; none where it is not active."""
        return self._manager.nodes_of(chain_id) if self.is_active(chain_id) else []

    @property
    def manager(self) -> ChainManager:
        """The running chains and their breakers."""
        return self._manager

    def reset_breaker(self, name: str | None) -> None:
        """Close a circuit breaker, where there is one of this name; all of them with `None`."""
        if name is None:
            self._manager.reset_breakers()
        elif name in self._manager.breakers:
            self._manager.breakers[name].reset()

    def known_problem(self, chain: Chain) -> str | None:
        """Say why a chain can't be read, as far as that is known: its node is not asked."""
        if chain.error is not None and chain.feeds > 0:
            return str(chain.error)
        if chain.config.chain_id in self._manager.unhealthy_chains:
            return "The circuit breakers of all its nodes are open."
        return None

    async def problem(self, chain: Chain, patience: float) -> str | None:
        """Say why a chain can't be read now, `None` where its node gives an answer within `patience` s."""
        trouble = await self._trouble(chain, patience)
        return None if trouble is None else str(trouble)

    async def _trouble(self, chain: Chain, patience: float) -> ChainError | None:
        try:
            async with asyncio.timeout(patience):
                await chain.head()
        except TimeoutError:
            return ChainTimeout(f"The node gives no answer within {patience:g} s.")
        except ChainError as problem:
            return problem
        return None

    async def head_number(
        self, chain_id: int, patience: float, *, good_for: float = _HEAD_GOOD_FOR
    ) -> int | None:
        """
        Return the number of a chain's newest block, `None` where nobody tells it within `patience` s.

        A chain that is followed has a watcher who knows. Of others a node is asked, once in a few seconds at
        most (`good_for`): whoever calls this often must not wear it out.
        """
        if not self.is_active(chain_id):
            return None
        chain = self.get(chain_id)
        if chain.feeds > 0 and chain.head_number is not None and chain.error is None:
            return chain.head_number
        asked_at, known = self._heads.get(chain_id, (float("-inf"), None))
        if chain_id not in self.sources and time.monotonic() - asked_at < good_for:
            return known
        self._heads[chain_id] = time.monotonic(), known
        try:
            async with asyncio.timeout(patience):
                known = (await chain.head()).number
        except (TimeoutError, ChainError):
            known = None
        self._heads[chain_id] = time.monotonic(), known
        return known

    # --- changing -------------------------------------------------------------------------------

    async def create(self, request: ChainConfigRequest) -> ChainConfig:
        """
        Add a chain, or activate one that was deactivated with a new configuration.

        Raises:
            Conflict: It is active already.
            Unprocessable: The configuration can't be used.
        """
        async with self._changing:
            if self._known.get(request.chain_id, (None, False))[1]:
                raise Conflict(
                    f"Chain {request.chain_id} is configured already; change it with PUT.",
                    title="Chain exists",
                    code="CHAIN_EXISTS",
                )
            return await self._configure(request)

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
            return len(self.active_ids())

    async def _configure(self, request: ChainConfigRequest) -> ChainConfig:
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
        if not lives_here:
            now = self._clock.time()

            def write(connection: Connection) -> None:
                stored.save(connection, config.chain_id, asdict(config), now=now)
                self._tell(connection, chains=True)

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

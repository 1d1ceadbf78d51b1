"""The active chains: a `Chain` each, and a circuit breaker for each RPC URL. Routes ask about chains here."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from attrs import frozen

from .breaker import BreakerSettings, CircuitBreaker
from .config import EMBEDDED, MIN_POLL_INTERVAL, ChainConfig
from .errors import ChainError, ChainTimeout, UnknownChain
from .failover import Endpoint, FailoverSource
from .feed import Chain
from .headers import HeaderStore, MemoryHeaderStore
from .jsonrpc import is_websocket, open_node
from .source import ChainSource

__all__ = ["ChainManager"]

_HEAD_GOOD_FOR = 2.0
"""Seconds for which the answer of a node to a question for its head is repeated."""
_FILLERS = frozenset(("mainnet", "chain", "network"))
"""Words of a chain's name that are left out of its breakers' names: "Ethereum Mainnet" has `ethereum_rpc`."""


@frozen
class _Running:
    chain: Chain
    endpoints: tuple[Endpoint, ...]
    opened: tuple[ChainSource, ...]
    """Sources that the manager made and closes; embedded ones belong to their owner."""


class ChainManager:
    """
    Builds chains from their configurations and keeps them current. No I/O before a chain is followed.

    Args:
        configs: The active chains at the start.
        embedded: Sources of the service's own process by the URL that configurations name them with,
            as `{"embedded:devchain": DevChain()}`.
        header_store: Where recent headers outlive the process.
        breaker_settings: Thresholds of all circuit breakers.
        open_source: Makes a source of an RPC URL, given it and the seconds that a call may take. A JSON-RPC
            node by default.
        look_at: Makes of each source one that is looked at, given its chain and its circuit breaker's name:
            for traces.

    Raises:
        ValueError: A configuration names an embedded source that there is none of, or a chain twice.

    Example:
        >>> manager = ChainManager(
        ...     [ChainConfig(chain_id=1, name="Ethereum", rpc_urls=["embedded:devchain"])],
        ...     embedded={"embedded:devchain": DevChain(chain_id=1)},
        ... )
        >>> manager.get(1).config.name
        'Ethereum'
    """

    def __init__(
        self,
        configs: Iterable[ChainConfig] = (),
        *,
        embedded: Mapping[str, ChainSource] | None = None,
        header_store: HeaderStore | None = None,
        breaker_settings: BreakerSettings | None = None,
        open_source: Callable[[str, float], ChainSource] = open_node,
        look_at: Callable[[ChainSource, int, str], ChainSource] | None = None,
    ) -> None:
        self._embedded = dict(embedded or {})
        self._header_store = header_store or MemoryHeaderStore()
        self._open_source = open_source
        self._look_at = look_at
        self._running: dict[int, _Running] = {}
        self._breakers: dict[tuple[str, str], CircuitBreaker] = {}
        """By name and URL: a breaker keeps its counts when its chain is configured anew."""
        self._heads: dict[int, tuple[float, int | None]] = {}
        """Chain id → when its node was asked for the head, and what it said."""
        self.breaker_settings = breaker_settings or BreakerSettings()
        self.last_refresh = time.time()
        """Unix time of the last change of the configurations."""
        for config in self._checked(configs):
            self._running[config.chain_id] = self._build(config)

    @property
    def chains(self) -> Mapping[int, Chain]:
        """The chains by id."""
        return MappingProxyType({chain_id: running.chain for chain_id, running in self._running.items()})

    @property
    def breakers(self) -> Mapping[str, CircuitBreaker]:
        """The circuit breakers by name."""
        return MappingProxyType(
            {e.breaker.name: e.breaker for running in self._running.values() for e in running.endpoints}
        )

    @property
    def breakers_by_chain(self) -> list[tuple[int, CircuitBreaker]]:
        """Every circuit breaker with the id of its chain, in the order of these ids."""
        return [
            (chain_id, endpoint.breaker)
            for chain_id in self.active_ids()
            for endpoint in self._running[chain_id].endpoints
        ]

    @property
    def unhealthy_chains(self) -> list[int]:
        """Ids of the chains of which no node can be asked at present."""
        return [
            chain_id
            for chain_id, running in self._running.items()
            if not any(endpoint.breaker.is_healthy for endpoint in running.endpoints)
        ]

    def is_active(self, chain_id: int) -> bool:
        """Tell whether a chain is followed."""
        return chain_id in self._running

    def active_ids(self) -> list[int]:
        """Return the ids of the active chains, rising."""
        return sorted(self._running)

    def running(self) -> list[Chain]:
        """Return the active chains, by id."""
        return [self._running[chain_id].chain for chain_id in self.active_ids()]

    def get(self, chain_id: int) -> Chain:
        """
        Return a chain.

        Raises:
            UnknownChain: It is not configured, or not active.
        """
        running = self._running.get(chain_id)
        if running is None:
            known = ", ".join(str(known) for known in sorted(self._running)) or "none"
            raise UnknownChain(f"chain {chain_id} is not configured (configured: {known})")
        return running.chain

    def breakers_of(self, chain_id: int) -> Mapping[str, CircuitBreaker]:
        """
        Return one chain's circuit breakers by name.

        Raises:
            UnknownChain: It is not configured, or not active.
        """
        self.get(chain_id)
        return MappingProxyType({e.breaker.name: e.breaker for e in self._running[chain_id].endpoints})

    def nodes_of(self, chain_id: int) -> list[tuple[str, CircuitBreaker]]:
        """Return the URL of each of a chain's nodes, and its circuit breaker; none where it is not active."""
        if not self.is_active(chain_id):
            return []
        urls = {id(breaker): url for (_, url), breaker in self._breakers.items()}
        return [(urls[id(breaker)], breaker) for breaker in self.breakers_of(chain_id).values()]

    def reset_breakers(self) -> int:
        """Close all circuit breakers; return how many there are."""
        for breaker in self.breakers.values():
            breaker.reset()
        return len(self.breakers)

    def known_problem(self, chain: Chain) -> str | None:
        """Say why a chain can't be read, as far as that is known: its node is not asked."""
        if chain.error is not None and chain.feeds > 0:
            return str(chain.error)
        if chain.config.chain_id in self.unhealthy_chains:
            return "The circuit breakers of all its nodes are open."
        return None

    async def head_number(
        self, chain_id: int, patience: float, *, good_for: float = _HEAD_GOOD_FOR
    ) -> int | None:
        """
        Return the number of a chain's newest block, `None` where nobody tells it within `patience` s.

        A chain that is followed has a watcher who knows. Of others a node is asked, once in a few seconds at
        most (`good_for`): whoever calls this often must not wear it out. Sources of this process may be asked
        at any time.
        """
        running = self._running.get(chain_id)
        if running is None:
            return None
        chain = running.chain
        if chain.feeds > 0 and chain.head_number is not None and chain.error is None:
            return chain.head_number
        asked_at, known = self._heads.get(chain_id, (float("-inf"), None))
        if running.opened and time.monotonic() - asked_at < good_for:
            return known
        self._heads[chain_id] = time.monotonic(), known
        try:
            async with asyncio.timeout(patience):
                known = (await chain.head()).number
        except (TimeoutError, ChainError):
            known = None
        self._heads[chain_id] = time.monotonic(), known
        return known

    async def check(self, chain_ids: Iterable[int], patience: float) -> dict[int, ChainError]:
        """
        Ask chains for a sign of life, all at once.

        Args:
            chain_ids: Which; those that are not active are left out.
            patience: Seconds that each has.

        Returns:
            Why those can't be read that gave none.
        """
        asked = [chain_id for chain_id in chain_ids if self.is_active(chain_id)]
        problems = await asyncio.gather(*(_trouble(self.get(chain_id), patience) for chain_id in asked))
        return {
            chain_id: problem
            for chain_id, problem in zip(asked, problems, strict=True)
            if problem is not None
        }

    def embed(self, url: str, source: ChainSource) -> None:
        """Make a source of this process known under a URL with the scheme `embedded`."""
        self._embedded[url] = source

    async def refresh(self, configs: Iterable[ChainConfig]) -> None:
        """
        Make these the active chains.

        A chain whose configuration is the same goes on undisturbed; feeds of one that has changed or gone end
        with ChainClosed, and are followed anew from here.

        Raises:
            ValueError: As for the constructor; then nothing has changed.
        """
        wanted = {config.chain_id: config for config in self._checked(configs)}
        stale = [
            chain_id
            for chain_id, running in self._running.items()
            if wanted.get(chain_id) != running.chain.config
        ]
        stopped = [self._running.pop(chain_id) for chain_id in stale]
        for chain_id, config in wanted.items():
            if chain_id not in self._running:
                self._running[chain_id] = self._build(config)
        self.last_refresh = time.time()
        await _stop(stopped)

    async def close(self) -> None:
        """Close all chains and the connections to their nodes."""
        stopped = list(self._running.values())
        self._running.clear()
        await _stop(stopped)

    def _checked(self, configs: Iterable[ChainConfig]) -> list[ChainConfig]:
        checked = list(configs)
        seen: set[int] = set()
        for config in checked:
            if config.chain_id in seen:
                raise ValueError(f"chain {config.chain_id} is configured twice")
            seen.add(config.chain_id)
            websocket = (config.live_websocket_url,) if config.live_websocket_url else ()
            for url in (*config.historical_urls, *websocket):
                if url.startswith(f"{EMBEDDED}:") and url not in self._embedded:
                    raise ValueError(
                        f"chain {config.chain_id}: this process has no source {url}; "
                        "give the URL of a node instead"
                    )
        return checked

    def _breaker(self, name: str, url: str) -> CircuitBreaker:
        return self._breakers.setdefault((name, url), CircuitBreaker(name, self.breaker_settings))

    def _build(self, config: ChainConfig) -> _Running:
        root = self._breaker_root(config)
        opened: list[ChainSource] = []
        endpoints: dict[str, Endpoint] = {}

        def endpoint(url: str, name: str) -> Endpoint:
            if url not in endpoints:
                source = self._embedded.get(url)
                pushes = source is not None
                if source is None:
                    source = self._open_source(url, self.breaker_settings.timeout)
                    opened.append(source)
                breaker = self._breaker(name, url)
                if self._look_at is not None:
                    source = self._look_at(source, config.chain_id, name)
                endpoints[url] = Endpoint(source, breaker, pushes)
            return endpoints[url]

        for number, url in enumerate(config.rpc_urls, start=1):
            endpoint(url, f"{root}_rpc" if number == 1 else f"{root}_rpc_{number}")
        if config.historical_rpc_url:
            endpoint(config.historical_rpc_url, f"{root}_historical_rpc")
        announcer = None
        announcing = config.live_websocket_url or next(filter(is_websocket, config.live_urls), None)
        if announcing is not None:
            name = f"{root}_websocket"
            announcer = endpoint(announcing, name)
            if announcer.breaker.name != name:
                # It is asked as well: where it doesn't announce, that must not keep us from asking it.
                announcer = Endpoint(announcer.source, self._breaker(name, announcing))
                endpoints[name] = announcer

        def failover(urls: Iterable[str], announcer: Endpoint | None = None) -> FailoverSource:
            return FailoverSource(
                [endpoints[url] for url in urls],
                chain_id=config.chain_id,
                poll_interval=config.poll_interval,
                announcer=announcer,
                longest_silence=max(config.live_block_check_interval, MIN_POLL_INTERVAL),
            )

        live = failover(config.live_urls, announcer)
        chain = Chain(
            config,
            live,
            history_source=failover(config.historical_urls),
            header_store=self._header_store,
        )
        live.on_silence = chain.tracker.trouble.silence
        return _Running(chain, tuple(endpoints.values()), tuple(opened))

    def _breaker_root(self, config: ChainConfig) -> str:
        words = re.findall(r"[a-z0-9]+", config.name.lower())
        root = "_".join(word for word in words if word not in _FILLERS) or f"chain_{config.chain_id}"
        taken = any(
            breaker.name.startswith(f"{root}_")
            for chain_id, running in self._running.items()
            if chain_id != config.chain_id
            for breaker in (endpoint.breaker for endpoint in running.endpoints)
        )
        return f"{root}_{config.chain_id}" if taken else root


async def _trouble(chain: Chain, patience: float) -> ChainError | None:
    try:
        async with asyncio.timeout(patience):
            await chain.head()
    except TimeoutError:
        return ChainTimeout(f"The node gives no answer within {patience:g} s.")
    except ChainError as problem:
        return problem
    return None


async def _stop(stopped: Iterable[_Running]) -> None:
    for running in stopped:
        await running.chain.close()
        await asyncio.gather(*(source.close() for source in running.opened))

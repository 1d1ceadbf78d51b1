"""
Chains: where logs come from, and how they are followed without gap or overlap.

    ChainManager           all configured chains
    └── Chain.follow       one subscription's way: history, then the head, reorgs (feed)
        ├── HeadTracker    one watcher of the head for all feeds (tracker, headers)
        ├── LiveLogs       one fetch of each new block for all feeds (livelogs)
        ├── HistoryReader  ranges of adaptive size, several at a time (history, range_size)
        └── FailoverSource several nodes as one, a circuit breaker each (failover, breaker)
            └── ChainSource    a node (jsonrpc), DevChain (in `devchain`), Recording

A node: what is asked (`jsonrpc`, of logs `nodelogs`) goes out in batches (`rpc_batches`) over HTTP or a
WebSocket (`transports`, `node_http`). What comes back is read by pure code: the envelope (`envelopes`), what
an error means (`refusals`), blocks and logs in any form (`values`, `logvalues`). A node's refusal becomes a
smaller range in `refusals` (its words), `nodelogs` (where the words say nothing), `range_size` (the next
size) and `history` (which asks again); at the head in `livelogs`.
"""

from .breaker import BreakerSettings, CircuitBreaker
from .config import ChainConfig, redact_url
from .errors import (
    BlockGone,
    ChainClosed,
    ChainError,
    ChainMismatch,
    ChainTimeout,
    ChainUnavailable,
    RangeTooLarge,
    RateLimited,
    RpcError,
    UnknownChain,
    UnreadableAnswer,
)
from .feed import Chain
from .headers import HeaderStore, MemoryHeaderStore
from .jsonrpc import JsonRpcSource
from .manager import ChainManager
from .source import ChainSource
from .types import Block, Log, LogFilter, LogRange, Outage, Position, Reorg

__all__ = [
    "Block",
    "BlockGone",
    "BreakerSettings",
    "Chain",
    "ChainClosed",
    "ChainConfig",
    "ChainError",
    "ChainManager",
    "ChainMismatch",
    "ChainSource",
    "ChainTimeout",
    "ChainUnavailable",
    "CircuitBreaker",
    "HeaderStore",
    "JsonRpcSource",
    "Log",
    "LogFilter",
    "LogRange",
    "MemoryHeaderStore",
    "Outage",
    "Position",
    "RangeTooLarge",
    "RateLimited",
    "Reorg",
    "RpcError",
    "UnknownChain",
    "UnreadableAnswer",
    "redact_url",
]

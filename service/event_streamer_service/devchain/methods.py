"""The JSON-RPC methods of the development chain: blocks, events, filters, and a node's development calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from Crypto.Hash import keccak

from event_streamer_service.chains.types import Block

from .chain import DevChain
from .news import Filters
from .objects import LogObject, Objects
from .queries import LogQuery, block_number, hash_text, parse_query, quantity
from .refusals import INVALID_PARAMS, METHOD_NOT_FOUND, SERVER_ERROR, Refusal
from .rpc import Methods

__all__ = ["ChainMethods"]

_MOST_MINED = 100_000


class ChainMethods:
    """
    The methods over one chain, those of WebSockets alone left aside.

    Args:
        chain: The chain.
    """

    def __init__(self, chain: DevChain) -> None:
        self._chain = chain
        self.objects = Objects(chain)
        self._filters = Filters(chain, self.objects)

    def table(self) -> Methods:
        """Return the methods by their names."""
        return {
            "web3_clientVersion": self._client_version,
            "web3_sha3": self._sha3,
            "net_version": self._net_version,
            "net_listening": self._listening,
            "net_peerCount": self._peer_count,
            "eth_chainId": self._chain_id,
            "eth_syncing": self._syncing,
            "eth_accounts": self._accounts,
            "eth_blockNumber": self._block_number,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockTransactionCountByNumber": self._count_by_number,
            "eth_getBlockTransactionCountByHash": self._count_by_hash,
            "eth_getUncleCountByBlockNumber": self._uncles_by_number,
            "eth_getUncleCountByBlockHash": self._uncles_by_hash,
            "eth_getTransactionByHash": self._transaction_by_hash,
            "eth_getTransactionByBlockNumberAndIndex": self._transaction_by_number,
            "eth_getTransactionByBlockHashAndIndex": self._transaction_by_block_hash,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getLogs": self._get_logs,
            "eth_newFilter": self._new_filter,
            "eth_newBlockFilter": self._new_block_filter,
            "eth_getFilterChanges": self._filters.changes,
            "eth_getFilterLogs": self._filter_logs,
            "eth_uninstallFilter": self._uninstall_filter,
            "eth_subscribe": self._subscribe,
            "eth_unsubscribe": self._subscribe,
            "evm_mine": self._mine_one,
            "anvil_mine": self._mine,
            "hardhat_mine": self._mine,
            "anvil_reorg": self._reorg,
            "devchain_emit": self._emit,
        }

    # -- the node and the chain ----------------------------------------------------------------------------

    async def _client_version(self) -> str:
        return "EventStreamerDevChain/1"

    async def _sha3(self, data: str) -> str:
        return "0x" + keccak.new(digest_bits=256, data=bytes.fromhex(data.removeprefix("0x"))).hexdigest()

    async def _net_version(self) -> str:
        return str(await self._chain.chain_id())

    async def _listening(self) -> bool:
        return True

    async def _peer_count(self) -> str:
        return "0x0"

    async def _chain_id(self) -> str:
        return hex(await self._chain.chain_id())

    async def _syncing(self) -> bool:
        return False

    async def _accounts(self) -> Sequence[str]:
        return self._chain.accounts

    # -- blocks and transactions ---------------------------------------------------------------------------

    async def _block_number(self) -> str:
        return hex(self._chain.head_number)

    async def _block_by_number(self, tag: Any, full: bool = False) -> dict[str, Any] | None:
        return await self._shown(await self._numbered(tag), full)

    async def _block_by_hash(self, block_hash: Any, full: bool = False) -> dict[str, Any] | None:
        return await self._shown(self._hashed(block_hash), full)

    async def _shown(self, block: Block | None, full: bool) -> dict[str, Any] | None:
        return None if block is None else await self.objects.block(block, full=full is True)

    async def _count_by_number(self, tag: Any) -> str | None:
        return await self._count(await self._numbered(tag))

    async def _count_by_hash(self, block_hash: Any) -> str | None:
        return await self._count(self._hashed(block_hash))

    async def _count(self, block: Block | None) -> str | None:
        return None if block is None else hex(len(await self.objects.transactions(block)))

    async def _uncles_by_number(self, tag: Any) -> str | None:
        return None if await self._numbered(tag) is None else "0x0"

    async def _uncles_by_hash(self, block_hash: Any) -> str | None:
        return None if self._hashed(block_hash) is None else "0x0"

    async def _transaction_by_hash(self, transaction_hash: Any) -> dict[str, Any] | None:
        block, index = await self._find(transaction_hash)
        return None if block is None else await self.objects.transaction(block, index)

    async def _transaction_by_number(self, tag: Any, index: Any) -> dict[str, Any] | None:
        return await self._transaction(await self._numbered(tag), index)

    async def _transaction_by_block_hash(self, block_hash: Any, index: Any) -> dict[str, Any] | None:
        return await self._transaction(self._hashed(block_hash), index)

    async def _transaction(self, block: Block | None, index: Any) -> dict[str, Any] | None:
        at = quantity(index, "the index")
        return None if block is None else await self.objects.transaction(block, at)

    async def _receipt(self, transaction_hash: Any) -> dict[str, Any] | None:
        block, index = await self._find(transaction_hash)
        return None if block is None else (await self.objects.receipts(block))[index]

    async def _block_receipts(self, tag: Any) -> list[dict[str, Any]] | None:
        is_hash = isinstance(tag, str) and len(tag) == 66
        block = self._hashed(tag) if is_hash else await self._numbered(tag)
        return None if block is None else await self.objects.receipts(block)

    async def _find(self, transaction_hash: Any) -> tuple[Block | None, int]:
        """Find a transaction: its block, and its place in it."""
        wanted = hash_text(transaction_hash, "the transaction's hash")
        block = await self._chain.block(self._chain.block_of_transaction(wanted))
        hashes = [] if block is None else list(await self.objects.transactions(block))
        return (block, hashes.index(wanted)) if wanted in hashes else (None, 0)

    async def _numbered(self, tag: Any) -> Block | None:
        return await self._chain.block(block_number(self._chain, tag))

    def _hashed(self, block_hash: Any) -> Block | None:
        return self._chain.block_by_hash(hash_text(block_hash, "the block's hash"))

    # -- logs ----------------------------------------------------------------------------------------------

    async def _get_logs(self, wanted: Any) -> list[LogObject]:
        return await self._logs(parse_query(self._chain, wanted))

    async def _logs(self, query: LogQuery) -> list[LogObject]:
        if query.block_hash is not None:
            block = self._chain.block_by_hash(query.block_hash)
            if block is None:
                raise Refusal(SERVER_ERROR, "unknown block")
            logs = (await self._chain.block_logs([block], query.log_filter))[0]
        else:
            head = self._chain.head_number
            first = head if query.from_block is None else query.from_block
            last = head if query.to_block is None else query.to_block
            if first > last:
                raise Refusal(INVALID_PARAMS, "invalid block range params")
            logs = await self._chain.logs(first, last, query.log_filter)
        return [self.objects.log(log) for log in logs if query.matches_further(log)]

    async def _new_filter(self, wanted: Any) -> str:
        query = parse_query(self._chain, wanted)
        if query.block_hash is not None:
            raise Refusal(INVALID_PARAMS, "a filter is for blocks to come, so blockHash has no place in it")
        return self._filters.add_log_filter(query)

    async def _new_block_filter(self) -> str:
        return self._filters.add_block_filter()

    async def _filter_logs(self, identity: Any) -> list[LogObject]:
        return await self._logs(self._filters.query(identity))

    async def _uninstall_filter(self, identity: Any) -> bool:
        return self._filters.remove(identity)

    async def _subscribe(self, *_: Any) -> None:
        raise Refusal(METHOD_NOT_FOUND, "subscriptions need a WebSocket: connect to ws:// instead of http://")

    # -- what a test does to it ----------------------------------------------------------------------------

    async def _mine_one(self, _timestamp: Any = None) -> str:
        return await self._mine()

    async def _mine(self, blocks: Any = 1, _interval: Any = None) -> str:
        count = blocks if isinstance(blocks, int) else quantity(blocks, "blocks")
        if not 1 <= count <= _MOST_MINED:
            raise Refusal(INVALID_PARAMS, f"blocks must be 1 to {_MOST_MINED}")
        self._chain.mine(count)
        return "0x0"

    async def _reorg(self, depth: Any, _transactions: Any = None) -> None:
        self._chain.reorg(depth if isinstance(depth, int) else quantity(depth, "depth"))

    async def _emit(self, address: str, topics: Sequence[str], data: str = "0x") -> None:
        self._chain.emit(address, topics, data)

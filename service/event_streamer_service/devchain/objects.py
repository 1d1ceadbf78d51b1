"""
What the development chain shows of itself over JSON-RPC: blocks, transactions, receipts, logs.

The shapes are those of the specification of the execution API (`Block`, `Transaction info`, `Receipt info`,
`Log`), with every field that strict readers insist on. A chain that only has events knows little of its
transactions: each log belongs to one, in the order of the logs, and what isn't derived from that is fixed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec
from Crypto.Hash import keccak

from event_streamer_service.chains.types import Block, Log, LogFilter

from .chain import DevChain

__all__ = ["LogObject", "Objects"]

_NO_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
"""keccak-256 of the RLP of an empty list."""
_EMPTY_TRIE = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
_ZERO_ADDRESS = "0x" + "00" * 20
_ZERO_HASH = "0x" + "00" * 32
_GAS = 21_000
_GAS_LIMIT = 30_000_000
_GAS_PRICE = hex(10**9)
_R, _S = "0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "0x" + "11" * 32
"""A signature that is well-formed (secp256k1's generator, and an `s` in the lower half), and nobody's."""

Transactions = dict[str, list[Log]]
"""The transactions of a block in their order: hash → logs."""


class LogObject(msgspec.Struct, rename="camel"):
    """A log as `eth_getLogs` gives it."""

    address: str
    topics: tuple[str, ...]
    data: str
    block_number: str
    block_hash: str
    block_timestamp: str
    transaction_hash: str
    transaction_index: str
    log_index: str
    removed: bool = False


class Objects:
    """
    Writes what JSON-RPC shows of a chain.

    Args:
        chain: The chain.
    """

    def __init__(self, chain: DevChain) -> None:
        self._chain = chain

    def log(self, log: Log, *, removed: bool = False) -> LogObject:
        """
        Write a log.

        Args:
            log: The log.
            removed: Whether a reorg took it.
        """
        return LogObject(
            log.address,
            log.topics,
            log.data,
            hex(log.block_number),
            log.block_hash,
            hex(log.block_timestamp or 0),
            log.transaction_hash,
            hex(self._chain.transaction_index(log)),
            hex(log.log_index),
            removed,
        )

    async def transactions(self, block: Block) -> Transactions:
        """
        List the transactions of a block.

        Raises:
            BlockGone: A reorg took the block.
        """
        transactions: Transactions = {}
        for log in (await self._chain.block_logs([block], LogFilter(None)))[0]:
            transactions.setdefault(log.transaction_hash, []).append(log)
        return transactions

    async def header(self, block: Block) -> dict[str, Any]:
        """
        Write a header, as it is announced to those who subscribe to `newHeads`.

        Raises:
            BlockGone: A reorg took the block.
        """
        return _header(block, await self.transactions(block))

    async def block(self, block: Block, *, full: bool) -> dict[str, Any]:
        """
        Write a block.

        Args:
            block: The block.
            full: Whether its transactions are written out; otherwise their hashes are.

        Raises:
            BlockGone: A reorg took the block.
        """
        transactions = await self.transactions(block)
        shown: list[Any] = list(transactions)
        if full:
            shown = [await self._transaction(block, i, transactions) for i in range(len(transactions))]
        return {
            **_header(block, transactions),
            "size": hex(540 + 110 * len(transactions)),
            "totalDifficulty": "0x0",
            "transactions": shown,
            "uncles": [],
        }

    async def transaction(self, block: Block, index: int) -> dict[str, Any] | None:
        """
        Write a transaction of a block; `None` where it has no such one.

        Raises:
            BlockGone: A reorg took the block.
        """
        transactions = await self.transactions(block)
        if not 0 <= index < len(transactions):
            return None
        return await self._transaction(block, index, transactions)

    async def _transaction(self, block: Block, index: int, transactions: Transactions) -> dict[str, Any]:
        transaction_hash, logs = list(transactions.items())[index]
        chain_id = await self._chain.chain_id()
        return {
            "type": "0x0",
            "chainId": hex(chain_id),
            "hash": transaction_hash,
            "blockHash": block.hash,
            "blockNumber": hex(block.number),
            "transactionIndex": hex(index),
            "from": self._chain.accounts[0],
            "to": logs[0].address,
            "nonce": hex(index),
            "value": "0x0",
            "input": "0x",
            "gas": hex(_GAS),
            "gasPrice": _GAS_PRICE,
            "v": hex(35 + 2 * chain_id),  # EIP-155
            "r": _R,
            "s": _S,
        }

    async def receipts(self, block: Block) -> list[dict[str, Any]]:
        """
        Write the receipts of a block.

        Raises:
            BlockGone: A reorg took the block.
        """
        return [
            {
                "type": "0x0",
                "status": "0x1",
                "transactionHash": transaction_hash,
                "transactionIndex": hex(index),
                "blockHash": block.hash,
                "blockNumber": hex(block.number),
                "from": self._chain.accounts[0],
                "to": logs[0].address,
                "contractAddress": None,
                "cumulativeGasUsed": hex(_GAS * (index + 1)),
                "gasUsed": hex(_GAS),
                "effectiveGasPrice": _GAS_PRICE,
                "logs": [self.log(log) for log in logs],
                "logsBloom": _bloom(logs),
            }
            for index, (transaction_hash, logs) in enumerate((await self.transactions(block)).items())
        ]


def _header(block: Block, transactions: Transactions) -> dict[str, Any]:
    """Write a header. Its roots aren't those of tries: there are none, and nobody can check them."""
    root = block.hash if transactions else _EMPTY_TRIE
    return {
        "number": hex(block.number),
        "hash": block.hash,
        "parentHash": block.parent_hash,
        "timestamp": hex(block.timestamp),
        "logsBloom": _bloom(log for logs in transactions.values() for log in logs),
        "nonce": "0x" + "00" * 8,
        "sha3Uncles": _NO_UNCLES,
        "transactionsRoot": root,
        "receiptsRoot": root,
        "stateRoot": block.hash,
        "miner": _ZERO_ADDRESS,
        "difficulty": "0x0",
        "extraData": "0x",
        "gasLimit": hex(_GAS_LIMIT),
        "gasUsed": hex(_GAS * len(transactions)),
        "mixHash": _ZERO_HASH,
        "baseFeePerGas": "0x7",
    }


def _bloom(logs: Iterable[Log]) -> str:
    """Write the bloom filter of logs: three bits for each address and topic (Yellow Paper, 4.3.1)."""
    bits = 0
    for value in {value for log in logs for value in (log.address, *log.topics)}:
        bits |= _bloom_bits(value)
    return f"0x{bits:0512x}"


@lru_cache(maxsize=8192)
def _bloom_bits(value: str) -> int:
    digest = keccak.new(digest_bits=256, data=bytes.fromhex(value[2:])).digest()
    bits = 0
    for at in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
    return bits

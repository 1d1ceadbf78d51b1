"""
What happens in a block of the development chain: a pure function of the block's hash.

Nothing is stored. A block's hash seeds all its transactions, so a history of a million logs costs
no memory, any block can be asked for at once, and a reorg, which changes the hashes, changes the events
with them. Of a filtered question only the logs that match are made.

A block holds the transactions of `_TRANSACTIONS` in turn until it has as many logs as asked for. The
amounts of a swap and of its two transfers agree, as they do on a real exchange.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache

import msgspec

from event_streamer_service.chains.types import Log, LogFilter

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""topic0 of `Transfer(address,address,uint256)`, the same for ERC-20 and ERC-721."""
APPROVAL = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
"""topic0 of ERC-20's `Approval(address,address,uint256)`."""
SWAP = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
"""topic0 of Uniswap V3's `Swap(address,address,int256,int256,uint160,uint128,int24)`."""

_ERC20_EVENTS = (
    "event Transfer(address indexed from, address indexed to, uint256 value)",
    "event Approval(address indexed owner, address indexed spender, uint256 value)",
)
_ERC721_EVENTS = ("event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)",)
_POOL_EVENTS = (
    "event Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1, "
    "uint160 sqrtPriceX96, uint128 liquidity, int24 tick)",
)


class DevContract(msgspec.Struct, frozen=True):
    """
    A contract of the development chain.

    Attributes:
        name: What it is called in documentation and tests.
        address: Its address, 0x-hex, lower case.
        events: The events that it emits, human-readable.
    """

    name: str
    address: str
    events: tuple[str, ...]


TOKEN = DevContract("token", "0xa0b86a33e6417b3c4555ba476f04245600306d5d", _ERC20_EVENTS)
"""An ERC-20 token, at the address of the documentation's examples."""
OTHER_TOKEN = DevContract("other_token", "0x5fbdb2315678afecb367f032d93f642f64180aa3", _ERC20_EVENTS)
"""A second ERC-20 token, the other side of the exchange."""
COLLECTION = DevContract("collection", "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512", _ERC721_EVENTS)
"""An ERC-721 collection."""
POOL = DevContract("pool", "0x9fe46736679d2d9a65f0992f2272de9f3c7fa6e0", _POOL_EVENTS)
"""A Uniswap-V3-like pool of the two tokens."""

CONTRACTS = (TOKEN, OTHER_TOKEN, COLLECTION, POOL)

_POOL_WORD = "0x" + POOL.address[2:].rjust(64, "0")
_ROUTER_WORD = "0x" + "cf7ed3acca5a467e9e704c703e8d87f634fb0fc9".rjust(64, "0")

_TICKS = 256
_BASE_TICK = 195_000
# A tick and its square root of price belong together (Uniswap V3 white paper, 6.1).
_PRICES = tuple(
    f"{int(1.0001 ** ((_BASE_TICK + i) / 2) * 2**96):064x}{10**18 + i * 10**15:064x}{_BASE_TICK + i:064x}"
    for i in range(_TICKS)
)
_TWO_256 = 1 << 256

TopicsAndData = tuple[tuple[str, ...], str]
Maker = Callable[[bytes, int, tuple[str, ...]], TopicsAndData]
"""(random bytes of the block, where the transaction's begin, account words) → topics and data."""


def _amount(random: bytes, at: int) -> int:
    return int.from_bytes(random[at + 2 : at + 10], "big") or 1


def _received(random: bytes, at: int) -> int:
    return int.from_bytes(random[at + 10 : at + 16], "big") or 1


def _pay(random: bytes, at: int, accounts: tuple[str, ...]) -> TopicsAndData:
    return (TRANSFER, accounts[random[at]], accounts[random[at + 1]]), f"0x{_amount(random, at):064x}"


def _approve(random: bytes, at: int, accounts: tuple[str, ...]) -> TopicsAndData:
    return (APPROVAL, accounts[random[at]], accounts[random[at + 1]]), f"0x{_amount(random, at):064x}"


def _trade_art(random: bytes, at: int, accounts: tuple[str, ...]) -> TopicsAndData:
    token_id = f"0x{_amount(random, at) % 10_000:064x}"
    return (TRANSFER, accounts[random[at]], accounts[random[at + 1]], token_id), "0x"


def _swap_out(random: bytes, at: int, accounts: tuple[str, ...]) -> TopicsAndData:
    return (TRANSFER, _POOL_WORD, accounts[random[at]]), f"0x{_received(random, at):064x}"


def _swap_in(random: bytes, at: int, accounts: tuple[str, ...]) -> TopicsAndData:
    return (TRANSFER, accounts[random[at]], _POOL_WORD), f"0x{_amount(random, at):064x}"


def _swap(random: bytes, at: int, accounts: tuple[str, ...]) -> TopicsAndData:
    amount1 = _TWO_256 - _received(random, at)
    return (
        (SWAP, _ROUTER_WORD, accounts[random[at]]),
        f"0x{_amount(random, at):064x}{amount1:064x}{_PRICES[random[at + 1]]}",
    )


_TRANSACTIONS: tuple[tuple[tuple[DevContract, str, Maker], ...], ...] = (
    ((TOKEN, TRANSFER, _pay),),
    (
        (OTHER_TOKEN, TRANSFER, _swap_out),
        (TOKEN, TRANSFER, _swap_in),
        (POOL, SWAP, _swap),
    ),
    ((COLLECTION, TRANSFER, _trade_art),),
    ((TOKEN, APPROVAL, _approve),),
)

_HASH_BYTES = 32
_RANDOM_DIGITS = 48
_VALUE_BYTES = 16
_TRANSACTION_BYTES = _HASH_BYTES + _VALUE_BYTES


def transaction_ending(number: int) -> str:
    """
    Return the last 16 digits of the hashes of a block's transactions: the block's number.

    So a transaction's block is known from its hash alone, and no index of transactions need be kept.
    """
    return f"{number:016x}"


class _Step(msgspec.Struct, frozen=True):
    """One log of the plan: its transaction, who makes it, and where the transaction's random bytes lie."""

    transaction: int
    log_index: int
    hash_at: int
    values_at: int
    address: str
    topic0: str
    make: Maker


def _plan(logs_per_block: int) -> tuple[tuple[_Step, ...], int]:
    """Lay out a block; return its steps and how many random bytes they need."""
    steps: list[_Step] = []
    transaction = 0
    while len(steps) < logs_per_block:
        start = transaction * _TRANSACTION_BYTES
        for contract, topic0, make in _TRANSACTIONS[transaction % len(_TRANSACTIONS)]:
            if len(steps) < logs_per_block:
                steps.append(
                    _Step(transaction, len(steps), start, start + _HASH_BYTES, contract.address, topic0, make)
                )
        transaction += 1
    return tuple(steps), transaction * _TRANSACTION_BYTES


class BlockLogs:
    """
    Makes the logs of blocks.

    Args:
        logs_per_block: Logs in each block, 0 or more.
        seed: Chooses the accounts that take part.
    """

    def __init__(self, logs_per_block: int, seed: int) -> None:
        self._steps, self._random_bytes = _plan(logs_per_block)
        self._accounts = tuple(
            "0x" + hashlib.blake2b(b"account %d %d" % (seed, i), digest_size=20).hexdigest().rjust(64, "0")
            for i in range(256)
        )
        self._matching = lru_cache(maxsize=256)(self._select)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The addresses that send and receive, 0x-hex, lower case."""
        return tuple("0x" + word[-40:] for word in self._accounts)

    @property
    def transactions(self) -> int:
        """How many transactions a block has."""
        return self._steps[-1].transaction + 1 if self._steps else 0

    def transaction_index(self, log_index: int) -> int:
        """Return the place in its block of the transaction that a log belongs to."""
        return self._steps[log_index].transaction

    def count(self, log_filter: LogFilter) -> int:
        """Return how many logs of any one block match."""
        return len(self._matching(log_filter))

    def make(
        self, log_filter: LogFilter, number: int, block_hash: bytes, block_hash_hex: str, timestamp: int
    ) -> list[Log]:
        """Return the matching logs of one block, by log index."""
        steps = self._matching(log_filter)
        if not steps:
            return []
        random = hashlib.shake_128(block_hash).digest(self._random_bytes)
        random_hex = random.hex()
        accounts = self._accounts
        ending = transaction_ending(number)
        logs = []
        for step in steps:
            topics, data = step.make(random, step.values_at, accounts)
            at = 2 * step.hash_at
            logs.append(
                Log(
                    step.address,
                    topics,
                    data,
                    number,
                    block_hash_hex,
                    f"0x{random_hex[at : at + _RANDOM_DIGITS]}{ending}",
                    step.log_index,
                    timestamp,
                )
            )
        if log_filter.further:
            return [log for log in logs if log_filter.matches_further(log.topics)]
        return logs

    def _select(self, log_filter: LogFilter) -> tuple[_Step, ...]:
        topics = log_filter.topics()
        return tuple(
            step
            for step in self._steps
            if (log_filter.topic0 is None or step.topic0 in topics)
            and (not log_filter.addresses or step.address in log_filter.addresses)
        )

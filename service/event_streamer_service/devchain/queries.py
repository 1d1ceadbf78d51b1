"""What is asked of the development chain's logs: the parameters of `eth_getLogs` and of filters, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from event_streamer_service.chains.types import Log, LogFilter

from .chain import DevChain
from .refusals import INVALID_PARAMS, Refusal

__all__ = ["LogQuery", "block_number", "hash_text", "parse_query", "quantity"]

_HEAD_TAGS = ("latest", "pending", "safe", "finalized")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,16}", re.ASCII)
_MOST_TOPICS = 4


class LogQuery(msgspec.Struct, frozen=True):
    """
    Which logs are asked for.

    Attributes:
        addresses: Emitting contracts; empty takes all.
        topics: What each topic may be, by position; `None` takes any.
        from_block: The first block; `None` for the newest one at the time.
        to_block: The last block; `None` for the newest one at the time, so that a filter has no end.
        block_hash: The only block.
    """

    addresses: frozenset[str] = frozenset()
    topics: tuple[frozenset[str] | None, ...] = ()
    from_block: int | None = None
    to_block: int | None = None
    block_hash: str | None = None

    @property
    def log_filter(self) -> LogFilter:
        """What the chain itself can select by."""
        return LogFilter(self.topics[0] if self.topics else None, self.addresses)

    def matches_further(self, log: Log) -> bool:
        """Tell whether a log that `log_filter` has selected has the further topics."""
        return len(log.topics) >= len(self.topics) and all(
            wanted is None or topic in wanted for wanted, topic in zip(self.topics, log.topics, strict=False)
        )


def parse_query(chain: DevChain, wanted: Any) -> LogQuery:
    """
    Read the object that says which logs are asked for.

    Args:
        chain: The chain, for what `earliest` and `latest` mean.
        wanted: `address`, `topics`, and `fromBlock` and `toBlock` or `blockHash`; each may be missing.

    Raises:
        Refusal: Something in it is wrong.
    """
    if not isinstance(wanted, Mapping):
        raise Refusal(INVALID_PARAMS, "which logs are asked for must be an object")
    addresses = wanted.get("address") or []
    topics = wanted.get("topics") or []
    if not isinstance(topics, list) or len(topics) > _MOST_TOPICS:
        raise Refusal(INVALID_PARAMS, f"topics must be a list of {_MOST_TOPICS} at most")
    block_hash = wanted.get("blockHash")
    bounds = [wanted.get(name) for name in ("fromBlock", "toBlock")]
    if block_hash is not None and bounds != [None, None]:
        raise Refusal(INVALID_PARAMS, "blockHash stands alone: leave fromBlock and toBlock out")
    first, last = (
        None if each is None or each in _HEAD_TAGS else block_number(chain, each) for each in bounds
    )
    return LogQuery(
        frozenset(_hex(each, 20, "address") for each in _listed(addresses, "address")),
        tuple(_topic(each, f"topics[{index}]") for index, each in enumerate(topics)),
        first,
        last,
        None if block_hash is None else hash_text(block_hash, "blockHash"),
    )


def block_number(chain: DevChain, tag: Any) -> int:
    """
    Read a block's number, or one of the words for one.

    Raises:
        Refusal: It is neither.
    """
    if tag in _HEAD_TAGS:
        return chain.head_number
    return chain.first_block if tag == "earliest" else quantity(tag, "a block")


def quantity(value: Any, name: str) -> int:
    """
    Read a number.

    Raises:
        Refusal: It isn't 0x-hex.
    """
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise Refusal(INVALID_PARAMS, f"{name} must be a number as 0x-hex, not {_shown(value)}")
    return int(value, 16)


def hash_text(value: Any, name: str) -> str:
    """
    Read a hash.

    Raises:
        Refusal: It isn't 32 bytes as 0x-hex.
    """
    return _hex(value, 32, name)


def _topic(value: Any, name: str) -> frozenset[str] | None:
    """Read what a topic may be: one, or one of several; `null` and an empty list take any."""
    if value is None or value == []:
        return None
    topics = _listed(value, name)
    return None if None in topics else frozenset(_hex(each, 32, name) for each in topics)


def _listed(value: Any, name: str) -> list[Any]:
    """Take one, or a list of them."""
    if not isinstance(value, str | list):
        raise Refusal(INVALID_PARAMS, f"{name} must be 0x-hex or a list of it, not {_shown(value)}")
    return [value] if isinstance(value, str) else value


def _hex(value: Any, size: int, name: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(f"0x[0-9a-fA-F]{{{2 * size}}}", value, re.ASCII):
        raise Refusal(INVALID_PARAMS, f"{name} must be {size} bytes as 0x-hex, not {_shown(value)}")
    return value.lower()


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

"""
Numbers, times, hashes and headers out of a node's JSON, in whatever form the node gave them. Pure.

The Ethereum JSON-RPC specification (execution-apis) says what a header and a log look like; nodes, proxies
and development chains differ: numbers for hex, `null` for an empty list, times in milliseconds, a pending log
among the others, a `logIndex` that counts within its transaction. What can be read with certainty is read,
and nothing is guessed. Logs are read in `logvalues`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec
from attrs import frozen

from event_streamer_sdk.abi._keccak import keccak256

from .errors import UnreadableAnswer
from .types import Block, LogFilter

_LATEST_TIME = 253_402_300_799
"""Year 9999, the last that a date can be written of."""
_FIRST_BLOCKCHAIN, _FAR_AHEAD = 1_230_768_000, 4_102_444_800
"""2009 and 2100: a time too large for seconds is counted in the unit that lets it lie between."""
_HEX = re.compile(r"(0[xX])?[0-9a-fA-F]*")
_HASH = re.compile(r"0x[0-9a-f]+")
TOPIC_LENGTH = 66
"""Characters of 32 bytes as 0x-hex."""
NO_PARENT = re.compile(r"(0x0*)?")
"""A parent hash that names no block."""


class _RpcHeader(msgspec.Struct, rename="camel"):
    number: Any = None
    hash: Any = None
    parent_hash: Any = None
    timestamp: Any = None
    logs_bloom: Any = None


_header: msgspec.json.Decoder[_RpcHeader | None] = msgspec.json.Decoder(_RpcHeader | None)


@frozen
class Header:
    """
    A block's header and what its logs are checked against.

    Attributes:
        block: The header; its timestamp is 0 where the node gave no time that can be read.
        bloom: The logs bloom as a number, `None` where the node gives none.
    """

    block: Block
    bloom: int | None = None


# --- single values ------------------------------------------------------------------------------------------


def quantity(value: object) -> int | None:
    """
    Return a number that a node gave as hex, as a number or in decimal digits; `None` where there is none.

    Example:
        >>> [quantity(value) for value in ("0x10", 16, "16", "0x", None, "x")]
        [16, 16, 16, 0, None, None]
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        return int(value) if value >= 0 and value.is_integer() else None
    if isinstance(value, int):
        return value if value >= 0 else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        if text[:2] in ("0x", "0X"):
            return int(text[2:] or "0", 16)
        return int(text) if text.isascii() and text.isdigit() else None
    except ValueError:
        return None


def seconds(value: object) -> int:
    """
    Return a block's time in seconds since the Unix epoch, 0 where there is none that can be read.

    Some nodes count in milliseconds or smaller units. Read as seconds these lie beyond year 9999.

    Example:
        >>> [seconds(value) for value in ("0x61f439fb", "0x17ea246ec7b", 1751284607, 0, None)]
        [1643395579, 1643397640, 1751284607, 0, 0]
    """
    time = quantity(value)
    if time is None or time <= _LATEST_TIME:
        return time or 0
    for unit in (10**3, 10**6, 10**9):
        if _FIRST_BLOCKCHAIN <= time // unit < _FAR_AHEAD:
            return time // unit
    return 0


def hash_of(value: object) -> str | None:
    """Return a hash or an address in lower case, `None` where there is none."""
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    return text if _HASH.fullmatch(text) else None


def data_of(value: object) -> str | None:
    """Return a log's data as 0x-hex of whole bytes; nothing, `""` and `0x0` are empty data."""
    if value in (None, "", "0x", "0X", "0x0"):
        return "0x"
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        return None
    text = value[2:] if value[:2] in ("0x", "0X") else value
    return f"0x{text}" if len(text) % 2 == 0 else None


def topics_of(value: object) -> tuple[str, ...] | None:
    """Return a log's topics in lower case, `None` where they can't be read; nothing means no topics."""
    if value is None:
        return ()
    if not isinstance(value, list):
        return None
    topics = list(value)
    while topics and topics[-1] is None:
        topics.pop()
    read = tuple(topic for topic in map(hash_of, topics) if topic is not None and len(topic) == TOPIC_LENGTH)
    return read if len(read) == len(topics) <= 4 else None


# --- headers ------------------------------------------------------------------------------------------------


def read_header(raw: bytes | msgspec.Raw) -> Header | None:
    """
    Read a block's header; `None` where the node has no such block.

    Raises:
        UnreadableAnswer: It has no number or no hash, as a pending block has none.
    """
    try:
        header = _header.decode(raw)
    except msgspec.MsgspecError as error:
        raise UnreadableAnswer(f"a block has an unexpected form: {error}") from None
    if header is None:
        return None
    number, block_hash = quantity(header.number), hash_of(header.hash)
    if number is None or block_hash is None:
        lacks = "number" if number is None else "hash"
        raise UnreadableAnswer(f"the node answered with a block without a {lacks}")
    parent = hash_of(header.parent_hash) or ""
    bloom = quantity(header.logs_bloom) if isinstance(header.logs_bloom, str) else None
    return Header(Block(number, block_hash, parent, seconds(header.timestamp)), bloom)


@lru_cache(4096)
def _bloom_bits(value: str) -> int:
    """Return the three bits of a topic or an address in a logs bloom (Yellow Paper, section 4.3.1)."""
    digest = keccak256(bytes.fromhex(value[2:]))
    bits = 0
    for i in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[i : i + 2], "big") & 2047)
    return bits


def bloom_admits(bloom: int, log_filter: LogFilter) -> bool:
    """
    Tell whether a block with this logs bloom may hold a log that is asked for.

    A bloom never leaves out what is there; now and then it admits what isn't (and some nodes' are wrong).
    """

    def holds(value: str) -> bool:
        try:
            bits = _bloom_bits(value)
        except ValueError:
            return False
        return bloom & bits == bits

    if not bloom:
        return False
    topics = log_filter.topics()
    positions = [topics, *(wanted for wanted in log_filter.further if wanted)]
    return (not log_filter.addresses or any(map(holds, log_filter.addresses))) and all(
        not wanted or any(map(holds, wanted)) for wanted in positions
    )

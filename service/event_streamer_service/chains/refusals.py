"""
What a node means by an error: the words of many nodes, sorted into our few kinds. Pure.

No standard says how a node refuses an `eth_getLogs` that is too large; every client and provider has its own
code and wording, and some say which range they would take. The table below was collected from their sources,
documentation and issue trackers.
"""

from __future__ import annotations

import re

from .errors import (
    BlockGone,
    ChainError,
    ChainTimeout,
    ChainUnavailable,
    RangeTooLarge,
    RateLimited,
    RpcError,
)

_TOO_LARGE = re.compile(
    r"""
      returned\ more\ than\ .*\ (results|logs)        # Infura, zkSync, many proxies
    | log\ response\ size\ exceeded                   # Alchemy
    | response\ (size|is)\ .*(exceed|too\ (big|large)|larger|greater|limit)
    | (response|result\ set|body)\ too\ (large|big)   # Cronos, load balancers
    | (too\ (large|wide|big|many)|exceed|limit|greater\ than|larger\ than|not\ supported|over).{0,60}\brange
    | \brange\b.{0,60}(too\ (large|wide|big)|exceed|limit|greater|larger|not\ supported|allowed|maximum|max\b)
    | block\ range\ is\ too                           # Ankr, Moonbeam
    | ranges\ over\ [\d,]+\ blocks                    # dRPC
    | requested\ too\ many\ blocks                    # Avalanche
    | too\ many\ (logs|results|blocks)                # Nethermind
    | max(imum)?\ (results|logs|block)                # reth
    | exceeds?\ (max|the\ limit|limit)\b.*\b(log|block|result)
    | query\ (exceeds|is\ too\ large|range)
    | is\ limited\ to\ .*\b(range|blocks)             # QuickNode, 1RPC
    | (up\ to|most|than)\ a?\ ?[\d,]+k?\ blocks?\b    # "up to a 500 block range"
    | payload\ too\ large
    """,
    re.IGNORECASE | re.VERBOSE,
)
_TIMEOUT = re.compile(
    r"time[d\- ]*out|deadline\ exceeded|took\ too\ long|execution\ aborted|context\ canceled", re.IGNORECASE
)
_RATE_LIMITED = re.compile(
    r"rate.?limit|too\ many\ requests|request\ limit|quota|throttl|call\ rate|"
    r"(daily|monthly|credit|capacity|throughput).*(limit|exceed)|"
    r"(exceed|limit).*(requests|capacity|credits|compute|per\ second)",
    re.IGNORECASE,
)
_UNKNOWN_BLOCK = re.compile(
    r"unknown\ block|(block|header)\b.{0,90}\bnot\ (found|exist|available)|cannot\ find\ block|"
    r"BlockOutOfRange|beyond\ (the\ )?(current\ )?head|after\ last\ accepted\ block|"  # the node lags behind
    r"no\ block\ (found|with)|invalid\ block\ hash|resource\ not\ found|block\ does\ not\ exist",
    re.IGNORECASE,
)

_SUGGESTED_RANGE = re.compile(r"\[?\b(0x[0-9a-f]+|\d+)\s*(?:,|-|to)\s*(0x[0-9a-f]+|\d+)\b\]?", re.IGNORECASE)
_SUGGESTS = re.compile(r"should\ work|try|retry", re.IGNORECASE)
_LIMIT = re.compile(
    r"(?:max|limit|over|up\ to|than|exceed)[^\d]{0,40}?(?:0\ -\ )?(?P<number>[1-9][\d,_]*)(?P<thousand>k\b)?",
    re.IGNORECASE,
)
_NOT_ABOUT_BLOCKS = re.compile(r"results|\blogs\b|\bsize|bytes", re.IGNORECASE)

_RATE_LIMIT_CODES = frozenset((-32005, 429, -32029, -32007))
"""-32005 is "limit exceeded" in EIP-1474; Infura uses it for too many results as well, so words go first."""
_UNKNOWN_BLOCK_CODE = -32001
"""EIP-1474: resource not found."""


def from_rpc_error(code: int, message: str, *, blocks: int | None = None) -> ChainError:
    """
    Return the error that a node's JSON-RPC error means.

    Args:
        code: Its code.
        message: Its message.
        blocks: How many blocks the question was about, where it was one for logs: only such a question can
            be too large.

    Example:
        >>> from_rpc_error(-32005, "query returned more than 10000 results", blocks=500)
        RangeTooLarge('query returned more than 10000 results')
    """
    shown = message.strip()[:300]
    if blocks is not None and _UNKNOWN_BLOCK.search(message):
        return BlockGone(shown)
    if blocks is not None and _TOO_LARGE.search(message) and not _RATE_ONLY.search(message):
        return RangeTooLarge(shown, suggested=_suggestion(message), limit=_limit(message))
    if _RATE_LIMITED.search(message) or code in _RATE_LIMIT_CODES:
        return RateLimited(f"the node limits the rate of requests: {shown}")
    if _TIMEOUT.search(message):
        return ChainTimeout(f"the node timed out: {shown}")
    if blocks is not None and code == _UNKNOWN_BLOCK_CODE:
        return BlockGone(shown)
    return RpcError(f"the node answered with error {code}: {shown}", code=code)


_RATE_ONLY = re.compile(r"too\ many\ requests|per\ second|rate\ limit|compute\ units", re.IGNORECASE)


def from_status(status: int, retry_after: str | None, *, blocks: int | None = None) -> ChainError:
    """
    Return the error that an HTTP status other than 200 means.

    Args:
        status: The status.
        retry_after: The header of that name; only seconds are understood.
        blocks: As for `from_rpc_error`.
    """
    seconds = float(retry_after) if retry_after is not None and retry_after.strip().isdigit() else None
    if status == 429:
        return RateLimited("the node answered 429 Too Many Requests", retry_after=seconds)
    if status == 413 and blocks is not None:
        return RangeTooLarge("the node answered 413 Payload Too Large")
    if status in (408, 504, 524):
        return ChainTimeout(f"the node timed out (status {status})", retry_after=seconds)
    if status in (401, 403):
        return ChainUnavailable(f"the node refuses its API key (status {status})")
    return ChainUnavailable(f"the node answered with status {status}", retry_after=seconds)


def _suggestion(message: str) -> int | None:
    """Return how many blocks a suggested range has, as in "Try with this block range [0x10, 0x1f]"."""
    if not _SUGGESTS.search(message):
        return None
    found = _SUGGESTED_RANGE.search(message)
    if found is None:
        return None
    first, last = (int(text, 16 if text.lower().startswith("0x") else 10) for text in found.groups())
    return last - first + 1 if last >= first else None


def _limit(message: str) -> int | None:
    """Return the fixed limit of blocks that a refusal names, as in "limited to a 10,000 range"."""
    if _suggestion(message) is not None or _NOT_ABOUT_BLOCKS.search(message):
        return None
    found = _LIMIT.search(message)
    if found is None:
        return None
    return int(re.sub(r"[,_]", "", found["number"])) * (1000 if found["thousand"] else 1)

"""
What a node means by an error: the words of many nodes, sorted into our few kinds. Pure.

No standard says how a node refuses an `eth_getLogs` that is too large; every client and provider has its own
code and wording, and some say which range they would take, in the message or in `error.data`. The words below
were collected from their sources, documentation and issue trackers. They save a question and give hints;
nothing depends on them: what a refusal in unknown words means is found out by asking for less (`nodelogs`,
`batches`).
"""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime

from .errors import (
    BatchTooLarge,
    BlockGone,
    ChainError,
    ChainTimeout,
    ChainUnavailable,
    FilterTooLarge,
    RangeTooLarge,
    RateLimited,
    RpcError,
    TooMuch,
)
from .values import quantity

_TOO_LARGE = re.compile(
    r"""
      returned\ more\ than\ .*\ (results|logs)        # Infura, zkSync, many proxies
    | log\ response\ size\ exceeded                   # Alchemy
    | response\ (size|is)\ .*(exceed|too\ (big|large)|larger|greater|limit)
    | (response|result\ set|body)\ too\ (large|big)   # Cronos, load balancers
    | (too\ (large|wide|big|many)|exceed|limit|greater\ than|larger\ than|not\ supported|over).{0,60}\brange
    | \brange\b.{0,60}(too\ (large|wide|big)|exceed|limit|greater|larger|not\ supported|allowed|maximum|max\b)
    | block\ range\ is\ too                           # Ankr, Moonbeam
    | blocks?\ distance                               # Ankr
    | ranges\ over\ [\d,]+\ blocks                    # dRPC
    | requested\ too\ many\ blocks                    # Avalanche
    | too\ many\ (logs|results|blocks)                # Nethermind
    | max(imum)?\ (results|logs|block)                # reth
    | (maximum|at\ most|allowed)\ .{0,40}\bblocks\b    # thirdweb, Coinbase
    | smaller\ than\ size\ \d                         # Harmony
    | exceeds?\ (max|the\ limit|limit)\b.*\b(log|block|result)
    | query\ (exceeds|is\ too\ large|range)
    | is\ limited\ to\ .*\b(range|blocks)             # QuickNode, 1RPC
    | (up\ to|most|than)\ a?\ ?[\d,]+k?\ blocks?\b    # "up to a 500 block range"
    | payload\ too\ large
    """,
    re.IGNORECASE | re.VERBOSE,
)
_OF_FILTER = re.compile(
    r"(too\ many|max(imum)?|exceed\w*|limit\w*|more\ than|at\ most|up\ to|less|fewer|number\ of)\b.{0,50}"
    r"\b(address|topic)(es|s)?\b|"
    r"\b(address|topic)(es|s)\b.{0,60}\b(too\ many|max\w*|exceed\w*|limit\w*|more\ than|allowed|supported)",
    re.IGNORECASE,
)
_OF_BATCH = re.compile(r"\bbatch(e[sd]|ing)?\b|\bbulk\b", re.IGNORECASE)
_OF_BLOCKS = re.compile(r"\bblocks?\b|\branges?\b|\bdistance\b", re.IGNORECASE)
_TIMEOUT = re.compile(
    r"time[d\- ]*out|deadline\ exceeded|took\ too\ long|execution\ aborted|context\ canceled", re.IGNORECASE
)
_RATE_LIMITED = re.compile(
    r"rate.?limit|too\ many\ requests|request\ limit|quota|throttl|call\ rate|"
    r"(daily|monthly|credit|capacity|throughput).*(limit|exceed)|"
    r"(exceed|limit).*(requests|capacity|credits|compute|per\ second)",
    re.IGNORECASE,
)
_RATE_ONLY = re.compile(r"too\ many\ requests|per\ second|rate\ limit|compute\ units", re.IGNORECASE)
_UNKNOWN_BLOCK = re.compile(
    r"unknown\ block|(block|header)\b.{0,90}\bnot\ (found|exist|available)|cannot\ find\ block|"
    r"BlockOutOfRange|beyond\ (the\ )?(current\ )?head|after\ last\ accepted\ block|"  # the node lags behind
    r"no\ block\ (found|with)|invalid\ block\ hash|resource\ not\ found|block\ does\ not\ exist",
    re.IGNORECASE,
)

_SUGGESTED_RANGE = re.compile(r"\[?\b(0x[0-9a-f]+|\d+)\s*(?:,|-|to)\s*(0x[0-9a-f]+|\d+)\b\]?", re.IGNORECASE)
_SUGGESTS = re.compile(r"should\ work|try|retry", re.IGNORECASE)
_GREATER = re.compile(r"\b\d[\d,_]*\s*>\s*(?P<number>[1-9][\d,_]*)")
_LIMIT = re.compile(
    r"(?:max|limit|over|up\ to|than|exceed|most|allowed|distance)[^\d]{0,40}?(?:0\ -\ )?"
    r"(?P<number>[1-9][\d,_]*)(?P<thousand>k\b)?",
    re.IGNORECASE,
)
_NOT_ABOUT_BLOCKS = re.compile(r"results|\blogs\b|\bsize\ (exceed|limit|is)|bytes", re.IGNORECASE)
_WAIT = re.compile(
    r"\b(?:in|after|for)\s+(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|sec\w*|m|min\w*)\b", re.IGNORECASE
)
_RANGE_ENDS = (("from", "to"), ("fromBlock", "toBlock"), ("from_block", "to_block"), ("start", "end"))
_LONGEST_WAIT = 3600.0

_RATE_LIMIT_CODES = frozenset((-32005, 429, -32029, -32007))
"""-32005 is "limit exceeded" in EIP-1474; Infura uses it for too many results as well, so words go first."""
_UNKNOWN_BLOCK_CODE = -32001
"""EIP-1474: resource not found."""
METHOD_NOT_FOUND = -32601
_TRIED_SMALLER = frozenset((400, 408, 413, 414, 422, 429, 500, 502, 503, 504, 507, 520, 522, 524))
"""Statuses that a question may get for its size; 401, 403 and 404 say something about the URL."""


def from_rpc_error(
    code: int, words: str, data: object = None, *, node: str = "the node", blocks: int | None = None
) -> ChainError:
    """
    Return the error that a node's JSON-RPC error means.

    Args:
        code: Its code.
        words: Its message.
        data: Its `data`, which may hold a range that would work, a limit or a time to wait.
        node: How the node is named in messages.
        blocks: How many blocks the question was about, where it was one for logs: only such a question can
            be too large.

    Example:
        >>> from_rpc_error(-32005, "query returned more than 10000 results", blocks=500)
        RangeTooLarge('the node: query returned more than 10000 results')
    """
    text = f"{words} {_text(data)}".strip()
    error = _judged(code, text, f"{node}: {words.strip()[:300]}", data, blocks)
    error.refused = not isinstance(error, BlockGone) and code != METHOD_NOT_FOUND
    if isinstance(error, ChainUnavailable):
        error.retry_after = _wait(text, data)
    return error


def _judged(code: int, text: str, shown: str, data: object, blocks: int | None) -> ChainError:
    if blocks is not None:
        if _UNKNOWN_BLOCK.search(text):
            return BlockGone(shown)
        if _OF_FILTER.search(text) and not _OF_BLOCKS.search(text):
            return FilterTooLarge(shown, limit=_count_of(text, "address|topic"))
        if _TOO_LARGE.search(text) and not _RATE_ONLY.search(text) and not _OF_BATCH.search(text):
            return RangeTooLarge(shown, suggested=_suggestion(text, data), limit=_limit(text, data))
    if _OF_BATCH.search(text):
        return BatchTooLarge(
            f"{shown} (error {code})", limit=_count_of(text, "batch|request|item|call|element")
        )
    if _RATE_LIMITED.search(text) or code in _RATE_LIMIT_CODES:
        return RateLimited(f"{shown} (the node limits the rate of requests)")
    if _TIMEOUT.search(text):
        return ChainTimeout(f"{shown} (the node timed out)")
    if blocks is not None and code == _UNKNOWN_BLOCK_CODE:
        return BlockGone(shown)
    return RpcError(f"{shown} (error {code})", code=code)


def as_range(error: ChainError) -> RangeTooLarge:
    """Return a refusal in unknown words as one of its range, now that a smaller one was answered."""
    words = str(error).partition(": ")[2]
    about_blocks = _OF_BLOCKS.search(words) is not None
    return RangeTooLarge(
        str(error), suggested=_suggestion(words, None), limit=_limit(words, None) if about_blocks else None
    )


def from_status(
    status: int,
    retry_after: str | None,
    words: str = "",
    *,
    node: str = "the node",
    blocks: int | None = None,
) -> ChainError:
    """
    Return the error that an HTTP status other than 200 means.

    Args:
        status: The status.
        retry_after: The header of that name.
        words: The beginning of the body.
        node: How the node is named in messages.
        blocks: As for `from_rpc_error`.
    """
    wait = seconds_of(retry_after)
    said = f": {words}" if words else ""
    error: ChainError
    if status == 429:
        error = RateLimited(f"{node} answered 429 Too Many Requests{said}", retry_after=wait)
    elif status == 413:  # of what, it doesn't say
        error = TooMuch(f"{node} answered 413 Content Too Large{said}")
    elif words and blocks is not None and _TOO_LARGE.search(words) and not _RATE_ONLY.search(words):
        error = RangeTooLarge(
            f"{node} answered with status {status}{said}",
            suggested=_suggestion(words, None),
            limit=_limit(words, None),
        )
    elif status in (408, 504, 524):
        error = ChainTimeout(f"{node} timed out (status {status}){said}", retry_after=wait)
    elif status in (401, 403):
        error = ChainUnavailable(f"{node} refuses its API key (status {status}){said}")
    else:
        error = ChainUnavailable(f"{node} answered with status {status}{said}", retry_after=wait)
    error.refused = error.refused or status in _TRIED_SMALLER
    return error


def seconds_of(retry_after: str | None) -> float | None:
    """Return the seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3): a number, or a date."""
    text = (retry_after or "").strip()
    try:
        wait = float(text)
    except ValueError:
        try:
            wait = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return min(wait, _LONGEST_WAIT) if wait >= 0 else None


def _text(data: object) -> str:
    """Return all the words of an error's `data`."""
    if isinstance(data, str):
        return data
    if isinstance(data, dict):
        return " ".join(_text(value) for value in data.values())
    return " ".join(map(_text, data)) if isinstance(data, list) else ""


def _suggestion(text: str, data: object) -> int | None:
    """Return how many blocks a suggested range has, as in "Try with this block range [0x10, 0x1f]"."""
    if isinstance(data, dict):
        for first, last in _RANGE_ENDS:
            ends = quantity(data.get(first)), quantity(data.get(last))
            if ends[0] is not None and ends[1] is not None and ends[1] >= ends[0]:
                return ends[1] - ends[0] + 1
    if not _SUGGESTS.search(text):
        return None
    found = _SUGGESTED_RANGE.search(text)
    if found is None:
        return None
    start, end = (int(end, 16 if end.lower().startswith("0x") else 10) for end in found.groups())
    return end - start + 1 if end >= start else None


def _limit(text: str, data: object) -> int | None:
    """Return the fixed limit of blocks that a refusal names, as in "limited to a 10,000 range"."""
    if isinstance(data, dict):
        for name, value in data.items():
            plain = re.sub(r"[^a-z]", "", str(name).lower())
            if ("range" in plain or "blocks" in plain) and ("max" in plain or "limit" in plain):
                return quantity(value) or None
    if _suggestion(text, data) is not None or _NOT_ABOUT_BLOCKS.search(text):
        return None
    found = _GREATER.search(text) or _LIMIT.search(text)
    if found is None:
        return None
    thousand = found.groupdict().get("thousand")
    return _number(found["number"]) * (1000 if thousand else 1)


def _count_of(text: str, things: str) -> int | None:
    """Return the limit on some things that a refusal names, as in "at most 50 addresses"."""
    found = re.search(
        rf"(?P<before>[1-9][\d,_]*)\s+(?:\w+\s+){{0,2}}(?:{things})|(?:{things})\w*[^\d]{{0,40}}(?P<after>[1-9][\d,_]*)",
        text,
        re.IGNORECASE,
    )
    greater = _GREATER.search(text)
    if greater is not None:
        return _number(greater["number"])
    return None if found is None else _number(found["before"] or found["after"])


def _number(text: str) -> int:
    return int(re.sub(r"[,_]", "", text))


def _wait(text: str, data: object) -> float | None:
    """Return the seconds that a refusal asks to wait, in words or in data (Infura's `backoff_seconds`)."""
    if isinstance(data, dict):
        for name, value in data.items():
            if isinstance(value, dict):
                inner = _wait("", value)
                if inner is not None:
                    return inner
            if "backoff" in str(name).lower() or "retry" in str(name).lower():
                wait = quantity(value) if not isinstance(value, float) else value
                if wait:
                    return min(float(wait), _LONGEST_WAIT)
    found = _WAIT.search(text)
    if found is None or not re.search(r"retry|try|wait|again", text, re.IGNORECASE):
        return None
    unit = found["unit"].lower()
    scale = 0.001 if unit == "ms" else 60.0 if unit.startswith("m") else 1.0
    return min(float(found["number"]) * scale, _LONGEST_WAIT)

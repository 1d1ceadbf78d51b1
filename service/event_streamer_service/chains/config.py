"""The configuration of a chain: each field of the REST call's ChainConfigRequest, and what it does here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import Attribute, field, frozen

__all__ = ["EMBEDDED", "ChainConfig", "chain_name", "hide_secrets", "redact_url"]

EMBEDDED = "embedded"
"""URL scheme of a source that lives in the service's own process, as in `embedded:devchain`."""

MIN_POLL_INTERVAL = 0.05
"""Seconds; no setting makes the service flood a node."""

_SCHEMES = ("http", "https", "ws", "wss", EMBEDDED)
_WEBSOCKET_SCHEMES = ("ws", "wss", EMBEDDED)


_NAMES = {
    1: "Ethereum Mainnet",
    10: "Optimism",
    56: "BNB Smart Chain",
    137: "Polygon",
    8_453: "Base",
    31_337: "Development Chain",
    42_161: "Arbitrum One",
    43_114: "Avalanche",
}


def chain_name(chain_id: int) -> str:
    """Return a well-known chain's name, `Chain <id>` for any other."""
    return _NAMES.get(chain_id, f"Chain {chain_id}")


def redact_url(url: str) -> str:
    """
    Return a URL without what may be secret: user, path and query.

    Node providers put the API key into the path or the query, so only scheme, host and port are shown.

    Example:
        >>> redact_url("https://mainnet.example/v3/0123456789abcdef")
        'https://mainnet.example/…'
    """
    parts = urlsplit(url)
    if parts.scheme == EMBEDDED:
        return url
    host = parts.hostname or "?"
    if ":" in host:
        host = f"[{host}]"
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    more = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{host}{port}{more}"


_URL = re.compile(r"\b(?:https?|wss?)://[^\s'\"<>)\]}]+", re.IGNORECASE)
_SHORTEST_SECRET = 6


def hide_secrets(text: str, url: str) -> str:
    """
    Return what a node said without what may be secret of its URL, or of any other one.

    Nodes and proxies repeat the request in their errors, API key and all.

    Example:
        >>> hide_secrets("key 0123456789abcdef is unknown", "https://node.example/v3/0123456789abcdef")
        'key … is unknown'
    """
    text = _URL.sub(lambda found: redact_url(found[0]), text)
    parts = urlsplit(url)
    values = [parts.username, parts.password, *parts.path.split("/"), parts.query]
    values += [value for _, value in parse_qsl(parts.query)]
    for secret in sorted((value for value in values if value), key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET or secret == parts.password:
            text = text.replace(secret, "…")
    return text


def _at_least(least: float, unit: str = "") -> Callable[[Any, Attribute[Any], Any], None]:
    def check(_: object, attribute: Attribute[Any], value: Any) -> None:
        if value is None:
            return
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or (str(attribute.type).startswith("int") and value != int(value)):
            kind = "a whole number" if str(attribute.type).startswith("int") else "a number"
            raise ValueError(f"{attribute.name} must be {kind}, not {value!r}")
        if value < least:
            raise ValueError(f"{attribute.name} must be {least}{unit} or more, not {value}{unit}")

    return check


def _url_of(schemes: tuple[str, ...]) -> Callable[[Any, Attribute[Any], Any], None]:
    def check(_: object, attribute: Attribute[Any], value: str | Iterable[str] | None) -> None:
        for url in (value,) if isinstance(value, str) else value or ():
            try:
                parts = urlsplit(url)
                (parts.hostname or "").encode("idna")  # as the look-up of its address does
                usable = parts.scheme in schemes and (parts.scheme == EMBEDDED or bool(parts.hostname))
            except ValueError:
                usable = False
            if not usable:
                known = ", ".join(f"{scheme}://" for scheme in schemes if scheme != EMBEDDED)
                raise ValueError(f"{attribute.name} must hold full URLs ({known}), not {redact_url(url)!r}")

    return check


def _urls(value: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value or ()))


@frozen(kw_only=True)
class ChainConfig:
    """
    How a chain is reached and read. Immutable; a change is a new configuration.

    Attributes:
        chain_id: EIP-155 id, 1 or more. A node that serves another chain is refused.
        name: Name for people, also the root of its circuit breakers' names.
        rpc_urls: JSON-RPC nodes (http, https, ws, wss), the preferred one first; where one fails the
            next one is asked.
        historical_rpc_url: Node asked first for history; the others follow where it fails.
        live_websocket_url: Node whose `eth_subscribe` announces new blocks; without it the first of
            `rpc_urls` that is asked over WebSocket does so. Where none is, the head is polled.
        average_block_time: Seconds between two blocks. The head is polled this often (where
            `live_block_check_interval` is not shorter).
        max_blocks_per_request: Most blocks in one `eth_getLogs`, for history and gaps; the node's own limit.
        confirmation_blocks: An event is delivered once its block has this many blocks on top of it.
        historical_max_chunk_size: Most blocks of one range of history; the adaptive size stays below.
        historical_max_retries: Further attempts for a range of history before the reading fails.
        historical_max_concurrent: Ranges of history read at a time, all subscriptions of the chain together.
        historical_progress_interval: A log line tells the progress after this many ranges.
        live_max_retries: Failed attempts in a row, `live_retry_delay` apart, before the connection to the
            head counts as lost.
        live_retry_delay: Seconds between two of these attempts.
        live_reconnect_delay: Seconds to wait, once it is lost, before it is built anew.
        live_enable_gap_detection: Blocks that no announcement named (missed, or mined between two polls) are
            found and read. Without it only announced blocks are read: events of the others are NOT delivered.
        live_max_gap_size: Blocks of a gap that the live path fills; a larger one is read as history, but for
            its newest blocks.
        live_block_check_interval: Seconds between two polls of the head, and how long announcements may
            stay away before the head is polled as a check on them.
        live_gap_fill_chunk_size: Blocks asked for at once where a gap is filled.

    Raises:
        ValueError: A field is out of its range; the message names it.
    """

    chain_id: int = field(validator=_at_least(1))
    name: str = field()
    rpc_urls: tuple[str, ...] = field(default=(), converter=_urls, validator=_url_of(_SCHEMES))
    historical_rpc_url: str | None = field(default=None, validator=_url_of(_SCHEMES))
    live_websocket_url: str | None = field(default=None, validator=_url_of(_WEBSOCKET_SCHEMES))
    average_block_time: float | None = field(default=None, validator=_at_least(0, " s"))
    max_blocks_per_request: int | None = field(default=None, validator=_at_least(1))
    confirmation_blocks: int = field(default=0, validator=_at_least(0))
    historical_max_chunk_size: int = field(default=10_000, validator=_at_least(1))
    historical_max_retries: int = field(default=3, validator=_at_least(0))
    historical_max_concurrent: int = field(default=5, validator=_at_least(1))
    historical_progress_interval: int = field(default=100, validator=_at_least(1))
    live_max_retries: int = field(default=5, validator=_at_least(0))
    live_retry_delay: float = field(default=5, validator=_at_least(0, " s"))
    live_reconnect_delay: float = field(default=30, validator=_at_least(0, " s"))
    live_enable_gap_detection: bool = True
    live_max_gap_size: int = field(default=1000, validator=_at_least(0))
    live_block_check_interval: float = field(default=10, validator=_at_least(0, " s"))
    live_gap_fill_chunk_size: int = field(default=100, validator=_at_least(1))

    @name.validator
    def _check_name(self, _: object, value: str) -> None:
        if not value.strip():
            raise ValueError("name must not be empty")

    def __attrs_post_init__(self) -> None:
        if not self.rpc_urls and self.historical_rpc_url is None:
            raise ValueError("rpc_urls or historical_rpc_url must name at least one node")

    @property
    def live_urls(self) -> tuple[str, ...]:
        """The nodes that are asked for the head, in order of preference."""
        return self.rpc_urls or ((self.historical_rpc_url,) if self.historical_rpc_url else ())

    @property
    def historical_urls(self) -> tuple[str, ...]:
        """The nodes that are asked for history, in order of preference."""
        return _urls((self.historical_rpc_url, *self.rpc_urls) if self.historical_rpc_url else self.rpc_urls)

    @property
    def poll_interval(self) -> float:
        """Seconds between two polls of the head."""
        wanted = self.live_block_check_interval
        if self.average_block_time:
            wanted = min(wanted, self.average_block_time)
        return max(wanted, MIN_POLL_INTERVAL)

    @property
    def largest_range(self) -> int:
        """Most blocks in one question for logs of history."""
        return self._within_request(self.historical_max_chunk_size)

    @property
    def largest_gap_fill(self) -> int:
        """Most blocks asked for at once where the live path catches up."""
        return self._within_request(self.live_gap_fill_chunk_size)

    def _within_request(self, blocks: int) -> int:
        return min(blocks, self.max_blocks_per_request or blocks)

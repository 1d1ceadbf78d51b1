"""
Nodes that are named over the API: where the service may be sent, and what callers see of them.

Whoever may add a chain makes this process open connections. It must not become the way into networks that
only its machine reaches: cloud metadata above all (server-side request forgery, OWASP). Nodes of the command
line and of the configuration file are the operator's own, and not looked at here.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from event_streamer_service.chains.config import EMBEDDED, ChainConfig, redact_url
from event_streamer_service.errors import Unprocessable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

SCHEMES = frozenset({"http", "https", "ws", "wss"})
_RESOLVE_PATIENCE = 5.0
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure's host
        "192.0.0.192",  # Oracle Cloud
        "fd00:ec2::254",  # AWS over IPv6
        "fd20:ce::254",  # Google Cloud over IPv6
    )
)
"""Metadata services outside of the link-local networks, where most have 169.254.169.254."""
_HOLDS_IPV4 = tuple(
    ipaddress.ip_network(text)
    for text in (
        "::/96",  # IPv4-compatible, of old
        "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
        "64:ff9b::/96",  # NAT64 (RFC 6052)
        "64:ff9b:1::/48",  # NAT64 of a network's own (RFC 8215)
    )
)
"""Networks of IPv6 whose addresses end in the IPv4 address that is meant."""


async def check_urls(urls: Iterable[str], *, allow_private: bool) -> None:
    """
    Refuse nodes that the API may not name.

    Args:
        urls: The nodes.
        allow_private: Whether loopback and private networks may be named.

    Raises:
        Unprocessable: One has another scheme than http(s) and ws(s), or leads where it must not.
    """
    for url in urls:
        if not url.isprintable() or " " in url:
            raise Unprocessable("A node's URL may not have spaces or control characters.")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
            (host or "").encode("idna")
        except ValueError:
            raise Unprocessable(f"The node {redact_url(url)} is not a URL.") from None
        if parts.scheme not in SCHEMES or not host:
            raise Unprocessable(
                f"A node's URL begins with http://, https://, ws:// or wss://; {redact_url(url)} doesn't."
            )
        await _check_host(host, port, url, allow_private=allow_private)


async def _check_host(host: str, port: int | None, url: str, *, allow_private: bool) -> None:
    literal = _literal(host)
    if literal is not None:  # also one with a zone, which may mean nothing here and something elsewhere
        _check_address(literal, url, allow_private=allow_private)
    try:
        async with asyncio.timeout(_RESOLVE_PATIENCE):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise Unprocessable(f"The host of {redact_url(url)} is not a valid host name.") from None
    except (OSError, TimeoutError):
        if allow_private:
            return  # to be reached, or not, once it is asked: here it can only be down
        raise Unprocessable(
            f"The host of {redact_url(url)} can't be resolved, so it can't be checked."
        ) from None
    for *_, place in found:
        address = _literal(str(place[0]))
        if address is not None:
            _check_address(address, url, allow_private=allow_private)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _check_address(address: Address, url: str, *, allow_private: bool) -> None:
    problem = refusal_of(address, allow_private=allow_private)
    if problem is not None:
        raise Unprocessable(f"The node {redact_url(url)} is refused: {problem}.")


def refusal_of(address: Address, *, allow_private: bool) -> str | None:
    """
    Say why the API may not name a node at this address, `None` where it may.

    Example:
        >>> refusal_of(ipaddress.ip_address("169.254.169.254"), allow_private=True)
        'its address is link-local, where clouds keep the credentials of their machines'
    """
    address = _embedded(address)
    if address.is_link_local:
        return "its address is link-local, where clouds keep the credentials of their machines"
    if address in _METADATA:
        return "its address is that of a cloud's metadata service"
    if address.is_multicast:
        return "its address is a multicast one"
    # `is_global` knows the registries of IANA: loopback, private, shared and documentation networks are not.
    if not allow_private and not address.is_global:
        return "its address is not a public one; the setting private_nodes allows it"
    return None


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that some IPv6 addresses stand for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if (
        any(address in network for network in _HOLDS_IPV4) and int(address) > 1
    ):  # `::` and `::1` are themselves
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    behind = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or behind or address


def unmasked(values: Mapping[str, Any], before: ChainConfig) -> tuple[dict[str, Any], set[str]]:
    """
    Put back what answers mask: who sends a URL as it was shown means the one behind it.

    Where several look alike, they are taken in their order.

    Args:
        values: A chain's configuration as a caller sends it.
        before: The configuration so far.

    Returns:
        The configuration with whole URLs, and those of them that are kept.
    """
    behind: dict[str, deque[str]] = {}
    live = [before.live_websocket_url] if before.live_websocket_url else []
    for url in (*before.rpc_urls, *before.historical_urls, *live):
        known = behind.setdefault(redact_url(url), deque())
        if url not in known:
            known.append(url)
    kept = {url for urls in behind.values() for url in urls}

    def whole(url: str, left: dict[str, deque[str]]) -> str:
        if url in kept or url not in left:
            return url
        return left[url].popleft() if len(left[url]) > 1 else left[url][0]

    result = dict(values)
    of_list = {shown: deque(urls) for shown, urls in behind.items()}
    result["rpc_urls"] = [whole(url, of_list) for url in values.get("rpc_urls") or []]
    for name in ("historical_rpc_url", "live_websocket_url"):
        given, own = values.get(name), getattr(before, name)
        if given is not None:
            result[name] = own if own is not None and given == redact_url(own) else whole(given, behind)
    named = {*result["rpc_urls"], result.get("historical_rpc_url"), result.get("live_websocket_url")}
    return result, kept & named


def urls_of(config: ChainConfig) -> list[str]:
    """Return every URL of a configuration, once."""
    live = (config.live_websocket_url,) if config.live_websocket_url else ()
    return list(dict.fromkeys((*config.historical_urls, *live)))


def without_hosts(text: str, config: ChainConfig) -> str:
    """
    Take the nodes' hosts out of a text that goes to somebody who is not to know them.

    Example:
        >>> config = ChainConfig(chain_id=1, name="x", rpc_urls=["https://node.example/key"])
        >>> without_hosts("node.example gives no answer", config)
        'the node gives no answer'
    """
    for url in urls_of(config):
        parts = urlsplit(url)
        if parts.scheme != EMBEDDED and parts.hostname:
            text = text.replace(redact_url(url), "the node")
            for spelling in (parts.netloc.rpartition("@")[2], parts.hostname):
                text = text.replace(spelling, "the node")
    return text

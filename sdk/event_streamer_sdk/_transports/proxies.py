"""
By way of which proxy a service is reached, and when `NO_PROXY` says by none.

A variable that is wrong is a fault of this machine: it is told at once, by its name, and nothing is sent.
Taken for a network that is down it would be waited for.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import ssl
from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from attrs import frozen

from event_streamer_api.errors import EventStreamerValidationError

from .._core.redaction import redacted

if TYPE_CHECKING:
    import httpx

_logger = logging.getLogger(__name__)


@frozen
class Proxy:
    """A proxy, and who named it."""

    name: str
    proxy: httpx.Proxy

    @property
    def shown(self) -> str:
        """Its address without user and password."""
        return f"{self.proxy.url.scheme}://{self.proxy.url.netloc.decode('ascii')}"

    def with_tls(self, context: ssl.SSLContext | None) -> httpx.Proxy:
        """
        Give the proxy as httpx's transports take it.

        Args:
            context: Which certificates of an https proxy are trusted, where it doesn't say so itself.
        """
        import httpx

        proxy = self.proxy
        if context is None or proxy.url.scheme != "https" or proxy.ssl_context is not None:
            return proxy
        return httpx.Proxy(proxy.url, ssl_context=context, auth=proxy.auth, headers=proxy.headers)


def proxy_of(url: str, given: Any, trust_env: bool) -> Proxy | None:
    """
    Say by way of which proxy a service is reached.

    Args:
        url: The service's URL.
        given: The option: a URL or an httpx.Proxy; None to look into the environment.
        trust_env: Whether the environment counts.

    Returns:
        The proxy; None where there is none, or `NO_PROXY` covers the service.

    Raises:
        EventStreamerValidationError: If it can't be used; names the option or the variable.
    """
    if given is not None:
        return _usable("proxy", given)
    import urllib.request  # here, since it brings 70 modules, and a program may never make a client

    proxies = urllib.request.getproxies() if trust_env else {}
    parts = urlsplit(url)
    kind = next((kind for kind in (parts.scheme, "all") if proxies.get(kind)), None)
    if kind is None:
        return None
    name = next((name for name in (f"{kind}_proxy", f"{kind.upper()}_PROXY") if os.environ.get(name)), None)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if _is_excepted(host, port, proxies, of_system=name is None):
        return None
    value = proxies[kind].strip()
    return _usable(name or "the system's proxy", value if "://" in value else f"http://{value}")


def _usable(name: str, value: Any) -> Proxy:
    import httpx

    shown = redacted(re.sub(r"//[^/@]*@", "//", str(getattr(value, "url", value))))
    try:
        proxy = value if isinstance(value, httpx.Proxy) else httpx.Proxy(url=value)
        if not proxy.url.host:
            raise ValueError("it names no host")
        if proxy.url.port is not None and not 0 < proxy.url.port < 65536:
            raise ValueError("a port is a number from 1 to 65535")
    except (ValueError, TypeError, httpx.InvalidURL) as error:
        raise EventStreamerValidationError(
            f"{name} is {shown!r}, which can't be used as a proxy: {redacted(str(error))}; "
            "it has to look like http://host:port or socks5://host:port"
        ) from error
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise EventStreamerValidationError(
            f"{name} is {shown!r}: a SOCKS proxy needs the package socksio; pip install 'httpx[socks]'"
        )
    return Proxy(name, proxy)


def _is_excepted(host: str, port: int, proxies: Mapping[str, str], *, of_system: bool) -> bool:
    import urllib.request

    if of_system and urllib.request.proxy_bypass(host):
        return True
    return excepted(host, port, proxies.get("no", ""))


def excepted(host: str, port: int, no_proxy: str) -> bool:
    """
    Say whether a list as in `NO_PROXY` covers a host.

    Args:
        host: A name or an address, without brackets.
        port: Its port.
        no_proxy: Names (with all that end in them, with and without a leading dot), addresses, networks such
            as `10.0.0.0/8`, each with a port or without, `*` for any part; separated by commas or blanks.
    """
    return any(
        _covers(entry, host.lower().rstrip("."), port) for entry in re.split(r"[,\s]+", no_proxy) if entry
    )


def _covers(entry: str, host: str, port: int) -> bool:
    pattern, only_port = _with_port(entry.lower())
    if only_port is not None and only_port != port:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = pattern.lstrip(".").rstrip(".")
        if "*" in name:
            return fnmatchcase(host, name) or fnmatchcase(host, name.removeprefix("*."))
        return bool(name) and (host == name or host.endswith(f".{name}"))
    if "*" in pattern:
        return fnmatchcase(host, pattern)
    try:
        return address in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        if "/" in pattern:
            _logger.warning("NO_PROXY holds %r, which is not a network: it covers nothing", entry)
        return False


def _with_port(entry: str) -> tuple[str, int | None]:
    """Take an entry apart: `[::1]:80`, `[fd00::]/8`, `host:80`; several colons: an IPv6 address."""
    found = re.fullmatch(r"\[([^\]]*)\](/\d+)?(?::(\d+))?", entry)
    if found is not None:
        return found[1] + (found[2] or ""), int(found[3]) if found[3] else None
    name, colon, port = entry.rpartition(":")
    if colon and ":" not in name and port.isdigit():
        return name, int(port)
    return entry, None

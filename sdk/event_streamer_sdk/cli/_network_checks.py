"""What `event-streamer doctor` looks at on the way to the service: proxy, name, connection, TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

from event_streamer_sdk._transports.proxies import Proxy, proxy_of
from event_streamer_sdk._transports.tls import tls_context
from event_streamer_sdk.cli._checks import Check, ok, problem
from event_streamer_sdk.exceptions import EventStreamerValidationError

SECONDS = 5.0
"""How long a connection, and then a handshake, may take."""

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


def network_checks(url: str) -> Iterator[Check]:
    """Go the way to the service step by step, up to the first one that fails."""
    try:
        proxy = proxy_of(url, None, trust_env=True)
    except EventStreamerValidationError as wrong:
        yield problem("Proxy", str(wrong), "correct the variable, or unset it")
        return
    yield ok("Proxy", "none" if proxy is None else f"{proxy.shown}, by {proxy.name}")
    yield from _way_to(url, proxy)


def _way_to(url: str, proxy: Proxy | None) -> Iterator[Check]:
    parts = urlsplit(url if proxy is None else proxy.shown)
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 80)
    by = f"NO_PROXY={urlsplit(url).hostname} goes around the proxy" if proxy else "see --url"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as unknown:
        why = getattr(unknown, "strerror", None) or unknown
        yield problem("Name", f"{host}: {why}", f"check the name's spelling, and this machine's DNS; {by}")
        return
    yield ok("Name", f"{host} is {', '.join(dict.fromkeys(str(each[4][0]) for each in found))}")
    try:
        connection = socket.create_connection((host, port), SECONDS)
    except TimeoutError:
        yield problem(
            "Connection",
            f"{host} port {port} doesn't answer within {SECONDS:g} s",
            f"check address, port and firewalls on the way; {by}",
        )
        return
    except OSError as refused:
        start = "start the proxy" if proxy else "start the service (event-streamer serve)"
        yield problem("Connection", f"{host} port {port}: {refused.strerror or refused}", f"{start}; {by}")
        return
    with closing(connection):
        yield ok("Connection", f"to {host} port {port}")
        if parts.scheme == "https":
            yield _tls(connection, host)


def _tls(connection: socket.socket, host: str) -> Check:
    try:
        with tls_context(True, None, trust_env=True).wrap_socket(connection, server_hostname=host) as secured:
            until = (secured.getpeercert() or {}).get("notAfter", "?")
            return ok("TLS", f"{secured.version()}, certificate valid until {until}")
    except EventStreamerValidationError as wrong:
        return problem("TLS", str(wrong), "correct the variable, or unset it")
    except ssl.SSLCertVerificationError as untrusted:
        return problem(
            "TLS",
            f"the certificate is not trusted: {untrusted.verify_message}",
            "name the certificates to trust in SSL_CERT_FILE, or replace the service's certificate",
        )
    except OSError as failed:
        return problem(
            "TLS",
            f"the TLS handshake failed: {failed.strerror or failed}",
            "check that the port speaks TLS; an address without it begins with http://",
        )

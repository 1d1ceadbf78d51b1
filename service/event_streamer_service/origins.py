"""
Web pages that make a visitor's browser call the service: what tells such calls from a client's. Pure, no I/O.

A browser sends what any page asks it to, from inside the visitor's machine. So a service without keys checks
what a page can't choose: `Host` names the service (else the page's own name was pointed at 127.0.0.1, DNS
rebinding), `Origin` and `Sec-Fetch-Site` say where the page came from, and `application/json` can't be sent
to another origin without asking first (https://fetch.spec.whatwg.org/#cors-safelisted-request-header).

Reading costs something, too: as images, a page could open streams until no program gets one. So of other
sites' pages only a link is followed (a policy of resource isolation, https://www.w3.org/TR/fetch-metadata/).
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from event_streamer_service.errors import Forbidden, MisdirectedRequest, UnsupportedMediaType

CHANGING_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address means the machine itself, whatever a name server says."""
    host = host.removeprefix("[").removesuffix("]")
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_host(headers: Headers, *, allowed: frozenset[str], any_host: bool) -> None:
    """
    Check the name under which a service was called.

    Args:
        headers: The request's headers.
        allowed: Names that the service has beside those of loopback.
        any_host: Whether every name will do: keys keep strangers out.

    Raises:
        MisdirectedRequest: The service has no such name.
    """
    if any_host:
        return
    host = hostname(headers.get("host", ""))
    if not host:  # HTTP/1.0, as load balancers ask; browsers always name one
        return
    if not is_loopback(host) and host not in allowed:
        raise MisdirectedRequest(
            f"This service is not {host!r}: call it by localhost or 127.0.0.1, "
            "or start it with --allowed-host."
        )


def check_origin(method: str, headers: Headers, *, allowed: frozenset[str]) -> None:
    """
    Refuse what a page of another origin asks for, but for a link to here that is followed.

    Args:
        method: The request's method.
        headers: The request's headers.
        allowed: Host names whose pages may.

    Raises:
        Forbidden: The page is somebody else's.
    """
    if not _comes_from_elsewhere(headers, allowed):
        return
    if method in CHANGING_METHODS or not _follows_a_link(headers):
        raise Forbidden(
            "A web page of another origin may not call this service; --allowed-host names those that may.",
            code="CROSS_ORIGIN",
        )


def _comes_from_elsewhere(headers: Headers, allowed: frozenset[str]) -> bool:
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}
    return origin.lower() not in _own_origins(headers) and _host_of(origin) not in allowed


def _follows_a_link(headers: Headers) -> bool:
    """Tell whether what is asked for becomes the page that the browser shows, and not a part of another."""
    return (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")


def _host_of(origin: str) -> str:
    try:
        return hostname(urlsplit(origin).netloc)
    except ValueError:  # such as `http://[`
        return ""


def check_media_type(method: str, headers: Headers) -> None:
    """
    Refuse a body that says it is something other than JSON, in UTF-8 and not compressed.

    Without a body the type doesn't matter: aiohttp names one for every POST.

    Raises:
        UnsupportedMediaType: It is not `application/json` (or `…+json`), or it is packed or written in a
            way that isn't read here.
    """
    if method not in CHANGING_METHODS:
        return
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if not has_body:
        return
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise UnsupportedMediaType("Send the body without Content-Encoding: none is supported here.")
    kind, _, options = headers.get("content-type", "").lower().partition(";")
    kind = kind.strip()
    charset = options.partition("charset=")[2].partition(";")[0].strip().strip('"')
    if charset not in {"", "utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMediaType("The body must be in UTF-8, as JSON is (RFC 8259, section 8.1).")
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    if not is_json:
        raise UnsupportedMediaType("Send the body as application/json.")


def hostname(netloc: str) -> str:
    """
    Return a `Host` without its port, lower case.

    Example:
        >>> hostname("LocalHost:8000"), hostname("[::1]:8000")
        ('localhost', '[::1]')
    """
    name = netloc.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].removesuffix(".")


def _own_origins(headers: Headers) -> frozenset[str]:
    host = headers.get("host", "").strip().lower()
    return frozenset({f"http://{host}", f"https://{host}"})

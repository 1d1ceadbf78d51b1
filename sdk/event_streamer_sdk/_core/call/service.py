"""Where a service is and what every request to it carries, checked before anything is sent."""

from __future__ import annotations

import platform
from base64 import b64encode
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit, urlunsplit

from attrs import evolve, field, frozen

from event_streamer_api.errors import EventStreamerValidationError

from ..version import __version__

API_KEY_HEADER = "X-API-Key"

SECRET_HEADERS = ("authorization", "proxy-authorization", "x-api-key", "cookie")
"""Headers whose values must not be shown, in lower case."""


@frozen(kw_only=True)
class Service:
    """
    A service, as requests see it.

    Attributes:
        url: Its address without user, password and trailing slash.
        headers: What every request carries.
        secrets: The values among them that must not be shown.
        exposed: An API key goes to another machine without TLS: whoever is on the way can read them.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    exposed: bool = False

    def with_headers(self, headers: Mapping[str, str]) -> Service:
        """
        Give the same service with more headers, such as those of one call.

        Args:
            headers: They win over those that are there.

        Returns:
            The service, which knows the secrets among them.

        Raises:
            EventStreamerValidationError: If a header cannot be sent.
        """
        if not headers:
            return self
        merged = merged_headers(self.headers, headers)
        return evolve(self, headers=merged, secrets=tuple({*self.secrets, *_secrets_of(merged)}))


def service_of(service_url: str, headers: Mapping[str, str] | None, api_key: str | None) -> Service:
    """
    Check and take apart what a user says of a service.

    Args:
        service_url: Its address; a path is kept as a prefix, a user and password become basic authentication.
        headers: More headers, which win over our own.
        api_key: The key for the header `X-API-Key`.

    Raises:
        EventStreamerValidationError: If the address is not an http(s) URL, or a header cannot be sent.
    """
    url, authorization = _address(service_url)
    merged = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "User-Agent": f"event-streamer-sdk/{__version__} Python/{platform.python_version()}",
    }
    given: dict[str, str] = {}
    if authorization is not None:
        given["Authorization"] = authorization
    if api_key is not None:
        given[API_KEY_HEADER] = api_key
    given.update(headers or {})
    merged = merged_headers(merged, given)
    secrets = _secrets_of(merged)
    has_key = any(name.lower() == API_KEY_HEADER.lower() for name in merged)
    exposed = has_key and url.startswith("http:") and not _is_this_machine(urlsplit(url).hostname or "")
    return Service(url=url, headers=merged, secrets=secrets, exposed=exposed)


def merged_headers(headers: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """
    Put headers together: names differ by case only in writing (RFC 9110, section 5.1).

    Args:
        headers: Headers.
        given: Others, which win over those of the same name.

    Raises:
        EventStreamerValidationError: If one that is given cannot be sent.
    """
    merged = dict(headers)
    for name, value in given.items():
        _check_header(name, value)
        merged = {kept: other for kept, other in merged.items() if kept.lower() != name.lower()}
        merged["Host" if name.lower() == "host" else name] = value
    return merged


def _secrets_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(value for name, value in headers.items() if name.lower() in SECRET_HEADERS and value)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")  # RFC 6761, section 6.3


def _address(service_url: str) -> tuple[str, str | None]:
    hint = "it has to look like http://localhost:8000 or https://events.example.com"
    if not isinstance(service_url, str):
        raise EventStreamerValidationError(f"service_url is not a string; {hint}", field="service_url")
    try:
        parts = urlsplit(service_url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise EventStreamerValidationError(
            f"service_url is not a URL ({error}); {hint}", field="service_url"
        ) from None
    if parts.scheme not in ("http", "https") or not host:
        shown = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        raise EventStreamerValidationError(
            f"service_url {shown!r} is not the address of a service; {hint}", field="service_url"
        )
    if port == 0:
        raise EventStreamerValidationError(
            f"service_url names port 0, which can't be connected to; {hint}", field="service_url"
        )
    if parts.query or parts.fragment:
        raise EventStreamerValidationError(
            f"service_url may not have a query or a fragment; {hint}", field="service_url"
        )
    authorization = None
    if parts.username is not None or parts.password is not None:
        pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        authorization = f"Basic {b64encode(pair.encode()).decode()}"
    bare = f"[{host}]" if ":" in host else host
    netloc = bare if port is None else f"{bare}:{port}"
    return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", "")), authorization


def _check_header(name: str, value: str) -> None:
    # The value may be a secret, so the error never shows it.
    if not isinstance(name, str) or not isinstance(value, str):
        raise EventStreamerValidationError(f"header {name!r} must be a string, and so must its name")
    sendable = name.isascii() and name.isprintable() and name and " " not in name and ":" not in name
    if not sendable or not value.isascii() or any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise EventStreamerValidationError(
            f"header {name!r} cannot be sent: names and values are ASCII without control characters"
        )

"""Which redirects are followed: those to the same origin that keep the call what it is."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from attrs import evolve

from .outcome import Response
from .request import Request
from .service import Service

MAX_REDIRECTS = 5
"""A service behind a proxy redirects once or twice; more is a loop."""


def redirected(request: Request, response: Response) -> Request | None:
    """
    Follow a redirect, if it leads to the same origin: no other one shall see credentials.

    Returns:
        The request to send instead; None where the response is not a redirect that is followed.
    """
    location = response.headers.get("location")
    keeps_method = response.status in (307, 308) or (
        response.status in (301, 302, 303) and request.method == "GET"
    )
    if location is None or not keeps_method:
        return None
    try:
        target = urljoin(request.url, location)
        same = _origin(request.url) == _origin(target)
    except ValueError:
        return None
    return evolve(request, url=target, params={}) if same else None


def about_redirect(service: Service, location: str | None) -> str:
    """Say why a redirect is not followed."""
    if not location:
        return "the service redirects and does not say where to"
    try:
        same = _origin(service.url) == _origin(urljoin(service.url, location))
    except ValueError:
        return "the service redirects to something that is not an address"
    if same:
        return "the service redirects in a circle, or in a way that would change the call; check service_url"
    return "the service redirects to another origin; credentials are not sent there, so set service_url to it"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port: what has to be equal for a credential to follow (RFC 6454, section 4)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)

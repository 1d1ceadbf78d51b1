"""
Hands out the page at `/`, the reference at `/docs`, and what both load. No key is needed for them.

The files are the package's own. What the page shows it asks the service for, as any client does, with the
key that its user typed in.
"""

from __future__ import annotations

import functools
import hashlib
import mimetypes
from collections.abc import Mapping
from importlib import resources

from attrs import frozen
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from event_streamer_service.responses import json_response

_PUBLIC = frozenset({"/", "/docs", "/openapi.json"})
_ASSETS = "/assets/"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
"""Set here: what the machine says of a suffix may be anything (Windows keeps it in its registry)."""

SECURITY_HEADERS: Mapping[str, str] = {
    # https://www.w3.org/TR/CSP3/: files of this service alone, no inline script or style, no other origin,
    # and no text that becomes HTML or script (`require-trusted-types-for`).
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


@frozen
class _File:
    content: bytes
    media_type: str
    tag: str


def is_public(path: str) -> bool:
    """Tell whether a path leads to a file of the page, which needs no key."""
    return path in _PUBLIC or path.startswith(_ASSETS)


async def get_page(request: Request) -> Response:
    """Return the page; to whom asks for no HTML the places where to go on."""
    if "text/html" not in request.headers.get("accept", ""):
        return json_response(
            {
                "service": "event-streamer",
                "page": "/",
                "reference": "/docs",
                "openapi": "/openapi.json",
                "health": "/health",
            },
            headers={"vary": "accept", **SECURITY_HEADERS},
        )
    return _answer(request, _asset("index.html"), vary="accept")


async def get_reference(request: Request) -> Response:
    """Return the reference of the API."""
    return _answer(request, _asset("docs.html"))


async def get_document(request: Request) -> Response:
    """Return the API's OpenAPI document, as JSON."""
    return _answer(request, _document())


async def get_asset(request: Request) -> Response:
    """Return one of the files that the page loads."""
    found = _asset(request.path_params["name"])
    if found is None:
        raise HTTPException(404, "There is no such file.")
    return _answer(request, found)


def _answer(request: Request, file: _File | None, **headers: str) -> Response:
    assert file is not None, "the package is whole"
    answered = {**SECURITY_HEADERS, **headers, "etag": file.tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=answered)
    return Response(file.content, media_type=file.media_type, headers=answered)


@functools.cache
def _assets() -> dict[str, _File]:
    """Read all files at once: what is asked for is looked up by name, so no path can lead elsewhere."""
    found: dict[str, _File] = {}
    root = resources.files("event_streamer_service.page") / "assets"
    for folder, prefix in ((root, ""), (root / "vendor", "vendor/")):
        for each in folder.iterdir():
            if each.is_file():
                found[prefix + each.name] = _file(each.name, each.read_bytes())
    return found


def _asset(name: str) -> _File | None:
    return _assets().get(name)


@functools.cache
def _document() -> _File:
    return _file("openapi.json", (resources.files("event_streamer_api") / "openapi.json").read_bytes())


def _file(name: str, content: bytes) -> _File:
    suffix = name[name.rfind(".") :]
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "text/plain"
    return _File(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')

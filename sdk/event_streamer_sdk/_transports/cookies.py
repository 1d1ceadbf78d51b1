"""
The cookies of our own transport: a balancer knows by them which replica has our stream.

The rules are those of httpx's clients, whose jar it is: the stream and its acknowledgements share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core.call.request import Request


class Cookies:
    """What services have set. Threads may share it."""

    def __init__(self) -> None:
        self._jar: Any = None  # asking a jar costs more than a call can spare: most services set nothing

    def header_for(self, request: Request) -> str | None:
        """
        Give the cookies that belong to a request.

        Returns:
            The header `Cookie`; None where there is none to send, or the request brings its own.
        """
        if self._jar is None or any(name.lower() == "cookie" for name in request.headers):
            return None
        import httpx

        asking = httpx.Request(request.method, request.url)
        self._jar.set_cookie_header(asking)
        cookie: str | None = asking.headers.get("cookie")
        return cookie

    def keep(self, request: Request, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep what a response sets."""
        import httpx

        if self._jar is None:
            self._jar = httpx.Cookies()
        asking = httpx.Request(request.method, request.url)
        self._jar.extract_cookies(httpx.Response(200, headers=list(headers), request=asking))

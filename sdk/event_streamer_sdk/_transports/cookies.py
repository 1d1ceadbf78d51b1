"""
Cookies of calls that go out without an httpx client: a balancer knows by them which replica has our stream.

The rules are those of httpx's clients, whose jar it is: the stream and its acknowledgements share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .._core.call.request import Request

if TYPE_CHECKING:
    import httpx

    from .http11 import Reply


def with_cookies(step: Request, jar: httpx.Cookies) -> Mapping[str, str]:
    """
    Add the cookies that belong to a call.

    Args:
        step: The call.
        jar: The cookies that are known.

    Returns:
        Its headers; a `Cookie` of the user's own wins.
    """
    if any(name.lower() == "cookie" for name in step.headers):
        return step.headers
    import httpx

    request = httpx.Request(step.method, step.url)
    jar.set_cookie_header(request)
    cookie = request.headers.get("cookie")
    return step.headers if cookie is None else {**step.headers, "Cookie": cookie}


def keep_cookies(step: Request, reply: Reply, jar: httpx.Cookies) -> None:
    """
    Keep the cookies of a reply.

    Args:
        step: The call.
        reply: What came of it.
        jar: Where cookies are kept.
    """
    import httpx

    request = httpx.Request(step.method, step.url)
    jar.extract_cookies(httpx.Response(reply.status, headers=list(reply.raw_headers), request=request))

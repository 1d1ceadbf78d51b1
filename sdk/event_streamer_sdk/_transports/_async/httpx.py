"""The adapter over httpx, for asyncio: proxies, limits on connections, and the user's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx

from ..._core.call.request import Request
from ..from_httpx import failures, shut_down
from ..limits import TimeLimits
from ..waiting_on_loop import within


class AsyncHttpxTransport:
    """Sends requests by an httpx client."""

    def __init__(self, client: httpx.AsyncClient, *, owned: bool) -> None:
        self._client = client
        self._owned = owned

    async def open(self, request: Request, limits: TimeLimits) -> AsyncHttpxResponse:
        """See `AsyncTransport.open`."""
        timeouts = dict(limits.steps)
        with failures():
            made = self._client.build_request(
                request.method,
                request.url,
                params=request.params or None,
                content=request.content,
                headers=request.headers,
                extensions={"timeout": timeouts},
            )
            async with within(limits):
                response = await self._client.send(made, stream=True, follow_redirects=False)
        return AsyncHttpxResponse(response, limits, timeouts)

    async def close(self) -> None:
        """Close the client, if it is ours."""
        if self._owned:
            await self._client.aclose()


class AsyncHttpxResponse:
    """
    A response of httpx's.

    Args:
        response: The response, not read yet.
        limits: The limits of the request.
        timeouts: Its time-outs as httpx has them. It looks at them again when it begins to read the body.
    """

    def __init__(
        self, response: httpx.Response, limits: TimeLimits, timeouts: dict[str, float | None]
    ) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._limits = limits
        self._timeouts = timeouts
        self._chunks: AsyncIterator[bytes] | None = None
        self._whole: bytes | None = None
        if response.is_stream_consumed:
            # A transport or a hook of the user's has read it whole: what is there is inflated already.
            self._whole = response.content
            self.headers = {
                name: value for name, value in response.headers.items() if name != "content-encoding"
            }

    async def chunk(self) -> bytes:
        """See `AsyncOpenResponse.chunk`."""
        if self._whole is not None:
            whole, self._whole = self._whole, b""
            return whole
        if self._chunks is None:
            self._timeouts["read"] = self._limits.steps.get("read")
            self._chunks = self._response.aiter_raw()
        with failures():
            async with within(self._limits):
                return await anext(self._chunks, b"")

    def break_off(self) -> None:
        """See `AsyncOpenResponse.break_off`."""
        shut_down(self._response)

    async def close(self) -> None:
        """See `AsyncOpenResponse.close`."""
        with failures():
            await self._response.aclose()

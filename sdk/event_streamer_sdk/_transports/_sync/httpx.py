# Printed from _async/httpx.py by `make generate`. Change it there, never here.
"""The adapter over httpx, blocking: proxies, limits on connections, and the user's own client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx

from ..._core.call.request import Request
from ..from_httpx import failures, shut_down
from ..limits import TimeLimits
from ..waiting_on_threads import within


class SyncHttpxTransport:
    """Sends requests by an httpx client."""

    def __init__(self, client: httpx.Client, *, owned: bool) -> None:
        self._client = client
        self._owned = owned

    def open(self, request: Request, limits: TimeLimits) -> SyncHttpxResponse:
        """See `SyncTransport.open`."""
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
            with within(limits):
                response = self._client.send(made, stream=True, follow_redirects=False)
        return SyncHttpxResponse(response, limits, timeouts)

    def close(self) -> None:
        """Close the client, if it is ours."""
        if self._owned:
            self._client.close()


class SyncHttpxResponse:
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
        self._chunks: Iterator[bytes] | None = None
        self._whole: bytes | None = None
        if response.is_stream_consumed:
            # A transport or a hook of the user's has read it whole: what is there is inflated already.
            self._whole = response.content
            self.headers = {
                name: value for name, value in response.headers.items() if name != "content-encoding"
            }

    def chunk(self) -> bytes:
        """See `SyncOpenResponse.chunk`."""
        if self._whole is not None:
            whole, self._whole = self._whole, b""
            return whole
        if self._chunks is None:
            self._timeouts["read"] = self._limits.steps.get("read")
            self._chunks = self._response.iter_raw()
        with failures(), within(self._limits):
            return next(self._chunks, b"")

    def break_off(self) -> None:
        """See `SyncOpenResponse.break_off`."""
        shut_down(self._response)

    def close(self) -> None:
        """See `SyncOpenResponse.close`."""
        with failures():
            self._response.close()

"""Calls by method and path, for what the specification doesn't have, for asyncio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from event_streamer_api.client import AsyncCalls, AsyncRawCalls
from event_streamer_api.raw import RawResponse, keeping_async

from .._core.call.by_path import operation_of

if TYPE_CHECKING:
    from event_streamer_api.types import CallOptions


class AsyncRequests(AsyncCalls):
    """The calls of the API, and those by method and path for what a service has beyond it."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        **options: Unpack[CallOptions],
    ) -> Any:
        """
        Make a call that the API doesn't have, with all that the client does for its calls.

        Time limits, repetition, keys, errors and limits are those of every call.
        GET, PUT, DELETE, HEAD and OPTIONS count as safe to repeat (RFC 9110, section 9.2.2).

        Args:
            method: The HTTP method.
            path: The path below the service's URL, such as `/reports/7`, percent-encoded where it has to be.
            params: The query; None values are left out.
            json: The body, written as JSON; None for no body.
            **options: See `CallOptions`.

        Returns:
            The answer's JSON; None where its body is empty.

        Raises:
            EventStreamerValidationError: If a value is wrong.
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.

        Example:
            >>> health = await client.request("GET", "/health")
        """
        return await self._call(operation_of(method, path, params, json), options)

    async def get(
        self, path: str, *, params: Mapping[str, Any] | None = None, **options: Unpack[CallOptions]
    ) -> Any:
        """
        GET a path that the API doesn't have. See `request`.

        Args:
            path: The path below the service's URL.
            params: The query.
            **options: See `CallOptions`.

        Returns:
            The answer's JSON.

        Raises:
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.

        Example:
            >>> health = await client.get("/health")
        """
        return await self.request("GET", path, params=params, **options)

    async def post(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Any:
        """
        POST to a path that the API doesn't have. See `request`.

        Args:
            path: The path below the service's URL.
            json: The body, written as JSON; None for no body.
            params: The query.
            **options: See `CallOptions`.

        Returns:
            The answer's JSON.

        Raises:
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self.request("POST", path, json=json, params=params, **options)

    async def put(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Any:
        """
        PUT to a path that the API doesn't have. See `request`.

        Args:
            path: The path below the service's URL.
            json: The body, written as JSON; None for no body.
            params: The query.
            **options: See `CallOptions`.

        Returns:
            The answer's JSON.

        Raises:
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self.request("PUT", path, json=json, params=params, **options)

    async def patch(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Any:
        """
        PATCH to a path that the API doesn't have. See `request`.

        Args:
            path: The path below the service's URL.
            json: The body, written as JSON; None for no body.
            params: The query.
            **options: See `CallOptions`.

        Returns:
            The answer's JSON.

        Raises:
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self.request("PATCH", path, json=json, params=params, **options)

    async def delete(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Any:
        """
        DELETE to a path that the API doesn't have. See `request`.

        Args:
            path: The path below the service's URL.
            json: The body, written as JSON; None for no body.
            params: The query.
            **options: See `CallOptions`.

        Returns:
            The answer's JSON.

        Raises:
            EventStreamerSDKError: If the call fails; the subclass and `status_code` say how.
        """
        return await self.request("DELETE", path, json=json, params=params, **options)


# Each call is written out with its parameters: the type of an attribute that holds a wrapped method can't be
# declared without losing the parameters' names, and type checkers may infer it differently.
class AsyncRawRequests(AsyncRawCalls):
    """
    The same calls, each with the response that its result was read from.

    Args:
        requests: The client.
    """

    def __init__(self, requests: AsyncRequests) -> None:
        super().__init__(requests)
        self._requests = requests

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `request`."""
        call = keeping_async(self._requests, self._requests.request)
        return await call(method, path, params=params, json=json, **options)

    async def get(
        self, path: str, *, params: Mapping[str, Any] | None = None, **options: Unpack[CallOptions]
    ) -> RawResponse[Any]:
        """See the client's `get`."""
        return await keeping_async(self._requests, self._requests.get)(path, params=params, **options)

    async def post(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `post`."""
        return await keeping_async(self._requests, self._requests.post)(
            path, json=json, params=params, **options
        )

    async def put(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `put`."""
        return await keeping_async(self._requests, self._requests.put)(
            path, json=json, params=params, **options
        )

    async def patch(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `patch`."""
        return await keeping_async(self._requests, self._requests.patch)(
            path, json=json, params=params, **options
        )

    async def delete(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `delete`."""
        return await keeping_async(self._requests, self._requests.delete)(
            path, json=json, params=params, **options
        )

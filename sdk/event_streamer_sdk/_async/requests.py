"""Calls by method and path, for what the specification doesn't have, for asyncio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from event_streamer_api.client import AsyncCalls

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

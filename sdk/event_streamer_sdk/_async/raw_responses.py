# Printed from requests.py and client.py by `make generate`. Change those, never this.
"""The calls of a client, each with the response that its result was read from, for asyncio."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Unpack

from event_streamer_api.client import AsyncRawCalls
from event_streamer_api.raw import keeping_async

from .requests import AsyncRequests

if TYPE_CHECKING:
    from event_streamer_api.models import (
        ABIEvent,
        SubscriptionCreate,
        SubscriptionResponse,
        SubscriptionUpdate,
    )
    from event_streamer_api.raw import RawResponse
    from event_streamer_api.types import CallOptions

    from .._base import Source


class AsyncRawResponses(AsyncRawCalls):
    """
    The calls of a client, each with the response that its result was read from, the last of several.

    Args:
        client: The client.
    """

    def __init__(self, client: AsyncRequests) -> None:
        super().__init__(client)
        self._client: Any = client  # an EventStreamer, whose module imports this one

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
        return await keeping_async(self._client, self._client.request)(
            method, path, params=params, json=json, **options
        )

    async def get(
        self, path: str, *, params: Mapping[str, Any] | None = None, **options: Unpack[CallOptions]
    ) -> RawResponse[Any]:
        """See the client's `get`."""
        return await keeping_async(self._client, self._client.get)(path, params=params, **options)

    async def post(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `post`."""
        return await keeping_async(self._client, self._client.post)(path, json=json, params=params, **options)

    async def put(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `put`."""
        return await keeping_async(self._client, self._client.put)(path, json=json, params=params, **options)

    async def patch(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `patch`."""
        return await keeping_async(self._client, self._client.patch)(
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
        return await keeping_async(self._client, self._client.delete)(
            path, json=json, params=params, **options
        )

    async def create_subscription(
        self,
        subscription: SubscriptionCreate,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[SubscriptionResponse]:
        """See the client's `create_subscription`."""
        return await keeping_async(self._client, self._client.create_subscription)(
            subscription, idempotency_key=idempotency_key, **options
        )

    async def get_or_create_subscription(
        self, subscription: SubscriptionCreate, **options: Unpack[CallOptions]
    ) -> RawResponse[SubscriptionResponse]:
        """See the client's `get_or_create_subscription`."""
        return await keeping_async(self._client, self._client.get_or_create_subscription)(
            subscription, **options
        )

    async def subscribe(
        self,
        event: ABIEvent | Source,
        name: str | None = None,
        *,
        chain_id: int,
        start_block: int,
        end_block: int | None = None,
        addresses: str | Iterable[str] = (),
        where: Mapping[str, Any] | None = None,
        new: bool = False,
        **options: Unpack[CallOptions],
    ) -> RawResponse[SubscriptionResponse]:
        """See the client's `subscribe`."""
        return await keeping_async(self._client, self._client.subscribe)(
            event,
            name,
            chain_id=chain_id,
            start_block=start_block,
            end_block=end_block,
            addresses=addresses,
            where=where,
            new=new,
            **options,
        )

    async def update_subscription(
        self, subscription_id: int, update: SubscriptionUpdate, **options: Unpack[CallOptions]
    ) -> RawResponse[SubscriptionResponse]:
        """See the client's `update_subscription`."""
        return await keeping_async(self._client, self._client.update_subscription)(
            subscription_id, update, **options
        )

    async def get_subscription_last_processed_block(
        self, subscription_id: int, chain_id: int | None = None, **options: Unpack[CallOptions]
    ) -> RawResponse[int | None]:
        """See the client's `get_subscription_last_processed_block`."""
        return await keeping_async(self._client, self._client.get_subscription_last_processed_block)(
            subscription_id, chain_id, **options
        )

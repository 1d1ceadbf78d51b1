# Printed from _async/raw_responses.py by `make generate`. Change it there, never here.
# Printed from requests.py and client.py by `make generate`. Change those, never this.
"""The calls of a client, each with the response that its result was read from, blocking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Unpack

from event_streamer_api.client import SyncRawCalls
from event_streamer_api.raw import keeping

from .requests import SyncRequests

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


class SyncRawResponses(SyncRawCalls):
    """
    The calls of a client, each with the response that its result was read from, the last of several.

    Args:
        client: The client.
    """

    def __init__(self, client: SyncRequests) -> None:
        super().__init__(client)
        self._client: Any = client  # an SyncEventStreamer, whose module imports this one

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `request`."""
        return keeping(self._client, self._client.request)(method, path, params=params, json=json, **options)

    def get(
        self, path: str, *, params: Mapping[str, Any] | None = None, **options: Unpack[CallOptions]
    ) -> RawResponse[Any]:
        """See the client's `get`."""
        return keeping(self._client, self._client.get)(path, params=params, **options)

    def post(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `post`."""
        return keeping(self._client, self._client.post)(path, json=json, params=params, **options)

    def put(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `put`."""
        return keeping(self._client, self._client.put)(path, json=json, params=params, **options)

    def patch(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `patch`."""
        return keeping(self._client, self._client.patch)(path, json=json, params=params, **options)

    def delete(
        self,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[Any]:
        """See the client's `delete`."""
        return keeping(self._client, self._client.delete)(path, json=json, params=params, **options)

    def create_subscription(
        self,
        subscription: SubscriptionCreate,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> RawResponse[SubscriptionResponse]:
        """See the client's `create_subscription`."""
        return keeping(self._client, self._client.create_subscription)(
            subscription, idempotency_key=idempotency_key, **options
        )

    def get_or_create_subscription(
        self, subscription: SubscriptionCreate, **options: Unpack[CallOptions]
    ) -> RawResponse[SubscriptionResponse]:
        """See the client's `get_or_create_subscription`."""
        return keeping(self._client, self._client.get_or_create_subscription)(subscription, **options)

    def subscribe(
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
        return keeping(self._client, self._client.subscribe)(
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

    def update_subscription(
        self, subscription_id: int, update: SubscriptionUpdate, **options: Unpack[CallOptions]
    ) -> RawResponse[SubscriptionResponse]:
        """See the client's `update_subscription`."""
        return keeping(self._client, self._client.update_subscription)(subscription_id, update, **options)

    def get_subscription_last_processed_block(
        self, subscription_id: int, chain_id: int | None = None, **options: Unpack[CallOptions]
    ) -> RawResponse[int | None]:
        """See the client's `get_subscription_last_processed_block`."""
        return keeping(self._client, self._client.get_subscription_last_processed_block)(
            subscription_id, chain_id, **options
        )

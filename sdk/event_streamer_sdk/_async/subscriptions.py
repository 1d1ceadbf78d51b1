"""Going through subscriptions, and waiting for them, for asyncio."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any, Unpack

from .._transports.waiting_on_loop import sleep
from .requests import AsyncRequests

if TYPE_CHECKING:
    from event_streamer_api.models import SubscriptionListResponse, SubscriptionResponse
    from event_streamer_api.types import CallOptions


class AsyncSubscriptions(AsyncRequests):
    """What asks for subscriptions more than once."""

    # What it uses of the client.
    _check_options: Callable[[str, Mapping[str, Any]], None]

    async def iter_subscriptions(
        self,
        page_size: int = 100,
        *,
        chain_id: int | None = None,
        topic0: str | None = None,
        address: str | None = None,
        streaming_status: str | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncIterator[SubscriptionResponse]:
        """
        Go through the subscriptions of the subscriber, page by page.

        The filters are applied here: all pages are fetched.

        Args:
            page_size: How many to fetch at a time, 1 to 1000.
            chain_id: Only those of this chain.
            topic0: Only those of this event.
            address: Only those that name this contract, in any case; not those for all contracts.
            streaming_status: Only those with this status, such as `finished`.
            **options: See `CallOptions`; they hold for each page.

        Yields:
            Each subscription, ordered by id.

        Raises:
            EventStreamerSDKError: If a call fails; the subclass and `status_code` say how.

        Example:
            >>> async for subscription in client.iter_subscriptions(chain_id=1):
            ...     print(subscription.id, subscription.last_processed_block)
        """
        from .._core.subscriptions import asked_for

        self._check_options("iter_subscriptions", options)
        async for listing in self.iter_subscription_pages(page_size, **options):
            for subscription in asked_for(listing, chain_id, topic0, address, streaming_status):
                yield subscription

    async def iter_subscription_pages(
        self, page_size: int = 100, **options: Unpack[CallOptions]
    ) -> AsyncIterator[SubscriptionListResponse]:
        """
        Go through the pages of the subscriber's subscriptions.

        Args:
            page_size: How many a page holds, 1 to 1000.
            **options: See `CallOptions`; they hold for each page.

        Yields:
            Each page, as `list_subscriptions` gives it.

        Raises:
            EventStreamerSDKError: If a call fails; the subclass and `status_code` say how.

        Example:
            >>> async for listing in client.iter_subscription_pages():
            ...     print(listing.page, len(listing.subscriptions), listing.total)
        """
        from .._core.subscriptions import next_page

        self._check_options("iter_subscription_pages", options)
        page: int | None = 1
        while page is not None:
            listing = await self.list_subscriptions(page=page, page_size=page_size, **options)
            yield listing
            page = next_page(listing)

    async def wait_until_done(
        self,
        subscription: SubscriptionResponse | int,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # as the blocking client has it
        poll_interval: float = 1.0,
    ) -> SubscriptionResponse:
        """
        Wait until all events of a subscription have been processed, by whatever program.

        Args:
            subscription: The subscription, or its id. It has to have an `end_block`.
            timeout: Seconds to wait at most, 0 or more; None waits as long as it takes.
            poll_interval: Seconds between two questions to the service, more than 0.

        Returns:
            The subscription as it is in the end.

        Raises:
            EventStreamerTimeoutError: If it isn't done in time.
            EventStreamerValidationError: If it is live, and so never done, or a value is wrong.
            EventStreamerSDKError: If a call fails; the subclass and `status_code` say how.

        Example:
            >>> async for batch in client.create_streaming_client(subscription.id):
            ...     print(batch.batch_id)
            >>> done = await client.wait_until_done(subscription, timeout=60)
        """
        from .._core.subscriptions import Patience

        patience = Patience(subscription, timeout, poll_interval, time.monotonic())
        while True:
            now = await self.get_subscription(patience.subscription_id)
            pause = patience.pause(now, time.monotonic())
            if pause is None:
                return now
            await sleep(pause)

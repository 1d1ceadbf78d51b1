from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.subscription_list_response import SubscriptionListResponse


def list_subscriptions(
    subscriber_id: str | None = None, page: int = 1, page_size: int = 20
) -> Operation[SubscriptionListResponse]:
    """
    List the subscriber's subscriptions, a page at a time.

    Ordered by id. A page past the last one is empty.

    Args:
        subscriber_id: Whose subscriptions; without an API key it filters.
        page: Which page, counted from 1. 1 or more; default 1.
        page_size: How many subscriptions a page holds. 1 or more; default 20.

    Returns:
        The request. Its result: One page, and how many there are in all.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.subscription_list_response import SubscriptionListResponse

    _check.nullable(_check.text(min_length=1, max_length=255))(
        subscriber_id, "list_subscriptions: subscriber_id"
    )
    _check.integer(minimum=1, maximum=2147483647)(page, "list_subscriptions: page")
    _check.integer(minimum=1, maximum=1000)(page_size, "list_subscriptions: page_size")
    return Operation(
        operation_id="list_subscriptions",
        method="GET",
        path="/subscriptions",
        params=_send.in_query({"subscriber_id": subscriber_id, "page": page, "page_size": page_size}),
        json=None,
        headers={},
        parse=_read.answer_of(SubscriptionListResponse.from_dict),
        safe=True,
    )

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.subscription_response import SubscriptionResponse


def get_subscription(
    subscription_id: int, subscriber_id: str | None = None
) -> Operation[SubscriptionResponse]:
    """
    Get one subscription.

    Args:
        subscription_id: The id of the subscription. 1 or more.
        subscriber_id: Whose subscriptions; without an API key it filters.

    Returns:
        The request. Its result: The subscription.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.subscription_response import SubscriptionResponse

    _check.integer(minimum=1, maximum=9007199254740991)(subscription_id, "get_subscription: subscription_id")
    _check.nullable(_check.text(min_length=1, max_length=255))(
        subscriber_id, "get_subscription: subscriber_id"
    )
    return Operation(
        operation_id="get_subscription",
        method="GET",
        path=f"/subscriptions/{_send.last_in_path(subscription_id)}",
        params=_send.in_query({"subscriber_id": subscriber_id}),
        json=None,
        headers={},
        parse=_read.answer_of(SubscriptionResponse.from_dict),
        safe=True,
    )

from __future__ import annotations

from typing import TYPE_CHECKING

from ...types import (
    Operation,
    answer_of,
    in_path,
    in_query,
    integer,
    nullable,
    text,
)

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

    integer(minimum=1, maximum=9007199254740991)(subscription_id, "get_subscription: subscription_id")
    nullable(text(min_length=1, max_length=255))(subscriber_id, "get_subscription: subscriber_id")
    return Operation(
        operation_id="get_subscription",
        method="GET",
        path=f"/subscriptions/{in_path(subscription_id)}",
        params=in_query(
            subscriber_id=subscriber_id,
        ),
        json=None,
        headers={},
        parse=answer_of(SubscriptionResponse.from_dict),
        safe=True,
    )

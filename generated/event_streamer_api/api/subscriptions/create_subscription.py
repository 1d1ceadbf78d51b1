from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ...types import Operation

if TYPE_CHECKING:
    from ...models.subscription_create import SubscriptionCreate
    from ...models.subscription_response import SubscriptionResponse


def create_subscription(subscription: SubscriptionCreate) -> Operation[SubscriptionResponse]:
    """
    Create a subscription.

    Delivery begins when a client opens the stream of the new subscription. Without an API key the
    `subscriber_id` of the body owns the subscription; with one, the key's subscriber does.

    Args:
        subscription: The SubscriptionCreate to send.

    Returns:
        The request. Its result: The subscription, with its id (some services answer 200).

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.subscription_response import SubscriptionResponse

    _check.instance("SubscriptionCreate")(subscription, "create_subscription: subscription")
    return Operation(
        operation_id="create_subscription",
        method="POST",
        path="/subscriptions",
        params={},
        json=subscription.to_dict(),
        headers={},
        parse=_read.answer_of(SubscriptionResponse.from_dict),
        safe=False,
    )

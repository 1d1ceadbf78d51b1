from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ...types import Operation

if TYPE_CHECKING:
    from ...models.subscription_create import SubscriptionCreate
    from ...models.subscription_response import SubscriptionResponse


def get_or_create_subscription(subscription: SubscriptionCreate) -> Operation[SubscriptionResponse]:
    """
    Get the subscription that asks for just this, or create it.

    The subscriber's oldest subscription with the same event, chain, contracts, start block and end
    block is the answer, whoever made it and how; where there is none it is created. However many
    callers ask at once, one subscription is made. Case and order of `addresses` don't matter, nor
    does what decoding doesn't need (`internalType`, unknown fields). A service without this call
    answers 404, 405 or 501, and has done nothing.

    Args:
        subscription: The SubscriptionCreate to send.

    Returns:
        The request. Its result: The subscription that was there.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.subscription_response import SubscriptionResponse

    _check.instance("SubscriptionCreate")(subscription, "get_or_create_subscription: subscription")
    return Operation(
        operation_id="get_or_create_subscription",
        method="PUT",
        path="/subscriptions",
        params={},
        json=subscription.to_dict(),
        headers={},
        parse=_read.answer_of(SubscriptionResponse.from_dict),
        safe=True,
    )

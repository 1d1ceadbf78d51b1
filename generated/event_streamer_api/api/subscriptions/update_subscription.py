from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.subscription_response import SubscriptionResponse
    from ...models.subscription_update import SubscriptionUpdate


def update_subscription(subscription_id: int, update: SubscriptionUpdate) -> Operation[SubscriptionResponse]:
    """
    Change the fields of a subscription that are given.

    Fields that are left out stay as they are. `end_block: null` makes a bounded subscription a live
    one. Open streams end with `PROCESSING_STOPPED`, and a client connects again. With another chain
    or start block delivery begins anew, and older resume tokens are refused.

    Args:
        subscription_id: The id of the subscription. 1 or more.
        update: The SubscriptionUpdate to send.

    Returns:
        The request. Its result: The subscription as it is now.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.subscription_response import SubscriptionResponse

    _check.integer(minimum=1, maximum=9007199254740991)(
        subscription_id, "update_subscription: subscription_id"
    )
    _check.instance("SubscriptionUpdate")(update, "update_subscription: update")
    return Operation(
        operation_id="update_subscription",
        method="PUT",
        path=f"/subscriptions/{_send.last_in_path(subscription_id)}",
        params={},
        json=update.to_dict(),
        headers={},
        parse=_read.answer_of(SubscriptionResponse.from_dict),
        safe=True,
    )

from __future__ import annotations

from ...types import (
    Operation,
    in_path,
    in_query,
    integer,
    succeeded,
)


def delete_subscription(subscription_id: int) -> Operation[bool]:
    """
    Delete a subscription and end its streams.

    Args:
        subscription_id: The id of the subscription. 1 or more.

    Returns:
        The request. Its result: True. The subscription is gone.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    integer(minimum=1, maximum=9007199254740991)(subscription_id, "delete_subscription: subscription_id")
    return Operation(
        operation_id="delete_subscription",
        method="DELETE",
        path=f"/subscriptions/{in_path(subscription_id)}",
        params=in_query(),
        json=None,
        headers={},
        parse=succeeded,
        safe=True,
    )

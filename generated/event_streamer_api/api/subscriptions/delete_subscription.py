from __future__ import annotations

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation


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

    _check.integer(minimum=1, maximum=9007199254740991)(
        subscription_id, "delete_subscription: subscription_id"
    )
    return Operation(
        operation_id="delete_subscription",
        method="DELETE",
        path=f"/subscriptions/{_send.last_in_path(subscription_id)}",
        params={},
        json=None,
        headers={},
        parse=_read.succeeded,
        safe=True,
    )

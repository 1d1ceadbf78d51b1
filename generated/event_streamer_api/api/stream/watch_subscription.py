from __future__ import annotations

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation


def watch_subscription(subscription_id: int, last_blocks: int = 20) -> Operation[None]:
    """
    Look at a subscription's events without taking part in their delivery.

    The lines of a stream, from shortly before the head on, or of the last blocks of a range that
    has an end. It changes nothing: no acknowledgement and no heartbeat is taken for it, the
    subscription doesn't count as processing, and its progress stays where it is. So `resume_token`
    is empty in every message. A paused subscription can be watched too.

    Args:
        subscription_id: The id of the subscription. 1 or more.
        last_blocks: How many of the newest blocks to begin with. 0 or more; default 20.

    Returns:
        The request. Its result: The stream.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """

    _check.integer(minimum=1, maximum=9007199254740991)(
        subscription_id, "watch_subscription: subscription_id"
    )
    _check.integer(minimum=0, maximum=1000)(last_blocks, "watch_subscription: last_blocks")
    return Operation(
        operation_id="watch_subscription",
        method="GET",
        path=f"/subscriptions/{_send.in_path(subscription_id)}/watch",
        params=_send.in_query({"last_blocks": last_blocks}),
        json=None,
        headers={},
        parse=_read.nothing,
        safe=True,
    )

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.activity_response import ActivityResponse


def get_activity(subscription_id: int | None = None, minutes: int = 20) -> Operation[ActivityResponse]:
    """
    Get events per second and lag over time.

    A point every 5 s for the last 20 minutes, or every minute for up to 6 hours. The service keeps
    them in memory: they begin with its start. A subscriber's figures are of its own subscriptions
    alone.

    Args:
        subscription_id: Of this subscription alone; left out, of all. 1 or more.
        minutes: How far to look back. Up to 20 a point is 5 s, beyond that a minute. 1 or more;
            default 20.

    Returns:
        The request. Its result: The figures, oldest first; the three lists are of the same length.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.activity_response import ActivityResponse

    _check.nullable(_check.integer(minimum=1, maximum=9007199254740991))(
        subscription_id, "get_activity: subscription_id"
    )
    _check.integer(minimum=1, maximum=360)(minutes, "get_activity: minutes")
    return Operation(
        operation_id="get_activity",
        method="GET",
        path="/api/activity",
        params=_send.in_query({"subscription_id": subscription_id, "minutes": minutes}),
        json=None,
        headers={},
        parse=_read.answer_of(ActivityResponse.from_dict),
        safe=True,
    )

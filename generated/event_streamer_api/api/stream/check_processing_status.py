from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks as _check
from ... import reading as _read
from ... import sending as _send
from ...types import Operation

if TYPE_CHECKING:
    from ...models.processing_status_response import ProcessingStatusResponse


def check_processing_status(subscription_id: int) -> Operation[ProcessingStatusResponse]:
    """
    Get whether a subscription is being processed now, and over how many connections.

    Args:
        subscription_id: The id of the subscription. 1 or more.

    Returns:
        The request. Its result: The status.

    Raises:
        EventStreamerValidationError: If an argument breaks a rule of the API.
    """
    from ...models.processing_status_response import ProcessingStatusResponse

    _check.integer(minimum=1, maximum=9007199254740991)(
        subscription_id, "check_processing_status: subscription_id"
    )
    return Operation(
        operation_id="check_processing_status",
        method="GET",
        path=f"/subscriptions/{_send.in_path(subscription_id)}/processing-status",
        params={},
        json=None,
        headers={},
        parse=_read.answer_of(ProcessingStatusResponse.from_dict),
        safe=True,
    )
